//! Products with weights as they are stored, on the host's processor: what XLA's compiler for CPUs leaves slow.
//!
//! A row times a matrix is bound by the memory that the matrix is read from, so codes are unpacked in registers, never to memory; many
//! rows are bound by arithmetic, so a few outputs are unpacked into a core's cache and all rows pass by. Sums are f32; products of bf16
//! are exact in it. Knows no plugin and no graph: slices in, slices out.
//!
//! In reading order: `level` (which instructions there are), `matrix` (how weights are stored), `number` (what is multiplied), `lines` (rows of them), `portable`,
//! `avx2`, `avx512` (the same few functions for each; `few` is what they share), `product`, `experts`, and `workers`, who do it.

#[cfg(target_arch = "x86_64")]
#[macro_use]
mod few;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod columns;
mod experts;
mod level;
mod lines;
mod matrix;
mod number;
mod portable;
mod product;
mod workers;

pub use experts::{Experts, answer};
pub use level::Level;
pub use matrix::{Matrix, Values};
pub use product::{Rows, product};
pub use workers::{Alone, Workers};

/// What programs call [`product`] by. Operands: rows `[n, c]`, a matrix `[o, c]` and, if it is of codes, its scales `[o]`; result f32 `[n, o]`.
pub const PRODUCT: &str = "precast.product.1";

/// What programs call [`answer`] by. Operands: rows `[n, c]`, shares f32 `[n, e]`, gates and ups `[…, e, 2f, c]`, their scales if they are
/// of codes, their biases, the last matrices `[…, e, o, f]`, their scales and biases likewise. Attributes: `limit` and `alpha`. Result f32
/// `[n, o]`.
pub const EXPERTS: &str = "precast.experts.1";

/// Values that share a scale in MXFP4.
pub const BLOCK: usize = 32;
