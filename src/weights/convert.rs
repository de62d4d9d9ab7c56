//! A checkpoint's tensors written again, as they are and under their own names, in another kind of files.

use std::path::Path;

use super::checkpoint::Checkpoint;
use super::header::StoredType;
use super::packed::PackedError;
use super::published::{Content, Published, Unpacked};
use crate::progress::Progress;

/// Bytes that are written at a time.
const PIECE_BYTES: usize = 4 << 20;

/// Writes the checkpoint into `folder`, as [`super::unpack`] does. Fails if `layout` calls for other tensors than it has.
pub fn convert(
    checkpoint: &Checkpoint,
    layout: Published,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Unpacked, PackedError> {
    let own = checkpoint.published();
    if layout != own && layout != Published::Orbax {
        return Err(PackedError::Names { folder: checkpoint.folder().to_owned(), own, asked: layout });
    }
    // The configuration goes with the names.
    let config = match own {
        Published::HuggingFace => own.config(checkpoint.config(), checkpoint.folder())?,
        _ => layout.config(checkpoint.config(), checkpoint.folder())?,
    };
    let tensors = checkpoint.types().map(|(name, ty)| Stored { checkpoint, name, ty }).collect();
    layout.write::<Stored<'_>>(&config, tensors, folder, progress)
}

/// A tensor of the checkpoint, which is read when it is told.
struct Stored<'a> {
    checkpoint: &'a Checkpoint,
    name: &'a str,
    ty: &'a StoredType,
}

impl Content for Stored<'_> {
    fn name(&self) -> &str {
        self.name
    }

    fn ty(&self) -> &StoredType {
        self.ty
    }

    fn tell(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), PackedError>) -> Result<(), PackedError> {
        let tensor = self.checkpoint.tensor(self.name)?;
        tensor.iter().flat_map(|tensor| tensor.bytes.chunks(PIECE_BYTES)).try_for_each(take)
    }
}
