//! Rotary positions. The angles, with YaRN's frequencies and concentration, are tables that the packer computes.

use hlo::Tensor;

/// Cosines and sines of every row's position, f32 `[n, d/2]`.
#[derive(Clone, Copy)]
pub(super) struct Rotation<'b> {
    pub cos: Tensor<'b>,
    pub sin: Tensor<'b>,
}

impl<'b> Rotation<'b> {
    /// Looks up `positions` s32 `[n]` in tables f32 `[slots, d/2]`.
    pub fn at(positions: Tensor<'b>, cos: Tensor<'b>, sin: Tensor<'b>) -> Rotation<'b> {
        Rotation { cos: cos.rows(positions).named("cos"), sin: sin.rows(positions).named("sin") }
    }

    /// Rotates channel `i` with channel `i + d/2`: `heads` f32 `[n, g, m, d]`.
    pub fn rotate(&self, heads: Tensor<'b>) -> Tensor<'b> {
        let dims = heads.ty().dims;
        let (n, g, m, d) = (dims[0], dims[1], dims[2], dims[3]);
        let first = heads.slice(&[0..n, 0..g, 0..m, 0..d / 2]);
        let second = heads.slice(&[0..n, 0..g, 0..m, d / 2..d]);
        let cos = self.cos.like("nd->ngmd", first);
        let sin = self.sin.like("nd->ngmd", first);
        (first * cos - second * sin).concatenate(&[second * cos + first * sin], 3)
    }
}
