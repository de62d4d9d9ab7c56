//! The builder of a kernel's body: cells that are loaded and stored, values as `Copy` handles, and the rules of each op. The first
//! mistake is kept with the line that made it, as in the builder of modules.

use std::cell::RefCell;
use std::ops;
use std::panic::Location;

use super::{Binary, Condition, Kernel, Op, Place, Role, Scalar, Unary};
use crate::builder::Problem;
use crate::elementwise::Direction;
use crate::types::{ElementType, ElementType::*, TensorType};

/// Builds one kernel. Made by [`Kernel::new`].
pub struct KernelBuilder {
    state: RefCell<State>,
}

struct State {
    kernel: Kernel,
    /// The ops being written, innermost last.
    open: Vec<Vec<Op>>,
    /// The part that is open at each depth, and that in which each value was made: what a condition guards does not leave it.
    parts: Vec<usize>,
    made_in: Vec<usize>,
    last_part: usize,
    problem: Option<Problem>,
}

/// A list of whole numbers that is known before the kernel starts.
#[derive(Clone, Copy, Debug)]
pub struct Numbers(usize);

/// An operand's block, or scratch.
#[derive(Clone, Copy)]
pub struct Cell<'k> {
    kernel: &'k KernelBuilder,
    id: usize,
}

/// A vector that a kernel computes.
#[derive(Clone, Copy)]
pub struct Value<'k> {
    kernel: &'k KernelBuilder,
    id: usize,
}

impl Numbers {
    pub fn at(self, place: impl Into<Scalar>) -> Scalar {
        Scalar::Number(self.0, Box::new(place.into()))
    }
}

impl KernelBuilder {
    pub(super) fn start(name: &str, grid: &[usize]) -> KernelBuilder {
        let kernel = Kernel {
            name: name.to_owned(),
            grid: grid.to_vec(),
            numbers: Vec::new(),
            cells: Vec::new(),
            ops: Vec::new(),
            values: Vec::new(),
        };
        let state =
            State { kernel, open: vec![Vec::new()], parts: vec![0], made_in: Vec::new(), last_part: 0, problem: None };
        KernelBuilder { state: RefCell::new(state) }
    }

    pub(super) fn finish(self) -> Result<Kernel, Problem> {
        let mut state = self.state.into_inner();
        match state.problem {
            Some(problem) => Err(problem),
            None => Ok(Kernel { ops: state.open.pop().unwrap_or_default(), ..state.kernel }),
        }
    }

    /// The step along axis `axis` of the grid.
    #[track_caller]
    pub fn place(&self, axis: usize) -> Scalar {
        let axes = self.state.borrow().kernel.grid.len();
        if axis >= axes {
            self.fail(format!("place on axis {axis} of a grid of {axes}"));
        }
        Scalar::Place(axis)
    }

    /// A list of `length` whole numbers, handed over as s32 `[length]` before all inputs.
    pub fn numbers(&self, length: usize) -> Numbers {
        let mut state = self.state.borrow_mut();
        state.kernel.numbers.push(length);
        Numbers(state.kernel.numbers.len() - 1)
    }

    /// An operand, of which each step sees the block `index`, counted in blocks.
    #[track_caller]
    pub fn input(&self, name: &str, whole: &TensorType, block: &[usize], index: &[Scalar]) -> Cell<'_> {
        self.operand(Role::Input, name, whole, block, index)
    }

    /// A result, likewise.
    #[track_caller]
    pub fn output(&self, name: &str, whole: &TensorType, block: &[usize], index: &[Scalar]) -> Cell<'_> {
        self.operand(Role::Output, name, whole, block, index)
    }

    #[track_caller]
    fn operand(&self, role: Role, name: &str, whole: &TensorType, block: &[usize], index: &[Scalar]) -> Cell<'_> {
        let rank = whole.rank();
        if block.len() != rank || index.len() != rank {
            self.fail(format!("`{name}` is {whole}, its block has {} axes and {} indices", block.len(), index.len()));
        } else if block.iter().zip(&whole.dims).any(|(part, all)| *part == 0 || !all.is_multiple_of(*part)) {
            self.fail(format!("blocks {block:?} do not divide `{name}`, {whole}"));
        }
        let place =
            Place { name: name.to_owned(), role, whole: whole.clone(), block: block.to_vec(), index: index.to_vec() };
        self.cell(place)
    }

    /// Fast memory that lasts from step to step.
    pub fn scratch(&self, name: &str, ty: &TensorType) -> Cell<'_> {
        let block = ty.dims.clone();
        let (name, role, whole) = (name.to_owned(), Role::Scratch, ty.clone());
        self.cell(Place { name, role, whole, block, index: Vec::new() })
    }

    fn cell(&self, place: Place) -> Cell<'_> {
        let mut state = self.state.borrow_mut();
        state.kernel.cells.push(place);
        Cell { kernel: self, id: state.kernel.cells.len() - 1 }
    }

    /// Runs `body` in those steps in which `condition` holds.
    pub fn when(&self, condition: Condition, body: impl FnOnce()) {
        {
            let mut state = self.state.borrow_mut();
            state.open.push(Vec::new());
            state.last_part += 1;
            let part = state.last_part;
            state.parts.push(part);
        }
        body();
        let mut state = self.state.borrow_mut();
        let ops = state.open.pop().unwrap_or_default();
        state.parts.pop();
        state.write(Op::When { condition, ops });
    }

    /// `value` in every element.
    #[track_caller]
    pub fn splat(&self, value: f64, ty: &TensorType) -> Value<'_> {
        self.made(ty.clone(), &[], |result| Op::Splat { result, value })
    }

    /// The number `value` in every element of an s32 vector.
    #[track_caller]
    pub fn splat_scalar(&self, value: Scalar, dims: &[usize]) -> Value<'_> {
        self.made(TensorType::new(S32, dims), &[], |result| Op::SplatScalar { result, value })
    }

    /// 0, 1, 2 … along `axis` of an s32 vector.
    #[track_caller]
    pub fn iota(&self, dims: &[usize], axis: usize) -> Value<'_> {
        if axis >= dims.len() {
            self.fail(format!("`iota` along axis {axis} of {dims:?}"));
        }
        self.made(TensorType::new(S32, dims), &[], |result| Op::Iota { result, axis })
    }

    /// `first`, then `others`, along the first axis.
    #[track_caller]
    pub fn join<'k>(&'k self, values: &[Value<'k>]) -> Value<'k> {
        let types: Vec<TensorType> = values.iter().map(|value| value.ty()).collect();
        let Some(first) = types.first() else {
            self.fail("nothing to join".to_owned());
            return self.splat(0.0, &TensorType::new(F32, [1, 1]));
        };
        let alike = |ty: &TensorType| ty.element == first.element && ty.dims.get(1..) == first.dims.get(1..);
        if first.rank() == 0 || !types.iter().all(alike) {
            let shown: Vec<String> = types.iter().map(TensorType::to_string).collect();
            self.fail(format!("`join` of {}", shown.join(", ")));
        }
        let mut dims = first.dims.clone();
        if let Some(axis) = dims.first_mut() {
            *axis = types.iter().filter_map(|ty| ty.dims.first()).sum();
        }
        let operands: Vec<usize> = values.iter().map(|value| value.id).collect();
        self.made(first.with_dims(dims), values, |result| Op::Join { result, operands })
    }

    #[track_caller]
    fn fail(&self, message: String) {
        let (location, mut state) = (Location::caller(), self.state.borrow_mut());
        if state.problem.is_none() {
            let scope = state.kernel.name.clone();
            let (file, line) = (location.file().to_owned(), location.line());
            state.problem = Some(Problem { message, scope, file, line });
        }
    }

    #[track_caller]
    fn check(&self, rule: Result<(), String>) {
        if let Err(message) = rule {
            self.fail(message);
        }
    }

    /// Adds the op that makes a value of type `ty`.
    #[track_caller]
    fn made(&self, ty: TensorType, operands: &[Value<'_>], op: impl FnOnce(usize) -> Op) -> Value<'_> {
        self.used(operands);
        let mut state = self.state.borrow_mut();
        let id = state.kernel.values.len();
        state.kernel.values.push(ty);
        let part = state.parts.last().copied().unwrap_or_default();
        state.made_in.push(part);
        state.write(op(id));
        Value { kernel: self, id }
    }

    #[track_caller]
    fn used(&self, values: &[Value<'_>]) {
        let state = self.state.borrow();
        let lost = values.iter().find(|value| !state.parts.contains(&state.made_in[value.id]));
        let lost = lost.map(|value| state.kernel.values[value.id].clone());
        drop(state);
        if let Some(ty) = lost {
            self.fail(format!("{ty} was made under a condition, and is used outside of it"));
        }
    }
}

impl State {
    fn write(&mut self, op: Op) {
        if let Some(ops) = self.open.last_mut() {
            ops.push(op);
        }
    }
}

impl<'k> Cell<'k> {
    fn block(self) -> TensorType {
        self.kernel.state.borrow().kernel.cells[self.id].block_type()
    }

    /// The sizes of `dims` along all axes of the block: those in front are 1.
    #[track_caller]
    fn sizes(self, what: &str, starts: &[Scalar], dims: &[usize]) -> Vec<usize> {
        let block = self.block();
        let missing = block.rank().saturating_sub(dims.len());
        let sizes: Vec<usize> = std::iter::repeat_n(1, missing).chain(dims.iter().copied()).collect();
        let leaves = |(place, size): (usize, &usize)| match (&starts[place], block.dims[place]) {
            (Scalar::Constant(start), dim) => *start < 0 || *start as usize + size > dim,
            (_, dim) => *size > dim,
        };
        if starts.len() != block.rank() || sizes.len() != block.rank() || sizes.iter().enumerate().any(leaves) {
            self.kernel.fail(format!("{what} of {dims:?} at {} starts of a block {block}", starts.len()));
        }
        sizes
    }

    /// The part of the block that begins at `starts`, one an axis, without the axes that `dims` lacks in front.
    #[track_caller]
    pub fn load(self, starts: &[Scalar], dims: &[usize]) -> Value<'k> {
        let sizes = self.sizes("a load", starts, dims);
        let ty = self.block().with_dims(dims);
        let (cell, starts) = (self.id, starts.to_vec());
        self.kernel.made(ty, &[], |result| Op::Load { result, cell, starts, sizes })
    }

    /// Writes `value` there.
    #[track_caller]
    pub fn store(self, starts: &[Scalar], value: Value<'k>) {
        let (block, ty) = (self.block(), value.ty());
        let sizes = self.sizes("a store", starts, &ty.dims);
        if ty.element != block.element {
            self.kernel.fail(format!("{ty} stored into a block {block}"));
        }
        let state = self.kernel.state.borrow();
        let is_input = state.kernel.cells[self.id].role == Role::Input;
        drop(state);
        if is_input {
            self.kernel.fail(format!("{ty} stored into an input"));
        }
        self.kernel.used(&[value]);
        let (cell, starts, value) = (self.id, starts.to_vec(), value.id);
        self.kernel.state.borrow_mut().write(Op::Store { cell, starts, sizes, value });
    }
}

macro_rules! binary {
    ($($(#[$doc:meta])* $method:ident $kind:ident $elements:expr;)*) => {
        impl<'k> Value<'k> {
            $($(#[$doc])* #[track_caller] pub fn $method(self, other: Value<'k>) -> Value<'k> {
                self.pair(stringify!($method), Binary::$kind, other, $elements)
            })*
        }
    };
}

binary! {
    plus Add &[F32, S32];
    less Subtract &[F32, S32];
    times Multiply &[F32];
    over Divide &[F32];
    maximum Maximum &[F32];
    both And &[S32];
    either Or &[S32];
    shift_left ShiftLeft &[S32];
}

macro_rules! operator {
    ($($trait:ident $operator:ident $method:ident;)*) => {
        $(impl<'k> ops::$trait for Value<'k> {
            type Output = Value<'k>;
            #[track_caller]
            fn $operator(self, other: Value<'k>) -> Value<'k> {
                self.$method(other)
            }
        })*
    };
}

operator! {
    Add add plus;
    Sub sub less;
    Mul mul times;
    Div div over;
    BitAnd bitand both;
    BitOr bitor either;
}

impl<'k> Value<'k> {
    pub fn ty(self) -> TensorType {
        self.kernel.state.borrow().kernel.values[self.id].clone()
    }

    /// A splat of `value` beside it.
    #[track_caller]
    pub fn splat(self, value: f64) -> Value<'k> {
        self.kernel.splat(value, &self.ty())
    }

    #[track_caller]
    fn pair(self, name: &str, kind: Binary, other: Value<'k>, elements: &[ElementType]) -> Value<'k> {
        let (left, right) = (self.ty(), other.ty());
        if left != right || !elements.contains(&left.element) {
            self.kernel.fail(format!("`{name}` of {left} and {right}"));
        }
        let operands = [self.id, other.id];
        self.kernel.made(left, &[self, other], |result| Op::Binary { result, kind, operands })
    }

    #[track_caller]
    fn one(self, ty: TensorType, rule: Result<(), String>, op: impl FnOnce(usize, usize) -> Op) -> Value<'k> {
        self.kernel.check(rule);
        self.kernel.made(ty, &[self], |result| op(result, self.id))
    }

    #[track_caller]
    pub fn exp(self) -> Value<'k> {
        let ty = self.ty();
        let rule = if ty.element == F32 { Ok(()) } else { Err(format!("`exp` of {ty}")) };
        self.one(ty, rule, |result, operand| Op::Unary { result, kind: Unary::Exp, operand })
    }

    /// Where it is `other` or less: predicates.
    #[track_caller]
    pub fn at_most(self, other: Value<'k>) -> Value<'k> {
        let (left, right) = (self.ty(), other.ty());
        if left != right || left.element != S32 {
            self.kernel.fail(format!("`at_most` of {left} and {right}"));
        }
        let (direction, operands) = (Direction::LessOrEqual, [self.id, other.id]);
        let op = |result| Op::Compare { result, direction, operands };
        self.kernel.made(left.with_element(Pred), &[self, other], op)
    }

    /// Where this predicate holds `yes`, elsewhere `no`.
    #[track_caller]
    pub fn select(self, yes: Value<'k>, no: Value<'k>) -> Value<'k> {
        let (predicate, left, right) = (self.ty(), yes.ty(), no.ty());
        if left != right || predicate != left.with_element(Pred) {
            self.kernel.fail(format!("`select` between {left} and {right} by {predicate}"));
        }
        let operands = [self.id, yes.id, no.id];
        self.kernel.made(left, &[self, yes, no], |result| Op::Select { result, operands })
    }

    /// The same values as another element type: between f32 and bf16, and from f8e5m2 to f32.
    #[track_caller]
    pub fn convert(self, element: ElementType) -> Value<'k> {
        let from = self.ty();
        if from.element == element {
            return self;
        }
        let known = [(F32, Bf16), (Bf16, F32), (F8E5M2, F32)].contains(&(from.element, element));
        let rule = if known { Ok(()) } else { Err(format!("no core converts {from} to {element}")) };
        self.one(from.with_element(element), rule, |result, operand| Op::Convert { result, operand })
    }

    /// The four bits of each element of f4e2m1fn, as a signed number: s8, from -8 to 7.
    #[track_caller]
    pub fn codes(self) -> Value<'k> {
        let from = self.ty();
        let rule = if from.element == F4E2M1FN { Ok(()) } else { Err(format!("`codes` of {from}")) };
        self.one(from.with_element(S8), rule, |result, operand| Op::Codes { result, operand })
    }

    /// The same bits as another element type. Rows, the last axis but one, are put together or taken apart where widths differ; the
    /// first of them holds the lowest bits.
    #[track_caller]
    pub fn bits(self, element: ElementType) -> Value<'k> {
        let from = self.ty();
        let mut dims = from.dims.clone();
        let (own, other) = (from.element.bits(), element.bits());
        let rule = match from.rank().checked_sub(2).map(|axis| &mut dims[axis]) {
            Some(rows) if (*rows * own).is_multiple_of(other) => {
                *rows = *rows * own / other;
                Ok(())
            }
            _ => Err(format!("`bits` of {from} as {element}")),
        };
        self.one(TensorType::new(element, dims), rule, |result, operand| Op::Bits { result, operand })
    }

    /// Repeated along the axes on which it has one element, so that it has the shape `dims`.
    #[track_caller]
    pub fn spread(self, dims: &[usize]) -> Value<'k> {
        let from = self.ty();
        if from.dims == dims {
            return self;
        }
        let fits = from.rank() == dims.len() && from.dims.iter().zip(dims).all(|(own, to)| own == to || *own == 1);
        let rule = if fits { Ok(()) } else { Err(format!("`spread` of {from} to {dims:?}")) };
        self.one(from.with_dims(dims), rule, |result, operand| Op::Spread { result, operand })
    }

    /// The same elements in row-major order under other axes.
    #[track_caller]
    pub fn reshape(self, dims: &[usize]) -> Value<'k> {
        let from = self.ty();
        if from.dims == dims {
            return self;
        }
        let to = from.with_dims(dims);
        let rule = if to.count() == from.count() { Ok(()) } else { Err(format!("`reshape` of {from} to {dims:?}")) };
        self.one(to, rule, |result, operand| Op::Reshape { result, operand })
    }

    /// `[m, k]` times `[k, n]`, both bf16: f32 `[m, n]`.
    #[track_caller]
    pub fn dot(self, other: Value<'k>) -> Value<'k> {
        self.product(other, false)
    }

    /// `[m, k]` times `[n, k]` transposed, likewise.
    #[track_caller]
    pub fn dot_transposed(self, other: Value<'k>) -> Value<'k> {
        self.product(other, true)
    }

    #[track_caller]
    fn product(self, other: Value<'k>, transposed: bool) -> Value<'k> {
        let (left, right) = (self.ty(), other.ty());
        let mut dims = vec![1, 1];
        match (&left.dims[..], &right.dims[..]) {
            ([m, k], [first, second]) if left.element == Bf16 && right.element == Bf16 => {
                let (inner, outer) = if transposed { (second, first) } else { (first, second) };
                dims = vec![*m, *outer];
                if inner != k {
                    self.kernel
                        .fail(format!("`dot` of {left} and {right}, which are {k} and {inner} along what is summed"));
                }
            }
            _ => self.kernel.fail(format!("`dot` of {left} and {right}, expected matrices of bf16")),
        }
        let operands = [self.id, other.id];
        self.kernel.made(TensorType::new(F32, dims), &[self, other], |result| Op::Dot { result, operands, transposed })
    }

    /// The largest along the last axis, of which one element is left.
    #[track_caller]
    pub fn max_last(self) -> Value<'k> {
        self.reduce(true)
    }

    /// The sum along the last axis, likewise.
    #[track_caller]
    pub fn sum_last(self) -> Value<'k> {
        self.reduce(false)
    }

    #[track_caller]
    fn reduce(self, largest: bool) -> Value<'k> {
        let from = self.ty();
        let fits = from.rank() == 2 && from.element == F32;
        let rule = if fits { Ok(()) } else { Err(format!("a reduction of {from}, expected a matrix of f32")) };
        let rows = from.dims.first().copied().unwrap_or(1);
        self.one(from.with_dims([rows, 1]), rule, |result, operand| Op::Reduce { result, operand, largest })
    }
}
