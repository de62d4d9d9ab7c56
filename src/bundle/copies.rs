//! Copies of bundles that are elsewhere: a folder each, named by the checksum of its manifest, so that what is in one never changes.
//! The least recently used go when they hold too many bytes.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::cache::{Cache, limit_bytes};
use super::folder::MANIFEST;
use super::shelf::create;

/// What was opened more recently may be in use.
const IN_USE: Duration = Duration::from_secs(3600);

/// One copy, for a person to see.
#[derive(Clone, Debug, PartialEq)]
pub struct BundleCopy {
    pub folder: PathBuf,
    pub bytes: u64,
    pub last_used: SystemTime,
}

/// The folder of all copies.
#[derive(Clone, Debug)]
pub struct BundleCopies {
    folder: PathBuf,
}

impl BundleCopies {
    /// Beside the user's executables; none where no folder can be named.
    pub fn open_default() -> Option<BundleCopies> {
        Some(BundleCopies { folder: Cache::default_root()?.join("bundles") })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder for the bundle whose manifest has this content, ready to be filled. Makes room for it.
    pub(super) fn take(&self, digest: &str, manifest: &[u8]) -> io::Result<PathBuf> {
        let folder = self.folder.join(digest);
        create(&folder)?;
        let file = folder.join(MANIFEST);
        // Written anew each time: it is small, and its time is that of the last use.
        let mut fresh = tempfile::NamedTempFile::new_in(&folder)?;
        io::Write::write_all(&mut fresh, manifest)?;
        fresh.persist(&file).map_err(|error| error.error)?;
        self.make_room();
        Ok(folder)
    }

    fn make_room(&self) {
        let copies = self.list().unwrap_or_default();
        let mut total: u64 = copies.iter().map(|copy| copy.bytes).sum();
        for copy in copies.iter().rev() {
            if total <= limit_bytes() {
                return;
            }
            let is_old = copy.last_used.elapsed().is_ok_and(|age| age > IN_USE);
            if is_old && fs::remove_dir_all(&copy.folder).is_ok() {
                log::info!("copy of a bundle removed to make room\n  in `{}`", copy.folder.display());
                total -= copy.bytes;
            }
        }
    }

    /// All copies, the most recently used first.
    pub fn list(&self) -> io::Result<Vec<BundleCopy>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let is_copy = |folder: &PathBuf| {
            let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) && folder.is_dir()
        };
        let stat = |folder: PathBuf| {
            let last_used = fs::metadata(folder.join(MANIFEST)).and_then(|data| data.modified());
            let files = fs::read_dir(&folder).into_iter().flatten().flatten();
            let bytes = files.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum();
            BundleCopy { bytes, last_used: last_used.unwrap_or(SystemTime::UNIX_EPOCH), folder }
        };
        let folders = entries.flatten().map(|entry| entry.path()).filter(is_copy);
        let mut copies: Vec<BundleCopy> = folders.map(stat).collect();
        copies.sort_by(|left, right| right.last_used.cmp(&left.last_used).then(left.folder.cmp(&right.folder)));
        Ok(copies)
    }

    /// Removes all copies; how many there were, and their bytes.
    pub fn clear(&self) -> io::Result<(usize, u64)> {
        let copies = self.list()?;
        for copy in &copies {
            match fs::remove_dir_all(&copy.folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok((copies.len(), copies.iter().map(|copy| copy.bytes).sum()))
    }
}
