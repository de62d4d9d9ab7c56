//! Files that take long to write: the data under a name of its own beside the final one, and beside it lines that say what of it is done.
//! Held by one process at a time. What a line means, and when it is believed, is for whoever wrote it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Why a file cannot be taken up or finished.
#[derive(Debug, thiserror::Error)]
pub enum PartialError {
    #[error("another process is writing `{}`", file.display())]
    Busy { file: PathBuf },
    #[error("cannot write `{}`: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
}

/// A file in the making, held by this process alone until it is dropped.
#[derive(Debug)]
pub struct Partial {
    /// The data; also what is locked.
    data: PathBuf,
    lines: PathBuf,
    /// What processes before this one added.
    pub earlier: Vec<String>,
    writer: Mutex<File>,
    /// Its lock goes with it.
    _held: File,
}

/// The endings of the two files.
const DATA: &str = "partial";
const LINES: &str = "journal";

impl Partial {
    /// Takes up the file for `out` whose content `identity`, 16 hexadecimal digits, names; or begins it.
    pub fn open(out: &Path, identity: &str) -> Result<Partial, PartialError> {
        let (data, lines) = (beside(out, identity, DATA), beside(out, identity, LINES));
        let failed = |file: &Path| {
            let file = file.to_owned();
            move |source| PartialError::File { file, source }
        };
        let held = OpenOptions::new().create(true).truncate(false).write(true).open(&data).map_err(failed(&data))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PartialError::Busy { file: out.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(&data)(source)),
        }
        // Another process may have finished between our opening and our lock, and renamed the file away from us.
        if !is_at(&held, &data) {
            return Err(PartialError::Busy { file: out.to_owned() });
        }
        let text = std::fs::read_to_string(&lines).unwrap_or_default();
        // A line that was cut short by the end of its process is none.
        let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let earlier = whole.filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let writer = OpenOptions::new().create(true).append(true).open(&lines).map_err(failed(&lines))?;
        Ok(Partial { data, lines, earlier, writer: Mutex::new(writer), _held: held })
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Adds a line.
    pub fn add(&self, line: &str) -> Result<(), PartialError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // On a line of its own, whatever the last process left behind.
        let written = writer.write_all(format!("\n{line}\n").as_bytes());
        written.map_err(|source| PartialError::File { file: self.lines.clone(), source })
    }

    /// Removes what was written; nothing is to be added then.
    pub fn discard(&self) {
        let _ = std::fs::remove_file(&self.lines);
        let _ = std::fs::remove_file(&self.data);
    }

    /// Gives the data its final name, and removes what was left of this and of other contents for it.
    pub fn finish(&self, out: &Path) -> Result<(), PartialError> {
        let failed = |source| PartialError::File { file: out.to_owned(), source };
        std::fs::rename(&self.data, out).map_err(failed)?;
        sync_folder(folder(out)).map_err(failed)?;
        let _ = std::fs::remove_file(&self.lines);
        for stale in others(out) {
            let held = File::open(&stale).is_ok_and(|file| file.try_lock().is_err());
            if !held {
                let _ = std::fs::remove_file(stale.with_extension(LINES));
                let _ = std::fs::remove_file(&stale);
            }
        }
        Ok(())
    }
}

/// The bytes on the disk of the data for `out` that `identity` names, without taking it up.
pub fn allocated(out: &Path, identity: &str) -> u64 {
    crate::disk::allocated(&beside(out, identity, DATA))
}

/// The folder that `out` lies in.
pub fn folder(out: &Path) -> &Path {
    out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// `.NAME.IDENTITY.ENDING` beside `out`.
fn beside(out: &Path, identity: &str, ending: &str) -> PathBuf {
    let mut name = prefix(out);
    name.push(format!("{identity}.{ending}"));
    folder(out).join(name)
}

fn prefix(out: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(out.file_name().unwrap_or_default());
    name.push(".");
    name
}

/// The data of interrupted writing for `out`.
fn others(out: &Path) -> Vec<PathBuf> {
    let (prefix, Ok(entries)) = (prefix(out), std::fs::read_dir(folder(out))) else { return Vec::new() };
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let identity = name.strip_prefix(prefix.as_encoded_bytes()).and_then(|rest| rest.strip_suffix(b".partial"));
        identity.is_some_and(|identity| identity.len() == 16 && identity.iter().all(u8::is_ascii_hexdigit))
    };
    entries.flatten().map(|entry| entry.path()).filter(is_one).collect()
}

/// Whether an open file is the one that has this name now.
#[cfg(unix)]
pub fn is_at(open: &File, name: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    matches!((open.metadata(), name.metadata()), (Ok(open), Ok(named)) if (open.dev(), open.ino()) == (named.dev(), named.ino()))
}

#[cfg(not(unix))]
pub fn is_at(_: &File, name: &Path) -> bool {
    name.exists()
}

/// Makes renames last through a loss of power, where the system can: a folder is not a file everywhere.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_found_again_and_torn_ones_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out");
        let first = Partial::open(&out, "0123456789abcdef").expect("a file");
        assert!(first.earlier.is_empty());
        first.add("a").expect("a line");
        assert!(matches!(Partial::open(&out, "0123456789abcdef"), Err(PartialError::Busy { .. })));
        let lines = first.lines.clone();
        drop(first);
        let torn = std::fs::read_to_string(&lines).expect("text") + "torn";
        std::fs::write(&lines, torn).expect("a file");
        let second = Partial::open(&out, "0123456789abcdef").expect("a file");
        assert_eq!(second.earlier, ["a"]);
        second.add("c").expect("a line");
        drop(second);

        let other = Partial::open(&out, "ffffffffffffffff").expect("a file");
        assert!(other.earlier.is_empty());
        let third = Partial::open(&out, "0123456789abcdef").expect("a file");
        // What was torn has become a line of its own: whoever reads lines knows its own.
        assert_eq!(third.earlier, ["a", "torn", "c"]);
        // What another process works on stays.
        third.finish(&out).expect("a file");
        assert_eq!(others(&out), [other.data().to_owned()]);
        other.finish(&out).expect("a file");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "only the finished file is left");
    }
}
