//! Root mean square normalisation.

use hlo::Tensor;

/// `x · rsqrt(mean(x²) + ε) · scale`, in f32. `x` f32 `[n, c]`, `scale` f32 `[c]`.
pub(super) fn rms_norm<'b>(x: Tensor<'b>, scale: Tensor<'b>, epsilon: f32) -> Tensor<'b> {
    x.builder().scope("norm", || {
        let mean = (x * x).sum("nc->n") / x.dim(1) as f64;
        let factor = (mean + f64::from(epsilon)).rsqrt();
        x * factor.like("n->nc", x) * scale.like("c->nc", x)
    })
}
