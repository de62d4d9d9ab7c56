//! What compilers printed: one file a worker, the last few kept. Knows names of files and nothing of their content.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::cache::Cache;

/// Logs that are kept: enough to find the one of a failure that was noticed late.
const KEPT: usize = 20;

const END: &str = ".log";

/// A new file for what the compiler of `target` prints: in the folder `logs` beside the user's cache, or where there is none, in
/// the system's folder of temporary files. Older logs make room.
pub fn new_log(target: &str) -> io::Result<PathBuf> {
    let folder = Cache::default_folder().and_then(|executables| Some(executables.parent()?.join("logs")));
    match folder.map(|folder| new_in(&folder, target)) {
        Some(Ok(path)) => Ok(path),
        _ => create(&std::env::temp_dir(), "precast-", target),
    }
}

fn new_in(folder: &Path, target: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    make_room(folder);
    // Sorted by name they are sorted by time.
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    create(folder, &format!("{}-", time.as_secs()), target)
}

/// A file that nobody else has; the name of the target is for people, and less what no file name should have.
fn create(folder: &Path, begin: &str, target: &str) -> io::Result<PathBuf> {
    let plain: String =
        target.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').take(40).collect();
    let file = tempfile::Builder::new().prefix(&format!("{begin}{plain}-")).suffix(END).tempfile_in(folder)?;
    Ok(file.into_temp_path().keep()?)
}

/// Removes the oldest until there is room for one more. A log that another process removed first is as good.
fn make_room(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut logs: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == &END[1..])).collect();
    logs.sort();
    for old in logs.iter().take((logs.len() + 1).saturating_sub(KEPT)) {
        let _ = fs::remove_file(old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_are_kept_and_nothing_else_is_touched() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("mine.txt"), "").expect("written");
        for age in 0..30 {
            fs::write(dir.path().join(format!("{}-v5e-1-x.log", 1_700_000_000 + age)), "").expect("written");
        }
        let path = new_in(dir.path(), "../v5e:1").expect("a log");
        assert!(path.is_file() && path.to_string_lossy().contains("-v5e1-"), "{path:?}");
        let mut left: Vec<String> = fs::read_dir(dir.path())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        assert_eq!((left.len(), left[0].as_str()), (KEPT + 1, "1700000011-v5e-1-x.log"));
        assert!(left.contains(&"mine.txt".to_string()));
    }
}
