//! OCDBT, tensorstore's database in files: a manifest, which points to the root of a tree, whose leaves have values or say where they are;
//! `node` knows what each of them says. Reads hostile bytes without panic and in bounded memory; checks every CRC32C.
//!
//! Source: tensorstore's description of the format, and for the manifest's kind what tensorstore 0.1.86 writes.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ruzstd::decoding::StreamingDecoder;

use super::error::{OcdbtProblem, OrbaxError};
use super::node::{Content, Cursor, DataFile, MOST_NODE_BYTES};
use super::values::{Value, leads_out};
use crate::weights::map::{Map, MappedBytes};

const MANIFEST: Kind = Kind { what: "the manifest", magic: 0x0cdb_3a2a };
const NODE: Kind = Kind { what: "a node of the tree", magic: 0x0cdb_20de };

/// What a framed piece of a file is called, and how it begins.
#[derive(Clone, Copy)]
struct Kind {
    what: &'static str,
    magic: u32,
}

/// Every key of the database in `folder` with its value, and the files that have them.
pub(super) fn read(folder: &Path, manifest: &Path) -> Result<(HashMap<String, Value>, Vec<PathBuf>), OrbaxError> {
    let mut reader = Reader { folder, manifest, files: HashMap::new(), values: HashMap::new(), left: MOST_NODE_BYTES };
    reader.read()?;
    let mut files: Vec<PathBuf> = reader.files.values().map(|map| map.path().to_owned()).collect();
    files.push(manifest.to_owned());
    files.sort();
    Ok((reader.values, files))
}

struct Reader<'a> {
    folder: &'a Path,
    manifest: &'a Path,
    /// By the path in the database.
    files: HashMap<String, Arc<Map>>,
    values: HashMap<String, Value>,
    /// Bytes that nodes may still take.
    left: usize,
}

/// Where a child or a value is.
struct Place<'a> {
    file: &'a DataFile,
    start: u64,
    bytes: u64,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), OrbaxError> {
        let manifest = self.manifest;
        let map = Map::open(manifest).map_err(|source| OrbaxError::File { file: manifest.to_owned(), source })?;
        let damaged = |problem| OrbaxError::Ocdbt { file: manifest.to_owned(), problem };
        let body = unframed(map.bytes(), MANIFEST, &mut self.left).map_err(damaged)?;
        let root = Cursor { rest: &body, what: MANIFEST.what }.root().map_err(damaged)?;
        let place = Place { file: &root.file, start: root.start, bytes: root.bytes };
        self.node(place, root.height, Vec::new(), manifest)
    }

    /// Reads a node and all below it, whose keys begin with `prefix`. `parent` is the file that points to it.
    fn node(&mut self, place: Place<'_>, height: u8, prefix: Vec<u8>, parent: &Path) -> Result<(), OrbaxError> {
        let map = self.file(place.file, parent)?;
        let damaged = |problem| OrbaxError::Ocdbt { file: map.path().to_owned(), problem };
        let framed = part(&map, &place, NODE.what).map_err(damaged)?;
        let body = unframed(&framed, NODE, &mut self.left).map_err(damaged)?;
        let cursor = Cursor { rest: &body, what: NODE.what };
        let node = cursor.node(height, &place.file.base).map_err(damaged)?;
        let file: Arc<Path> = map.path().into();
        for entry in node.entries {
            let key = [&prefix, &entry.key[..]].concat();
            match entry.content {
                Content::Child { id, start, bytes, common } => {
                    let place = Place { file: &node.files[id], start, bytes };
                    let prefix = key[..prefix.len() + common].to_vec();
                    self.node(place, height - 1, prefix, map.path())?;
                }
                Content::Inline(bytes) => {
                    self.add(key, Value::Inline { bytes: bytes.into(), file: file.clone() }, &map)?
                }
                Content::Elsewhere { id, start, bytes } => {
                    let place = Place { file: &node.files[id], start, bytes };
                    let map = self.file(place.file, map.path())?;
                    let value = part(&map, &place, "a value");
                    let value = value.map_err(|problem| OrbaxError::Ocdbt { file: map.path().to_owned(), problem })?;
                    self.add(key, Value::Mapped(value), &map)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, key: Vec<u8>, value: Value, map: &Map) -> Result<(), OrbaxError> {
        let problem = |problem| OrbaxError::Ocdbt {
            file: map.path().to_owned(),
            problem: OcdbtProblem::Content { what: NODE.what, problem },
        };
        let key = String::from_utf8(key).map_err(|_| problem("it has a key that is no text"))?;
        let too_large = || OrbaxError::Ocdbt {
            file: map.path().to_owned(),
            problem: OcdbtProblem::TooLarge { most: MOST_NODE_BYTES },
        };
        self.left = self.left.checked_sub(key.len()).ok_or_else(too_large)?;
        match self.values.insert(key, value) {
            None => Ok(()),
            Some(_) => Err(problem("it has a key that another node has too")),
        }
    }

    /// A file of the database, mapped once. `parent` names it.
    fn file(&mut self, file: &DataFile, parent: &Path) -> Result<Arc<Map>, OrbaxError> {
        if leads_out(&file.path) {
            return Err(OrbaxError::Path { file: parent.to_owned(), path: file.path.clone() });
        }
        if let Some(map) = self.files.get(&file.path) {
            return Ok(map.clone());
        }
        let path = self.folder.join(&file.path);
        let map = Map::open(&path).map_err(|source| OrbaxError::File { file: path, source })?;
        self.files.insert(file.path.clone(), map.clone());
        Ok(map)
    }
}

fn part(map: &Arc<Map>, place: &Place<'_>, what: &'static str) -> Result<MappedBytes, OcdbtProblem> {
    let end = place.start.saturating_add(place.bytes);
    let range = usize::try_from(place.start).ok().zip(usize::try_from(end).ok());
    let found = range.and_then(|(start, end)| MappedBytes::new(map, start..end));
    found.ok_or(OcdbtProblem::PastEnd { what, start: place.start, end, bytes: map.bytes().len() })
}

/// Magic number and length.
const HEADER_BYTES: usize = 4 + 8;
const CHECKSUM_BYTES: usize = 4;

/// What a frame holds, unpacked. `left` is what it may take of memory, and what it takes is taken from it.
fn unframed(frame: &[u8], kind: Kind, left: &mut usize) -> Result<Vec<u8>, OcdbtProblem> {
    let Kind { what, magic } = kind;
    let short = || OcdbtProblem::TooShort { what, found: frame.len() };
    let (content, checksum) = frame.split_last_chunk::<CHECKSUM_BYTES>().ok_or_else(short)?;
    let (header, rest) = content.split_first_chunk::<HEADER_BYTES>().ok_or_else(short)?;
    let (begins, length) = header.split_first_chunk::<4>().ok_or_else(short)?;
    let found = u32::from_be_bytes(*begins);
    if found != magic {
        return Err(OcdbtProblem::Magic { what, found, expected: magic });
    }
    let found = u64::from_le_bytes(length.try_into().map_err(|_| short())?);
    if found != frame.len() as u64 {
        return Err(OcdbtProblem::Length { what, found, expected: frame.len() });
    }
    let (found, expected) = (crc32c::crc32c(content), u32::from_le_bytes(*checksum));
    if found != expected {
        return Err(OcdbtProblem::Checksum { what, found, expected });
    }
    let mut cursor = Cursor { rest, what };
    let unknown = |field, found, expected| OcdbtProblem::Version { what, field, found, expected };
    match cursor.varint()? {
        0 => {}
        found => return Err(unknown("format", found, "0")),
    }
    let packed = match cursor.varint()? {
        0 => false,
        1 => true,
        found => return Err(unknown("compression", found, "0, none, and 1, zstd")),
    };
    let mut body = Vec::new();
    let read = match packed {
        false => cursor.rest.take(*left as u64 + 1).read_to_end(&mut body).map_err(|error| error.to_string()),
        true => StreamingDecoder::new(cursor.rest).map_err(|error| error.to_string()).and_then(|decoder| {
            decoder.take(*left as u64 + 1).read_to_end(&mut body).map_err(|error| error.to_string())
        }),
    };
    read.map_err(|problem| OcdbtProblem::Zstd { what, problem })?;
    *left = left.checked_sub(body.len()).ok_or(OcdbtProblem::TooLarge { most: MOST_NODE_BYTES })?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(kind: Kind, body: &[u8]) -> Vec<u8> {
        let mut frame = kind.magic.to_be_bytes().to_vec();
        frame.extend((HEADER_BYTES as u64 + 2 + body.len() as u64 + CHECKSUM_BYTES as u64).to_le_bytes());
        frame.extend([0, 0]);
        frame.extend(body);
        frame.extend(crc32c::crc32c(&frame).to_le_bytes());
        frame
    }

    /// A table of one file, `d/0` below the base `x/`.
    const TABLE: [u8; 8] = [1, 5, 2, b'x', b'/', b'd', b'/', b'0'];

    /// A manifest whose last version has its root, of a height of 1, at the start of the file.
    fn manifest(root: usize) -> Vec<u8> {
        let mut body = vec![7; 16];
        body.extend([0, 100, 100, 4, 0]);
        body.extend(TABLE);
        body.extend([1, 1, 1, 0, 0, root as u8]);
        body.extend([0; 12]);
        body
    }

    /// Its child, which follows, has what begins with `a`.
    fn root(own: usize, leaf: usize) -> Vec<u8> {
        let mut body = vec![1];
        // `d/0`, below the base that the way here has.
        body.extend([1, 3, 0, b'd', b'/', b'0', 1, 2, 1, b'a', b'b']);
        body.extend([0, own as u8, leaf as u8, 2, 9, 9]);
        body
    }

    /// `ab`, inline, and `acd`, the first three bytes of the file.
    fn leaf() -> Vec<u8> {
        vec![0, 1, 3, 0, b'd', b'/', b'0', 2, 0, 1, 2, b'b', b'c', b'd', 2, 3, 0, 1, 0, 0, 8, 9]
    }

    type Parts = [Vec<u8>; 3];

    fn parts() -> Parts {
        let leaf = leaf();
        let frame = |body: &[u8]| framed(NODE, body).len();
        let own = frame(&root(0, 0));
        [manifest(own), root(own, frame(&leaf)), leaf]
    }

    fn written(parts: &Parts) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("x/d")).expect("a folder");
        std::fs::write(folder.path().join("manifest.ocdbt"), framed(MANIFEST, &parts[0])).expect("a file");
        let nodes = [framed(NODE, &parts[1]), framed(NODE, &parts[2])].concat();
        std::fs::write(folder.path().join("x/d/0"), nodes).expect("a file");
        folder
    }

    fn read(folder: &Path) -> Result<HashMap<String, Value>, OrbaxError> {
        super::read(folder, &folder.join("manifest.ocdbt")).map(|(values, _)| values)
    }

    #[test]
    fn keys_and_paths_are_put_together_on_the_way_down() {
        let folder = written(&parts());
        let values = read(folder.path()).expect("a database");
        let mut found: Vec<(&str, &[u8])> = values.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        found.sort();
        assert_eq!(found, [("ab", &[8, 9][..]), ("acd", &[0x0c, 0xdb, 0x20])]);
    }

    #[test]
    fn a_path_that_leads_out_is_refused() {
        let mut parts = parts();
        let at = parts[0].windows(4).position(|bytes| bytes == b"x/d/").expect("a path");
        parts[0][at..at + 4].copy_from_slice(b"../d");
        let folder = written(&parts);
        let error = read(folder.path()).expect_err("it leads out").to_string();
        assert!(error.ends_with("names `../d0`, expected a place in the checkpoint's own folder"), "{error}");
    }

    proptest! {
        /// With sound checksums: whatever a node says, there is an error or a value, and no panic.
        #[test]
        fn no_content_panics(part in 0usize..3, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut in 0usize..4) {
            let mut parts = parts();
            for (at, byte) in changes {
                let at = at.index(parts[part].len());
                parts[part][at] = byte;
            }
            let kept = parts[part].len() - cut;
            parts[part].truncate(kept);
            let folder = written(&parts);
            let _ = read(folder.path());
        }
    }
}
