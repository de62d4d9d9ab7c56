//! The index of a sharded checkpoint, `model.safetensors.index.json`: which file holds which tensor.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::header::shortened;

/// The file that has each tensor, by the tensor's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub files: BTreeMap<String, String>,
}

/// What is wrong with an index.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    #[error("it is not valid JSON: {problem}")]
    Json { problem: String },
    #[error("its `weight_map` is empty")]
    Empty,
    #[error("its `weight_map` has tensor `{tensor}` twice")]
    Twice { tensor: String },
    #[error("its `weight_map` puts tensor `{tensor}` into `{file}`, expected the name of a file beside the index")]
    Place { tensor: String, file: String },
}

impl Index {
    /// Reads the text of an index. File names are plain: none leads out of the folder.
    pub fn parse(text: &[u8]) -> Result<Index, IndexError> {
        let raw: RawIndex = serde_json::from_slice(text)
            .map_err(|error| IndexError::Json { problem: shortened(&error.to_string()) })?;
        let mut files = BTreeMap::new();
        for (tensor, file) in raw.weight_map.0 {
            let plain = !file.is_empty() && file != "." && file != ".." && !file.contains(['/', '\\', '\0', ':']);
            if !plain || file.chars().any(char::is_control) || file.len() > 255 {
                return Err(IndexError::Place { tensor: shortened(&tensor), file: shortened(&file) });
            }
            if files.insert(tensor.clone(), file).is_some() {
                return Err(IndexError::Twice { tensor: shortened(&tensor) });
            }
        }
        if files.is_empty() {
            return Err(IndexError::Empty);
        }
        Ok(Index { files })
    }
}

#[derive(serde::Deserialize)]
struct RawIndex {
    weight_map: RawMap,
}

/// The map as it is written, a repeated name twice.
struct RawMap(Vec<(String, String)>);

impl<'de> Deserialize<'de> for RawMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RawMap, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = RawMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from tensors to files")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RawMap, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(RawMap(entries))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
