//! An executable as it is shared: a line that names the format, a signature or none, and an entry as the local cache has it.
//! Knows bytes; it trusts nothing that it reads.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::entry::{EntryError, Header, damaged, header};
use crate::signature::{BYTES_MAX, Mistrust, Trust};

/// The format that this version writes, and the only one that it reads.
const FORMAT: u32 = 1;
const MAGIC: &str = "precast-shared";
/// No first line of ours is longer.
const HEAD_BYTES_MAX: u64 = 64;

/// The parts of a shared executable, none of which is believed yet.
pub(super) struct Sealed<'a> {
    signature: &'a [u8],
    entry: &'a [u8],
}

/// An entry with the signature of all of its bytes; an empty one is none.
pub(super) fn seal(entry: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut sealed = format!("{MAGIC} {FORMAT} {}\n", signature.len()).into_bytes();
    sealed.extend_from_slice(signature);
    sealed.extend_from_slice(entry);
    sealed
}

impl<'a> Sealed<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Sealed<'a>, EntryError> {
        let head = &bytes[..bytes.len().min(HEAD_BYTES_MAX as usize)];
        let end = head.iter().position(|byte| *byte == b'\n').ok_or(EntryError::Foreign)?;
        let first = std::str::from_utf8(&head[..end]).map_err(|_| EntryError::Foreign)?;
        let mut words = first.split(' ');
        if words.next() != Some(MAGIC) {
            return Err(EntryError::Foreign);
        }
        let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).ok_or(EntryError::Foreign);
        let (found, length) = (number()?, number()?);
        if found != u64::from(FORMAT) {
            return Err(EntryError::Version { found: found.try_into().unwrap_or(u32::MAX) });
        }
        let rest = &bytes[end + 1..];
        if length > BYTES_MAX || length > rest.len() as u64 || words.next().is_some() {
            return Err(damaged("its first line says what cannot be"));
        }
        let (signature, entry) = rest.split_at(length as usize);
        Ok(Sealed { signature, entry })
    }

    /// The header and the executable, every byte of which is checked, by its signature if there is a key to trust.
    pub fn open(&self, trust: Option<&Trust>) -> Result<(Header, Vec<u8>), EntryError> {
        if let Some(trust) = trust {
            let checked = match self.signature {
                [] => Err(Mistrust::Unsigned),
                signature => trust.check(self.entry, signature),
            };
            checked.map_err(EntryError::Untrusted)?;
        }
        Header::parse_with_payload(self.entry)
    }
}

/// The header of the shared executable in a file, which is not read further.
pub(super) fn read_header(path: &Path) -> Result<Header, EntryError> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut file = BufReader::new(file);
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES_MAX + BYTES_MAX).read_to_end(&mut head)?;
    let before = (head.len() - Sealed::parse(&head)?.entry.len()) as u64;
    file.seek(SeekFrom::Start(before))?;
    header(&mut file, bytes.saturating_sub(before))
}
