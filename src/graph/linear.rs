//! Products with matrices as the device holds them: the affine map that every projection is, and rows of a table.

use crate::graph::model::Model;
use crate::graph::params::Source;
use hlo::{ElementType::F32, Tensor, TensorType};

/// `x · weightᵀ + bias`: `x` f32 `[n, c]`, `weight` `[o, c]` as stored, `bias` f32 `[o]`; gives f32 `[n, o]`.
pub(super) fn linear<'b>(model: &Model<'_, 'b>, x: Tensor<'b>, weight: Source, bias: Source) -> Tensor<'b> {
    let product = project(model, x, weight);
    product + model.vector(bias).like("o->no", product)
}

/// `x · weightᵀ`, likewise.
pub(super) fn project<'b>(model: &Model<'_, 'b>, x: Tensor<'b>, weight: Source) -> Tensor<'b> {
    let (n, matrix) = (x.dim(0), model.matrix(weight));
    if model.plan.calls_kernels() {
        let operands: Vec<_> =
            [Some(x.convert(model.compute())), Some(matrix.values), matrix.scales].into_iter().flatten().collect();
        let product = TensorType::new(F32, [n, matrix.values.dim(0)]);
        return x.builder().custom_call(kernels::PRODUCT, &operands, &[], &product);
    }
    let rows = at_least(x.convert(model.compute()), model.plan.product_rows());
    let product = rows.dot_into(F32, "nc,oc->no", matrix.values.convert(model.compute()));
    let product = first_rows(product, n);
    match matrix.scales {
        Some(scales) => product * scales.like("o->no", product),
        None => product,
    }
}

/// Rows of the table `[v, c]` at `indices` s32 `[n]`: f32 `[n, c]`.
pub(super) fn look_up<'b>(model: &Model<'_, 'b>, table: Source, indices: Tensor<'b>) -> Tensor<'b> {
    let matrix = model.matrix(table);
    let rows = matrix.values.rows(indices).convert(F32);
    match matrix.scales {
        Some(scales) => rows * scales.rows(indices).like("n->nc", rows),
        None => rows,
    }
}

/// The first `rows` rows of what a product gave, if it has more. Without the barrier the compiler would give it no more rows than these,
/// and lose what they gain.
pub(super) fn first_rows(x: Tensor<'_>, rows: usize) -> Tensor<'_> {
    let mut ranges: Vec<_> = x.ty().dims.into_iter().map(|dim| 0..dim).collect();
    if ranges[0].end == rows {
        return x;
    }
    ranges[0].end = rows;
    x.barrier().slice(&ranges)
}

/// `x` `[n, …]` with rows of zeros behind it, so that there are `rows` at least.
pub(super) fn at_least(x: Tensor<'_>, rows: usize) -> Tensor<'_> {
    let missing = rows.saturating_sub(x.dim(0));
    if missing == 0 {
        return x;
    }
    let ty = x.ty();
    let dims = [&[missing], &ty.dims[1..]].concat();
    x.concatenate(&[x.builder().splat(0.0, &TensorType::new(ty.element, dims))], 0)
}
