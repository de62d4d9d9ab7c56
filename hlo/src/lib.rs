//! StableHLO text from Rust.

mod types;

pub use types::{ElementType, Parameter, Signature, TensorType};
