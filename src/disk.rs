//! Room on a disk, asked before much is written. Knows no file's content.

use std::path::{Path, PathBuf};

/// A disk has less room than is needed.
#[derive(Debug, thiserror::Error)]
#[error("this needs {needed} bytes in `{}`, {available} are free", folder.display())]
pub struct NoSpace {
    pub folder: PathBuf,
    pub needed: u64,
    pub available: u64,
}

/// Whether the disk of `folder` has room for so many more bytes; where the system does not say, a full disk is found when it is full.
pub fn check(folder: &Path, needed: u64) -> Result<(), NoSpace> {
    match available(folder) {
        Some(available) if available < needed => Err(NoSpace { folder: folder.to_owned(), needed, available }),
        _ => Ok(()),
    }
}

/// The same for several folders at once, which need not be there yet: what goes to one disk is counted together.
pub fn check_all(parts: &[(&Path, u64)]) -> Result<(), NoSpace> {
    let placed: Vec<(PathBuf, u64)> = parts.iter().map(|(folder, needed)| (existing(folder), *needed)).collect();
    placed.iter().try_for_each(|(folder, _)| {
        let together = placed.iter().filter(|(other, _)| are_on_one_disk(other, folder));
        check(folder, together.map(|(_, needed)| needed).sum())
    })
}

/// The nearest folder above that is there already.
pub fn existing(folder: &Path) -> PathBuf {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    whole.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// Free bytes on the disk of a folder, where the system says.
#[cfg(unix)]
pub fn available(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail * found.f_frsize)
}

#[cfg(not(unix))]
pub fn available(_: &Path) -> Option<u64> {
    None
}

#[cfg(unix)]
fn are_on_one_disk(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    matches!((one.metadata(), other.metadata()), (Ok(one), Ok(other)) if one.dev() == other.dev())
}

/// Rather too much is asked for than too little.
#[cfg(not(unix))]
fn are_on_one_disk(_: &Path, _: &Path) -> bool {
    true
}

/// What a file takes on the disk, which is less than its length where nothing was written.
#[cfg(unix)]
pub fn allocated(file: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    // Counted in units of 512 bytes, whatever the disk's own.
    file.metadata().map_or(0, |metadata| metadata.blocks() * 512)
}

#[cfg(not(unix))]
pub fn allocated(_: &Path) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_asked_and_holes_take_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(check(folder.path(), 1).is_ok());
        if cfg!(unix) {
            let error = check(folder.path(), u64::MAX).expect_err("no disk is so large");
            assert!(error.available > 0 && error.to_string().contains("are free"), "{error}");
            let file = folder.path().join("hole");
            std::fs::File::create(&file).and_then(|file| file.set_len(1 << 30)).expect("a file");
            assert!(allocated(&file) < 1 << 20);
            let (free, below) = (available(folder.path()).expect("a disk"), folder.path().join("not/yet/there"));
            assert_eq!(existing(&below), folder.path());
            let halves = [(folder.path(), free / 2 + (1 << 40)), (below.as_path(), free / 2)];
            let error = check_all(&halves).expect_err("together it is too much");
            assert_eq!(error.needed, free / 2 + (1 << 40) + free / 2);
            assert!(check_all(&[(folder.path(), 1), (below.as_path(), 1)]).is_ok());
        }
    }
}
