//! Where the bytes of a checkpoint are by their keys, such as `params.w/0.0`: a file each, or values in a database of OCDBT.

use std::collections::HashMap;
use std::io;
use std::ops::Deref;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::error::OrbaxError;
use super::ocdbt;
use crate::weights::map::{Map, MappedBytes};

/// The file that a database of OCDBT has and nothing else.
const MANIFEST: &str = "manifest.ocdbt";
/// What the folders begin with that single processes write into, before they are merged.
const OF_PROCESS: &str = "ocdbt.process_";

#[derive(Debug)]
pub(super) enum Values {
    Folder(PathBuf),
    Database { manifest: PathBuf, values: HashMap<String, Value>, files: Vec<PathBuf> },
}

/// The bytes of one key, and the file that has them.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Mapped(MappedBytes),
    /// In a node of the database, which is compressed as a whole.
    Inline {
        bytes: Arc<[u8]>,
        file: Arc<Path>,
    },
}

impl Values {
    /// Those of the checkpoint in `folder`.
    pub fn open(folder: &Path) -> Result<Values, OrbaxError> {
        let manifest = folder.join(MANIFEST);
        if manifest.is_file() {
            let (values, files) = ocdbt::read(folder, &manifest)?;
            return Ok(Values::Database { manifest, values, files });
        }
        let failed = |source| OrbaxError::File { file: folder.to_owned(), source };
        let mut parts = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if name.starts_with(OF_PROCESS) {
                parts.push(name);
            }
        }
        parts.sort();
        match parts.first() {
            Some(first) => {
                let (first, others) = (first.clone(), parts.len() - 1);
                Err(OrbaxError::Unmerged { folder: folder.to_owned(), first, others })
            }
            None => Ok(Values::Folder(folder.to_owned())),
        }
    }

    /// `None` if nothing has this key. Keys are checked by whoever makes them: see [`leads_out`].
    pub fn get(&self, key: &str) -> Result<Option<Value>, OrbaxError> {
        match self {
            Values::Database { values, .. } => Ok(values.get(key).cloned()),
            Values::Folder(folder) => {
                let file = folder.join(key);
                let map = match Map::open(&file) {
                    Ok(map) => map,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(source) => return Err(OrbaxError::File { file, source }),
                };
                let bytes = map.bytes().len();
                Ok(MappedBytes::new(&map, 0..bytes).map(Value::Mapped))
            }
        }
    }

    /// The file or folder to name for a key that is not there.
    pub fn place(&self) -> &Path {
        match self {
            Values::Folder(folder) => folder,
            Values::Database { manifest, .. } => manifest,
        }
    }

    /// The files of a database. Those of a folder are known by their keys alone.
    pub fn files(&self) -> &[PathBuf] {
        match self {
            Values::Folder(_) => &[],
            Values::Database { files, .. } => files,
        }
    }
}

impl Value {
    pub fn file(&self) -> &Path {
        match self {
            Value::Mapped(bytes) => bytes.file(),
            Value::Inline { file, .. } => file,
        }
    }
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Value::Mapped(bytes) => bytes,
            Value::Inline { bytes, .. } => bytes,
        }
    }
}

/// Whether a path that a file names is anything but a place below the folder that it is to be in.
pub(super) fn leads_out(path: &str) -> bool {
    let below = |part: Component<'_>| matches!(part, Component::Normal(_));
    path.is_empty() || path.contains(['\\', '\0', ':']) || !Path::new(path).components().all(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_below_are_taken() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a/..", "c:\\x", "a\\..\\x", "./a", "a\0"] {
            assert!(leads_out(path), "{path}");
        }
        for path in ["a", "ocdbt.process_0/d/12", "a.b/0.0", "..a"] {
            assert!(!leads_out(path), "{path}");
        }
    }
}
