//! The mixture of experts. Rows are grouped by expert into blocks, so that an expert's matrices are read once a block and never gathered;
//! grouping and spreading back are products with 0/1 matrices.

use crate::graph::expert::Expert;
use crate::graph::linear::{at_least, linear};
use crate::graph::model::Model;
use crate::graph::params::{ALL, Source};
use hlo::{Builder, ElementType::F32, ElementType::S32, Tensor, TensorType};

/// Which row goes to which expert.
struct Routing<'b> {
    /// The chosen experts of each row, the likeliest first: s32 `[n]` each.
    picks: Vec<Tensor<'b>>,
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
    let mut picks = Vec::new();
    for _ in 0..k {
        let pick = left.argmax_last().named("pick");
        let here = experts.equals(pick.like("n->ne", experts));
        share = here.select((logits - best.like("n->ne", logits)).exp(), share);
        chosen = here.select(b.splat(1.0, &ty), chosen);
        left = here.select(b.splat(f64::NEG_INFINITY, &ty), left);
        picks.push(pick);
    }
    let total = share.sum("ne->n");
    Routing { picks, share: share / total.like("n->ne", share), chosen }
}

/// The experts' answer to normalised `x` f32 `[n, c]`: f32 `[n, c]`.
pub(super) fn moe<'b>(model: &Model<'_, 'b>, layer: usize, x: Tensor<'b>) -> Tensor<'b> {
    let (n, c) = (x.dim(0), x.dim(1));
    let logits = linear(model, x, Source::RouterWeight(layer), Source::RouterBias(layer)).named("router");
    let routing = route(logits, model.config.experts_per_token);
    let expert = Expert { model, layer };
    let parts = match n {
        1 if model.plan.has_expert_kernels() => by_kernels(&expert, x, &routing),
        1 if model.plan.spelling.unrolls_experts => one_by_one(&expert, x, &routing),
        _ => by_blocks(&expert, x, &routing),
    };
    // Every device has a part of every answer: this sum is the one place where they meet.
    let answers = parts.sum("npo->no").constrained(&["", ""]);
    let biases = routing.share.dot("ne,ec->nc", model.vector(Source::DownBias(layer)));
    answers.slice(&[0..n, 0..c]) + biases
}

/// The weighted answers of one row's experts, one after another: f32 `[1, p, o]`.
fn one_by_one<'b>(expert: &Expert<'_, '_, 'b>, x: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
    let rows = at_least(x.convert(expert.model.compute()), expert.model.plan.expert_rows());
    let answers = routing.picks.iter().map(|pick| {
        let pick = pick.reshape(&[]);
        let answer = expert.answer(rows, pick);
        let dims = answer.ty().dims;
        let own = answer.slice(&[0..1, 0..dims[1], 0..dims[2]]);
        own * column(routing.share, pick).like("n->npo", own)
    });
    answers.reduce(|sum, answer| sum + answer).expect("a model chooses at least one expert")
}

/// The same by kernels, each of which asks all of them.
fn by_kernels<'b>(expert: &Expert<'_, '_, 'b>, x: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
    let (picks, share) = (&routing.picks, routing.share);
    let answers = expert.answers_of_kernels(x, picks[0].concatenate(&picks[1..], 0));
    let shares: Vec<Tensor<'b>> = picks.iter().map(|pick| column(share, pick.reshape(&[]))).collect();
    let weighted = answers * shares[0].concatenate(&shares[1..], 0).like("k->ko", answers);
    weighted.sum("ko->o").reshape(&[1, 1, answers.dim(1)])
}

/// The same for any number of rows, by blocks of rows that chose the same expert: f32 `[n, p, o]`.
fn by_blocks<'b>(expert: &Expert<'_, '_, 'b>, x: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
    let (b, n) = (x.builder(), x.dim(0));
    let (config, plan) = (expert.model.config, expert.model.plan);
    let even = n * config.experts_per_token / config.experts;
    // Enough for an even spread, so that few blocks are half empty.
    let rows = even.next_power_of_two().max(8).min(n).max(plan.expert_rows());
    let blocks = Blocks::new(b, routing, rows);
    let compute = expert.model.compute();
    let stream = x.convert(compute);
    let sums = TensorType::new(F32, [n, plan.devices, plan.down_outputs(config)]);
    let state = [b.integer(0), b.splat(0.0, &sums).constrained(&["", ALL, ""])];
    // An expert has as many blocks as its rows fill, and one that they do not fill.
    let pairs = n * config.experts_per_token;
    let full = if n <= rows { 0 } else { pairs / rows };
    let most = full + config.experts.min(pairs);
    let done = b.while_loop_at_most(
        most,
        &state,
        |state| state[0].below(blocks.count),
        |state| {
            let (index, place) = blocks.block(state[0], routing, rows);
            let own = place.convert(compute).dot("rn,nc->rc", stream);
            let answer = expert.answer(own, index);
            let share = column(routing.share, index);
            let back = (place * share.like("n->rn", place)).dot("rn,rpo->npo", answer);
            vec![state[0] + 1, state[1] + back]
        },
    );
    done[1]
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
