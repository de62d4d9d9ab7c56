//! A safetensors file of one tensor, `logits`, that is whole or not there. It knows no model.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use safetensors::Dtype;

use super::failure::Failure;
use crate::partial;
use crate::weights::header::{StoredType, encode};

/// The start of a safetensors file of one tensor `logits`, with texts of `metadata`.
pub fn header(shape: [usize; 2], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let ty = StoredType { element: Dtype::F32, dims: shape.to_vec() };
    encode(metadata, [("logits", &ty, shape[0] * shape[1] * size_of::<f32>())], 8)
}

/// Fills a file next to `path` and renames it, so that `path` is whole or untouched.
pub fn write_beside<T>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let unwritten = |error: &std::io::Error| Failure::file("write", path, error);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".precast-score-");
    #[cfg(unix)]
    {
        // As a plain `File::create` would have made it; a temporary file is private by default.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(partial::folder(path)).map_err(|error| unwritten(&error))?;
    let mut writer = BufWriter::with_capacity(1 << 20, file.as_file_mut());
    let filled = fill(&mut writer)?;
    writer.flush().map_err(|error| unwritten(&error))?;
    drop(writer);
    file.persist(path).map_err(|error| unwritten(&error.error))?;
    Ok(filled)
}

/// Writes to a file that is to become `path`.
pub fn write_rows(path: &Path, file: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    file.write_all(bytes).map_err(|error| Failure::file("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_reads_back_as_safetensors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logits.safetensors");
        let written = write_beside(&path, |file| {
            file.write_all(&header([2, 3], &BTreeMap::from([("tokens".to_owned(), "2".to_owned())]))).unwrap();
            file.write_all(&[0_u8; 24]).unwrap();
            Ok(())
        });
        assert!(written.is_ok());
        let bytes = std::fs::read(&path).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let logits = tensors.tensor("logits").unwrap();
        assert_eq!((logits.dtype(), logits.shape()), (safetensors::Dtype::F32, [2, 3].as_slice()));
    }

    #[test]
    fn a_failed_score_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write_beside::<()>(&folder.path().join("logits"), |_| Err(Failure::new("no"))).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
