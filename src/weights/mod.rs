//! Weights: checkpoints in either published layout, and their values in the layouts that the graphs want. Knows no device.

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
mod recode;
mod rotary;
mod rows;

pub use checkpoint::Checkpoint;
pub use error::{CheckpointError, Mismatch};
pub use index::{Index, IndexError};
pub use map::MappedBytes;
