//! Grouped-query attention with sinks, over a full cache or a ring, as a running softmax over blocks of keys.

use crate::config::LayerKind;
use crate::graph::cache::{KvCache, Rows, Stored, write_full, write_ring};
use crate::graph::kernel;
use crate::graph::linear::{at_least, first_rows, linear};
use crate::graph::model::Model;
use crate::graph::params::{HEADS, Source};
use crate::graph::rope::Rotation;
use hlo::{ElementType, ElementType::F32, ElementType::S32, Tensor, TensorType};

/// Attention of layer `layer` over normalised `x` f32 `[r, c]`, whose first `n` rows are `rows`; gives f32 `[r, c]` and the cache with
/// the rows' keys and values.
pub(super) fn attention<'b>(
    model: &Model<'_, 'b>,
    layer: usize,
    x: Tensor<'b>,
    rows: &Rows<'b>,
    rotation: &Rotation<'b>,
    cache: KvCache<'b>,
) -> (Tensor<'b>, KvCache<'b>) {
    let (b, config) = (x.builder(), model.config);
    let (n, d) = (rows.count(), config.head_dim);
    let (g, m) = (config.kv_heads, config.query_heads_per_kv_head());
    let (sequences, tokens) = rows.split();

    let qkv = linear(model, x, Source::QkvWeight(layer), Source::QkvBias(layer));
    let heads = first_rows(qkv, n).reshape(&[n, g, m + 2, d]).constrained(&["", HEADS, "", ""]);
    let of_group = |from: usize, to: usize| heads.slice(&[0..n, 0..g, from..to, 0..d]);
    let queries = rotation.rotate(of_group(0, m)).convert(model.compute());
    let queries = queries.reshape(&[sequences, tokens, g, m, d]).named("queries");
    let by_head = |x: Tensor<'b>| {
        let x = x.reshape(&[sequences, tokens, g, d]).transpose("btgd->bgtd");
        Stored::new(x, model.plan.strategy.cache)
    };
    let keys = b.scope("keys", || by_head(rotation.rotate(of_group(m, m + 1))));
    let values = b.scope("values", || by_head(of_group(m + 1, m + 2)));

    let positions = rows.positions(b).reshape(&[sequences, tokens]);
    let sinks = model.vector(Source::Sinks(layer));
    let by_kernel = matches!(rows, Rows::Step { .. }) && model.plan.has_attention_kernels();
    let (attended, cache) = match config.layer_kinds[layer] {
        LayerKind::Sliding => {
            let (key_ring, seen_keys) = write_ring(cache.keys, keys, rows);
            let (value_ring, seen_values) = write_ring(cache.values, values, rows);
            let seen = KvCache { keys: seen_keys, values: seen_values };
            let ring = KvCache { keys: key_ring, values: value_ring };
            let attended = match *rows {
                _ if by_kernel => by_kernels(model, queries, ring, positions, layer),
                Rows::Step { .. } => {
                    // A ring that is not yet full ends at the newest token; in a full one every slot is inside the window.
                    let slots = b.iota(&TensorType::new(S32, [sequences, tokens, seen_keys.slots()]), 2);
                    let visible = slots.at_most(positions.like("bt->bts", slots));
                    at_once(queries, seen, visible, sinks)
                }
                Rows::Chunk { start, .. } => over_window(config.sliding_window, queries, seen, start, sinks),
            };
            (attended, ring)
        }
        LayerKind::Full => {
            let cache =
                KvCache { keys: write_full(cache.keys, keys, rows), values: write_full(cache.values, values, rows) };
            let cache = cache.map(|of| in_its_layout(model, of));
            let attended = match *rows {
                _ if by_kernel => by_kernels(model, queries, cache, positions, layer),
                Rows::Step { .. } if model.plan.attention_block(1) == model.plan.slots() => {
                    let slots = b.iota(&TensorType::new(S32, [sequences, tokens, model.plan.slots()]), 2);
                    at_once(queries, cache, slots.at_most(positions.like("bt->bts", slots)), sinks)
                }
                _ => {
                    // Rows of a part see no further than its newest, and their logits are a part of what those of all would take.
                    let size = model.plan.query_block(tokens);
                    let parts = (0..tokens).step_by(size).map(|first| {
                        let part = first..(first + size).min(tokens);
                        let queries = queries.slice(&[0..sequences, part.clone(), 0..g, 0..m, 0..d]);
                        let positions = positions.slice(&[0..sequences, part]);
                        let softmax = RunningSoftmax::start(queries, sinks);
                        over_cache(model, softmax, queries, cache, positions, rows).finish()
                    });
                    let parts: Vec<Tensor<'b>> = parts.collect();
                    parts[0].concatenate(&parts[1..], 1)
                }
            };
            (attended, cache)
        }
    };
    let attended = attended.reshape(&[n, g * m * d]).named("attended");
    let out = linear(model, at_least(attended, x.dim(0)), Source::OutWeight(layer), Source::OutBias(layer));
    (out.constrained(&["", ""]), cache)
}

/// A decode step's attention as a kernel, whose operands are the cache as it lies: f32 `[b, g, m, d]`.
fn by_kernels<'b>(
    model: &Model<'_, 'b>,
    queries: Tensor<'b>,
    cache: KvCache<'b>,
    positions: Tensor<'b>,
    layer: usize,
) -> Tensor<'b> {
    let dims = queries.ty().dims;
    let (sequences, groups, members, channels) = (dims[0], dims[2], dims[3], dims[4]);
    let slots = cache.keys.slots();
    let kernel = kernel::Attention { sequences, groups, members, channels, slots }.kernel();
    let sinks = model.vector(Source::Sinks(layer)).reshape(&[groups, members, 1]);
    let turned = |of: Stored<'b>| of.values.transpose("bgsd->bgds");
    let queries = queries.reshape(&[sequences, groups, members, channels]);
    let inputs = [queries, turned(cache.keys), turned(cache.values), sinks];
    let positions = positions.reshape(&[sequences]);
    kernel::call(queries.builder(), model.plan.spelling.kernels, kernel, &[positions], &inputs)
}

/// The tokens of a chunk from `start` on over `seen`, the window before it and the chunk: f32 `[b, t, g, m, d]`. By pieces of a window
/// each, if there are several: the tokens of one see into no other but the piece before.
fn over_window<'b>(
    window: usize,
    queries: Tensor<'b>,
    seen: KvCache<'b>,
    start: Tensor<'b>,
    sinks: Tensor<'b>,
) -> Tensor<'b> {
    let b = queries.builder();
    let dims = queries.ty().dims;
    let tokens = dims[1];
    let size = if tokens.is_multiple_of(window) { window } else { tokens };
    let pieces = tokens / size;
    let by_piece = queries.reshape(&[pieces, size, dims[2], dims[3], dims[4]]);
    let seen = seen.map(|of| of.map(|of| overlapping(of, pieces, size)));
    let table = TensorType::new(S32, [pieces, size, window + size]);
    // From the first key that a piece sees, which stands a window before its first token.
    let (token, key) = (b.iota(&table, 1) + window as i64, b.iota(&table, 2));
    let position = b.iota(&table, 0) * size as i64 + key + start.like("->bts", key) - window as i64;
    let visible = key.at_most(token) & key.above(token - window as i64) & position.at_least(0);
    let attended = RunningSoftmax::start(by_piece, sinks).take(by_piece, seen, visible).finish();
    attended.reshape(&dims)
}

/// Parts of two pieces of `of` `[1, g, s, …]`, each a piece of `size` slots after the one before: `[pieces, g, 2 size, …]`. A single part
/// is all of it.
fn overlapping(of: Tensor<'_>, pieces: usize, size: usize) -> Tensor<'_> {
    if pieces == 1 {
        return of;
    }
    let dims = of.ty().dims;
    let cut = of.reshape(&[&[dims[1], pieces + 1, size], &dims[3..]].concat());
    let cut = if dims.len() == 4 { cut.transpose("gbsd->bgsd") } else { cut.transpose("gbs->bgs") };
    let of_pieces = |first: usize| {
        let mut ranges: Vec<_> = cut.ty().dims.into_iter().map(|dim| 0..dim).collect();
        ranges[0] = first..first + pieces;
        cut.slice(&ranges)
    };
    of_pieces(0).concatenate(&[of_pieces(1)], 2)
}

/// How far above the largest score a sink counts. Its exponential is finite in f32, and what it leaves to the values is less than 1e-27
/// of them.
const LARGEST_SINK: f64 = 64.0;

/// Attention over all of `seen` `[b, g, s, d]` in one piece, where `visible` `[b, t, s]` says which row sees which: f32 `[b, t, g, m, d]`.
fn at_once<'b>(queries: Tensor<'b>, seen: KvCache<'b>, visible: Tensor<'b>, sinks: Tensor<'b>) -> Tensor<'b> {
    let scores = scores(queries, seen.keys, visible);
    let dims = scores.ty().dims;
    let sinks = sinks.reshape(&[dims[1], dims[3]]).spread("gm->bgtm", &dims[..4]);
    let peak = scores.max("bgtms->bgtm");
    let weight = (scores - peak.like("bgtm->bgtms", scores)).exp().named("weight");
    // The sink need not be part of the peak, which would be a step of its own: so far above every score it leaves nothing to the values.
    let total = weight.sum("bgtms->bgtm") + (sinks - peak).minimum(LARGEST_SINK).exp();
    let brought = weighted(weight, seen.values, queries.ty().element);
    (brought / total.like("bgtm->bgtmd", brought)).transpose("bgtmd->btgmd")
}

/// The products of `queries` `[b, t, g, m, d]` and `keys` `[b, g, s, d]`, scaled, without weight where not `visible`: f32 `[b, g, t, m, s]`.
fn scores<'b>(queries: Tensor<'b>, keys: Stored<'b>, visible: Tensor<'b>) -> Tensor<'b> {
    let scale = (queries.dim(4) as f64).powf(-0.5);
    let keys_of_type = keys.values.convert(queries.ty().element);
    let scores = queries.dot_into(F32, "btgmd,bgsd->bgtms", keys_of_type) * scale;
    let scores = times_scales(scores, keys);
    visible.like("bts->bgtms", scores).select(scores, f64::NEG_INFINITY).named("scores")
}

/// The sum of `values` `[b, g, s, d]` by `weight` f32 `[b, g, t, m, s]`: f32 `[b, g, t, m, d]`.
fn weighted<'b>(weight: Tensor<'b>, values: Stored<'b>, compute: ElementType) -> Tensor<'b> {
    let weight = times_scales(weight, values).convert(compute);
    weight.dot_into(F32, "bgtms,bgsd->bgtmd", values.values.convert(compute))
}

/// A scale of a key or a value is one factor of its whole dot product, or of its whole weight.
fn times_scales<'b>(x: Tensor<'b>, of: Stored<'b>) -> Tensor<'b> {
    match of.scales {
        Some(scales) => x * scales.like("bgs->bgtms", x),
        None => x,
    }
}

/// Takes the cache block by block, as far as the newest row reaches.
fn over_cache<'b>(
    model: &Model<'_, 'b>,
    softmax: RunningSoftmax<'b>,
    queries: Tensor<'b>,
    cache: KvCache<'b>,
    positions: Tensor<'b>,
    rows: &Rows<'b>,
) -> RunningSoftmax<'b> {
    let b = queries.builder();
    let (sequences, tokens) = (positions.dim(0), positions.dim(1));
    let size = model.plan.attention_block(tokens);
    let sequence = rows.first_sequence(b);
    let newest = positions.max("bt->");
    let mut state = vec![b.integer(0)];
    state.extend(softmax.parts());
    let last = b.while_loop_at_most(
        model.plan.slots().div_ceil(size),
        &state,
        |state| state[0].at_most(newest),
        |state| {
            let first = state[0];
            let slots = b.iota(&TensorType::new(S32, [sequences, tokens, size]), 2);
            let visible = (slots + first.like("->bts", slots)).at_most(positions.like("bt->bts", slots));
            let block = cache.map(|of| in_its_layout(model, of.part(sequence, sequences, first, size)));
            let softmax = RunningSoftmax::of(&state[1..]).take(queries, block, visible);
            let mut next = vec![first + size as i64];
            next.extend(softmax.parts());
            next
        },
    );
    RunningSoftmax::of(&last[1..])
}

/// The same part of the cache, in the layout that it has as an argument: slots `s` of `[b, g, s, d]` innermost, where they need no
/// padding. Left alone, the compiler would choose the order that suits the write of one slot, and copy the whole cache for the read.
fn in_its_layout<'b>(model: &Model<'_, 'b>, of: Stored<'b>) -> Stored<'b> {
    if !model.plan.spelling.asks_for_layouts {
        return of;
    }
    of.map(|of| of.laid_out(if of.ty().rank() == 4 { &[2, 3, 1, 0] } else { &[2, 1, 0] }))
}

/// A softmax over keys that come in blocks: the largest logit so far, the sum of weights relative to it, and the weighted values.
///
/// For many rows the sum is one more channel of the values, which the product then gives: alone it would be a second pass over all
/// weights, and take longer than the products.
struct RunningSoftmax<'b> {
    /// f32 `[b, g, t, m]`
    peak: Tensor<'b>,
    /// f32 `[b, g, t, m, d]`, or `[b, g, t, m, d + 1]` with the sum.
    values: Tensor<'b>,
    /// f32 `[b, g, t, m]`, if it is not with the values.
    total: Option<Tensor<'b>>,
}

impl<'b> RunningSoftmax<'b> {
    /// The sink is one more logit of the softmax: it takes weight and brings no value. So the sum begins with it.
    fn start(queries: Tensor<'b>, sinks: Tensor<'b>) -> RunningSoftmax<'b> {
        let b = queries.builder();
        let dims = queries.ty().dims;
        let (sequences, tokens, g, m, d) = (dims[0], dims[1], dims[2], dims[3], dims[4]);
        let shape = TensorType::new(F32, [sequences, g, tokens, m]);
        let peak = sinks.reshape(&[g, m]).spread("gm->bgtm", &shape.dims);
        let values = b.splat(0.0, &TensorType::new(F32, [sequences, g, tokens, m, d]));
        if tokens == 1 {
            return RunningSoftmax { peak, values, total: Some(b.splat(1.0, &shape)) };
        }
        RunningSoftmax { peak, values: with_ones(values), total: None }
    }

    fn of(parts: &[Tensor<'b>]) -> RunningSoftmax<'b> {
        RunningSoftmax { peak: parts[0], values: parts[1], total: parts.get(2).copied() }
    }

    fn parts(&self) -> Vec<Tensor<'b>> {
        [self.peak, self.values].into_iter().chain(self.total).collect()
    }

    /// Adds keys and values `[b, g, s, d]` as they are stored, where `visible` `[b, t, s]` says which row sees which.
    fn take(self, queries: Tensor<'b>, seen: KvCache<'b>, visible: Tensor<'b>) -> RunningSoftmax<'b> {
        let compute = queries.ty().element;
        // Scales are a factor of each logit, which for many rows are many more than keys and values.
        let seen = if self.total.is_none() { seen.map(|of| of.in_full(compute)) } else { seen };
        let scores = scores(queries, seen.keys, visible);
        let peak = self.peak.maximum(scores.max("bgtms->bgtm"));
        let weight = (scores - peak.like("bgtm->bgtms", scores)).exp().named("weight");
        let fade = (self.peak - peak).exp();
        let total = self.total.map(|total| total * fade + weight.sum("bgtms->bgtm"));
        let values = if total.is_none() { seen.values.map(with_ones) } else { seen.values };
        let brought = weighted(weight, values, compute);
        RunningSoftmax { peak, values: self.values * fade.like("bgtm->bgtmd", brought) + brought, total }
    }

    /// The values, each in proportion to its weight: f32 `[b, t, g, m, d]`.
    fn finish(self) -> Tensor<'b> {
        let (values, total) = match self.total {
            Some(total) => (self.values, total),
            None => {
                let mut ranges: Vec<_> = self.values.ty().dims.into_iter().map(|dim| 0..dim).collect();
                let d = ranges[4].end - 1;
                ranges[4] = d..d + 1;
                let total = self.values.slice(&ranges).reshape(&self.peak.ty().dims);
                ranges[4] = 0..d;
                (self.values.slice(&ranges), total)
            }
        };
        (values / total.like("bgtm->bgtmd", values)).transpose("bgtmd->btgmd")
    }
}

/// `x` with one more channel, its last axis, of ones.
fn with_ones(x: Tensor<'_>) -> Tensor<'_> {
    let mut ty = x.ty();
    let last = ty.rank() - 1;
    ty.dims[last] = 1;
    x.concatenate(&[x.builder().splat(1.0, &ty)], last)
}
