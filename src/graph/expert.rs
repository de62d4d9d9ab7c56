//! One expert: two products and the gate between them, over matrices of which each device has a part.

use crate::config::Config;
use crate::graph::kernel::{self, Product};
use crate::graph::model::Model;
use crate::graph::params::{ALL, Source};
use crate::plan::{MXFP4_BLOCK, Precision};
use hlo::{ElementType, ElementType::F32, Tensor, TensorType};

/// The experts of one layer, any of which can be asked.
pub(super) struct Expert<'m, 'a, 'b> {
    pub model: &'m Model<'a, 'b>,
    pub layer: usize,
}

impl<'b> Expert<'_, '_, 'b> {
    /// What each device's part of expert `index` (s32 scalar) answers to `x` `[r, c]` of the compute type: f32 `[r, p, o]`, to be
    /// summed over `p`; `o` is `c` and padding. The bias of the last product is not in it.
    pub fn answer(&self, x: Tensor<'b>, index: Tensor<'b>) -> Tensor<'b> {
        let bias = part_of(self.model.vector(Source::GateUpBias(self.layer)), index);
        let gate_up = self.product(x, Source::GateUpWeight(self.layer), index);
        let gate_up = gate_up + bias.like("po->rpo", gate_up);
        let (gate, up) = self.halves(gate_up);
        let inner = swiglu(gate, up, self.model.config).convert(x.ty().element);
        self.product(inner, Source::DownWeight(self.layer), index)
    }

    /// What each device's part of every expert answers to `x` `[r, c]` of the compute type: f32 `[r, e, p, o]`, likewise. Not for MXFP4, which
    /// the compiler would unpack into memory.
    pub fn answers_of_all(&self, x: Tensor<'b>) -> Tensor<'b> {
        let gate_up = self.product_of_all(x, Source::GateUpWeight(self.layer));
        let gate_up = gate_up + self.model.vector(Source::GateUpBias(self.layer)).like("peo->repo", gate_up);
        let (rows, experts, parts, width) = (x.dim(0), gate_up.dim(1), gate_up.dim(2), gate_up.dim(3));
        let (gate, up) = self.halves(gate_up.reshape(&[rows * experts, parts, width]));
        let inner = swiglu(gate, up, self.model.config).convert(x.ty().element);
        self.product_of_all(inner.reshape(&[rows, experts, parts, width / 2]), Source::DownWeight(self.layer))
    }

    /// The product of `x` `[r, i]`, or `[r, e, p, i]` where each expert has inputs of its own, with the transposed matrices of all experts:
    /// f32 `[r, e, p, o]`.
    fn product_of_all(&self, x: Tensor<'b>, source: Source) -> Tensor<'b> {
        let matrix = self.model.matrix(source);
        let spec = if x.ty().rank() == 2 { "ri,peoi->repo" } else { "repi,peoi->repo" };
        let product = x.dot_into(F32, spec, matrix.values.convert(x.ty().element));
        match matrix.scales {
            Some(scales) => product * scales.like("peo->repo", product),
            None => product,
        }
    }

    /// What the experts `picks` s32 `[k]` answer to one row `x` f32 `[1, c]`, by kernels: f32 `[k, o]`, likewise.
    pub fn answers_of_kernels(&self, x: Tensor<'b>, picks: Tensor<'b>) -> Tensor<'b> {
        let compute = self.model.compute();
        let gate_up = self.product_of_kernel(x.convert(compute), Source::GateUpWeight(self.layer), picks);
        let chosen = picks.dim(0);
        let bias = self.model.vector(Source::GateUpBias(self.layer));
        let bias = bias.reshape(&bias.ty().dims[1..]).rows(picks);
        let (gate, up) = self.halves((gate_up + bias).reshape(&[chosen, 1, bias.dim(1)]));
        let inner = swiglu(gate, up, self.model.config).convert(compute);
        self.product_of_kernel(inner.reshape(&[chosen, inner.dim(2)]), Source::DownWeight(self.layer), picks)
    }

    /// The products of `x` `[1 or k, i]` with the transposed matrices of experts `picks` `[k]`: f32 `[k, o]`.
    fn product_of_kernel(&self, x: Tensor<'b>, source: Source, picks: Tensor<'b>) -> Tensor<'b> {
        let matrix = self.model.matrix(source);
        let scales = matrix.scales.expect("codes have scales");
        let product = Product {
            experts: matrix.values.dim(1),
            chosen: picks.dim(0),
            blocks: matrix.values.dim(2),
            outputs: matrix.values.dim(4),
            shared: x.dim(0) == 1 && picks.dim(0) > 1,
        };
        let kernel = product.kernel();
        // Each tile of the scales that an expert needs is an operand of its own.
        let tiles = kernel.as_ref().map_or(0, |kernel| kernel.inputs() - 2);
        let mut inputs = vec![product.pieces(x), matrix.values];
        inputs.extend(std::iter::repeat_n(scales, tiles));
        let kernels = self.model.plan.spelling.kernels;
        let answer = kernel::call(x.builder(), kernels, kernel, &[picks], &inputs);
        answer.reshape(&[product.chosen, product.outputs])
    }

    /// Gates and ups of `[r, p, 2f]`: `[r, p, f]` each.
    fn halves(&self, gate_up: Tensor<'b>) -> (Tensor<'b>, Tensor<'b>) {
        let (rows, parts, width) = (gate_up.dim(0), gate_up.dim(1), gate_up.dim(2) / 2);
        if self.model.plan.spelling.experts_as_published {
            let pairs = gate_up.reshape(&[rows, parts, width, 2]);
            let turn =
                |at: usize| pairs.slice(&[0..rows, 0..parts, 0..width, at..at + 1]).reshape(&[rows, parts, width]);
            return (turn(0), turn(1));
        }
        let half = |first: usize| gate_up.slice(&[0..rows, 0..parts, first..first + width]);
        (half(0), half(width))
    }

    /// The product of `x` `[r, i]`, or `[r, p, i]` where each device has inputs of its own, with the transposed matrix of expert
    /// `index`: f32 `[r, p, o]`.
    fn product(&self, x: Tensor<'b>, source: Source, index: Tensor<'b>) -> Tensor<'b> {
        let compute = x.ty().element;
        let matrix = self.model.matrix(source);
        if self.model.plan.unpacks_published() {
            let scales = matrix.scales.expect("codes have scales");
            return self.product_of_published(x, matrix.values, scales, index);
        }
        let codes = part_of(matrix.values, index);
        let shared = x.ty().rank() == 2;
        if self.model.plan.strategy.experts == Precision::Mxfp4 {
            let (parts, blocks, outputs) = (codes.dim(0), codes.dim(1), codes.dim(3));
            // Inside a loop the compiler would choose a layout of its own, and copy all experts into it before the loop.
            let codes = if self.model.plan.spelling.asks_for_layouts { codes.laid_out(&[3, 2, 1, 0]) } else { codes };
            let scales = matrix.scales.expect("codes have scales");
            let (zero, first) = (x.builder().integer(0), index * blocks as i64);
            let scales = scales.dynamic_slice(&[zero, first, zero], &[parts, blocks, outputs]).convert(F32);
            // Input blocks and the places in them stay two axes: merged, the unpacked matrix would be written out.
            let unpacked = codes.convert(F32) * scales.spread("pbo->pbio", &codes.ty().dims);
            let unpacked = unpacked.convert(compute).named("unpacked");
            return if shared {
                let x = x.reshape(&[x.dim(0), blocks, MXFP4_BLOCK]);
                x.dot_into(F32, "rbi,pbio->rpo", unpacked)
            } else {
                let x = x.reshape(&[x.dim(0), parts, blocks, MXFP4_BLOCK]);
                x.dot_into(F32, "rpbi,pbio->rpo", unpacked)
            };
        }
        let matrix_of_parts = codes.convert(compute);
        let product = match self.model.plan.spelling.experts_as_published {
            true => flat_product(x, matrix_of_parts),
            false => x.dot_into(F32, if shared { "ri,poi->rpo" } else { "rpi,poi->rpo" }, matrix_of_parts),
        };
        match matrix.scales {
            Some(scales) => product * part_of(scales, index).like("po->rpo", product),
            None => product,
        }
    }

    /// The same for MXFP4 as published, `codes` u8 `[p, e, o, b, 16]` and `scales` u8 `[p, e, o, b]`: so many outputs at once that what
    /// is unpacked for them stays in a core's cache. All of them at once take two to four times as long on the CPU.
    fn product_of_published(
        &self,
        x: Tensor<'b>,
        codes: Tensor<'b>,
        scales: Tensor<'b>,
        index: Tensor<'b>,
    ) -> Tensor<'b> {
        let b = x.builder();
        let (parts, outputs, blocks) = (codes.dim(0), codes.dim(2), codes.dim(3));
        let most = (self.model.plan.spelling.unpacked_at_once / (blocks * MXFP4_BLOCK)).clamp(1, outputs);
        let tile = (1..=most).rev().find(|tile| outputs.is_multiple_of(*tile)).expect("one output is a tile");
        // What a single row is multiplied with need not be written to memory first, if it is f32; products of bf16 are exact in it.
        let x = if x.dim(0) == 1 { x.convert(F32) } else { x };
        let product = |first: Tensor<'b>| {
            let start = [b.integer(0), index, first, b.integer(0), b.integer(0)];
            let codes = codes.dynamic_slice(&start, &[parts, 1, tile, blocks, MXFP4_BLOCK / 2]);
            let scales = scales.dynamic_slice(&start[..4], &[parts, 1, tile, blocks]);
            let codes = codes.reshape(&[parts, tile, blocks, MXFP4_BLOCK / 2]);
            product_of_pairs(x, codes, scales.reshape(&[parts, tile, blocks]))
        };
        if tile == outputs {
            return product(b.integer(0));
        }
        let none = b.splat(0.0, &TensorType::new(F32, [x.dim(0), parts, outputs])).constrained(&["", ALL, ""]);
        let done = b.while_loop_at_most(
            outputs / tile,
            &[b.integer(0), none],
            |state| state[0].below(outputs as i64),
            |state| {
                let place = [b.integer(0), b.integer(0), state[0]];
                vec![state[0] + tile as i64, state[1].dynamic_update(product(state[0]), &place)]
            },
        );
        done[1]
    }
}

/// The product of `x` `[r, i]` or `[r, p, i]` with MXFP4 as published, `codes` u8 `[p, o, b, 16]` and `scales` u8 `[p, o, b]`:
/// f32 `[r, p, o]`.
///
/// The inputs at even and at odd places have a product each, so that low and high halves of the bytes need not be brought into one order,
/// which takes three to five times as long on the CPU. There f32 is quickest through f16, bf16 by its bits: through each other's form they
/// take up to twice as long, and whole numbers, choices of f32 or a table of sixteen are no better than f16.
fn product_of_pairs<'b>(x: Tensor<'b>, codes: Tensor<'b>, scales: Tensor<'b>) -> Tensor<'b> {
    let (compute, dims) = (x.ty().element, codes.ty().dims);
    let outer = &x.ty().dims[..x.ty().rank() - 1];
    let inputs = dims[2] * dims[3];
    let pairs = x.reshape(&[outer, &[inputs, 2]].concat());
    let turn = |at: usize| {
        let mut ranges: Vec<_> = pairs.ty().dims.into_iter().map(|dim| 0..dim).collect();
        ranges[outer.len() + 1] = at..at + 1;
        pairs.slice(&ranges).reshape(&[outer, &[inputs]].concat())
    };
    let wide = codes.convert(ElementType::U16);
    let product = |at: usize, nibbles: Tensor<'b>| {
        let values = if compute == F32 { scaled_to_f32(nibbles, scales) } else { scaled_to_bf16(nibbles, scales) };
        let values = values.named("unpacked");
        flat_product(turn(at), values.reshape(&[dims[0], dims[1], inputs]))
    };
    product(0, wide.both(15)) + product(1, wide.shift_right(4))
}

/// The product of `x` `[r, i]` or `[r, p, i]` with the transposed matrices of all parts `[p, o, i]`: f32 `[r, p, o]`. For one part it is
/// one of plain matrices, the only form that the CPU's compiler fuses with what makes an operand: others take 3 to 6 times as long.
fn flat_product<'b>(x: Tensor<'b>, matrices: Tensor<'b>) -> Tensor<'b> {
    let (rows, parts, outputs, inputs) = (x.dim(0), matrices.dim(0), matrices.dim(1), matrices.dim(2));
    if parts > 1 {
        // Parts first in both operands, or the matrices would be transposed.
        let x = if x.ty().rank() == 2 { x.spread("ri->pri", &[parts, rows, inputs]) } else { x.transpose("rpi->pri") };
        return x.dot_into(F32, "pri,poi->pro", matrices).transpose("pro->rpo");
    }
    let product = x.reshape(&[rows, inputs]).dot_into(F32, "ri,oi->ro", matrices.reshape(&[outputs, inputs]));
    product.reshape(&[rows, 1, outputs])
}

/// What E2M1 codes, u16 `[p, o, b, 16]`, stand for with `scales` u8 `[p, o, b]`: f32. The scale of byte 0, a subnormal, becomes zero.
///
/// Codes are put where f16 has sign, exponent and mantissa, which is 14 powers of two too small; unlike the subnormals of f32, those of
/// f16 are numbers to every processor.
fn scaled_to_f32<'b>(codes: Tensor<'b>, scales: Tensor<'b>) -> Tensor<'b> {
    let bits = codes.both(7).shift_left(9).either(codes.both(8).shift_left(12));
    let values = bits.bitcast(ElementType::F16).convert(F32) * f64::from(1 << 14);
    let scale = scales.convert(ElementType::U32).shift_left(23).bitcast(F32);
    values * scale.like("pob->pobi", values)
}

/// The same numbers as bf16, whose bits are put together: subnormals are zeros, and what is too large is infinite.
fn scaled_to_bf16<'b>(codes: Tensor<'b>, scales: Tensor<'b>) -> Tensor<'b> {
    let exponent = scales.convert(ElementType::U16);
    // The bits of one half under the scale, to which a larger code adds its own exponent and mantissa.
    let half = (exponent.maximum(1) - 1).shift_left(7).like("pob->pobi", codes);
    let kept = (exponent.minimum(1) * 0x7fff).like("pob->pobi", codes);
    let magnitude = codes.both(7);
    let larger = (magnitude.shift_left(6) + half).minimum(0x7f80);
    let bits = magnitude.above(1).select(larger, half * magnitude).both(kept);
    bits.either(codes.both(8).shift_left(12)).bitcast(ElementType::Bf16)
}

/// Expert `index` of `all` `[p, e, …]`: `[p, …]`.
fn part_of<'b>(all: Tensor<'b>, index: Tensor<'b>) -> Tensor<'b> {
    let mut sizes = all.ty().dims;
    sizes[1] = 1;
    let mut starts = vec![all.builder().integer(0); sizes.len()];
    starts[1] = index;
    let part = all.dynamic_slice(&starts, &sizes);
    sizes.remove(1);
    part.reshape(&sizes)
}

/// `gate · σ(α gate) · (up + 1)`, the gate clamped from above and the up from both sides.
fn swiglu<'b>(gate: Tensor<'b>, up: Tensor<'b>, config: &Config) -> Tensor<'b> {
    let (limit, alpha) = (f64::from(config.swiglu_limit), f64::from(config.swiglu_alpha));
    let gate = gate.minimum(limit);
    let up = up.minimum(limit).maximum(-limit);
    gate * (gate * alpha).logistic() * (up + 1.0)
}
