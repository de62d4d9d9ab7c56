//! Drawing the next token on the device: greedy, temperature, top-k, top-p, min-p, reproducible from a seed.
//!
//! Nothing is sorted. A filter keeps the tokens whose weight reaches a threshold, and the threshold is found by dividing the range of
//! possible f32 bit patterns again and again; the draw is a search in the running sum of the weights that are left.

use crate::graph::params::ALL;
use hlo::{Builder, ElementType::F32, ElementType::S32, ElementType::U64, Tensor, TensorType};

/// Columns of the table that the vocabulary is folded into for the draw.
const FOLD: usize = 512;

/// Parts that the range of a threshold is divided into by each pass over the weights, as a power of two. A pass with many thresholds
/// takes hardly longer than one with a single one.
const PARTS_LOG2: usize = 3;

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

/// Draws from `logits` f32 `[b, v]` the token that will stand at `positions` s32 `[b]`. Logits that are no numbers give token `v`. Of
/// several `devices` each looks at its part of the vocabulary, and sums are exchanged.
pub(super) fn sample<'b>(
    logits: Tensor<'b>,
    drawing: &Drawing<'b>,
    positions: Tensor<'b>,
    devices: usize,
) -> Drawn<'b> {
    let b = logits.builder();
    b.scope("sample", || {
        let v = logits.dim(1);
        let folding = Folding { v, parts: devices };
        let logits = folding.fold(logits);
        let ids = folding.tokens(logits);
        let peak = logits.max("blf->b");
        let candidates = logits.equals(peak.like("b->blf", logits)).select(ids, v as i64);
        // Not-a-number anywhere makes the peak one, and no logit equals it.
        let greedy = candidates.min("blf->b").minimum(v as i64).named("greedy");
        let warm = drawing.temperature.above(0.0);
        let weights = |temperature: Tensor<'b>| {
            // The likeliest token weighs 1, so all weights lie in 0..=1, where f32 bit patterns ascend with the value.
            // The peak goes before the division, which may then overflow to no more than a weight of 0.
            let below = logits - peak.like("b->blf", logits);
            (below / temperature.like("b->blf", logits)).exp().named("weights")
        };
        let drawn = || {
            let temperature = warm.select(drawing.temperature, 1.0);
            vec![warm.select(draw(weights(temperature), folding, drawing, positions), greedy)]
        };
        let tokens = b.branch(warm.any("b->"), drawn, || vec![greedy])[0];
        let total = (logits - peak.like("b->blf", logits)).exp().sum("blf->b").log() + peak;
        let own = ids.equals(tokens.like("b->blf", ids)).select(logits, 0.0).sum("blf->b");
        Drawn { tokens: tokens.named("tokens"), logprobs: (own - total).named("logprobs") }
    })
}

/// How the vocabulary is a table of lines: a row of it alone would leave most of a vector unit idle. Each part begins at a line of its own.
#[derive(Clone, Copy)]
struct Folding {
    v: usize,
    parts: usize,
}

impl Folding {
    /// Tokens of a part.
    fn own(self) -> usize {
        self.v / self.parts
    }

    /// Lines of a part.
    fn lines(self) -> usize {
        self.own().div_ceil(FOLD)
    }

    /// Logits f32 `[b, v]` as a table `[b, l, f]`, filled up with logits of no weight.
    fn fold(self, logits: Tensor<'_>) -> Tensor<'_> {
        let rows = logits.dim(0);
        let table = [rows, self.parts * self.lines(), FOLD];
        if self.parts == 1 {
            return filled(logits.constrained(&["", ""]), self.lines() * FOLD).reshape(&table).named("folded");
        }
        let parts = logits.reshape(&[rows, self.parts, self.own()]).constrained(&["", ALL, ""]);
        filled(parts, self.lines() * FOLD).reshape(&table).constrained(&["", ALL, ""]).named("folded")
    }

    /// The token that each place of `table` `[b, l, f]` stands for, s32 `[b, l, f]`; none that is below `v` for those that fill it up.
    fn tokens(self, table: Tensor<'_>) -> Tensor<'_> {
        let (b, ty) = (table.builder(), table.ty().with_element(S32));
        let lines = b.iota(&ty, 1);
        if self.parts == 1 {
            return lines * FOLD as i64 + b.iota(&ty, 2);
        }
        let part = lines / self.lines() as i64;
        let place = (lines - part * self.lines() as i64) * FOLD as i64 + b.iota(&ty, 2);
        place.below(self.own() as i64).select(part * self.own() as i64 + place, self.v as i64)
    }

    /// The token at `line` and `column` s32 `[b]`.
    fn token<'b>(self, line: Tensor<'b>, column: Tensor<'b>) -> Tensor<'b> {
        if self.parts == 1 {
            return line * FOLD as i64 + column;
        }
        let part = line / self.lines() as i64;
        part * self.own() as i64 + (line - part * self.lines() as i64) * FOLD as i64 + column
    }
}

/// `logits` with so many along their last axis, those behind them of no weight.
fn filled(logits: Tensor<'_>, places: usize) -> Tensor<'_> {
    let (mut dims, last) = (logits.ty().dims, logits.ty().rank() - 1);
    dims[last] = places - dims[last];
    if dims[last] == 0 {
        return logits;
    }
    let none = logits.builder().splat(f64::NEG_INFINITY, &TensorType::new(F32, dims));
    logits.concatenate(&[none], last)
}

/// Draws from `weights` f32 `[b, l, f]`, the largest of which is 1: s32 `[b]`.
fn draw<'b>(weights: Tensor<'b>, folding: Folding, drawing: &Drawing<'b>, positions: Tensor<'b>) -> Tensor<'b> {
    let b = weights.builder();
    let row = TensorType::new(F32, [weights.dim(0)]);
    let wanted = drawing.top_k.convert(F32);
    let limited = drawing.top_k.above(0) & drawing.top_k.below(folding.v as i64);
    let of_top_k = b.scope("top_k", || {
        let reach = |at: Tensor<'b>| weights.at_least(at.like("b->blf", weights)).convert(F32).sum("blf->b");
        threshold(limited, &row, reach, wanted)
    });
    let kept = weights.at_least(of_top_k.like("b->blf", weights)).select(weights, 0.0);
    let limited = drawing.top_p.below(1.0);
    let mass = drawing.top_p * kept.sum("blf->b");
    let of_top_p = b.scope("top_p", || {
        let reach = |at: Tensor<'b>| kept.at_least(at.like("b->blf", kept)).select(kept, 0.0).sum("blf->b");
        threshold(limited, &row, reach, mass)
    });
    let least = of_top_p.maximum(drawing.min_p);
    let kept = kept.at_least(least.like("b->blf", kept)).select(kept, 0.0).named("kept");
    pick(kept, folding, uniform(drawing.seed, positions))
}

/// For each row the largest value in 0..=1 whose `reach` is still `wanted`, or 0 where the filter is not `limited`.
/// `reach` must not grow with its argument.
fn threshold<'b>(
    limited: Tensor<'b>,
    row: &TensorType,
    reach: impl Fn(Tensor<'b>) -> Tensor<'b>,
    wanted: Tensor<'b>,
) -> Tensor<'b> {
    let b = limited.builder();
    // Of the bit patterns from 0.0, which always reaches, to that of 1.0.
    const LARGEST: i64 = 0x3f80_0000;
    let passes = (u64::BITS - LARGEST.leading_zeros()).next_multiple_of(PARTS_LOG2 as u32) as usize / PARTS_LOG2;
    let state = [b.splat_integer(0, &row.with_element(S32)), b.integer(1 << (PARTS_LOG2 * (passes - 1)))];
    let found = b.while_loop_at_most(
        passes,
        &state,
        |state| limited.any("b->") & state[1].above(0),
        |state| {
            // Where one part's threshold is reached, so are those before it.
            let reached = (1..1 << PARTS_LOG2).map(|part| {
                let threshold = (state[0] + (state[1] * part).like("->b", state[0])).minimum(LARGEST);
                reach(threshold.bitcast(F32)).at_least(wanted).convert(S32)
            });
            let parts = reached.reduce(|sum, one| sum + one).expect("there are parts");
            vec![state[0] + parts * state[1].like("->b", parts), state[1].shift_right(PARTS_LOG2 as i64)]
        },
    );
    limited.select(found[0].minimum(LARGEST).bitcast(F32), 0.0)
}

/// A number in 0..1 for each row: the SplitMix64 sequence of `seed` u64 `[b]` at `positions` s32 `[b]`.
fn uniform<'b>(seed: Tensor<'b>, positions: Tensor<'b>) -> Tensor<'b> {
    let mix = |z: Tensor<'b>, shift: i64, factor: u64| (z ^ z.shift_right(shift)) * factor as i64;
    let z = seed + (positions.convert(U64) + 1) * 0x9e37_79b9_7f4a_7c15_u64 as i64;
    let z = mix(mix(z, 30, 0xbf58_476d_1ce4_e5b9), 27, 0x94d0_49bb_1331_11eb);
    let z = z ^ z.shift_right(31);
    (z.shift_right(40).convert(F32) * 2f64.powi(-24)).named("uniform")
}

/// The first place where the running sum of `table` f32 `[b, l, f]` exceeds `uniform` f32 `[b]` of the total.
fn pick<'b>(table: Tensor<'b>, folding: Folding, uniform: Tensor<'b>) -> Tensor<'b> {
    let b = table.builder();
    let lines = table.sum("blf->bl");
    let lines = if folding.parts == 1 { lines } else { lines.constrained(&["", ""]) };
    let goal = uniform * lines.sum("bl->b");
    let (line, before) = search(lines, goal);
    let numbers = b.iota(&table.ty().with_element(S32), 1);
    let own = numbers.equals(line.like("b->blf", numbers)).select(table, 0.0).sum("blf->bf");
    let (column, _) = search(own, goal - before);
    folding.token(line, column)
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
