//! The affine map that every projection is.

use hlo::{ElementType::F32, Tensor};

/// `x · weightᵀ + bias`: `x` `[n, c]` of any float type, `weight` `[o, c]` of the compute type, `bias` f32 `[o]`; gives f32 `[n, o]`.
pub(super) fn linear<'b>(x: Tensor<'b>, weight: Tensor<'b>, bias: Tensor<'b>) -> Tensor<'b> {
    let product = project(x, weight);
    product + bias.like("o->no", product)
}

/// `x · weightᵀ`, likewise.
pub(super) fn project<'b>(x: Tensor<'b>, weight: Tensor<'b>) -> Tensor<'b> {
    x.convert(weight.ty().element).dot("nc,oc->no", weight).convert(F32)
}
