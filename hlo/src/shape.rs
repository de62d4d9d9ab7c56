//! Ops that move axes: reshape, transpose, broadcast, concatenate.

use crate::axes;
use crate::builder::{Draft, Tensor};
use crate::types::TensorType;

fn reshape_type(operand: &TensorType, dims: &[usize]) -> Result<TensorType, String> {
    let result = operand.with_dims(dims);
    if result.count() != operand.count() {
        return Err(format!("{operand} cannot be reshaped to {dims:?}")); // reshape C2
    }
    Ok(result)
}

fn like_dims(spec: &str, operand: &TensorType, shape: &TensorType) -> Result<Vec<usize>, String> {
    let axes = axes::parse(spec, 1)?;
    axes::check_rank(axes.operands[0], operand)?;
    axes::check_rank(axes.result, shape)?;
    let mut dims = Vec::new();
    for (axis, letter) in axes.operands[0].char_indices() {
        let target =
            axes.result.find(letter).ok_or_else(|| format!("axis `{letter}` of `{spec}` is not in the result"))?;
        if operand.dims[axis] != shape.dims[target] {
            return Err(format!(
                "axis `{letter}` is {} in {operand} but {} in {shape}",
                operand.dims[axis], shape.dims[target]
            )); // broadcast_in_dim C5, without stretching of 1
        }
        dims.push(target);
    }
    Ok(dims)
}

fn concatenate_type(operands: &[TensorType], axis: usize) -> Result<TensorType, String> {
    let first = operands.first().ok_or("nothing to concatenate")?;
    if axis >= first.rank() {
        return Err(format!("axis {axis} to concatenate along is outside of {first}")); // concatenate C4
    }
    let mut dims = first.dims.clone();
    for operand in &operands[1..] {
        let others_agree = operand.rank() == first.rank()
            && operand.element == first.element
            && (0..first.rank()).all(|other| other == axis || operand.dims[other] == first.dims[other]);
        if !others_agree {
            return Err(format!("{first} and {operand} cannot be concatenated along axis {axis}")); // concatenate C2
        }
        dims[axis] += operand.dims[axis];
    }
    Ok(first.with_dims(dims))
}

impl<'b> Tensor<'b> {
    /// The same elements in row-major order under other axes. Nothing is added when the shape is the same.
    #[track_caller]
    pub fn reshape(self, dims: &[usize]) -> Tensor<'b> {
        let from = self.ty();
        if from.dims == dims {
            return self;
        }
        self.builder.push(reshape_type(&from, dims).map(|to| {
            let template = format!("stablehlo.reshape $0 : ({}) -> {}", from.mlir(), to.mlir());
            (Draft { mnemonic: "stablehlo.reshape", template, operands: vec![self], regions: Vec::new() }, to)
        }))
    }

    /// Axes in another order: `x.transpose("tgd->gtd")`.
    #[track_caller]
    pub fn transpose(self, spec: &str) -> Tensor<'b> {
        let from = self.ty();
        let draft = || {
            let axes = axes::parse(spec, 1)?;
            axes::check_rank(axes.operands[0], &from)?;
            let order = axes::positions(axes.operands[0], axes.result);
            if order.len() != from.rank() || axes.result.len() != from.rank() {
                return Err(format!("`{spec}` is no reordering of the axes of {from}")); // transpose C2
            }
            let to = from.with_dims(order.iter().map(|axis| from.dims[*axis]).collect::<Vec<_>>());
            let template = format!("stablehlo.transpose $0, dims = {order:?} : ({}) -> {}", from.mlir(), to.mlir());
            Ok((Draft { mnemonic: "stablehlo.transpose", template, operands: vec![self], regions: Vec::new() }, to))
        };
        self.builder.push(draft())
    }

    /// Repeated along the axes it lacks, so that it has the shape of `other`: `bias.like("c->tc", x)`.
    #[track_caller]
    pub fn like(self, spec: &str, other: Tensor<'b>) -> Tensor<'b> {
        let dims = other.ty().dims;
        self.spread(spec, &dims)
    }

    /// Repeated along the axes it lacks, so that it has the shape `dims`: `bias.spread("c->tc", &[4, 8])`.
    #[track_caller]
    pub fn spread(self, spec: &str, dims: &[usize]) -> Tensor<'b> {
        let from = self.ty();
        let to = from.with_dims(dims);
        self.builder.push(like_dims(spec, &from, &to).map(|places| {
            let template =
                format!("stablehlo.broadcast_in_dim $0, dims = {places:?} : ({}) -> {}", from.mlir(), to.mlir());
            (Draft { mnemonic: "stablehlo.broadcast_in_dim", template, operands: vec![self], regions: Vec::new() }, to)
        }))
    }

    /// `self`, then `others`, along `axis`.
    #[track_caller]
    pub fn concatenate(self, others: &[Tensor<'b>], axis: usize) -> Tensor<'b> {
        let mut operands = vec![self];
        operands.extend_from_slice(others);
        let types: Vec<TensorType> = operands.iter().map(|operand| operand.ty()).collect();
        self.builder.push(concatenate_type(&types, axis).map(|to| {
            let places: Vec<String> = (0..types.len()).map(|place| format!("${place}")).collect();
            let from: Vec<String> = types.iter().map(TensorType::mlir).collect();
            let template = format!(
                "stablehlo.concatenate {}, dim = {axis} : ({}) -> {}",
                places.join(", "),
                from.join(", "),
                to.mlir()
            );
            (Draft { mnemonic: "stablehlo.concatenate", template, operands, regions: Vec::new() }, to)
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error, f32};

    #[test]
    fn axes_move_by_letter() {
        check(&[f32([2, 3, 5])], |_, x| x[0].transpose("tgd->gtd"), "dims = [1, 0, 2]");
        check(&[f32([3]), f32([2, 3])], |_, x| x[0].like("c->tc", x[1]) + x[1], "dims = [1]");
        check(&[f32([2, 3]), f32([2, 4])], |_, x| x[0].concatenate(&[x[1]], 1), "-> tensor<2x7xf32>");
    }

    #[test]
    fn shapes_agree() {
        check_error(&[f32([2, 3])], |_, x| x[0].reshape(&[5]), "f32[2, 3] cannot be reshaped to [5]");
        check_error(
            &[f32([2, 3])],
            |_, x| x[0].transpose("tc->t"),
            "`tc->t` is no reordering of the axes of f32[2, 3]",
        );
        check_error(
            &[f32([4]), f32([2, 3])],
            |_, x| x[0].like("c->tc", x[1]),
            "axis `c` is 4 in f32[4] but 3 in f32[2, 3]",
        );
        check_error(
            &[f32([2, 3]), f32([3, 4])],
            |_, x| x[0].concatenate(&[x[1]], 1),
            "f32[2, 3] and f32[3, 4] cannot be concatenated along axis 1",
        );
    }
}
