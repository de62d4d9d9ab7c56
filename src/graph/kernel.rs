//! The kernels: the product of chosen experts in MXFP4, and a decode step's attention over a cache. Each is one definition; `call` puts
//! it into a program for a TPU, or as a loop where a host is to show what it computes. They know shapes, and no model.
//!
//! No kernel has been executed on a TPU. What was seen: that the compiler takes them, and what they compute as loops on a host.

use crate::plan::{Kernels, MXFP4_BLOCK};
use hlo::kernel::{Kernel, Scalar};
use hlo::{Builder, ElementType::Bf16, ElementType::F4E2M1FN, ElementType::F8E5M2, ElementType::F32, ElementType::S32};
use hlo::{Problem, Tensor, TensorType};

/// Rows of bf16 in one tile of a TPU's memory, which scales are read by.
const SCALE_ROWS: usize = 16;

/// Values that a step of the product unpacks at most: with what is on its way there is then room in the 16 MB of fast memory that
/// the compiler sets aside for a kernel.
const UNPACKED_AT_ONCE: usize = 1 << 21;

/// Weighs its codes 2 to the power of this too little: E2M1 inside of E5M2.
const E5M2_OVER_E2M1: f64 = 16384.0;

/// Lanes of a vector register.
const LANES: usize = 128;

/// Which product of experts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Experts that there are, and those of them that are asked at once.
    pub experts: usize,
    pub chosen: usize,
    /// Blocks of 32 inputs, and outputs.
    pub blocks: usize,
    pub outputs: usize,
    /// Whether the chosen experts are asked the same.
    pub shared: bool,
}

impl Product {
    /// Blocks of 32 inputs that one step takes: as many as divide them all and fit.
    pub fn blocks_at_once(&self) -> usize {
        let most = (UNPACKED_AT_ONCE / (self.outputs * MXFP4_BLOCK)).max(1);
        (1..=most.min(self.blocks)).rev().find(|at_once| self.blocks.is_multiple_of(*at_once)).unwrap_or(1)
    }

    /// The kernel. It takes the chosen experts s32 `[k]`; their inputs bf16 `[k, steps, 1, i]`, or `[1, …]` if they share them, in
    /// pieces of `blocks_at_once`; codes f4 `[1, e, b, 32, o]` and scales bf16 `[1, e·b, o]`. It gives f32 `[k, 1, o]`.
    ///
    /// A code is put where E5M2 has sign, exponent and mantissa, which is exact for all of them, the subnormal one too, and which the
    /// cores of v5e and later turn to f32 by one instruction. Scales are powers of two up to 2^113. Fails where the rows of the scales
    /// are not whole tiles.
    pub fn kernel(&self) -> Result<Kernel, Problem> {
        let (at_once, blocks, o) = (self.blocks_at_once(), self.blocks, self.outputs);
        let (steps, rows) = (blocks / at_once, self.experts * blocks);
        let inputs = at_once * MXFP4_BLOCK;
        // An expert's scales begin anywhere inside of a tile.
        let tiles = (blocks + SCALE_ROWS - 1).div_ceil(SCALE_ROWS);
        let zero = || Scalar::from(0);
        Kernel::new("mxfp4_product", &[self.chosen, steps], |k| {
            let picks = k.numbers(self.chosen);
            let (pick, step) = (picks.at(k.place(0)), k.place(1));
            let asked = if self.shared { zero() } else { k.place(0) };
            let x = TensorType::new(Bf16, [if self.shared { 1 } else { self.chosen }, steps, 1, inputs]);
            let x = k.input("x", &x, &[1, 1, 1, inputs], &[asked, step.clone(), zero(), zero()]);
            let codes = TensorType::new(F4E2M1FN, [1, self.experts, blocks, MXFP4_BLOCK, o]);
            let index = [zero(), pick.clone(), step.clone(), zero(), zero()];
            let codes = k.input("codes", &codes, &[1, 1, at_once, MXFP4_BLOCK, o], &index);
            let scales: Vec<_> = (0..tiles)
                .map(|tile| {
                    let first = (pick.clone() * blocks).over(SCALE_ROWS);
                    let last = (rows / SCALE_ROWS).saturating_sub(1);
                    let whole = TensorType::new(Bf16, [1, rows, o]);
                    let index = [zero(), (first + tile).least(last), zero()];
                    k.input(&format!("scales{tile}"), &whole, &[1, SCALE_ROWS, o], &index)
                })
                .collect();
            let whole = TensorType::new(F32, [self.chosen, 1, o]);
            let y = k.output("y", &whole, &[1, 1, o], &[k.place(0), zero(), zero()]);
            let factors = k.scratch("factors", &TensorType::new(F32, [tiles * SCALE_ROWS, o]));
            let unpacked = k.scratch("unpacked", &TensorType::new(Bf16, [inputs, o]));
            let origin = [zero(), zero(), zero()];
            k.when(step.clone().equals(0), || {
                for (tile, scales) in scales.iter().enumerate() {
                    let scales = scales.load(&origin, &[SCALE_ROWS, o]).convert(F32);
                    factors.store(&[(tile * SCALE_ROWS).into(), zero()], scales * scales.splat(E5M2_OVER_E2M1));
                }
                y.store(&origin, k.splat(0.0, &TensorType::new(F32, [1, o])));
            });
            // Two blocks fill the rows of a register of 4-bit codes.
            let together = if at_once.is_multiple_of(2) { 2 } else { 1 };
            let row = (pick * blocks).remainder(SCALE_ROWS) + step * at_once;
            for first in (0..at_once).step_by(together) {
                let start = [zero(), zero(), first.into(), zero(), zero()];
                let codes = codes.load(&start, &[together, MXFP4_BLOCK, o]).reshape(&[together * MXFP4_BLOCK, o]);
                let bytes = codes.codes().bits(S32);
                let (sign, magnitude) =
                    (bytes.splat(f64::from(0x8080_8080_u32 as i32)), bytes.splat(f64::from(0x0707_0707)));
                let placed = (bytes & sign) | (bytes & magnitude).shift_left(bytes.splat(1.0));
                let values = placed.bits(F8E5M2).convert(F32);
                let factors: Vec<_> = (0..together)
                    .map(|block| {
                        let factor = factors.load(&[row.clone() + (first + block), zero()], &[1, o]);
                        factor.spread(&[MXFP4_BLOCK, o])
                    })
                    .collect();
                let factors = if together == 1 { factors[0] } else { k.join(&factors) };
                unpacked.store(&[(first * MXFP4_BLOCK).into(), zero()], (values * factors).convert(Bf16));
            }
            let x = x.load(&[zero(), zero(), zero(), zero()], &[1, inputs]);
            let product = x.dot(unpacked.load(&[zero(), zero()], &[inputs, o]));
            y.store(&origin, y.load(&origin, &[1, o]) + product);
        })
    }

    /// `x` bf16 `[1 or k, i]` of a program in the pieces that the kernel takes.
    pub fn pieces<'b>(&self, x: Tensor<'b>) -> Tensor<'b> {
        let at_once = self.blocks_at_once();
        x.reshape(&[x.dim(0), self.blocks / at_once, 1, at_once * MXFP4_BLOCK])
    }
}

/// Which attention: sequences, kv heads, query heads of each, channels of a head, and slots of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    pub sequences: usize,
    pub groups: usize,
    pub members: usize,
    pub channels: usize,
    pub slots: usize,
}

impl Attention {
    /// Slots that one step takes.
    pub fn slots_at_once(&self) -> usize {
        [512, 384, 256, LANES].into_iter().find(|size| self.slots.is_multiple_of(*size)).unwrap_or(self.slots)
    }

    /// The kernel, for a full cache and for a ring alike: a sequence sees the slots up to its position. It takes positions s32 `[b]`,
    /// queries bf16 `[b, g, m, d]`, keys and values bf16 `[b, g, d, s]`, and sinks f32 `[g, m, 1]`; it gives f32 `[b, g, m, d]`.
    pub fn kernel(&self) -> Result<Kernel, Problem> {
        let Attention { sequences, groups: g, members: m, channels: d, slots } = *self;
        let size = self.slots_at_once();
        let zero = || Scalar::from(0);
        let scale = (d as f64).powf(-0.5);
        Kernel::new("decode_attention", &[sequences, slots / size], |k| {
            let positions = k.numbers(sequences);
            let (sequence, block) = (k.place(0), k.place(1));
            let position = positions.at(sequence.clone());
            // Blocks behind the position are not read: the last one that is stays where it is.
            let seen = block.clone().least(position.clone().over(size));
            let own = |dims: [usize; 4]| (TensorType::new(Bf16, [&[sequences], &dims[1..]].concat()), dims);
            let (queries, dims) = own([1, g, m, d]);
            let queries = k.input("queries", &queries, &dims, &[sequence.clone(), zero(), zero(), zero()]);
            let (cache, _) = own([1, g, d, slots]);
            let index = [sequence.clone(), zero(), zero(), seen];
            let keys = k.input("keys", &cache, &[1, g, d, size], &index);
            let values = k.input("values", &cache, &[1, g, d, size], &index);
            let sinks = TensorType::new(F32, [g, m, 1]);
            let sinks = k.input("sinks", &sinks, &[g, m, 1], &[zero(), zero(), zero()]);
            let y = TensorType::new(F32, [sequences, g, m, d]);
            let y = k.output("y", &y, &[1, g, m, d], &[sequence, zero(), zero(), zero()]);
            let peaks = k.scratch("peaks", &TensorType::new(F32, [g, m, 1]));
            let totals = k.scratch("totals", &TensorType::new(F32, [g, m, 1]));
            let column = TensorType::new(F32, [m, 1]);
            let of = |group: usize| [group.into(), zero(), zero()];
            let inside = |group: usize| [zero(), group.into(), zero(), zero()];
            k.when(block.clone().equals(0), || {
                for group in 0..g {
                    // The sink is one more logit of the softmax: it takes weight and brings no value. So the sum begins with it.
                    peaks.store(&of(group), sinks.load(&of(group), &[m, 1]));
                    totals.store(&of(group), k.splat(1.0, &column));
                    y.store(&inside(group), k.splat(0.0, &TensorType::new(F32, [m, d])));
                }
            });
            k.when((block.clone() * size).at_most(position.clone()), || {
                let slot = k.iota(&[m, size], 1) + k.splat_scalar(block.clone() * size, &[m, size]);
                let visible = slot.at_most(k.splat_scalar(position, &[m, size]));
                for group in 0..g {
                    let (keys, values) =
                        (keys.load(&inside(group), &[d, size]), values.load(&inside(group), &[d, size]));
                    let scores = queries.load(&inside(group), &[m, d]).dot(keys);
                    let scores = scores * scores.splat(scale);
                    let scores = visible.select(scores, scores.splat(f64::NEG_INFINITY));
                    let before = peaks.load(&of(group), &[m, 1]);
                    let peak = before.maximum(scores.max_last());
                    let weight = (scores - peak.spread(&[m, size])).exp();
                    let fade = (before - peak).exp();
                    let total = totals.load(&of(group), &[m, 1]) * fade + weight.sum_last();
                    let brought = weight.convert(Bf16).dot_transposed(values);
                    let sum = y.load(&inside(group), &[m, d]) * fade.spread(&[m, d]) + brought;
                    y.store(&inside(group), sum);
                    totals.store(&of(group), total);
                    peaks.store(&of(group), peak);
                }
            });
            k.when(block.equals(slots / size - 1), || {
                for group in 0..g {
                    let total = totals.load(&of(group), &[m, 1]).spread(&[m, d]);
                    y.store(&inside(group), y.load(&inside(group), &[m, d]) / total);
                }
            });
        })
    }
}

/// Puts a kernel with one result into a program, as `kernels` says.
pub(super) fn call<'b>(
    b: &'b Builder,
    kernels: Kernels,
    kernel: Result<Kernel, Problem>,
    numbers: &[Tensor<'b>],
    inputs: &[Tensor<'b>],
) -> Tensor<'b> {
    match kernel {
        Ok(kernel) if kernels == Kernels::Mosaic => kernel.call(b, numbers, inputs)[0],
        Ok(kernel) => kernel.plain(b, numbers, inputs)[0],
        Err(problem) => b.refuse(problem),
    }
}
