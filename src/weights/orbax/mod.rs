//! Checkpoints of Orbax: a tree of named arrays in a folder, in zarr of version 2 or 3, one file a chunk or all of them in a database of
//! OCDBT. Knows no model.
//!
//! Reading order: `place` (which folder it is), `metadata` (the tree), `values` with `ocdbt` and `node` (where bytes are), `zarr` (what an array is),
//! `chunk` (how its bytes are kept), `array`, `tree`; `write` is the way back.
//!
//! Sources: the zarr specifications of version 2 and 3, tensorstore's description of OCDBT, and what orbax-checkpoint 0.12.8 reads and writes.

mod array;
mod chunk;
mod error;
mod metadata;
mod node;
mod ocdbt;
mod place;
mod tree;
mod values;
mod write;
mod zarr;

pub use array::Array;
pub use error::{ChunkProblem, OcdbtProblem, OrbaxError};
pub use place::find;
pub use tree::Tree;
pub use write::Writer;
