//! StableHLO text from Rust: a builder whose values are `Copy` handles, whose shapes are checked as they are built, and
//! whose first mistake is kept with the line that made it. No dependencies, no unsafe, no I/O; it knows no model.
//!
//! ```
//! use hlo::{Builder, ElementType::F32, TensorType};
//!
//! let b = Builder::new("example");
//! b.function("main", || {
//!     let x = b.argument("x", &TensorType::new(F32, [2, 4]));
//!     let w = b.argument("w", &TensorType::new(F32, [3, 4]));
//!     vec![x.dot("tc,oc->to", w).exp()]
//! });
//! let module = b.finish().unwrap();
//! assert!(module.text().contains("stablehlo.dot_general"));
//! ```
//!
//! Reading order: `types`, `sharding`, `division`, `builder` (values, scopes, functions), `axes` (letters), then the families of ops, and
//! `kernel`, which writes programs for one core.

mod axes;
mod builder;
mod control;
mod division;
mod dot;
mod elementwise;
mod extension;
pub mod kernel;
mod module;
mod reduce;
mod shape;
mod sharding;
mod slice;
mod types;

pub use builder::{Builder, Problem, Tensor};
pub use division::Division;
pub use elementwise::Direction;
pub use extension::Attribute;
pub use module::{Function, Module};
pub use sharding::{Mesh, Sharding};
pub use types::{ElementType, Parameter, Signature, TensorType};

#[cfg(test)]
mod testing;
