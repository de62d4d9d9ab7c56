//! Memory-mapped files, and parts of them that keep the map alive.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

/// A file mapped for reading. Clones share the map.
#[derive(Clone, Debug)]
pub struct MappedFile(Arc<Mmap>);

impl MappedFile {
    /// Maps `path`. Whoever cuts the file short while it is mapped ends the process with SIGBUS: checkpoints are written once.
    pub fn open(path: &Path) -> io::Result<MappedFile> {
        let file = File::open(path)?;
        // SAFETY: memmap2 asks that nobody changes the file under the map. The map is read-only, its bytes are read as plain
        // numbers, for which every pattern is valid; truncation by another process remains, and is said above.
        Ok(MappedFile(Arc::new(unsafe { Mmap::map(&file) }?)))
    }

    /// The part in `range`; `None` where the file is shorter.
    pub fn part(&self, range: Range<usize>) -> Option<MappedBytes> {
        self.0.get(range.clone())?;
        Some(MappedBytes { map: self.0.clone(), range })
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A part of a mapped file.
#[derive(Clone, Debug)]
pub struct MappedBytes {
    map: Arc<Mmap>,
    range: Range<usize>,
}

impl AsRef<[u8]> for MappedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.map[self.range.clone()]
    }
}

impl Deref for MappedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}
