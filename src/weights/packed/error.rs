//! What can be wrong with a packed file, or keep one from being written.

use std::path::PathBuf;

use crate::config::ConfigError;
use crate::disk::NoSpace;
use crate::partial::PartialError;
use crate::plan::Precision;
use crate::weights::header::HeaderError;
use crate::weights::orbax::OrbaxError;
use crate::weights::{CheckpointError, Published};

/// Why a packed file cannot be opened, used or written.
#[derive(Debug, thiserror::Error)]
pub enum PackedError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("cannot {doing} `{}`: {source}", file.display())]
    File { doing: &'static str, file: PathBuf, source: std::io::Error },
    #[error("`{}` is no sound safetensors file: {problem}", file.display())]
    Header { file: PathBuf, problem: Box<HeaderError> },
    #[error("`{}` is a safetensors file that `precast pack` did not write", file.display())]
    NotPacked { file: PathBuf },
    #[error("`{}` was packed in format {found}, this version of precast reads format {expected}", file.display())]
    Format { file: PathBuf, found: u64, expected: u32 },
    #[error("the manifest in `{}` is not sound: {problem}", file.display())]
    Manifest { file: PathBuf, problem: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("`{}` is packed for target `{target}` on {devices} with {packed}, asked for is {asked}", file.display())]
    Other { file: PathBuf, target: String, devices: String, packed: String, asked: String },
    #[error("weight `{weight}` is {found} in `{}`, this version of precast makes it {expected}", file.display())]
    Weight { weight: String, found: String, expected: String, file: PathBuf },
    #[error("tensor `{tensor}` in `{}` has SHA-256 {found}, its manifest says {expected}", file.display())]
    Checksum { tensor: String, file: PathBuf, found: String, expected: String },
    #[error(transparent)]
    Space(#[from] NoSpace),
    #[error(transparent)]
    Partial(#[from] PartialError),
    #[error("`{}` is a file that the checkpoint is read from", file.display())]
    Source { file: PathBuf },
    #[error("`{}` keeps {what} in {stored}, which are not the published values", file.display())]
    Inexact { file: PathBuf, what: &'static str, stored: Precision },
    #[error("`{}` has a configuration that the published `config.json` has no keys for", file.display())]
    Keys { file: PathBuf },
    #[error("the tensors of `{}` have the names of the {own} layout, asked for is the {asked} layout", folder.display())]
    Names { folder: PathBuf, own: Published, asked: Published },
    #[error("`{}` is there already", file.display())]
    Exists { file: PathBuf },
    #[error("tensor `{tensor}` would hold {value:e}, which is no bf16, from `{}`", file.display())]
    NotBf16 { tensor: String, value: f32, file: PathBuf },
    #[error("block {block} of row {row} of weight `{weight}` is no block of MXFP4\n  in `{}`", file.display())]
    NotMxfp4 { weight: String, row: usize, block: usize, file: PathBuf },
    #[error("`{}` was packed for target `{target}`, which this version of precast does not know", file.display())]
    Target { file: PathBuf, target: String },
    #[error("weight `{weight}` cannot be divided among devices: {problem}\n  this is a bug in precast")]
    Division { weight: String, problem: String },
}

impl From<OrbaxError> for PackedError {
    fn from(error: OrbaxError) -> PackedError {
        PackedError::Checkpoint(error.into())
    }
}

impl PackedError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            PackedError::Checkpoint(error) => error.hint(),
            PackedError::Config(error) => error.hint(),
            PackedError::NotPacked { .. } => {
                Some("give the folder of a checkpoint, or a file that `precast pack` wrote".to_owned())
            }
            PackedError::Header { .. } | PackedError::Manifest { .. } | PackedError::Checksum { .. } => {
                Some("it was cut short or damaged on the way: copy it again, or pack again".to_owned())
            }
            PackedError::Format { .. } | PackedError::Weight { .. } => {
                Some("pack the checkpoint again with this version".to_owned())
            }
            PackedError::Other { .. } => {
                Some("leave the options out that ask for something else, or pack the checkpoint for it".to_owned())
            }
            PackedError::Inexact { .. } => {
                Some("unpack a file that was packed with `--weights mxfp4` or `bf16`".to_owned())
            }
            PackedError::Keys { .. } => Some("use `--layout hf`".to_owned()),
            PackedError::Names { .. } => Some(
                "pack it with `--weights mxfp4`, and unpack that; or use `--layout orbax`, which takes any names"
                    .to_owned(),
            ),
            PackedError::Exists { .. } => Some("choose another folder, or remove it".to_owned()),
            PackedError::NotMxfp4 { .. } => Some("use `--layout hf`, which has experts in bf16".to_owned()),
            PackedError::Space(_) => Some("free some, or choose another disk with `--out`".to_owned()),
            PackedError::Partial(PartialError::Busy { .. }) => {
                Some("wait for it, or choose another `--out`".to_owned())
            }
            PackedError::Source { .. } => Some("choose another `--out`".to_owned()),
            _ => None,
        }
    }
}
