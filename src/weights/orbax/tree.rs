//! The arrays of a checkpoint by their names. Reads the tree and every description; the arrays' bytes are read when they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::array::Array;
use super::error::OrbaxError;
use super::metadata::Metadata;
use super::place::METADATA;
use super::values::{Values, leads_out};
use crate::weights::map::Map;

/// The largest `_METADATA` that is read: some hundred thousand arrays.
const MOST_METADATA_BYTES: usize = 64 << 20;
/// What holds the parameters of a tree that has other things beside, such as the state of training.
const PARAMETERS: &str = "params";

/// The parameters of a checkpoint. Invariant, kept by `Tree::open`: every array's description was read, and is sound.
#[derive(Debug)]
pub struct Tree {
    values: Arc<Values>,
    metadata: PathBuf,
    arrays: BTreeMap<String, Array>,
}

impl Tree {
    /// Opens the checkpoint in `folder`, which is one itself: see [`super::find`].
    ///
    /// An array's name is the keys that lead to it, joined by dots, so that a nested tree and a flat one are the same. If the tree has a
    /// branch `params`, as trees of training have, what is below it is taken, and nothing else.
    pub fn open(folder: &Path) -> Result<Tree, OrbaxError> {
        let metadata = folder.join(METADATA);
        let map = Map::open(&metadata).map_err(|source| OrbaxError::File { file: metadata.clone(), source })?;
        let unsound = |problem| OrbaxError::Metadata { file: metadata.clone(), problem };
        if map.bytes().len() > MOST_METADATA_BYTES {
            return Err(unsound(format!("it has {} bytes, expected at most {MOST_METADATA_BYTES}", map.bytes().len())));
        }
        let tree = Metadata::parse(map.bytes()).map_err(unsound)?;
        let values = Arc::new(Values::open(folder)?);
        let depth = depth_of_parameters(&tree.arrays);
        let mut arrays = BTreeMap::new();
        for keys in &tree.arrays {
            if keys.len() <= depth || keys[..depth].iter().any(|key| key != PARAMETERS) {
                continue;
            }
            let (name, stored) = (keys[depth..].join("."), keys.join("."));
            if leads_out(&stored) {
                return Err(OrbaxError::Path { file: metadata, path: stored });
            }
            let array = Array::open(name.clone(), stored, &values, tree.every_chunk_is_stored, &metadata)?;
            if arrays.insert(name.clone(), array).is_some() {
                return Err(OrbaxError::Twice { array: name, file: metadata });
            }
        }
        Ok(Tree { values, metadata, arrays })
    }

    /// In the order of their names.
    pub fn arrays(&self) -> impl Iterator<Item = &Array> {
        self.arrays.values()
    }

    pub fn into_arrays(self) -> BTreeMap<String, Array> {
        self.arrays
    }

    /// The files that it is read from.
    pub fn files(&self) -> Vec<PathBuf> {
        let chunks = self.arrays().flat_map(Array::files).filter(|file| file.exists());
        let files: BTreeSet<PathBuf> = chunks.chain(self.values.files().iter().cloned()).collect();
        [self.metadata.clone()].into_iter().chain(files).collect()
    }
}

/// How many times `params` leads on before the parameters begin: Flax's modules have it once more.
fn depth_of_parameters(arrays: &[Vec<String>]) -> usize {
    let below = |depth: usize| {
        arrays.iter().any(|keys| keys.len() > depth && keys[..depth].iter().all(|key| key == PARAMETERS))
    };
    let mut depth = 0;
    while below(depth + 1) {
        depth += 1;
    }
    depth
}
