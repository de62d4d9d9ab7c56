//! What can be wrong with a checkpoint of Orbax, always with the file or folder, and with the array where there is one.

use std::io;
use std::path::PathBuf;

use crate::disk::NoSpace;
use crate::weights::header::StoredType;

#[derive(Debug, thiserror::Error)]
pub enum OrbaxError {
    #[error("`{}` cannot be read: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error("`{}` is a checkpoint that was not written to its end", folder.display())]
    Unfinished { folder: PathBuf },
    #[error("`{}` holds several checkpoints: `{}`", folder.display(), names.join("`, `"))]
    Several { folder: PathBuf, names: Vec<String> },
    #[error("`{}` has the parts of single processes, `{first}`{}, and no `manifest.ocdbt` of them all", folder.display(), and_more(*others))]
    Unmerged { folder: PathBuf, first: String, others: usize },
    #[error("`{}` is no sound metadata of Orbax: {problem}", file.display())]
    Metadata { file: PathBuf, problem: String },
    #[error("`{}` names `{path}`, expected a place in the checkpoint's own folder", file.display())]
    Path { file: PathBuf, path: String },
    #[error("array `{array}` is twice in `{}`", file.display())]
    Twice { array: String, file: PathBuf },
    #[error("array `{array}` is missing: neither `{array}/.zarray` nor `{array}/zarr.json` is in `{}`\n  named in `{}`", place.display(), metadata.display())]
    Missing { array: String, place: PathBuf, metadata: PathBuf },
    #[error("array `{array}` is not described soundly: {problem}\n  in `{}`", file.display())]
    Description { array: String, problem: String, file: PathBuf },
    #[error("array `{array}` has {what} {found}, expected {expected}\n  in `{}`", file.display())]
    Unsupported { array: String, what: &'static str, found: String, expected: &'static str, file: PathBuf },
    #[error("chunk `{chunk}` of array `{array}` {problem}\n  in `{}`", file.display())]
    Chunk { array: String, chunk: String, problem: ChunkProblem, file: PathBuf },
    #[error("`{}` is no sound part of an OCDBT database: {problem}", file.display())]
    Ocdbt { file: PathBuf, problem: OcdbtProblem },
    #[error("cannot write `{}`: {source}", file.display())]
    Write { file: PathBuf, source: io::Error },
    #[error("`{}` is there already", folder.display())]
    Exists { folder: PathBuf },
    #[error("another process is writing `{}`", folder.display())]
    Busy { folder: PathBuf },
    #[error("array `{array}` is {ty}, which Orbax does not save under this name")]
    Element { array: String, ty: StoredType },
    #[error("array `{array}` has no room to be decoded: {source}")]
    Space { array: String, source: NoSpace },
    #[error("array `{array}` cannot be decoded into a file in `{}`: {source}", folder.display())]
    Scratch { array: String, folder: PathBuf, source: io::Error },
}

/// What is wrong with a chunk of an array.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChunkProblem {
    #[error("is missing")]
    Missing,
    #[error("has {found} bytes, expected {expected}")]
    Length { found: usize, expected: usize },
    #[error("ends early: of its {expected} bytes it has no more than {found}")]
    Short { found: usize, expected: usize },
    #[error("has more than its {expected} bytes")]
    Long { expected: usize },
    #[error("is no sound zstd: {problem}")]
    Zstd { problem: String },
    #[error("has CRC32C {found:08x}, its own footer says {expected:08x}")]
    Checksum { found: u32, expected: u32 },
    #[error("puts its inner chunk {inner} at bytes {start} to {end}, but has {bytes}")]
    Inner { inner: usize, start: u64, end: u64, bytes: usize },
}

/// What is wrong with a file of an OCDBT database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OcdbtProblem {
    #[error("{what} is to be at bytes {start} to {end}, but the file has {bytes}")]
    PastEnd { what: &'static str, start: u64, end: u64, bytes: usize },
    #[error("{what} has {found} bytes, fewer than its header and its checksum take")]
    TooShort { what: &'static str, found: usize },
    #[error("{what} begins with {found:08x}, expected {expected:08x}")]
    Magic { what: &'static str, found: u32, expected: u32 },
    #[error("{what} says that it has {found} bytes, expected {expected}")]
    Length { what: &'static str, found: u64, expected: usize },
    #[error("{what} has CRC32C {found:08x}, its own footer says {expected:08x}")]
    Checksum { what: &'static str, found: u32, expected: u32 },
    #[error("{what} has {field} {found}, this version of precast reads {expected}")]
    Version { what: &'static str, field: &'static str, found: u64, expected: &'static str },
    #[error("{what} is no sound zstd: {problem}")]
    Zstd { what: &'static str, problem: String },
    #[error("{what} is not sound: {problem}")]
    Content { what: &'static str, problem: &'static str },
    #[error("its nodes take more than {most} bytes")]
    TooLarge { most: usize },
}

fn and_more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" and {others} more") }
}

impl OrbaxError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        use OrbaxError::*;
        let hint = match self {
            Unfinished { .. } => {
                "whoever wrote it was interrupted, or is still at it; use an earlier step, or write it again"
            }
            Several { .. } => "give the folder of one of them",
            Unmerged { .. } => {
                "the save was interrupted before its processes' parts were merged; use an earlier step, or save again"
            }
            Unsupported { what: "compressor" | "codec", .. } => {
                "save it again with orbax-checkpoint, which compresses with zstd or not at all"
            }
            Unsupported { .. } => return None,
            Missing { place, .. } if place.join("checkpoint").is_file() => {
                "it was saved with `aggregate=True`, everything in one file `checkpoint`; save it again without"
            }
            Missing { .. } | Ocdbt { .. } | Chunk { .. } => {
                "the checkpoint is damaged or was copied in part; copy it again"
            }
            Exists { .. } => "choose another folder, or remove it",
            Busy { .. } => "wait for it, or choose another `--out`",
            Space { .. } => {
                "compressed arrays are decoded into temporary files: set TMPDIR to a folder on a larger disk, or free some"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
