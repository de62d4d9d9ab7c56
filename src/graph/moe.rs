//! The mixture of experts. Rows are grouped by expert into blocks, so that an expert's matrices are read once a block and never gathered;
//! grouping and spreading back are products with 0/1 matrices.

use crate::config::Config;
use crate::graph::linear::linear;
use crate::graph::params::{Source, Weights};
use hlo::{Builder, ElementType::F32, ElementType::S32, Tensor, TensorType};

/// Which row goes to which expert.
struct Routing<'b> {
    /// Weight of each expert's answer, 0 where it was not chosen: f32 `[n, e]`.
    share: Tensor<'b>,
    /// 1 where an expert was chosen: f32 `[n, e]`.
    chosen: Tensor<'b>,
}

/// The `k` likeliest experts of each row, and the softmax over their logits: `logits` f32 `[n, e]`.
fn route<'b>(logits: Tensor<'b>, k: usize) -> Routing<'b> {
    let b = logits.builder();
    let ty = logits.ty();
    let experts = b.iota(&ty.with_element(S32), 1);
    let best = logits.max("ne->n");
    let (mut left, mut share, mut chosen) = (logits, b.splat(0.0, &ty), b.splat(0.0, &ty));
    for _ in 0..k {
        let place = left.argmax_last().like("n->ne", experts);
        let here = experts.equals(place);
        share = here.select((logits - best.like("n->ne", logits)).exp(), share);
        chosen = here.select(b.splat(1.0, &ty), chosen);
        left = here.select(b.splat(f64::NEG_INFINITY, &ty), left);
    }
    let total = share.sum("ne->n");
    Routing { share: share / total.like("n->ne", share), chosen }
}

/// Rows of one expert's block: enough for an even spread, so that few blocks are half empty.
fn block_rows(rows: usize, config: &Config) -> usize {
    let even = rows * config.experts_per_token / config.experts;
    even.next_power_of_two().max(8).min(rows)
}

/// The experts' answer to normalised `x` f32 `[n, c]`: f32 `[n, c]`.
pub(super) fn moe<'b>(config: &Config, layer: usize, x: Tensor<'b>, weights: &Weights<'b>) -> Tensor<'b> {
    let b = x.builder();
    let (n, c) = (x.dim(0), x.dim(1));
    let logits = linear(x, weights[Source::RouterWeight(layer)], weights[Source::RouterBias(layer)]).named("router");
    let routing = route(logits, config.experts_per_token);
    let rows = block_rows(n, config);
    let blocks = Blocks::new(b, &routing, rows);
    let compute = weights[Source::GateUpWeight(layer)].ty().element;
    let stream = x.convert(compute);

    let state = [b.integer(0), b.splat(0.0, &TensorType::new(F32, [n, c]))];
    let done = b.while_loop(
        &state,
        |state| state[0].below(blocks.count),
        |state| {
            let (expert, place) = blocks.block(state[0], &routing, rows);
            let own = place.convert(compute).dot("rn,nc->rc", stream);
            let answer = answer(config, layer, own, expert, weights);
            let share = column(routing.share, expert);
            let back = (place * share.like("n->rn", place)).dot("rn,rc->nc", answer);
            vec![state[0] + 1, state[1] + back]
        },
    );
    done[1]
}

/// One expert's answer to `x` `[r, c]` of the compute type: f32 `[r, c]`.
fn answer<'b>(config: &Config, layer: usize, x: Tensor<'b>, expert: Tensor<'b>, weights: &Weights<'b>) -> Tensor<'b> {
    let of_expert = |source: Source| {
        let all = weights[source];
        let mut sizes = all.ty().dims;
        sizes[0] = 1;
        let mut starts = vec![all.builder().integer(0); sizes.len()];
        starts[0] = expert;
        all.dynamic_slice(&starts, &sizes).reshape(&sizes[1..])
    };
    let (rows, f) = (x.dim(0), config.expert_width);
    let hidden = x.dot("rc,jfc->rjf", of_expert(Source::GateUpWeight(layer))).convert(F32);
    let hidden = hidden + of_expert(Source::GateUpBias(layer)).like("jf->rjf", hidden);
    let half = |j: usize| hidden.slice(&[0..rows, j..j + 1, 0..f]).reshape(&[rows, f]);
    let inner = swiglu(half(0), half(1), config);
    let out = inner.convert(x.ty().element).dot("rf,cf->rc", of_expert(Source::DownWeight(layer))).convert(F32);
    out + of_expert(Source::DownBias(layer)).like("c->rc", out)
}

/// `gate · σ(α gate) · (up + 1)`, the gate clamped from above and the up from both sides.
fn swiglu<'b>(gate: Tensor<'b>, up: Tensor<'b>, config: &Config) -> Tensor<'b> {
    let (limit, alpha) = (f64::from(config.swiglu_limit), f64::from(config.swiglu_alpha));
    let gate = gate.minimum(limit);
    let up = up.minimum(limit).maximum(-limit);
    gate * (gate * alpha).logistic() * (up + 1.0)
}

/// How rows fall into blocks of one expert each: experts in order, each with as many blocks as its rows need.
struct Blocks<'b> {
    /// Blocks in all, s32.
    count: Tensor<'b>,
    /// Blocks of the experts up to and with each, s32 `[e]`.
    ends: Tensor<'b>,
    /// How many earlier rows chose the same expert, f32 `[n, e]`.
    rank: Tensor<'b>,
}

impl<'b> Blocks<'b> {
    fn new(b: &'b Builder, routing: &Routing<'b>, rows: usize) -> Blocks<'b> {
        let (n, e) = (routing.chosen.dim(0), routing.chosen.dim(1));
        let square = |size: usize| TensorType::new(S32, [size, size]);
        let earlier = b.iota(&square(n), 1).below(b.iota(&square(n), 0)).convert(F32);
        let rank = earlier.dot("nm,me->ne", routing.chosen);
        let of_expert = (routing.chosen.sum("ne->e").convert(S32) + (rows as i64 - 1)) / rows as i64;
        let up_to = b.iota(&square(e), 1).at_most(b.iota(&square(e), 0));
        let spread = of_expert.spread("x->ex", &[e, e]);
        let ends = up_to.select(spread, 0).sum("ex->e").named("block_ends");
        Blocks { count: of_expert.sum("e->").named("blocks"), ends, rank }
    }

    /// Block `index`: its expert, s32, and where its rows come from: f32 `[r, n]`, 1 where block row `r` is row `n`.
    fn block(&self, index: Tensor<'b>, routing: &Routing<'b>, rows: usize) -> (Tensor<'b>, Tensor<'b>) {
        let b = index.builder();
        let passed = self.ends.at_most(index.like("->e", self.ends));
        let expert = passed.convert(S32).sum("e->").named("expert");
        let before = passed.select(self.ends, 0).max("e->").maximum(0);
        let first = ((index - before) * rows as i64).convert(F32);
        let rank = column(self.rank, expert);
        let chosen = column(routing.chosen, expert);
        let n = rank.dim(0);
        let block_row = b.iota(&TensorType::new(F32, [rows, n]), 0) + first.spread("->rn", &[rows, n]);
        let here = block_row.equals(rank.like("n->rn", block_row));
        (expert, here.select(chosen.like("n->rn", block_row), 0.0).named("place"))
    }
}

/// Column `index` of `table` `[n, e]`: `[n]`.
fn column<'b>(table: Tensor<'b>, index: Tensor<'b>) -> Tensor<'b> {
    let n = table.dim(0);
    table.dynamic_slice(&[index.builder().integer(0), index], &[n, 1]).reshape(&[n])
}
