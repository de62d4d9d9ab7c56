//! Packing that can be interrupted: the data under a name of its own, and beside it one line for each tensor that is whole.
//! A line is believed only if the data still has its digest, so that it does not matter what reached the disk in which order.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::error::PackedError;
use crate::weights::loss::Losses;

/// A tensor that is whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub tensor: String,
    pub sha256: String,
    pub losses: Option<Losses>,
}

/// The files of one packing, held by this process alone until it is dropped.
pub(super) struct Journal {
    /// The data; also what is locked.
    data: PathBuf,
    lines: PathBuf,
    /// What was done before, by tensor.
    pub earlier: HashMap<String, Line>,
    writer: Mutex<File>,
    /// Its lock goes with it.
    _held: File,
}

/// The endings of the two files.
const DATA: &str = "partial";
const LINES: &str = "journal";

impl Journal {
    /// Takes up the packing to `out` that `identity` names, or begins it.
    pub fn open(out: &Path, identity: &str) -> Result<Journal, PackedError> {
        let (data, lines) = (beside(out, identity, DATA), beside(out, identity, LINES));
        let failed = |file: &Path| {
            let file = file.to_owned();
            move |source| PackedError::File { doing: "write", file, source }
        };
        let held = OpenOptions::new().create(true).truncate(false).write(true).open(&data).map_err(failed(&data))?;
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PackedError::Busy { file: out.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(&data)(source)),
        }
        // Another process may have finished between our opening and our lock, and renamed the file away from us.
        if !data.exists() {
            return Err(PackedError::Busy { file: out.to_owned() });
        }
        let text = std::fs::read_to_string(&lines).unwrap_or_default();
        // A line that was cut short by the end of its process is none.
        let earlier = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let earlier = earlier.map(|line| (line.tensor.clone(), line)).collect();
        let writer = OpenOptions::new().create(true).append(true).open(&lines).map_err(failed(&lines))?;
        Ok(Journal { data, lines, earlier, writer: Mutex::new(writer), _held: held })
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Notes that a tensor is whole.
    pub fn add(&self, line: &Line) -> Result<(), PackedError> {
        let failed = |source| PackedError::File { doing: "write", file: self.lines.clone(), source };
        let text = serde_json::to_string(line).map_err(|error| failed(error.into()))?;
        let mut writer = self.writer.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // On a line of its own, whatever the last process left behind.
        writer.write_all(format!("\n{text}\n").as_bytes()).map_err(failed)
    }

    /// Removes what was written.
    pub fn discard(self) {
        let _ = std::fs::remove_file(&self.lines);
        let _ = std::fs::remove_file(&self.data);
    }

    /// Gives the data its final name, and removes what was left of this and of other packings to it.
    pub fn finish(self, out: &Path) -> Result<(), PackedError> {
        let failed = |source| PackedError::File { doing: "write", file: out.to_owned(), source };
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

/// The folder that `out` lies in.
pub(super) fn folder(out: &Path) -> &Path {
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

/// The data of interrupted packings to `out`.
fn others(out: &Path) -> Vec<PathBuf> {
    let (prefix, Ok(entries)) = (prefix(out), std::fs::read_dir(folder(out))) else { return Vec::new() };
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let identity = name.strip_prefix(prefix.as_encoded_bytes()).and_then(|rest| rest.strip_suffix(b".partial"));
        identity.is_some_and(|identity| identity.len() == 16 && identity.iter().all(u8::is_ascii_hexdigit))
    };
    entries.flatten().map(|entry| entry.path()).filter(is_one).collect()
}

/// Makes a rename last.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tensor: &str) -> Line {
        Line { tensor: tensor.to_owned(), sha256: "0".repeat(64), losses: None }
    }

    #[test]
    fn whole_lines_are_found_again_and_torn_ones_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out");
        let first = Journal::open(&out, "0123456789abcdef").expect("a journal");
        assert!(first.earlier.is_empty());
        first.add(&line("a")).expect("a line");
        assert!(matches!(Journal::open(&out, "0123456789abcdef"), Err(PackedError::Busy { .. })));
        let lines = first.lines.clone();
        drop(first);
        let torn = std::fs::read_to_string(&lines).expect("text") + "{\"tensor\": \"b\", \"sha";
        std::fs::write(&lines, torn).expect("a file");
        let second = Journal::open(&out, "0123456789abcdef").expect("a journal");
        assert_eq!(second.earlier.keys().collect::<Vec<_>>(), ["a"]);
        second.add(&line("c")).expect("a line");
        drop(second);

        let other = Journal::open(&out, "ffffffffffffffff").expect("a journal");
        assert!(other.earlier.is_empty());
        let third = Journal::open(&out, "0123456789abcdef").expect("a journal");
        assert_eq!(third.earlier.len(), 2);
        // What another process works on stays.
        third.finish(&out).expect("a file");
        assert_eq!(others(&out), [other.data().to_owned()]);
        other.finish(&out).expect("a file");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "only the packed file is left");
    }
}
