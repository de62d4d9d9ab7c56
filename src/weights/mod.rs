//! Weights: checkpoints in either published layout, as safetensors or as Orbax writes them, and their values in the layouts that the graphs
//! want. Knows no device.
//!
//! Reading order: `checkpoint` with `header`, `index`, `orbax`, `layout` and `map` (what is stored); `arrangement` and `rows` (what of it a weight
//! is), `mxfp4`, `codes`, `recode` and `loss` (how it is told), `pack` (the weight itself); `packed` (a file of them), `store`, and
//! `published` with `unpack` and `convert` (checkpoints again).

mod arrangement;
mod checkpoint;
mod codes;
mod convert;
mod error;
pub mod header;
mod index;
mod layout;
mod loss;
mod map;
pub mod mxfp4;
pub mod orbax;
pub mod pack;
pub mod packed;
mod published;
mod recode;
mod rotary;
mod rows;
mod store;
mod unpack;

pub use checkpoint::{Checkpoint, config};
pub use convert::convert;
pub use error::{CheckpointError, Mismatch};
pub use index::{Index, IndexError};
pub use loss::{Loss, Losses};
pub use map::MappedBytes;
pub use published::{Published, Unpacked};
pub use store::{Bytes, Store, Supplied, Supply};
pub use unpack::unpack;
