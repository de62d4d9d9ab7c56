//! The stack of layers, from token ids to logits.

use crate::config::Config;
use crate::graph::Sizes;
use crate::graph::attention::{KvCache, attention};
use crate::graph::cache::{Rows, cache_type};
use crate::graph::linear::project;
use crate::graph::moe::moe;
use crate::graph::norm::rms_norm;
use crate::graph::params::{Source, Weights};
use crate::graph::rope::Rotation;
use hlo::{Builder, ElementType::F32, Tensor};

/// Declares the caches as donated arguments, so that result `i` takes the memory of cache `i`.
pub(super) fn declare_caches<'b>(b: &'b Builder, config: &Config, sizes: &Sizes) -> Vec<KvCache<'b>> {
    (0..config.layers)
        .map(|layer| {
            let ty = cache_type(config, sizes, layer);
            KvCache {
                keys: b.donated(&format!("cache.{layer}.keys"), &ty, 2 * layer),
                values: b.donated(&format!("cache.{layer}.values"), &ty, 2 * layer + 1),
            }
        })
        .collect()
}

/// The caches as a list: keys, then values, layer by layer.
pub(super) fn flatten<'b>(caches: &[KvCache<'b>]) -> Vec<Tensor<'b>> {
    caches.iter().flat_map(|cache| [cache.keys, cache.values]).collect()
}

/// The caches from such a list.
pub(super) fn unflatten<'b>(tensors: &[Tensor<'b>]) -> Vec<KvCache<'b>> {
    tensors.chunks(2).map(|pair| KvCache { keys: pair[0], values: pair[1] }).collect()
}

/// Takes `tokens` s32 `[n]` through all layers: the stream f32 `[n, c]`, not yet normalised, and the caches.
pub(super) fn layers<'b>(
    config: &Config,
    weights: &Weights<'b>,
    tokens: Tensor<'b>,
    rows: &Rows<'b>,
    caches: Vec<KvCache<'b>>,
) -> (Tensor<'b>, Vec<KvCache<'b>>) {
    let b = tokens.builder();
    let epsilon = config.rms_epsilon;
    let rotation =
        b.scope("rope", || Rotation::at(rows.positions(b), weights[Source::RopeCos], weights[Source::RopeSin]));
    let mut x = b.scope("embedding", || weights[Source::Embedding].rows(tokens).convert(F32));
    let mut after = Vec::new();
    for (layer, cache) in caches.into_iter().enumerate() {
        let (stream, cache) = b.scope(&format!("layers.{layer}"), || {
            let (attended, cache) = b.scope("attention", || {
                let normed = rms_norm(x, weights[Source::AttentionNorm(layer)], epsilon);
                attention(config, layer, normed, weights, rows, &rotation, cache)
            });
            let x = x + attended;
            let answered = b.scope("moe", || {
                let normed = rms_norm(x, weights[Source::MoeNorm(layer)], epsilon);
                moe(config, layer, normed, weights)
            });
            (x + answered, cache)
        });
        x = stream;
        after.push(cache);
    }
    (x, after)
}

/// Logits of the stream `x` f32 `[n, c]`: f32 `[n, v]`.
pub(super) fn head<'b>(config: &Config, weights: &Weights<'b>, x: Tensor<'b>) -> Tensor<'b> {
    x.builder().scope("head", || {
        let normed = rms_norm(x, weights[Source::FinalNorm], config.rms_epsilon);
        project(normed, weights[Source::Unembedding]).named("logits")
    })
}
