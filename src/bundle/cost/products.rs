//! The arithmetic of products: what a program multiplies and adds, on whatever unit. Sums and functions of single values are left out.

use super::inside::ops_of;
use super::program::Program;
use crate::pjrt::proto::{HloInstructionProto, ShapeProto, WindowDimension};

/// Changes of type and shape, which a product is looked for behind.
const SEEN_THROUGH: [&str; 5] = ["convert", "bitcast", "reshape", "copy", "transpose"];

/// Multiplications and additions of one run of `instruction`, those of a fusion's inside included.
pub(super) fn flops(program: &Program<'_>, instruction: &HloInstructionProto) -> u64 {
    let own = |op: &HloInstructionProto| multiplications(program, op).unwrap_or(0).saturating_mul(2);
    match instruction.opcode.as_str() {
        "fusion" => ops_of(program, instruction).into_iter().map(own).fold(0, u64::saturating_add),
        _ => own(instruction),
    }
}

fn multiplications(program: &Program<'_>, op: &HloInstructionProto) -> Option<u64> {
    let operand = |place| program.operand(op, place)?.shape.as_ref();
    match op.opcode.as_str() {
        "convolution" => convolution(op, operand(0)?, operand(1)?),
        "dot" => {
            let contracted = &op.dot_dimension_numbers.as_ref()?.lhs_contracting;
            let left = operand(0)?;
            let sizes = contracted.iter().map(|axis| size(left, *axis));
            sizes.chain([Some(count(op.shape.as_ref()?))]).product()
        }
        // A product on the vector unit. One that gives several sums at once has that many operands.
        "reduce" => {
            let operands = (0..op.operand_ids.len() / 2).filter_map(|place| program.operand(op, place));
            let products = operands.filter(|operand| is_product(program, operand));
            Some(products.filter_map(|operand| operand.shape.as_ref()).map(count).fold(0, u64::saturating_add))
        }
        _ => None,
    }
}

fn is_product(program: &Program<'_>, value: &HloInstructionProto) -> bool {
    let mut value = value;
    while SEEN_THROUGH.contains(&value.opcode.as_str()) {
        let Some(behind) = program.operand(value, 0) else { return false };
        value = behind;
    }
    value.opcode == "multiply"
}

/// Of a result's every place in the window those that meet a value: padding and the holes of a dilated input cost nothing.
fn convolution(op: &HloInstructionProto, input: &ShapeProto, kernel: &ShapeProto) -> Option<u64> {
    let numbers = op.convolution_dimension_numbers.as_ref()?;
    let result = op.shape.as_ref()?;
    let window = op.window.iter().flat_map(|window| &window.dimensions);
    let axes = numbers.input_spatial.iter().zip(&numbers.output_spatial).zip(window);
    let met = axes.map(|((from, to), window)| Some(met(size(input, *from)?, size(result, *to)?, window)));
    let features = [
        size(kernel, numbers.kernel_input_feature),
        size(result, numbers.output_feature),
        size(result, numbers.output_batch),
    ];
    met.chain(features).try_fold(1_u64, |product, factor| Some(product.saturating_mul(factor?)))
}

/// Pairs of an output's place and a window's place along one axis that meet a value of the input.
fn met(input: u64, output: u64, window: &WindowDimension) -> u64 {
    let positive = |number: i64| number.max(1);
    let (stride, hole) = (positive(window.stride), positive(window.base_dilation));
    let last = (input as i64 - 1).saturating_mul(hole);
    let places = |out: i64| {
        let first = out.saturating_mul(stride).saturating_sub(window.padding_low);
        let place = move |k: i64| first.saturating_add(k.saturating_mul(positive(window.window_dilation)));
        (0..window.size).map(place).filter(|at| (0..=last).contains(at) && at % hole == 0).count() as u64
    };
    (0..output as i64).map(places).fold(0, u64::saturating_add)
}

fn size(shape: &ShapeProto, axis: i64) -> Option<u64> {
    let size = shape.dimensions.get(usize::try_from(axis).ok()?)?;
    u64::try_from(*size).ok()
}

fn count(shape: &ShapeProto) -> u64 {
    shape.dimensions.iter().map(|size| u64::try_from(*size).unwrap_or(0)).fold(1, u64::saturating_mul)
}
