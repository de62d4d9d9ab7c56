//! What a manifest and the nodes of a tree of OCDBT say, once they are unpacked: columns of numbers, and texts that share their beginnings.
//! Reads hostile bytes; a node's memory is bounded by what it takes unpacked.

use super::error::OcdbtProblem;

/// Bytes of all nodes together, unpacked, and of all keys. A checkpoint has a hundred bytes or two an array, and small values whole.
pub(super) const MOST_NODE_BYTES: usize = 256 << 20;
/// A root is at most this high: even with two children a node this is more keys than can be stored.
const MOST_HEIGHT: u8 = 64;

/// A file that a table names. Paths in what it holds begin with `base`.
#[derive(Clone, Debug)]
pub(super) struct DataFile {
    pub path: String,
    pub base: String,
}

/// The root of the last version.
pub(super) struct Root {
    pub file: DataFile,
    pub start: u64,
    pub bytes: u64,
    pub height: u8,
}

pub(super) struct Node {
    pub files: Vec<DataFile>,
    pub entries: Vec<Entry>,
}

pub(super) struct Entry {
    /// Without what the way to the node says of it.
    pub key: Vec<u8>,
    pub content: Content,
}

/// Ids are places in the node's table of files, and in range.
pub(super) enum Content {
    /// The keys below have `common` first bytes of the entry's key.
    Child {
        id: usize,
        start: u64,
        bytes: u64,
        common: usize,
    },
    Inline(Vec<u8>),
    Elsewhere {
        id: usize,
        start: u64,
        bytes: u64,
    },
}

/// Reads a body front to back.
pub(super) struct Cursor<'a> {
    pub rest: &'a [u8],
    pub what: &'static str,
}

impl<'a> Cursor<'a> {
    fn problem(&self, problem: &'static str) -> OcdbtProblem {
        OcdbtProblem::Content { what: self.what, problem }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], OcdbtProblem> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or_else(|| self.problem("it ends early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, OcdbtProblem> {
        Ok(self.take(1)?[0])
    }

    pub fn varint(&mut self) -> Result<u64, OcdbtProblem> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 127);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte & 128 == 0 {
                return Ok(value);
            }
        }
        Err(self.problem("it has a number of more than 64 bits"))
    }

    fn length(&mut self) -> Result<usize, OcdbtProblem> {
        usize::try_from(self.varint()?).map_err(|_| self.problem("it has a length beyond memory"))
    }

    /// `count` numbers, each of a byte at least.
    fn column(&mut self, count: usize) -> Result<Vec<u64>, OcdbtProblem> {
        if count > self.rest.len() {
            return Err(self.problem("it counts more than it has"));
        }
        (0..count).map(|_| self.varint()).collect()
    }

    fn lengths(&mut self, count: usize) -> Result<Vec<usize>, OcdbtProblem> {
        let numbers = self.column(count)?;
        numbers
            .into_iter()
            .map(|number| usize::try_from(number).map_err(|_| self.problem("it has a length beyond memory")))
            .collect()
    }

    fn end(&self) -> Result<(), OcdbtProblem> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.problem("it has more than is known of it")) }
    }

    /// Texts of which each begins with `prefixes` bytes of the one before it. The first has none.
    fn suffixed(&mut self, prefixes: &[usize], suffixes: &[usize]) -> Result<Vec<Vec<u8>>, OcdbtProblem> {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        // What a hostile body repeats of itself grows beyond what it takes.
        let mut room = MOST_NODE_BYTES;
        for (at, suffix) in suffixes.iter().enumerate() {
            let prefix = if at == 0 { 0 } else { prefixes[at - 1] };
            let before = texts.last().map_or(&[][..], |text| &text[..]);
            let shared = before.get(..prefix).ok_or_else(|| self.problem("it shares more of a name than there is"))?;
            let text = [shared, self.take(*suffix)?].concat();
            room = room.checked_sub(text.len()).ok_or(OcdbtProblem::TooLarge { most: MOST_NODE_BYTES })?;
            texts.push(text);
        }
        Ok(texts)
    }

    /// The table of files, in whose paths `base` is what the way here says.
    fn files(&mut self, base: &str) -> Result<Vec<DataFile>, OcdbtProblem> {
        let count = self.length()?;
        let prefixes = self.lengths(count.saturating_sub(1))?;
        let suffixes = self.lengths(count)?;
        let bases = self.lengths(count)?;
        let paths = self.suffixed(&prefixes, &suffixes)?;
        let file = |(path, of_base): (Vec<u8>, usize)| {
            let path = String::from_utf8(path).map_err(|_| self.problem("it names a file by what is no text"))?;
            let own = path.get(..of_base).ok_or_else(|| self.problem("it has a base that is longer than the path"))?;
            // The format's own limit, which keeps paths of deep trees from growing.
            if base.len() + path.len() > usize::from(u16::MAX) {
                return Err(self.problem("it names a file by more than 65535 bytes"));
            }
            Ok(DataFile { path: format!("{base}{path}"), base: format!("{base}{own}") })
        };
        paths.into_iter().zip(bases).map(file).collect()
    }

    /// What the manifest says, in order: the configuration, a table of files, the last versions, and where older ones are.
    pub fn root(mut self) -> Result<Root, OcdbtProblem> {
        let _uuid = self.take(16)?;
        match self.varint()? {
            0 => {}
            found => {
                let (field, expected) = ("kind of manifest", "0, a single one");
                return Err(OcdbtProblem::Version { what: self.what, field, found, expected });
            }
        }
        let (_most_inline, _most_node, _arity) = (self.varint()?, self.varint()?, self.byte()?);
        if self.varint()? != 0 {
            let _level = self.take(4)?;
        }
        let files = self.files("")?;
        let count = self.length()?;
        let _generations = self.column(count)?;
        let heights = self.take(count)?;
        let (ids, starts, lengths) = (self.column(count)?, self.column(count)?, self.column(count)?);
        let last = count.checked_sub(1).ok_or_else(|| self.problem("it has no version"))?;
        if heights[last] > MOST_HEIGHT {
            return Err(self.problem("its tree is higher than any can be"));
        }
        let file = self.named(&files, ids[last]).map(|id| files[id].clone())?;
        // Numbers of keys and bytes, times and older versions follow, which nobody needs here.
        Ok(Root { file, start: starts[last], bytes: lengths[last], height: heights[last] })
    }

    /// A place in the table of files.
    fn named(&self, files: &[DataFile], id: u64) -> Result<usize, OcdbtProblem> {
        let place = usize::try_from(id).ok().filter(|id| *id < files.len());
        place.ok_or_else(|| self.problem("it points to a file that it does not name"))
    }

    pub fn node(mut self, height: u8, base: &str) -> Result<Node, OcdbtProblem> {
        if self.byte()? != height {
            return Err(self.problem("it is not as high in the tree as its parent says"));
        }
        let files = self.files(base)?;
        let count = self.length()?;
        let prefixes = self.lengths(count.saturating_sub(1))?;
        let suffixes = self.lengths(count)?;
        let entries = match height {
            0 => self.leaf(&files, &prefixes, &suffixes)?,
            _ => self.interior(&files, &prefixes, &suffixes)?,
        };
        self.end()?;
        Ok(Node { files, entries })
    }

    fn interior(
        &mut self,
        files: &[DataFile],
        prefixes: &[usize],
        suffixes: &[usize],
    ) -> Result<Vec<Entry>, OcdbtProblem> {
        let count = suffixes.len();
        let commons = self.lengths(count)?;
        let keys = self.suffixed(prefixes, suffixes)?;
        let (ids, starts, lengths) = (self.column(count)?, self.column(count)?, self.column(count)?);
        let (_keys, _tree_bytes, _value_bytes) = (self.column(count)?, self.column(count)?, self.column(count)?);
        let entry = |(at, key): (usize, Vec<u8>)| {
            let common = commons[at];
            if common > key.len() {
                return Err(self.problem("it shares more of a key than there is"));
            }
            let id = self.named(files, ids[at])?;
            Ok(Entry { key, content: Content::Child { id, start: starts[at], bytes: lengths[at], common } })
        };
        keys.into_iter().enumerate().map(entry).collect()
    }

    fn leaf(&mut self, files: &[DataFile], prefixes: &[usize], suffixes: &[usize]) -> Result<Vec<Entry>, OcdbtProblem> {
        let count = suffixes.len();
        let keys = self.suffixed(prefixes, suffixes)?;
        let (lengths, kinds) = (self.column(count)?, self.column(count)?);
        let elsewhere = kinds.iter().filter(|kind| **kind != 0).count();
        let (ids, starts) = (self.column(elsewhere)?, self.column(elsewhere)?);
        let mut places = ids.into_iter().zip(starts);
        let mut entries = Vec::new();
        for (at, key) in keys.into_iter().enumerate() {
            let content = match kinds[at] {
                0 => {
                    let bytes = usize::try_from(lengths[at]).map_err(|_| self.problem("it ends early"))?;
                    Content::Inline(self.take(bytes)?.to_vec())
                }
                1 => {
                    let (id, start) = places.next().ok_or_else(|| self.problem("it ends early"))?;
                    Content::Elsewhere { id: self.named(files, id)?, start, bytes: lengths[at] }
                }
                found => {
                    let (field, expected) = ("kind of value", "0, inline, and 1, elsewhere");
                    return Err(OcdbtProblem::Version { what: self.what, field, found, expected });
                }
            };
            entries.push(Entry { key, content });
        }
        Ok(entries)
    }
}
