//! What a plan takes on its target, told before anything is compiled: memory by what it holds, bytes that a step must move, and
//! which of several plans is the one to take.
//!
//! `memory` is checked against the compiler's own figures by `tests/estimate.rs`; `moved` is the roofline; `candidate` has both of
//! one way to hold a model, `choice` compares such ways.
//! Knows what the graphs declare, and no compiler and no device.

mod candidate;
mod choice;
mod memory;
mod moved;

pub use candidate::{Candidate, Compiled, Nearest, Sizes, WEIGHTS};
pub use choice::{choose, reason};
pub use memory::{Memory, Part, argument_bytes};
pub use moved::{moved_bytes, roofline_cycles};
