//! Grouped-query attention with sinks, over a full cache or a ring, as a running softmax over blocks of keys.

use crate::config::LayerKind;
use crate::graph::cache::{KvCache, Rows, Stored, write_full, write_ring};
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
    let (attended, cache) = match config.layer_kinds[layer] {
        LayerKind::Sliding => {
            let (key_ring, seen_keys) = write_ring(cache.keys, keys, rows);
            let (value_ring, seen_values) = write_ring(cache.values, values, rows);
            let slots = b.iota(&TensorType::new(S32, [sequences, tokens, seen_keys.slots()]), 2);
            let at = positions.like("bt->bts", slots);
            let visible = match *rows {
                // A ring that is not yet full ends at the newest token; in a full one every slot is inside the window.
                Rows::Step { .. } => slots.at_most(at),
                Rows::Chunk { start, .. } => {
                    let key = slots + start.like("->bts", slots) - config.sliding_window as i64;
                    key.at_most(at) & key.above(at - config.sliding_window as i64) & key.at_least(0)
                }
            };
            let seen = KvCache { keys: seen_keys, values: seen_values };
            let attended = match *rows {
                Rows::Step { .. } => at_once(queries, seen, visible, sinks),
                Rows::Chunk { .. } => {
                    RunningSoftmax::start(queries, sinks).take(queries, seen_keys, seen_values, visible).finish()
                }
            };
            (attended, KvCache { keys: key_ring, values: value_ring })
        }
        LayerKind::Full => {
            let cache =
                KvCache { keys: write_full(cache.keys, keys, rows), values: write_full(cache.values, values, rows) };
            let cache = KvCache { keys: in_its_layout(model, cache.keys), values: in_its_layout(model, cache.values) };
            let attended = match *rows {
                Rows::Step { .. } if model.plan.attention_block(1) == model.plan.slots() => {
                    let slots = b.iota(&TensorType::new(S32, [sequences, tokens, model.plan.slots()]), 2);
                    at_once(queries, cache, slots.at_most(positions.like("bt->bts", slots)), sinks)
                }
                _ => {
                    let softmax = RunningSoftmax::start(queries, sinks);
                    over_cache(model, softmax, queries, cache, positions, rows).finish()
                }
            };
            (attended, cache)
        }
    };
    let attended = attended.transpose("bgtmd->btgmd").reshape(&[n, g * m * d]).named("attended");
    let out = linear(model, at_least(attended, x.dim(0)), Source::OutWeight(layer), Source::OutBias(layer));
    (out.constrained(&["", ""]), cache)
}

/// Attention over all of `seen` `[b, g, s, d]` in one piece, where `visible` `[b, t, s]` says which row sees which: f32 `[b, g, t, m, d]`.
fn at_once<'b>(queries: Tensor<'b>, seen: KvCache<'b>, visible: Tensor<'b>, sinks: Tensor<'b>) -> Tensor<'b> {
    let scores = scores(queries, seen.keys, visible);
    let dims = scores.ty().dims;
    let sinks = sinks.reshape(&[dims[1], dims[3]]).spread("gm->bgtm", &dims[..4]);
    let peak = scores.max("bgtms->bgtm").maximum(sinks);
    let weight = (scores - peak.like("bgtm->bgtms", scores)).exp().named("weight");
    let total = weight.sum("bgtms->bgtm") + (sinks - peak).exp();
    let brought = weighted(weight, seen.values, queries.ty().element);
    brought / total.like("bgtm->bgtmd", brought)
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
    let (sequences, tokens) = rows.split();
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
            let block = |of: Stored<'b>| in_its_layout(model, of.part(sequence, sequences, first, size));
            let softmax = RunningSoftmax::of(&state[1..]);
            let softmax = softmax.take(queries, block(cache.keys), block(cache.values), visible);
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
struct RunningSoftmax<'b> {
    /// f32 `[b, g, t, m]`
    peak: Tensor<'b>,
    /// f32 `[b, g, t, m]`
    total: Tensor<'b>,
    /// f32 `[b, g, t, m, d]`
    values: Tensor<'b>,
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
        RunningSoftmax { peak, total: b.splat(1.0, &shape), values }
    }

    fn of(parts: &[Tensor<'b>]) -> RunningSoftmax<'b> {
        RunningSoftmax { peak: parts[0], total: parts[1], values: parts[2] }
    }

    fn parts(&self) -> [Tensor<'b>; 3] {
        [self.peak, self.total, self.values]
    }

    /// Adds keys and values `[b, g, s, d]` as they are stored, where `visible` `[b, t, s]` says which row sees which.
    fn take(
        self,
        queries: Tensor<'b>,
        keys: Stored<'b>,
        values: Stored<'b>,
        visible: Tensor<'b>,
    ) -> RunningSoftmax<'b> {
        let scores = scores(queries, keys, visible);
        let peak = self.peak.maximum(scores.max("bgtms->bgtm"));
        let weight = (scores - peak.like("bgtm->bgtms", scores)).exp().named("weight");
        let fade = (self.peak - peak).exp();
        let total = self.total * fade + weight.sum("bgtms->bgtm");
        let brought = weighted(weight, values, queries.ty().element);
        RunningSoftmax { peak, total, values: self.values * fade.like("bgtm->bgtmd", brought) + brought }
    }

    /// The values, each in proportion to its weight: f32 `[b, g, t, m, d]`.
    fn finish(self) -> Tensor<'b> {
        self.values / self.total.like("bgtm->bgtmd", self.values)
    }
}
