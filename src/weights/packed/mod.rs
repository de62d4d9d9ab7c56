//! A packed file: the weights of one model as one target takes them, in one safetensors file that is mapped and handed over.
//!
//! Tensors stand in the order of the programs' arguments and begin at multiples of 64 bytes; where a size leaves a gap, a tensor of
//! zeros named `padding.N` fills it, since the format allows none. What several devices divide stands part by part, so that the part of each is
//! in one piece: axes `[parts, …]`. What the configuration alone tells, such as the rotary tables, is left out, and with it every size
//! that a session chooses: context, batch and buckets. The manifest is text in the header.
//!
//! Reading order: [`Manifest`], `slots` (what lies where), [`Packed`] (reading), [`Packer`] (writing) with its `journal`, [`Kept`]
//! (a file that is used again without being named).

mod error;
mod journal;
mod kept;
mod manifest;
mod open;
mod slots;
mod write;

pub use error::PackedError;
pub use kept::{Found, Kept};
pub use manifest::{Manifest, TensorEntry};
pub(super) use open::Fitted;
pub use open::Packed;
pub(super) use slots::Slot;
pub use write::{Packer, Written};

/// The key of the manifest in the header.
const KEY: &str = "precast";

/// What names of fillers begin with.
const PADDING: &str = "padding.";

/// Where tensors begin: what the CPU's plugin wants of memory that it uses in place, and more than any other does.
const ALIGN: usize = 64;

/// Where the first one begins: a page, so that whole pages of large tensors are their own.
const DATA_ALIGN: usize = 4096;
