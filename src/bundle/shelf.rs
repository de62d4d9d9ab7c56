//! The folder of the cache of executables: its files by key and kind, what is thrown away to make room, and what a person sees of it.
//! Knows names and headers, and not whether an executable is of use.

use std::fs;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::entry::{Header, Label};
use super::key::Key;
use super::lock::Lock;
use super::sealed;
use super::shortage::Shortage;
use crate::partial::sync_folder;

/// What was compiled here.
pub(super) const ENTRY: &str = "executable";
/// What a remote cache had, as it had it. Whether it is believed, each run decides.
pub(super) const SHARED: &str = "shared";
const PARTIAL: &str = "partial";
pub(super) const LOCK: &str = "lock";

/// A folder of executables that holds so many bytes at most.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    pub folder: PathBuf,
    pub limit_bytes: u64,
}

/// One entry of the cache, for a person to see.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub file: PathBuf,
    /// The digest of its key.
    pub id: String,
    pub bytes: u64,
    pub last_used: SystemTime,
    /// What the entry says of itself, or why it is none.
    pub content: Result<Content, String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub label: Label,
    pub key: Key,
    pub created: SystemTime,
    pub compile_seconds: f64,
    /// Why there is no executable, if the entry keeps a verdict instead.
    pub shortage: Option<Shortage>,
    /// Whether a remote cache had it.
    pub is_shared: bool,
}

/// What `Cache::clear` removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    pub executables: usize,
    pub bytes: u64,
}

impl Shelf {
    /// Writes a file beside its place and moves it there once it is on the disk, then makes room.
    pub fn store(
        &self,
        kind: &str,
        id: &str,
        bytes: u64,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if bytes > self.limit_bytes {
            return Err(io::Error::other(format!("{bytes} bytes are more than the cache may hold")));
        }
        create(&self.folder)?;
        let file = self.file(id, kind);
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{id}.");
        let mut partial = builder.prefix(&prefix).suffix(".partial").tempfile_in(&self.folder)?;
        let mut out = BufWriter::new(partial.as_file_mut());
        write(&mut out)?;
        out.flush()?;
        drop(out);
        partial.as_file().sync_all()?;
        partial.persist(&file)?;
        // What a loss of power takes back is compiled again.
        let _ = sync_folder(&self.folder);
        self.sweep();
        self.make_room(&file);
        Ok(())
    }

    /// Removes what writers that were killed left behind. The files of a living writer are safe: it holds the lock of their key.
    fn sweep(&self) {
        for (file, kind) in self.files().unwrap_or_default() {
            let Some(id) = id_of(&file).filter(|_| !is_entry(kind)) else { continue };
            if let Ok(Some(lock)) = Lock::try_take(&self.file(&id, LOCK)) {
                if kind == PARTIAL {
                    let _ = fs::remove_file(&file);
                }
                drop(lock);
            }
        }
    }

    /// Removes the least recently used entries until the rest are within the limit; never `newest`.
    fn make_room(&self, newest: &Path) {
        let stat = |file: PathBuf| fs::metadata(&file).ok().map(|data| (last_used(&data), data.len(), file));
        let files = self.files().unwrap_or_default().into_iter().filter(|row| is_entry(row.1));
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = files.filter_map(|(file, _)| stat(file)).collect();
        entries.sort();
        let mut total: u64 = entries.iter().map(|entry| entry.1).sum();
        for (_, bytes, file) in entries {
            if total <= self.limit_bytes {
                break;
            }
            if file != newest && fs::remove_file(&file).is_ok() {
                log::info!("executable removed to make room in the cache\n  in `{}`", file.display());
                total -= bytes;
            }
        }
    }

    /// All entries, the most recently used first. A cache that does not exist has none.
    pub fn list(&self) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for (file, kind) in self.files()? {
            let (Some(id), Ok(data)) = (id_of(&file).filter(|_| is_entry(kind)), fs::metadata(&file)) else { continue };
            let read = match kind {
                SHARED => sealed::read_header(&file),
                _ => Header::read(&file),
            };
            let content = match read {
                Ok(header) if header.key.id() == id => Ok(Content {
                    label: header.label,
                    key: header.key,
                    created: SystemTime::UNIX_EPOCH
                        .checked_add(Duration::from_secs(header.created))
                        .unwrap_or(SystemTime::UNIX_EPOCH),
                    compile_seconds: header.compile_seconds,
                    shortage: header.findings.shortage,
                    is_shared: kind == SHARED,
                }),
                Ok(_) => Err("is the executable of another key".to_string()),
                Err(error) => Err(error.to_string()),
            };
            listed.push(Listed { file, id, bytes: data.len(), last_used: last_used(&data), content });
        }
        listed.sort_by(|left, right| right.last_used.cmp(&left.last_used).then(left.id.cmp(&right.id)));
        Ok(listed)
    }

    /// Removes everything that the cache wrote, except what another process is writing, and no other file.
    pub fn clear(&self) -> io::Result<Cleared> {
        let mut cleared = Cleared::default();
        for (file, kind) in self.files()? {
            if is_entry(kind) {
                let bytes = fs::metadata(&file).map_or(0, |data| data.len());
                match fs::remove_file(&file) {
                    Ok(()) => {
                        cleared.executables += 1;
                        cleared.bytes += bytes;
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        self.sweep();
        match fs::remove_file(self.stamps()) {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Err(error),
            _ => Ok(cleared),
        }
    }

    pub fn file(&self, id: &str, kind: &str) -> PathBuf {
        self.folder.join(format!("{id}.{kind}"))
    }

    /// The files that are named as the cache names its own, with their kinds.
    fn files(&self) -> io::Result<Vec<(PathBuf, &'static str)>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in entries {
            let file = entry?.path();
            let kind = file
                .extension()
                .and_then(|kind| [ENTRY, SHARED, PARTIAL, LOCK].into_iter().find(|known| *known == kind));
            if let Some(kind) = kind.filter(|_| id_of(&file).is_some()) {
                files.push((file, kind));
            }
        }
        Ok(files)
    }

    /// The file that remembers digests of plugins.
    pub fn stamps(&self) -> PathBuf {
        self.folder.join("plugins.json")
    }
}

fn is_entry(kind: &str) -> bool {
    [ENTRY, SHARED].contains(&kind)
}

/// The digest that a file of the cache is named after.
fn id_of(file: &Path) -> Option<String> {
    let id = file.file_name()?.to_str()?.split('.').next()?;
    (id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_string())
}

fn last_used(data: &fs::Metadata) -> SystemTime {
    data.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Creates the folder for its owner alone, as what lies in it will be executed.
pub(super) fn create(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
