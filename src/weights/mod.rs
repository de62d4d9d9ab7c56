//! Checkpoints: found, checked and mapped, and packed into what the programs take. Knows no device.

mod checkpoint;
mod map;
pub mod mxfp4;
pub mod pack;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use map::{MappedBytes, MappedFile};
