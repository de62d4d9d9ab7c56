//! One file of the cache: a line that names the format, a line of JSON, an executable's bytes, with a checksum over each.
//! Knows no folder and no device; it trusts nothing that it reads.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::cost::Cost;
use super::key::Key;
use super::shortage::Shortage;
use crate::digest::sha256;
use crate::signature::Mistrust;

/// The format that this version writes, and the only one that it reads.
const FORMAT: u32 = 1;
const MAGIC: &str = "precast-executable";
/// A header is a few kilobytes; a longer first or second line is not ours.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// What a person calls an executable. Not part of its key: two programs with the same text share one executable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The program, such as `prefill_128`.
    pub name: String,
    pub model: String,
    pub target: String,
}

/// What an executable needs on one device, in bytes, as its compiler says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    pub argument_bytes: u64,
    pub output_bytes: u64,
    /// Of the outputs, those that take over an argument's memory.
    pub alias_bytes: u64,
    pub temp_bytes: u64,
    pub code_bytes: u64,
    /// The most that is held at once while it runs; 0 where the compiler does not say.
    #[serde(default)]
    pub peak_bytes: u64,
    /// All that is set aside for a run, outputs that take over an argument counted once.
    #[serde(default)]
    pub total_bytes: u64,
}

/// What is known of an executable without running it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Findings {
    pub memory: Memory,
    /// `None` where the compiler does not predict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How each parameter lies on a device, such as `{1,0:T(8,128)(2,1)}`; none where the plugin does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layouts: Vec<String>,
    /// Why there is none: an entry without an executable keeps the compiler's verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortage: Option<Shortage>,
}

/// An executable as the plugin wrote it down when it was compiled. A plugin may write a loaded one down otherwise: XLA's CPU
/// plugin leaves out the machine code then. So these bytes, not the executable, are what is passed on.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(pub Vec<u8>);

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// What an entry says about its executable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub label: Label,
    pub key: Key,
    #[serde(flatten)]
    pub findings: Findings,
    pub compile_seconds: f64,
    /// Seconds since 1970.
    pub created: u64,
    pub payload_bytes: u64,
    pub payload_sha256: String,
}

/// Why a file is no entry: one clause that reads on after the file's name.
#[derive(Debug, thiserror::Error)]
pub(super) enum EntryError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("is not an executable of precast")]
    Foreign,
    #[error("has format version {found}, this precast reads {FORMAT}")]
    Version { found: u32 },
    #[error("is damaged: {what}")]
    Damaged { what: String },
    #[error(transparent)]
    Untrusted(Mistrust),
}

pub(super) fn damaged(what: impl Into<String>) -> EntryError {
    EntryError::Damaged { what: what.into() }
}

impl Header {
    pub fn new(
        label: &Label,
        key: &Key,
        findings: &Findings,
        compile_seconds: f64,
        created: u64,
        payload: &[u8],
    ) -> Header {
        Header {
            label: label.clone(),
            key: key.clone(),
            findings: findings.clone(),
            compile_seconds,
            created,
            payload_bytes: payload.len() as u64,
            payload_sha256: sha256(payload),
        }
    }

    /// Writes a whole entry.
    pub fn write(&self, payload: &[u8], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let json = serde_json::to_string(self)?;
        writeln!(out, "{MAGIC} {FORMAT} {}", sha256(json.as_bytes()))?;
        writeln!(out, "{json}")?;
        out.write_all(payload)
    }

    /// Reads the header of an entry and leaves the payload alone, whose length is checked nevertheless.
    pub fn read(path: &Path) -> Result<Header, EntryError> {
        open(path).map(|(header, _)| header)
    }

    /// Reads a whole entry and checks every byte of it.
    pub fn read_with_payload(path: &Path) -> Result<(Header, Vec<u8>), EntryError> {
        let (header, file) = open(path)?;
        header.with_payload(file)
    }

    /// The same of an entry in memory.
    pub fn parse_with_payload(entry: &[u8]) -> Result<(Header, Vec<u8>), EntryError> {
        let mut rest = entry;
        header(&mut rest, entry.len() as u64)?.with_payload(rest)
    }

    fn with_payload(self, mut rest: impl Read) -> Result<(Header, Vec<u8>), EntryError> {
        let mut payload = Vec::with_capacity(self.payload_bytes as usize);
        rest.read_to_end(&mut payload)?;
        if payload.len() as u64 != self.payload_bytes || sha256(&payload) != self.payload_sha256 {
            return Err(damaged("its executable does not have the checksum that its header states"));
        }
        Ok((self, payload))
    }
}

/// The checked header, and the file at the first byte of a payload that is known to have the length the header states.
fn open(path: &Path) -> Result<(Header, BufReader<File>), EntryError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(EntryError::Foreign);
    }
    let mut file = BufReader::new(file);
    Ok((header(&mut file, metadata.len())?, file))
}

/// The checked header of an entry of so many bytes, which is left at its payload.
pub(super) fn header(entry: &mut impl BufRead, bytes: u64) -> Result<Header, EntryError> {
    let first = line(entry)?;
    let first = std::str::from_utf8(&first).map_err(|_| EntryError::Foreign)?;
    let mut words = first.split(' ');
    if words.next() != Some(MAGIC) {
        return Err(EntryError::Foreign);
    }
    let found = words.next().and_then(|word| word.parse().ok()).ok_or(EntryError::Foreign)?;
    if found != FORMAT {
        return Err(EntryError::Version { found });
    }
    let json = line(entry)?;
    if words.next() != Some(sha256(&json).as_str()) || words.next().is_some() {
        return Err(damaged("its header does not have the checksum that its first line states"));
    }
    let header: Header = serde_json::from_slice(&json).map_err(|error| damaged(format!("its header: {error}")))?;
    let before_payload = first.len() as u64 + json.len() as u64 + 2;
    let found = bytes.saturating_sub(before_payload);
    if found != header.payload_bytes {
        return Err(damaged(format!("it holds {found} bytes of an executable of {}", header.payload_bytes)));
    }
    Ok(header)
}

/// One line without its end. A file that has no further line, or an endless one, is damaged.
fn line(file: &mut impl BufRead) -> Result<Vec<u8>, EntryError> {
    let mut line = Vec::new();
    file.take(HEADER_BYTES_MAX).read_until(b'\n', &mut line)?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        _ => Err(damaged("its header is cut off")),
    }
}
