//! A kernel as ordinary StableHLO: a loop over the grid that takes every operand's block by a dynamic slice. Any plugin runs it; it is
//! for checking what a kernel computes, and no faster than it looks.

use super::{Binary, Condition, Kernel, Op, Role, Scalar, Unary};
use crate::builder::{Builder, Tensor};
use crate::types::{ElementType, ElementType::*, TensorType};

impl Kernel {
    /// The results of the kernel for lists of numbers s32 and for inputs in the order of their declaration.
    #[track_caller]
    pub fn plain<'b>(&self, b: &'b Builder, numbers: &[Tensor<'b>], inputs: &[Tensor<'b>]) -> Vec<Tensor<'b>> {
        if let Err(message) = self.takes(numbers, inputs) {
            return self.outputs().iter().map(|_| b.fail(message.clone())).collect();
        }
        let steps: usize = self.grid.iter().product();
        let kept: Vec<usize> = (0..self.cells.len()).filter(|&cell| self.cells[cell].role != Role::Input).collect();
        let mut state = vec![b.integer(0)];
        state.extend(kept.iter().map(|&cell| unset(b, &self.cells[cell].whole)));
        let last = b.while_loop_at_most(
            steps,
            &state,
            |state| state[0].below(steps as i64),
            |state| {
                let mut step = Step {
                    kernel: self,
                    b,
                    place: self.places(state[0]),
                    numbers,
                    cells: Vec::new(),
                    values: Vec::new(),
                };
                step.values.resize(self.values.len(), None);
                let (mut inputs, mut others) = (inputs.iter(), state[1..].iter());
                for place in &self.cells {
                    let whole = if place.role == Role::Input { inputs.next() } else { others.next() };
                    let whole = *whole.expect("as many as the kernel declares");
                    let own = if place.role == Role::Scratch {
                        whole
                    } else {
                        whole.dynamic_slice(&step.starts(&place.index, &place.block), &place.block)
                    };
                    step.cells.push(own);
                }
                step.run(&self.ops);
                let mut next = vec![state[0] + 1];
                for (&cell, &whole) in kept.iter().zip(&state[1..]) {
                    let (place, own) = (&self.cells[cell], step.cells[cell]);
                    let scratch = place.role == Role::Scratch;
                    next.push(if scratch {
                        own
                    } else {
                        whole.dynamic_update(own, &step.starts(&place.index, &place.block))
                    });
                }
                next
            },
        );
        let outputs = kept.iter().zip(&last[1..]).filter(|(cell, _)| self.cells[**cell].role == Role::Output);
        outputs.map(|(_, tensor)| *tensor).collect()
    }

    /// Whether these are the operands that the kernel declares.
    pub(super) fn takes(&self, numbers: &[Tensor<'_>], inputs: &[Tensor<'_>]) -> Result<(), String> {
        let lists = self.numbers.iter().map(|length| TensorType::new(S32, [*length]));
        let whole = self.with_role(Role::Input).map(|(_, place)| place.whole.clone());
        let expected: Vec<TensorType> = lists.chain(whole).collect();
        let given: Vec<TensorType> = numbers.iter().chain(inputs).map(|tensor| tensor.ty()).collect();
        let shown = |types: &[TensorType]| types.iter().map(TensorType::to_string).collect::<Vec<_>>().join(", ");
        if given == expected {
            return Ok(());
        }
        Err(format!("kernel `{}` takes {}, given {}", self.name, shown(&expected), shown(&given)))
    }

    /// The place along every axis of the grid at step `step`, the last axis the fastest.
    fn places<'b>(&self, step: Tensor<'b>) -> Vec<Tensor<'b>> {
        let place = |axis: usize| {
            let inner: usize = self.grid[axis + 1..].iter().product();
            let outer = if inner == 1 { step } else { step.over(inner as i64) };
            if axis == 0 { outer } else { outer.remainder(self.grid[axis] as i64) }
        };
        (0..self.grid.len()).map(place).collect()
    }
}

/// What nobody has written yet: NaN, or -1.
fn unset<'b>(b: &'b Builder, ty: &TensorType) -> Tensor<'b> {
    if ty.element.is_float() { b.splat(f64::NAN, ty) } else { b.splat_integer(-1, ty) }
}

struct Step<'s, 'b> {
    kernel: &'s Kernel,
    b: &'b Builder,
    place: Vec<Tensor<'b>>,
    numbers: &'s [Tensor<'b>],
    /// What each cell holds now.
    cells: Vec<Tensor<'b>>,
    values: Vec<Option<Tensor<'b>>>,
}

impl<'b> Step<'_, 'b> {
    fn scalar(&self, scalar: &Scalar) -> Tensor<'b> {
        match scalar {
            Scalar::Constant(value) => self.b.integer(*value),
            Scalar::Place(axis) => self.place[*axis],
            Scalar::Number(list, at) => self.numbers[*list].dynamic_slice(&[self.scalar(at)], &[1]).reshape(&[]),
            Scalar::Plus(left, right) => self.scalar(left) + self.scalar(right),
            Scalar::Times(of, by) => self.scalar(of) * *by,
            Scalar::Over(of, by) => self.scalar(of).over(*by),
            Scalar::Remainder(of, by) => self.scalar(of).remainder(*by),
            Scalar::Least(left, right) => self.scalar(left).minimum(self.scalar(right)),
        }
    }

    /// Where block `index` begins.
    fn starts(&self, index: &[Scalar], block: &[usize]) -> Vec<Tensor<'b>> {
        let start = |(index, size): (&Scalar, &usize)| match index {
            Scalar::Constant(index) => self.b.integer(index * *size as i64),
            index => self.scalar(index) * *size as i64,
        };
        index.iter().zip(block).map(start).collect()
    }

    fn holds(&self, condition: &Condition) -> Tensor<'b> {
        self.scalar(&condition.left).compare(self.scalar(&condition.right), condition.direction)
    }

    fn value(&self, id: usize) -> Tensor<'b> {
        self.values[id].expect("the builder lets no value be used before it is made")
    }

    fn run(&mut self, ops: &[Op]) {
        for op in ops {
            if let Some((result, tensor)) = self.op(op) {
                self.values[result] = Some(tensor);
            }
        }
    }

    fn op(&mut self, op: &Op) -> Option<(usize, Tensor<'b>)> {
        let ty = |id: &usize| &self.kernel.values[*id];
        Some(match op {
            Op::Load { result, cell, starts, sizes } => {
                let starts: Vec<Tensor<'b>> = starts.iter().map(|start| self.scalar(start)).collect();
                (*result, self.cells[*cell].dynamic_slice(&starts, sizes).reshape(&ty(result).dims))
            }
            Op::Store { cell, starts, sizes, value } => {
                let starts: Vec<Tensor<'b>> = starts.iter().map(|start| self.scalar(start)).collect();
                self.cells[*cell] = self.cells[*cell].dynamic_update(self.value(*value).reshape(sizes), &starts);
                return None;
            }
            Op::When { condition, ops } => {
                let (before, values) = (self.cells.clone(), self.values.clone());
                let holds = self.holds(condition);
                let b = self.b;
                let after = b.branch(
                    holds,
                    || {
                        self.run(ops);
                        self.cells.clone()
                    },
                    || before,
                );
                (self.cells, self.values) = (after, values);
                return None;
            }
            Op::Splat { result, value } => match ty(result) {
                ty if ty.element.is_float() => (*result, self.b.splat(*value, ty)),
                ty => (*result, self.b.splat_integer(*value as i64, ty)),
            },
            Op::SplatScalar { result, value } => {
                (*result, self.scalar(value).spread(&spec("", ty(result).rank()), &ty(result).dims))
            }
            Op::Iota { result, axis } => (*result, self.b.iota(ty(result), *axis)),
            Op::Unary { result, kind: Unary::Exp, operand } => (*result, self.value(*operand).exp()),
            Op::Binary { result, kind, operands } => {
                let [left, right] = operands.map(|id| self.value(id));
                let tensor = match kind {
                    Binary::Add => left + right,
                    Binary::Subtract => left - right,
                    Binary::Multiply => left * right,
                    Binary::Divide => left / right,
                    Binary::Maximum => left.maximum(right),
                    Binary::And => left & right,
                    Binary::Or => left | right,
                    Binary::ShiftLeft => left.shift_left(right),
                };
                (*result, tensor)
            }
            Op::Compare { result, direction, operands } => {
                let [left, right] = operands.map(|id| self.value(id));
                (*result, left.compare(right, *direction))
            }
            Op::Select { result, operands } => {
                let [predicate, yes, no] = operands.map(|id| self.value(id));
                (*result, predicate.select(yes, no))
            }
            Op::Convert { result, operand } => (*result, self.value(*operand).convert(ty(result).element)),
            Op::Codes { result, operand } => (*result, codes(self.value(*operand))),
            Op::Bits { result, operand } => (*result, bits(self.value(*operand), ty(result))),
            Op::Spread { result, operand } => (*result, spread(self.value(*operand), &ty(result).dims)),
            Op::Reshape { result, operand } => (*result, self.value(*operand).reshape(&ty(result).dims)),
            Op::Join { result, operands } => {
                let tensors: Vec<Tensor<'b>> = operands.iter().map(|id| self.value(*id)).collect();
                (*result, tensors[0].concatenate(&tensors[1..], 0))
            }
            Op::Dot { result, operands, transposed } => {
                // A matrix unit multiplies bf16 exactly. A host may round such products to bf16 again, unless they are of f32.
                let [left, right] = operands.map(|id| self.value(id).convert(F32));
                (*result, left.dot_into(F32, if *transposed { "mk,nk->mn" } else { "mk,kn->mn" }, right))
            }
            Op::Reduce { result, operand, largest } => {
                let operand = self.value(*operand);
                let reduced = if *largest { operand.max("mn->m") } else { operand.sum("mn->m") };
                (*result, reduced.reshape(&ty(result).dims))
            }
        })
    }
}

/// The letters of so many axes after those of `from`.
fn spec(from: &str, rank: usize) -> String {
    let letters: String = ('a'..='z').take(rank).collect();
    format!("{from}->{letters}")
}

/// The codes of E2M1 numbers. The sign is asked of the bits, since zero has one too.
fn codes(of: Tensor<'_>) -> Tensor<'_> {
    let wide = of.convert(F32);
    let bits = wide.bitcast(U32);
    let magnitude = bits.both(0x7fff_ffff).bitcast(F32);
    let steps = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
    let reached = steps.map(|step| magnitude.at_least(step).convert(S32));
    let code = reached.into_iter().reduce(|sum, one| sum + one).expect("seven steps");
    (code - bits.shift_right(31).bitcast(S32) * 8).convert(S8)
}

/// The same bits; rows that are put together go last for it, and those that come out of it come from there.
fn bits<'b>(of: Tensor<'b>, to: &TensorType) -> Tensor<'b> {
    let (own, other) = (of.ty(), to.element);
    let together = other.bits() / own.element.bits().max(1);
    let (rows, columns) = (own.dims[own.rank() - 2], own.dims[own.rank() - 1]);
    let outer: usize = own.dims[..own.rank() - 2].iter().product();
    let apart = own.element.bits() / other.bits();
    let cast = |of: Tensor<'b>, element: ElementType| of.bitcast(element);
    let result = match (together, apart) {
        (0, _) => {
            let taken = cast(of.reshape(&[outer, rows, columns]), other);
            taken.transpose("orcp->orpc")
        }
        (1, _) => cast(of, other),
        _ => {
            let grouped = of.reshape(&[outer, rows / together, together, columns]);
            cast(grouped.transpose("orpc->orcp"), other)
        }
    };
    result.reshape(&to.dims)
}

fn spread<'b>(of: Tensor<'b>, dims: &[usize]) -> Tensor<'b> {
    let from = of.ty().dims;
    let letters: Vec<char> = ('a'..='z').take(dims.len()).collect();
    let kept = (0..dims.len()).filter(|&axis| from[axis] == dims[axis]);
    let (letters_kept, dims_kept): (String, Vec<usize>) = kept.map(|axis| (letters[axis], dims[axis])).unzip();
    of.reshape(&dims_kept).spread(&spec(&letters_kept, dims.len()), dims)
}
