//! One array of a checkpoint: its type, and its bytes, mapped where they lie as in memory, decoded once into a temporary file otherwise.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;

use super::chunk::{Codec, Pipe, Target};
use super::error::{ChunkProblem, OrbaxError};
use super::values::{Value, Values};
use super::zarr::{Grid, Refusal};
use crate::disk;
use crate::weights::header::{StoredType, coordinates};
use crate::weights::map::{MappedBytes, Scratch};

/// An array of a checkpoint.
#[derive(Debug)]
pub struct Array {
    name: String,
    /// The name that it is stored under, with which its keys begin.
    stored: String,
    grid: Grid,
    values: Arc<Values>,
    every_chunk_is_stored: bool,
    /// What names it in messages: its own folder, or the database.
    place: PathBuf,
    /// The bytes, once somebody has asked for them.
    bytes: OnceLock<MappedBytes>,
    /// Held while they are made.
    making: Mutex<()>,
}

impl Array {
    /// Reads the description of the array that is stored as `stored`. `metadata` is the file that names it.
    pub(super) fn open(
        name: String,
        stored: String,
        values: &Arc<Values>,
        every_chunk_is_stored: bool,
        metadata: &Path,
    ) -> Result<Array, OrbaxError> {
        let described = |file: &str, read: fn(&[u8]) -> Result<Grid, Refusal>| -> Result<_, OrbaxError> {
            let Some(value) = values.get(&format!("{stored}/{file}"))? else { return Ok(None) };
            let (array, place) = (stored.clone(), value.file().to_owned());
            let grid = read(&value).map_err(|refusal| match refusal {
                Refusal::Unsound(problem) => OrbaxError::Description { array, problem, file: place },
                Refusal::Unsupported { what, found, expected } => {
                    OrbaxError::Unsupported { array, what, found, expected, file: place }
                }
            });
            Ok(Some(grid?))
        };
        let grid = match described(".zarray", Grid::version_2)? {
            Some(grid) => Some(grid),
            None => described("zarr.json", Grid::version_3)?,
        };
        let grid = grid.ok_or_else(|| OrbaxError::Missing {
            array: stored.clone(),
            place: values.place().to_owned(),
            metadata: metadata.to_owned(),
        })?;
        let place = match &**values {
            Values::Folder(folder) => folder.join(&stored),
            Values::Database { manifest, .. } => manifest.clone(),
        };
        let (bytes, making) = (OnceLock::new(), Mutex::new(()));
        Ok(Array { name, stored, grid, values: values.clone(), every_chunk_is_stored, place, bytes, making })
    }

    /// The keys that lead to it, joined by dots.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn ty(&self) -> &StoredType {
        &self.grid.ty
    }

    /// The folder of its files, or the database that holds it.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Its bytes, little-endian and row-major, as the first who asks makes them.
    pub fn bytes(&self) -> Result<&MappedBytes, OrbaxError> {
        if let Some(bytes) = self.bytes.get() {
            return Ok(bytes);
        }
        let _held = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        match self.bytes.get() {
            Some(bytes) => Ok(bytes),
            None => {
                let made = self.make()?;
                Ok(self.bytes.get_or_init(|| made))
            }
        }
    }

    /// The files that its chunks are in, in the order of the chunks. None if they are in a database.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let folder = match &*self.values {
            Values::Folder(folder) => Some(folder.join(&self.stored)),
            Values::Database { .. } => None,
        };
        let counts = self.counts();
        let number: usize = counts.iter().product();
        let file = move |number| {
            let key = self.grid.key(&coordinates(number, &counts));
            folder.as_ref().map(|folder| folder.join(key))
        };
        (0..number).map_while(file)
    }

    /// Chunks along each axis.
    fn counts(&self) -> Vec<usize> {
        self.grid.ty.dims.iter().zip(&self.grid.chunk).map(|(dim, chunk)| dim.div_ceil(*chunk)).collect()
    }

    fn make(&self) -> Result<MappedBytes, OrbaxError> {
        // A description that can be opened has bytes that can be counted.
        let total = self.grid.ty.host_bytes().unwrap_or_default();
        if self.grid.codec == Codec::Plain(Pipe::NONE) && self.grid.chunk == self.grid.ty.dims {
            let place = vec![0; self.grid.chunk.len()];
            if let Some(Value::Mapped(bytes)) = self.chunk(&place)? {
                let found = bytes.len();
                if found != total {
                    return Err(self.problem(&place, bytes.file(), ChunkProblem::Length { found, expected: total }));
                }
                return Ok(bytes);
            }
        }
        let folder = std::env::temp_dir();
        let array = || self.name.clone();
        disk::check(&folder, total as u64).map_err(|source| OrbaxError::Space { array: array(), source })?;
        let failed = |source| OrbaxError::Scratch { array: array(), folder: folder.clone(), source };
        let mut scratch = Scratch::new(&folder, total).map_err(failed)?;
        self.decode(&mut scratch)?;
        scratch.finish(&self.place).map_err(failed)
    }

    /// Decodes every chunk, those of different rows at once.
    fn decode(&self, out: &mut [u8]) -> Result<(), OrbaxError> {
        let Grid { ty, chunk, .. } = &self.grid;
        let counts = self.counts();
        let of_slab: usize = counts.iter().skip(1).product();
        let slab_rows = chunk.first().copied().unwrap_or(1);
        let row_bytes = out.len() / ty.dims.first().copied().unwrap_or(1);
        let width = ty.element.bitsize() / 8;
        let slabs = out.par_chunks_mut(slab_rows.saturating_mul(row_bytes)).enumerate();
        slabs.try_for_each(|(slab, out)| {
            let target = &mut Target { dims: &ty.dims, width, out, first_row: slab * slab_rows };
            (slab * of_slab..(slab + 1) * of_slab)
                .try_for_each(|number| self.decode_chunk(&coordinates(number, &counts), target))
        })
    }

    fn decode_chunk(&self, place: &[usize], target: &mut Target<'_>) -> Result<(), OrbaxError> {
        let Some(value) = self.chunk(place)? else { return Ok(()) };
        let origin: Vec<usize> = place.iter().zip(&self.grid.chunk).map(|(place, chunk)| place * chunk).collect();
        let decoded = self.grid.codec.decode(&value, &self.grid.chunk, &origin, target);
        decoded.map_err(|problem| self.problem(place, value.file(), problem))
    }

    /// The bytes of a chunk. `None` if it is not stored because it is zeros.
    fn chunk(&self, place: &[usize]) -> Result<Option<Value>, OrbaxError> {
        match self.values.get(&format!("{}/{}", self.stored, self.grid.key(place)))? {
            None if self.every_chunk_is_stored || !self.grid.rest_is_zeros => {
                Err(self.problem(place, &self.place, ChunkProblem::Missing))
            }
            found => Ok(found),
        }
    }

    fn problem(&self, place: &[usize], file: &Path, problem: ChunkProblem) -> OrbaxError {
        let (array, chunk) = (self.stored.clone(), self.grid.key(place));
        OrbaxError::Chunk { array, chunk, problem, file: file.to_owned() }
    }
}
