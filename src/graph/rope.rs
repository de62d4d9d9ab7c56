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

    /// Rotates channel `i` with channel `i + d/2`: `heads` f32 `[n, h, d]`.
    pub fn rotate(&self, heads: Tensor<'b>) -> Tensor<'b> {
        let (n, h, d) = (heads.dim(0), heads.dim(1), heads.dim(2));
        let first = heads.slice(&[0..n, 0..h, 0..d / 2]);
        let second = heads.slice(&[0..n, 0..h, d / 2..d]);
        let cos = self.cos.like("nd->nhd", first);
        let sin = self.sin.like("nd->nhd", first);
        (first * cos - second * sin).concatenate(&[second * cos + first * sin], 2)
    }
}
