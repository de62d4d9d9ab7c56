//! The stack of layers, from token ids to logits.

use crate::config::Config;
use crate::graph::attention::attention;
use crate::graph::cache::{KvCache, Rows, cache};
use crate::graph::linear::{at_least, first_rows, look_up, project};
use crate::graph::mesh;
use crate::graph::model::Model;
use crate::graph::moe::moe;
use crate::graph::norm::rms_norm;
use crate::graph::params::{ALL, Source};
use crate::graph::rope::Rotation;
use crate::plan::Plan;
use hlo::{Builder, Tensor};

/// The builder of one program: over a mesh if there are several devices.
pub(super) fn builder(name: &str, config: &Config, plan: &Plan) -> Builder {
    let b = Builder::new(name);
    if let Some(mesh) = mesh(config, plan) {
        let axes: Vec<(&str, usize)> = mesh.axes().iter().map(|(axis, size)| (axis.as_str(), *size)).collect();
        b.mesh(mesh.name(), &axes);
    }
    b
}

/// Declares the cache as donated arguments, so that result `i` takes the memory of cache tensor `i`.
pub(super) fn declare_caches<'b>(b: &'b Builder, model: &Model<'_, 'b>) -> Vec<KvCache<'b>> {
    let tensors: Vec<Tensor<'b>> = cache(model.config, model.plan)
        .iter()
        .enumerate()
        .map(|(place, tensor)| {
            let mut words = tensor.sharding.words();
            words.resize(tensor.ty.rank(), String::new());
            b.donated(&tensor.name, &tensor.ty, place).sharded(&words)
        })
        .collect();
    unflatten(model, &tensors)
}

/// The caches as a list, in the order of their declaration.
pub(super) fn flatten<'b>(caches: &[KvCache<'b>]) -> Vec<Tensor<'b>> {
    caches.iter().flat_map(|cache| cache.tensors()).collect()
}

/// The caches from such a list.
pub(super) fn unflatten<'b>(model: &Model<'_, 'b>, tensors: &[Tensor<'b>]) -> Vec<KvCache<'b>> {
    let mut tensors = tensors.iter().copied();
    std::iter::from_fn(|| KvCache::take(&mut tensors, model.plan.strategy.cache)).collect()
}

/// Takes `tokens` s32 `[n]` through all layers: the stream f32 `[r, c]`, not yet normalised, with rows of no meaning behind the `n`, and
/// the caches.
pub(super) fn layers<'b>(
    model: &Model<'_, 'b>,
    tokens: Tensor<'b>,
    rows: &Rows<'b>,
    caches: Vec<KvCache<'b>>,
) -> (Tensor<'b>, Vec<KvCache<'b>>) {
    let b = tokens.builder();
    let rotation = rotation(model, rows);
    let n = tokens.dim(0);
    // The stream has as many rows as its products want: what they give need not be cut before it is added.
    let mut x = at_least(embed(model, tokens), model.plan.stream_rows(n));
    let mut after = Vec::new();
    for (layer, cache) in caches.into_iter().enumerate() {
        let (stream, cache) = b.scope(&format!("layers.{layer}"), || {
            let (x, cache) = attend(model, layer, x, rows, &rotation, cache);
            (think(model, layer, x, rows), cache)
        });
        x = stream;
        after.push(cache);
    }
    (x, after)
}

/// The angles of the rows' positions.
pub(super) fn rotation<'b>(model: &Model<'_, 'b>, rows: &Rows<'b>) -> Rotation<'b> {
    let (cos, sin) = (model.vector(Source::RopeCos), model.vector(Source::RopeSin));
    let b = cos.builder();
    b.scope("rope", || Rotation::at(rows.positions(b), cos, sin))
}

/// The stream of `tokens` s32 `[n]` before the first layer: f32 `[n, c]`.
pub(super) fn embed<'b>(model: &Model<'_, 'b>, tokens: Tensor<'b>) -> Tensor<'b> {
    tokens.builder().scope("embedding", || look_up(model, Source::Embedding, tokens).constrained(&["", ""]))
}

/// The first half of a layer: the stream `x` f32 `[n, c]` and what attention adds to it, and the cache after it.
pub(super) fn attend<'b>(
    model: &Model<'_, 'b>,
    layer: usize,
    x: Tensor<'b>,
    rows: &Rows<'b>,
    rotation: &Rotation<'b>,
    cache: KvCache<'b>,
) -> (Tensor<'b>, KvCache<'b>) {
    let (attended, cache) = x.builder().scope("attention", || {
        let normed = rms_norm(x, model.vector(Source::AttentionNorm(layer)), model.config.rms_epsilon);
        attention(model, layer, normed, rows, rotation, cache)
    });
    (x + attended, cache)
}

/// The second half: the stream `x` f32 `[n, c]` and what the experts add to it.
pub(super) fn think<'b>(model: &Model<'_, 'b>, layer: usize, x: Tensor<'b>, rows: &Rows<'b>) -> Tensor<'b> {
    let answered = x.builder().scope("moe", || {
        let normed = rms_norm(x, model.vector(Source::MoeNorm(layer)), model.config.rms_epsilon);
        moe(model, layer, normed, rows)
    });
    x + answered
}

/// Logits of the first `n` rows of the stream `x` f32 `[r, c]`: f32 `[n, v]`.
pub(super) fn head<'b>(model: &Model<'_, 'b>, x: Tensor<'b>, n: usize) -> Tensor<'b> {
    x.builder().scope("head", || {
        let normed = rms_norm(x, model.vector(Source::FinalNorm), model.config.rms_epsilon);
        let logits = first_rows(project(model, normed, Source::Unembedding), n).named("logits");
        // Of whatever has to meet, the logits are little beside the matrix, which the compiler would move for many rows.
        if model.config.vocabulary.is_multiple_of(model.plan.devices) { logits.constrained(&["", ALL]) } else { logits }
    })
}
