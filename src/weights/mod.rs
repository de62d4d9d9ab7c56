//! Weights: checkpoints in either published layout, and their values in the layouts that the graphs want. Knows no device.
//!
//! Reading order: `checkpoint` with `header`, `index`, `layout` and `map` (what is stored); `arrangement` and `rows` (what of it a weight
//! is), `mxfp4`, `codes`, `recode` and `loss` (how it is told), `pack` (the weight itself); `packed` (a file of them), `store`, and `unpack` (the
//! way back).

mod arrangement;
mod checkpoint;
mod codes;
mod error;
pub mod header;
mod index;
mod layout;
mod loss;
mod map;
pub mod mxfp4;
pub mod pack;
pub mod packed;
mod recode;
mod rotary;
mod rows;
mod store;
mod unpack;

pub use checkpoint::Checkpoint;
pub use error::{CheckpointError, Mismatch};
pub use index::{Index, IndexError};
pub use loss::{Loss, Losses};
pub use map::MappedBytes;
pub use store::{Bytes, Store, Supplied, Supply};
pub use unpack::{Published, Unpacked, unpack};
