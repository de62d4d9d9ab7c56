//! A packed file that nobody names: it lies in a place of precast's own, and is used again because it is right and not because it is there.
//! A note beside it says what it was made of, and how it stood when it was whole.

use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::error::PackedError;
use super::open::Packed;
use crate::partial;
use crate::plan::Plan;
use crate::progress::Progress;

/// The place of a packed file, whether there is one or not.
#[derive(Clone, Debug)]
pub struct Kept {
    file: PathBuf,
}

/// What is in a place.
pub enum Found {
    Nothing,
    /// Made of what was asked for, as it was asked for, and whole.
    Sound(Box<Packed>),
    /// Why it is not to be used.
    Unfit(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    source: String,
    bytes: u64,
    /// In nanoseconds since 1970; none where the file system does not tell.
    modified: Option<u64>,
}

impl Kept {
    pub fn new(file: PathBuf) -> Kept {
        Kept { file }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Looks whether the file was made of `source`, or without one of whatever its note says, and is what `plan` takes.
    ///
    /// Takes milliseconds if nobody has written to the file since it was made; every checksum is compared otherwise.
    pub fn find(&self, source: Option<&str>, plan: &Plan, progress: &dyn Progress) -> Found {
        if !self.file.exists() {
            return Found::Nothing;
        }
        let note = std::fs::read(self.note()).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        let Some(note) = note else { return Found::Unfit("nothing says what it was made of".to_owned()) };
        if source.is_some_and(|source| source != note.source) {
            return Found::Unfit(format!("it was made of {}", note.source));
        }
        match self.check(&note, plan, progress) {
            Ok(packed) => Found::Sound(Box::new(packed)),
            Err(error) => Found::Unfit(error.to_string()),
        }
    }

    fn check(&self, note: &Note, plan: &Plan, progress: &dyn Progress) -> Result<Packed, PackedError> {
        let packed = Packed::open(&self.file)?;
        packed.fitted(plan)?;
        if self.stands(&note.source).is_ok_and(|now| now == *note) {
            return Ok(packed);
        }
        packed.verify(progress)?;
        // Without a new note the next one compares again.
        let _ = self.remember(&note.source);
        Ok(packed)
    }

    /// Notes that the file has just been made of `source`.
    pub fn remember(&self, source: &str) -> Result<(), PackedError> {
        let write = || -> io::Result<()> {
            let text = serde_json::to_vec(&self.stands(source)?)?;
            let fresh = tempfile::NamedTempFile::new_in(partial::folder(&self.file))?;
            std::fs::write(fresh.path(), text)?;
            fresh.persist(self.note())?;
            Ok(())
        };
        write().map_err(|source| PackedError::File { doing: "write", file: self.note(), source })
    }

    fn stands(&self, source: &str) -> io::Result<Note> {
        let found = self.file.metadata()?;
        let since = found.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = since.and_then(|since| u64::try_from(since.as_nanos()).ok());
        Ok(Note { source: source.to_owned(), bytes: found.len(), modified })
    }

    fn note(&self) -> PathBuf {
        self.file.with_extension("json")
    }
}
