//! Drawing the next token on the device: greedy, temperature, top-k, top-p, min-p, reproducible from a seed.
//!
//! Nothing is sorted. A filter keeps the tokens whose weight reaches a threshold, and the threshold is found by halving the range of
//! possible f32 bit patterns; the draw is a search in the running sum of the weights that are left.

use hlo::{Builder, ElementType::F32, ElementType::S32, ElementType::U64, Tensor, TensorType};

/// Columns of the table that the vocabulary is folded into for the draw.
const FOLD: usize = 512;

/// How each row draws, `[b]` each; arguments of the program.
#[derive(Clone, Copy)]
pub(super) struct Drawing<'b> {
    /// f32; 0 takes the likeliest.
    pub temperature: Tensor<'b>,
    /// s32; 0 keeps all.
    pub top_k: Tensor<'b>,
    /// f32; 1 keeps all.
    pub top_p: Tensor<'b>,
    /// f32; 0 keeps all.
    pub min_p: Tensor<'b>,
    /// u64
    pub seed: Tensor<'b>,
}

impl<'b> Drawing<'b> {
    pub fn declare(b: &'b Builder, rows: usize) -> Drawing<'b> {
        let argument = |name: &str, element| b.argument(name, &TensorType::new(element, [rows]));
        Drawing {
            temperature: argument("temperature", F32),
            top_k: argument("top_k", S32),
            top_p: argument("top_p", F32),
            min_p: argument("min_p", F32),
            seed: argument("seed", U64),
        }
    }
}

/// What was drawn: tokens s32 `[b]`, and the logarithm of their probability before temperature and filters, f32 `[b]`.
#[derive(Clone, Copy)]
pub(super) struct Drawn<'b> {
    pub tokens: Tensor<'b>,
    pub logprobs: Tensor<'b>,
}

/// Draws from `logits` f32 `[b, v]` the token that will stand at `positions` s32 `[b]`. Logits that are no numbers give token `v`.
pub(super) fn sample<'b>(logits: Tensor<'b>, drawing: &Drawing<'b>, positions: Tensor<'b>) -> Drawn<'b> {
    let b = logits.builder();
    b.scope("sample", || {
        let greedy = logits.argmax_last().named("greedy");
        let warm = drawing.temperature.above(0.0);
        let tokens =
            b.branch(warm.any("b->"), || vec![warm.select(draw(logits, drawing, positions), greedy)], || vec![greedy])
                [0];
        let peak = logits.max("bv->b");
        let total = (logits - peak.like("b->bv", logits)).exp().sum("bv->b").log() + peak;
        let ids = b.iota(&logits.ty().with_element(S32), 1);
        let own = ids.equals(tokens.like("b->bv", ids)).select(logits, 0.0).sum("bv->b");
        // Not-a-number anywhere makes the peak one, and no index equals it.
        Drawn { tokens: tokens.named("tokens"), logprobs: (own - total).named("logprobs") }
    })
}

fn draw<'b>(logits: Tensor<'b>, drawing: &Drawing<'b>, positions: Tensor<'b>) -> Tensor<'b> {
    let b = logits.builder();
    let (rows, v) = (logits.dim(0), logits.dim(1));
    let row = TensorType::new(F32, [rows]);
    let temperature = drawing.temperature.above(0.0).select(drawing.temperature, 1.0);
    // The likeliest token weighs 1, so all weights lie in 0..=1, where f32 bit patterns ascend with the value.
    // The peak goes before the division, which may then overflow to no more than a weight of 0.
    let below = logits - logits.max("bv->b").like("b->bv", logits);
    let weights = (below / temperature.like("b->bv", logits)).exp().named("weights");

    let wanted = drawing.top_k.convert(F32);
    let limited = drawing.top_k.above(0) & drawing.top_k.below(v as i64);
    let of_top_k = b.scope("top_k", || {
        threshold(limited, &row, |at| weights.at_least(at.like("b->bv", weights)).convert(F32).sum("bv->b"), wanted)
    });
    let kept = weights.at_least(of_top_k.like("b->bv", weights)).select(weights, 0.0);
    let limited = drawing.top_p.below(1.0);
    let mass = drawing.top_p * kept.sum("bv->b");
    let of_top_p = b.scope("top_p", || {
        threshold(limited, &row, |at| kept.at_least(at.like("b->bv", kept)).select(kept, 0.0).sum("bv->b"), mass)
    });
    let least = of_top_p.maximum(drawing.min_p);
    let kept = kept.at_least(least.like("b->bv", kept)).select(kept, 0.0).named("kept");
    pick(kept, uniform(drawing.seed, positions))
}

/// For each row the largest value in 0..=1 whose `reach` is still `wanted`, or 0 where the filter is not `limited`.
/// `reach` must not grow with its argument.
fn threshold<'b>(
    limited: Tensor<'b>,
    row: &TensorType,
    reach: impl FnOnce(Tensor<'b>) -> Tensor<'b>,
    wanted: Tensor<'b>,
) -> Tensor<'b> {
    let b = limited.builder();
    let bits = row.with_element(S32);
    // The range of bit patterns: 0.0 always reaches, the pattern after 1.0 never does.
    let state = [b.splat_integer(0, &bits), b.splat_integer(0x3f80_0001, &bits)];
    let halvings = usize::BITS - (0x3f80_0001_usize - 1).leading_zeros();
    let found = b.while_loop_at_most(
        halvings as usize,
        &state,
        |state| (limited & (state[1] - state[0]).above(1)).any("b->"),
        |state| {
            let middle = state[0] + (state[1] - state[0]) / 2;
            let enough = reach(middle.bitcast(F32)).at_least(wanted);
            vec![enough.select(middle, state[0]), enough.select(state[1], middle)]
        },
    );
    limited.select(found[0].bitcast(F32), 0.0)
}

/// A number in 0..1 for each row: the SplitMix64 sequence of `seed` u64 `[b]` at `positions` s32 `[b]`.
fn uniform<'b>(seed: Tensor<'b>, positions: Tensor<'b>) -> Tensor<'b> {
    let mix = |z: Tensor<'b>, shift: i64, factor: u64| (z ^ z.shift_right(shift)) * factor as i64;
    let z = seed + (positions.convert(U64) + 1) * 0x9e37_79b9_7f4a_7c15_u64 as i64;
    let z = mix(mix(z, 30, 0xbf58_476d_1ce4_e5b9), 27, 0x94d0_49bb_1331_11eb);
    let z = z ^ z.shift_right(31);
    (z.shift_right(40).convert(F32) * 2f64.powi(-24)).named("uniform")
}

/// The first place where the running sum of `weights` f32 `[b, v]` exceeds `uniform` f32 `[b]` of the total.
fn pick<'b>(weights: Tensor<'b>, uniform: Tensor<'b>) -> Tensor<'b> {
    let b = weights.builder();
    let (rows, v) = (weights.dim(0), weights.dim(1));
    let padded = v.next_multiple_of(FOLD);
    let weights = if padded == v {
        weights
    } else {
        weights.concatenate(&[b.splat(0.0, &TensorType::new(F32, [rows, padded - v]))], 1)
    };
    let table = weights.reshape(&[rows, padded / FOLD, FOLD]);
    let lines = table.sum("blf->bl");
    let goal = uniform * lines.sum("bl->b");
    let (line, before) = search(lines, goal);
    let numbers = b.iota(&TensorType::new(S32, [rows, padded / FOLD, FOLD]), 1);
    let own = numbers.equals(line.like("b->blf", numbers)).select(table, 0.0).sum("blf->bf");
    let (column, _) = search(own, goal - before);
    line * FOLD as i64 + column
}

/// Where the running sum of `weights` f32 `[b, x]` first exceeds `goal` f32 `[b]`, at the latest the last weight above 0; and the sum before it.
fn search<'b>(weights: Tensor<'b>, goal: Tensor<'b>) -> (Tensor<'b>, Tensor<'b>) {
    let b = weights.builder();
    let size = weights.dim(1);
    let square = TensorType::new(S32, [size, size]);
    let up_to = b.iota(&square, 1).at_most(b.iota(&square, 0)).convert(F32);
    let sums = weights.dot("bx,yx->by", up_to);
    let passed = sums.at_most(goal.like("b->bx", sums));
    let places = b.iota(&weights.ty().with_element(S32), 1);
    let last = weights.above(0.0).select(places, 0).max("bx->b");
    let place = passed.convert(S32).sum("bx->b").minimum(last);
    let earlier = places.below(place.like("b->bx", places));
    (place, earlier.select(weights, 0.0).sum("bx->b"))
}

/// Whether each of `tokens` s32 `[b]` is among `stop` s32 `[x]`.
pub(super) fn stops<'b>(tokens: Tensor<'b>, stop: Tensor<'b>) -> Tensor<'b> {
    let dims = [tokens.dim(0), stop.dim(0)];
    let found = tokens.spread("b->bx", &dims).equals(stop.spread("x->bx", &dims));
    found.any("bx->b")
}
