//! Memory maps of checkpoint files, shared by whoever holds a part of one. Knows nothing of what the bytes mean.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::{Deref, DerefMut, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::{Mmap, MmapMut};

/// A whole file, mapped for reading.
///
/// Pages are read when they are touched and belong to the system's cache, so a checkpoint larger than memory can be
/// opened, and processes share what they read. The price: a file that is cut short while it is mapped raises SIGBUS on the
/// next touch, which ends the process, and one that is overwritten in place changes under us. No check at opening can
/// prevent that. Whoever replaces a checkpoint should write a new file and rename it, which leaves the old one intact.
#[derive(Debug)]
pub(super) struct Map {
    path: PathBuf,
    bytes: Mmap,
}

impl Map {
    /// Maps `path`, which must be a regular file that is not empty.
    pub fn open(path: &Path) -> io::Result<Arc<Map>> {
        // Opening a pipe would wait for whoever writes to it.
        let found = std::fs::metadata(path)?;
        if !found.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        if found.len() == 0 {
            return Err(io::Error::other("it is empty"));
        }
        let file = File::open(path)?;
        // SAFETY: memmap2 asks that the file is not changed while it is mapped, which nobody can promise of a file that
        // others may write to. Suspect: a change in place shows through references that should be constant, and cutting
        // the file short raises SIGBUS. We read plain bytes, for which every value is legal, and take no decision twice
        // from the same bytes: header offsets are checked on values that were copied out of the map.
        let bytes = unsafe { Mmap::map(&file)? };
        Ok(Arc::new(Map { path: path.to_owned(), bytes }))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads all of it, in order, into the system's cache and this process' view of it, where the system can be asked to.
    pub fn read_ahead(&self) {
        #[cfg(target_os = "linux")]
        for start in (0..self.bytes.len()).step_by(READ_AHEAD_BYTES) {
            let length = READ_AHEAD_BYTES.min(self.bytes.len() - start);
            if self.bytes.advise_range(memmap2::Advice::PopulateRead, start, length).is_err() {
                // A kernel before 5.14: pages are read when they are touched.
                return;
            }
        }
    }
}

/// Bytes of one call, after which the next one begins if the process still runs.
#[cfg(target_os = "linux")]
const READ_AHEAD_BYTES: usize = 32 << 20;

/// A part of a mapped file, which stays mapped as long as this lives.
#[derive(Clone, Debug)]
pub struct MappedBytes {
    owner: Arc<Map>,
    range: Range<usize>,
}

impl MappedBytes {
    /// The bytes `range` of the file; `None` if it has fewer.
    pub(super) fn new(owner: &Arc<Map>, range: Range<usize>) -> Option<MappedBytes> {
        owner.bytes().get(range.clone())?;
        Some(MappedBytes { owner: owner.clone(), range })
    }

    /// The file that has them, or what was decoded to them.
    pub fn file(&self) -> &Path {
        self.owner.path()
    }
}

impl Deref for MappedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.owner.bytes()[self.range.clone()]
    }
}

impl AsRef<[u8]> for MappedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// Bytes to be filled, in a temporary file that has no name: the system may take its pages back, and nothing is left of it.
pub(super) struct Scratch {
    bytes: MmapMut,
}

impl Scratch {
    /// A file of `length` bytes, more than none, in `folder`, which are zeros and have their room on the disk.
    pub fn new(folder: &Path, length: usize) -> io::Result<Scratch> {
        let mut file = tempfile::tempfile_in(folder)?;
        reserve(&mut file, length as u64)?;
        // SAFETY: memmap2 asks that the file is not changed while it is mapped: it has no name that others could open it by, and this
        // is its only map. Its room is reserved, so that no write to a page finds a full disk, which would raise SIGBUS.
        let bytes = unsafe { MmapMut::map_mut(&file)? };
        Ok(Scratch { bytes })
    }

    /// No more is written. `path` is what messages call the bytes by.
    pub fn finish(self, path: &Path) -> io::Result<MappedBytes> {
        let map = Map { path: path.to_owned(), bytes: self.bytes.make_read_only()? };
        let bytes = map.bytes().len();
        Ok(MappedBytes { owner: Arc::new(map), range: 0..bytes })
    }
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

/// Gives an empty file `length` zeros and their room on the disk.
fn reserve(file: &mut File, length: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    match rustix::fs::fallocate(&*file, rustix::fs::FallocateFlags::empty(), 0, length) {
        Ok(()) => return Ok(()),
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error.into()),
    }
    io::copy(&mut io::repeat(0).take(length), file)?;
    file.flush()
}
