//! Where a bundle comes from that is not in a folder here: its manifest is read each time, its other files once, when they are needed.
//! Nothing that comes from there is used before its checksum is that of the manifest.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::copies::BundleCopies;
use super::error::BundleError;
use super::folder::{CHECKSUMS, MANIFEST, MANIFEST_BYTES_MAX, SIGNATURE, check_digest, io_error, listed_digest};
use super::manifest::Manifest;
use crate::digest::sha256;
use crate::disk;
use crate::partial::{Partial, PartialError};
use crate::progress::{Event, Progress, Unit};
use crate::signature::{self, Mistrust, Trust};
use crate::storage::{Limits, Place, Reader, Store};

/// Content is named by its checksum: what an older manifest names stays, and two writers cannot mix theirs.
pub(super) fn object(digest: &str) -> String {
    format!("objects/{digest}")
}

/// Named by what it signs, so that it is never that of another manifest.
pub(super) fn signature_object(manifest: &str) -> String {
    format!("objects/{manifest}{}", signature::END)
}

/// A file whose length a manifest does not say has no more bytes.
const FILE_BYTES_MAX: u64 = 16 << 30;

/// How often one looks whether another process has the file.
const POLL: Duration = Duration::from_millis(100);

/// The place of a bundle.
#[derive(Clone)]
pub(super) struct Origin {
    store: Store,
    progress: &'static dyn Progress,
}

impl Origin {
    /// The folder for what is needed here, the manifest, and the place, which `trust` must have signed if there is such a key.
    pub fn open(
        place: &Place,
        trust: Option<&Trust>,
        progress: &'static dyn Progress,
    ) -> Result<(PathBuf, Manifest, Origin), BundleError> {
        let store = Store::open(place, Limits::PATIENT)?;
        let missing = || BundleError::NotABundle { folder: place.to_string().into(), missing: MANIFEST };
        let json = store.get(MANIFEST, MANIFEST_BYTES_MAX)?.ok_or_else(missing)?.bytes;
        let digest = sha256(&json);
        let file = PathBuf::from(format!("{place}/{MANIFEST}"));
        if let Some(trust) = trust {
            let found = match store.get(&signature_object(&digest), signature::BYTES_MAX)? {
                None => store.get(SIGNATURE, signature::BYTES_MAX)?,
                found => found,
            };
            let checked = found.map_or(Err(Mistrust::Unsigned), |found| trust.check(&json, &found.bytes));
            checked.map_err(|mistrust| BundleError::Untrusted { place: place.to_string(), mistrust })?;
        } else if !matches!(store.version(&object(&digest)), Ok(Some(_))) {
            // Absent, or a server that has no answer to the question.
            check_listed(&store, &file, &json)?;
        }
        Manifest::check_format(&json, &file)?;
        let manifest = Manifest::parse(&json, &file)?;
        let copies = BundleCopies::open_default().ok_or(BundleError::NoCopies)?;
        let folder = copies
            .take(&digest, &json)
            .map_err(|source| io_error("keep a copy of the bundle", copies.folder(), source))?;
        Ok((folder, manifest, Origin { store, progress }))
    }

    pub fn place(&self) -> &Place {
        self.store.place()
    }

    /// The content of `file` with this checksum, which is fetched if it is not here. `bytes` is its length, or 0.
    pub fn bring(&self, file: &Path, name: &str, digest: &str, bytes: u64) -> Result<Vec<u8>, BundleError> {
        // Whatever became of a copy, there is another one where it came from.
        if let Ok(content) = fs::read(file)
            && check_digest(file, &content, digest).is_ok()
        {
            return Ok(content);
        }
        let identity = digest.get(..16).unwrap_or(digest);
        let mut told = false;
        let partial = loop {
            match Partial::open(file, identity) {
                Err(PartialError::Busy { .. }) => {
                    if let Ok(content) = fs::read(file)
                        && check_digest(file, &content, digest).is_ok()
                    {
                        return Ok(content);
                    }
                    if !std::mem::replace(&mut told, true) {
                        let sentence = format!("another process is fetching `{name}`; waiting for it");
                        self.progress.report(Event::Note(&sentence));
                    }
                    std::thread::sleep(POLL);
                }
                taken => break taken?,
            }
        };
        let began = fs::metadata(partial.data()).map_or(0, |data| data.len());
        let mut content = self.fetch(&partial, name, digest, bytes, began);
        let is_sound = |content: &Result<Vec<u8>, BundleError>| {
            content.as_ref().is_ok_and(|content| check_digest(file, content, digest).is_ok())
        };
        // What was begun before may be damaged, or the server may not go on in the middle: then once from the start.
        if began > 0 && !is_sound(&content) {
            content = self.fetch(&partial, name, digest, bytes, 0);
        }
        let content = content?;
        let shown = PathBuf::from(format!("{}/{name}", self.place()));
        if let Err(error) = check_digest(&shown, &content, digest) {
            partial.discard();
            return Err(error);
        }
        partial.finish(file)?;
        Ok(content)
    }

    /// Fetches from byte `from` on, and gives all that is here then.
    fn fetch(
        &self,
        partial: &Partial,
        name: &str,
        digest: &str,
        bytes: u64,
        from: u64,
    ) -> Result<Vec<u8>, BundleError> {
        let failed = |source| io_error("write a copy of the bundle", partial.data(), source);
        let mut out = OpenOptions::new().write(true).open(partial.data()).map_err(failed)?;
        out.set_len(from).and_then(|()| out.seek(SeekFrom::Start(from))).map_err(failed)?;
        if bytes == 0 || from < bytes {
            let mut reader = self.reader(name, digest, from)?;
            let (found, most) = (reader.bytes(), if bytes == 0 { FILE_BYTES_MAX } else { bytes });
            if found > most || (bytes > 0 && found != bytes) {
                let problem = format!("it has {found} bytes, the manifest says {most}");
                return Err(BundleError::Damaged { file: format!("{}/{name}", self.place()).into(), problem });
            }
            disk::check(partial.data().parent().unwrap_or(Path::new(".")), found.saturating_sub(from))?;
            let what = format!("fetch {name}");
            self.progress.report(Event::Begin { what: &what, total: Some(found), unit: Unit::Bytes });
            self.progress.report(Event::Advance(from));
            let mut take = || -> Result<(), BundleError> {
                let mut here = from;
                while let Some(part) = reader.part()? {
                    here += part.len() as u64;
                    if here > found {
                        let problem = format!("it has more than the {found} bytes that it says");
                        return Err(BundleError::Damaged { file: format!("{}/{name}", self.place()).into(), problem });
                    }
                    out.write_all(&part).map_err(failed)?;
                    self.progress.report(Event::Advance(part.len() as u64));
                }
                out.sync_all().map_err(failed)
            };
            let taken = take();
            self.progress.report(Event::End(if taken.is_ok() { "" } else { "failed" }));
            taken?;
        }
        fs::read(partial.data()).map_err(failed)
    }

    /// A file by its checksum, or by its name where someone has put a bundle's folder as it is.
    fn reader(&self, name: &str, digest: &str, from: u64) -> Result<Reader, BundleError> {
        let found = match self.store.read(&object(digest), from)? {
            None => self.store.read(name, from)?,
            found => found,
        };
        found.ok_or_else(|| BundleError::Lacks {
            place: self.place().to_string(),
            name: name.to_owned(),
            object: object(digest),
        })
    }
}

/// What is named by its checksum nowhere must be listed, as in a folder.
fn check_listed(store: &Store, file: &Path, json: &[u8]) -> Result<(), BundleError> {
    let damaged = |problem: &str| BundleError::Damaged { file: file.to_path_buf(), problem: problem.to_owned() };
    let sums = store.get(CHECKSUMS, MANIFEST_BYTES_MAX)?;
    let sums = sums.ok_or_else(|| damaged("no checksum there is that of the manifest"))?;
    check_digest(file, json, &listed_digest(&sums.bytes).ok_or_else(|| damaged("its checksum is not listed"))?)
}

impl fmt::Debug for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Origin({})", self.place())
    }
}
