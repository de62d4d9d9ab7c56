//! Kernels: programs for one core that take their operands block by block, written once and lowered twice.
//!
//! [`Kernel::call`] puts a kernel into a module as libtpu takes it: a `tpu_custom_call` that carries the kernel as a module of Mosaic's
//! stable dialect, in text. [`Kernel::plain`] puts the same definition there as ordinary StableHLO, a loop over the grid that any plugin
//! runs, which is how a kernel's arithmetic is seen to be right where there is no TPU.
//!
//! A kernel has a grid, whose last axis runs fastest; lists of whole numbers that are known before it starts; inputs and outputs, each
//! cut into blocks of which one is in fast memory at a time, chosen by scalars; scratch that lasts from step to step; and a body that
//! runs once a step. An output's block is written back when another one takes its place. Nothing is set to zero beforehand: the plain
//! form fills outputs and scratch with NaN, so that what is read too early shows.
//!
//! ```
//! use hlo::kernel::Kernel;
//! use hlo::{Builder, ElementType::F32, TensorType};
//!
//! let whole = TensorType::new(F32, [4, 8, 128]);
//! let kernel = Kernel::new("twice", &[4], |k| {
//!     let x = k.input("x", &whole, &[1, 8, 128], &[k.place(0), 0.into(), 0.into()]);
//!     let y = k.output("y", &whole, &[1, 8, 128], &[k.place(0), 0.into(), 0.into()]);
//!     let block = x.load(&[0.into(), 0.into(), 0.into()], &[8, 128]);
//!     y.store(&[0.into(), 0.into(), 0.into()], block + block);
//! })
//! .unwrap();
//! let b = Builder::new("example");
//! b.function("main", || kernel.call(&b, &[], &[b.argument("x", &whole)]));
//! assert!(b.finish().unwrap().text().contains("@tpu_custom_call"));
//! ```

mod base64;
mod body;
mod mosaic;
mod plain;
mod scalar;
#[cfg(test)]
mod tests;

pub use body::{Cell, KernelBuilder, Numbers, Value};
pub use scalar::{Condition, Scalar};

use crate::builder::Problem;
use crate::elementwise::Direction;
use crate::types::TensorType;

/// The frontend attributes of a kernel's call, which XLA carries along: its name, and the bytes that it streams.
pub const NAME_ATTRIBUTE: &str = "precast_kernel";
pub const BYTES_ATTRIBUTE: &str = "precast_kernel_bytes";

/// A kernel without mistakes, as far as the builder's rules know.
#[derive(Clone, Debug)]
pub struct Kernel {
    pub name: String,
    pub(self) grid: Vec<usize>,
    /// Lengths of the lists of numbers that are handed over first.
    pub(self) numbers: Vec<usize>,
    pub(self) cells: Vec<Place>,
    pub(self) ops: Vec<Op>,
    /// The types of the body's values.
    pub(self) values: Vec<TensorType>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Input,
    Output,
    Scratch,
}

/// What a kernel reads and writes: an operand, of which it sees a block at a time, or scratch, which is a block.
#[derive(Clone, Debug)]
struct Place {
    name: String,
    role: Role,
    whole: TensorType,
    block: Vec<usize>,
    /// Which block, counted in blocks; empty for scratch.
    index: Vec<Scalar>,
}

impl Place {
    fn block_type(&self) -> TensorType {
        self.whole.with_dims(&self.block[..])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unary {
    Exp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Maximum,
    And,
    Or,
    ShiftLeft,
}

/// One step of a body. Numbers are values by their place in [`Kernel::values`], `cell` by theirs in [`Kernel::cells`].
#[derive(Clone, Debug)]
enum Op {
    Load { result: usize, cell: usize, starts: Vec<Scalar>, sizes: Vec<usize> },
    Store { cell: usize, starts: Vec<Scalar>, sizes: Vec<usize>, value: usize },
    Splat { result: usize, value: f64 },
    SplatScalar { result: usize, value: Scalar },
    Iota { result: usize, axis: usize },
    Unary { result: usize, kind: Unary, operand: usize },
    Binary { result: usize, kind: Binary, operands: [usize; 2] },
    Compare { result: usize, direction: Direction, operands: [usize; 2] },
    Select { result: usize, operands: [usize; 3] },
    Convert { result: usize, operand: usize },
    Codes { result: usize, operand: usize },
    Bits { result: usize, operand: usize },
    Spread { result: usize, operand: usize },
    Reshape { result: usize, operand: usize },
    Join { result: usize, operands: Vec<usize> },
    Dot { result: usize, operands: [usize; 2], transposed: bool },
    Reduce { result: usize, operand: usize, largest: bool },
    When { condition: Condition, ops: Vec<Op> },
}

impl Kernel {
    /// The kernel that `body` describes, over a grid of so many steps along each axis; or the first mistake.
    pub fn new(name: &str, grid: &[usize], body: impl for<'k> FnOnce(&'k KernelBuilder)) -> Result<Kernel, Problem> {
        let builder = KernelBuilder::start(name, grid);
        body(&builder);
        builder.finish()
    }

    fn with_role(&self, role: Role) -> impl Iterator<Item = (usize, &Place)> {
        self.cells.iter().enumerate().filter(move |(_, place)| place.role == role)
    }

    /// How many inputs it takes.
    pub fn inputs(&self) -> usize {
        self.with_role(Role::Input).count()
    }

    /// The types of its results.
    pub fn outputs(&self) -> Vec<TensorType> {
        self.with_role(Role::Output).map(|(_, place)| place.whole.clone()).collect()
    }

    /// Bytes that one call moves between the device's memory and the core, at most: a block is moved again whenever a step has
    /// another one than the step before.
    pub fn streamed_bytes(&self) -> usize {
        let operands = self.cells.iter().filter(|place| place.role != Role::Scratch);
        let bytes = |place: &Place| {
            let innermost = place.index.iter().filter_map(Scalar::innermost).max();
            let times: usize = self.grid[..innermost.map_or(0, |axis| axis + 1)].iter().product();
            times * place.block_type().count() * place.whole.element.bits() / 8
        };
        operands.map(bytes).sum()
    }

    /// Bytes of fast memory that its blocks and scratch take at least: operands have two blocks each, one of which is on its way.
    pub fn held_bytes(&self) -> usize {
        let bytes = |place: &Place| {
            let copies = if place.role == Role::Scratch { 1 } else { 2 };
            copies * place.block_type().count() * place.whole.element.bits() / 8
        };
        self.cells.iter().map(bytes).sum()
    }
}
