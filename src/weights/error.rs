//! What can be wrong with a checkpoint, always with the file, and with the tensor where there is one.

use std::path::PathBuf;

use super::header::{HeaderError, StoredType};
use super::index::IndexError;
use super::orbax::OrbaxError;
use crate::config::ConfigError;

/// Why a checkpoint cannot be opened, or a weight not be made of it.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Orbax(Box<OrbaxError>),
    #[error("`{}` cannot be read: {source}", file.display())]
    File { file: PathBuf, source: std::io::Error },
    #[error("`{}` holds no `*.safetensors`, neither does a folder `original` in it, and nothing in it is a checkpoint of Orbax", folder.display())]
    NoWeights { folder: PathBuf },
    #[error("`{}` is no sound safetensors file: {problem}", file.display())]
    Header { file: PathBuf, problem: Box<HeaderError> },
    #[error("`{}` is no sound index: {problem}", file.display())]
    Index { file: PathBuf, problem: IndexError },
    #[error("`{}` does not name `{}`, which lies beside it: which of them is the checkpoint?", index.display(), file.display())]
    TwoCheckpoints { index: PathBuf, file: PathBuf },
    #[error("`{}` puts tensor `{tensor}` into `{}`, which is missing", index.display(), file.display())]
    IndexedFile { index: PathBuf, tensor: String, file: PathBuf },
    #[error("`{}` puts tensor `{tensor}` into `{}`, which does not hold it", index.display(), file.display())]
    IndexedTensor { index: PathBuf, tensor: String, file: PathBuf },
    #[error("`{}` does not put tensor `{tensor}` into `{}`, which holds it", index.display(), file.display())]
    NotIndexed { index: PathBuf, tensor: String, file: PathBuf },
    #[error("tensor `{tensor}` is twice in the checkpoint\n  in `{}`\n  in `{}`", first.display(), second.display())]
    Twice { tensor: String, first: PathBuf, second: PathBuf },
    #[error(transparent)]
    Mismatch(#[from] Box<Mismatch>),
    #[error("tensor `{tensor}` has scale 255 at {at:?}, which MXFP4 reserves for NaN\n  in `{}`", file.display())]
    NanScale { tensor: String, at: Vec<usize>, file: PathBuf },
    #[error("tensor `{tensor}` is not a finite number at {at:?}\n  in `{}`", file.display())]
    NotFinite { tensor: String, at: Vec<usize>, file: PathBuf },
    #[error("the 32 values of tensor `{tensor}` from {at:?} on are no block of MXFP4\n  in `{}`", file.display())]
    NotMxfp4 { tensor: String, at: Vec<usize>, file: PathBuf },
    #[error("weight `{weight}` is asked for as {asked}, the checkpoint makes it {made}\n  this is a bug in precast")]
    Weight { weight: String, asked: String, made: String },
}

/// A checkpoint whose tensors are not those that its configuration calls for.
/// `looks_like` is what the weights' own sizes say of them.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    #[error("checkpoint does not match model `{model}`\n  tensor `{tensor}` is {found}, expected {expected}\n  in `{}`", file.display())]
    TensorType {
        model: String,
        tensor: String,
        found: StoredType,
        expected: String,
        file: PathBuf,
        looks_like: Option<String>,
    },
    #[error("checkpoint does not match model `{model}`\n  tensor `{tensor}` is missing{}, expected {expected}\n  in `{}`", and_more(*others), place.display())]
    Missing {
        model: String,
        tensor: String,
        expected: String,
        /// How many more are missing.
        others: usize,
        /// The only file, or the folder of several.
        place: PathBuf,
        looks_like: Option<String>,
    },
    #[error("checkpoint does not match model `{model}`\n  tensor `{tensor}`{} has no place in it\n  in `{}`", and_more(*others), file.display())]
    Unknown {
        model: String,
        tensor: String,
        /// How many more have no place.
        others: usize,
        file: PathBuf,
        looks_like: Option<String>,
    },
}

impl Mismatch {
    fn looks_like(&self) -> Option<&str> {
        use Mismatch::*;
        let (TensorType { looks_like, .. } | Missing { looks_like, .. } | Unknown { looks_like, .. }) = self;
        looks_like.as_deref()
    }
}

fn and_more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more)") }
}

impl From<OrbaxError> for CheckpointError {
    fn from(error: OrbaxError) -> CheckpointError {
        CheckpointError::Orbax(Box::new(error))
    }
}

impl CheckpointError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        use CheckpointError::*;
        match self {
            Config(error) => error.hint(),
            Orbax(error) => error.hint(),
            Mismatch(mismatch) => mismatch.looks_like().map(str::to_owned),
            NoWeights { .. } => Some(
                "a model is a folder with `config.json` and weights; `precast fetch` gets a published one".to_owned(),
            ),
            Header { problem, .. } => match **problem {
                HeaderError::TooShort { .. } | HeaderError::Truncated { .. } | HeaderError::PastEnd { .. } => {
                    Some("the file was cut short; download it again".to_owned())
                }
                _ => None,
            },
            IndexedFile { .. } => Some("a part of the checkpoint was not downloaded".to_owned()),
            IndexedTensor { .. } | NotIndexed { .. } => {
                Some("the index is not of these files; download all of them from one place".to_owned())
            }
            TwoCheckpoints { .. } => Some("keep the index and its files, or the single file".to_owned()),
            Twice { .. } => Some("files of two checkpoints lie in one folder".to_owned()),
            NanScale { .. } | NotFinite { .. } => Some("the file is damaged; download it again".to_owned()),
            NotMxfp4 { .. } => Some(
                "these experts were changed after they left MXFP4: use `--weights bf16`, `fp8` or `int8`, or the checkpoint that has them in MXFP4"
                    .to_owned(),
            ),
            File { .. } | Index { .. } | Weight { .. } => None,
        }
    }
}
