//! The mixture of experts: who is asked, and the sum of the answers. An expert's matrices are read where they lie, and once: by all rows
//! in a product, or by blocks of the rows that chose it.

use crate::graph::cache::Rows;
use crate::graph::expert::Expert;
use crate::graph::groups::{Blocks, Slots, column};
use crate::graph::linear::{at_least, first_rows, linear};
use crate::graph::model::Model;
use crate::graph::params::{ALL, Source};
use hlo::{Attribute, ElementType::F32, ElementType::S32, Tensor, TensorType};

/// Which row goes to which expert.
pub(super) struct Routing<'b> {
    /// The likeliest experts of each row, in this order: s32 `[n]` each.
    pub picks: Vec<Tensor<'b>>,
    /// Weight of each pick's answer: f32 `[n]` each.
    pub shares: Vec<Tensor<'b>>,
    /// Weight of each expert's answer, 0 where it was not chosen: f32 `[n, e]`.
    pub share: Tensor<'b>,
    /// 1 where an expert was chosen: f32 `[n, e]`.
    pub chosen: Tensor<'b>,
}

/// The `k` likeliest experts of each row, and the softmax over their logits: `logits` f32 `[n, e]`.
fn route<'b>(logits: Tensor<'b>, k: usize) -> Routing<'b> {
    let b = logits.builder();
    let ty = logits.ty();
    // Numbers of experts are summed as f32, as logits are: one pass gives both.
    let experts = b.iota(&ty.with_element(S32), 1).convert(F32);
    // Instead of a search for the largest, k times: how many experts are likelier than each, or as likely and before it.
    let pairs = [ty.dims[0], ty.dims[1], ty.dims[1]];
    let (own, other) = (logits.spread("ne->nef", &pairs), logits.spread("nf->nef", &pairs));
    let places = TensorType::new(S32, pairs);
    let ahead = other.above(own) | (other.equals(own) & b.iota(&places, 2).below(b.iota(&places, 1)));
    let rank = ahead.convert(S32).sum("nef->ne").named("rank");
    let ranked = |values: Tensor<'b>| -> Vec<Tensor<'b>> {
        (0..k as i64).map(|place| rank.equals(place).select(values, 0).sum("ne->n")).collect()
    };
    let picks = ranked(experts).into_iter().map(|pick| pick.convert(S32)).collect();
    let best = ranked(logits);
    let weights: Vec<Tensor<'b>> = best.iter().map(|logit| (*logit - best[0]).exp()).collect();
    let total = weights.iter().copied().reduce(|sum, weight| sum + weight).expect("a model chooses an expert");
    let shares = weights.into_iter().map(|weight| weight / total).collect();
    let is_chosen = rank.below(k as i64);
    let share = (logits - best[0].like("n->ne", logits)).exp() / total.like("n->ne", logits);
    let share = is_chosen.select(share, 0.0);
    Routing { picks, shares, share, chosen: is_chosen.convert(F32) }
}

impl<'b> Routing<'b> {
    /// The same where only rows that are `tokens`, pred `[n]`, choose anything.
    fn of_tokens(self, tokens: Tensor<'b>) -> Routing<'b> {
        let only = |of: Tensor<'b>| tokens.like("n->ne", of).select(of, 0.0);
        Routing { share: only(self.share), chosen: only(self.chosen), ..self }
    }
}

/// The experts' answer to normalised `x` f32 `[r, c]`, whose first `n` rows are `rows`: f32 `[r, c]`. Padding asks nobody.
pub(super) fn moe<'b>(model: &Model<'_, 'b>, layer: usize, x: Tensor<'b>, rows: &Rows<'b>) -> Tensor<'b> {
    let (n, r, c) = (rows.count(), x.dim(0), x.dim(1));
    let logits = linear(model, x, Source::RouterWeight(layer), Source::RouterBias(layer)).named("router");
    let routing = route(first_rows(logits, n), model.config.experts_per_token);
    let routing = match rows.tokens(x.builder()) {
        Some(tokens) => routing.of_tokens(tokens),
        None => routing,
    };
    if model.plan.calls_kernels() {
        return by_kernel(model, layer, x, &routing);
    }
    let expert = Expert { model, layer };
    if n == 1 && model.plan.spelling.unrolls_experts && !model.plan.has_expert_kernels() {
        return one_by_one(&expert, x, &routing);
    }
    let x = x.slice(&[0..n, 0..c]);
    let parts = match n {
        1 if model.plan.has_expert_kernels() => by_kernels(&expert, x, &routing),
        _ if model.plan.asks_all_at_once(model.config, n) => all_by_all(&expert, x, &routing),
        _ if n <= model.plan.block_rows(model.config, n) => all_by_each(&expert, x, &routing),
        _ => by_blocks(&expert, x, &routing),
    };
    // Every device has a part of every answer: this sum is the one place where they meet.
    let answers = parts.sum("npc->nc").constrained(&["", ""]);
    let biases = routing.share.dot("ne,ec->nc", model.vector(Source::DownBias(layer)));
    at_least(answers + biases, r)
}

/// The answer of the host's kernel, which does the grouping itself: f32 `[n, c]`.
fn by_kernel<'b>(model: &Model<'_, 'b>, layer: usize, x: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
    let config = model.config;
    let (gate_up, down) = (model.matrix(Source::GateUpWeight(layer)), model.matrix(Source::DownWeight(layer)));
    let operands = [
        Some(x.convert(model.compute())),
        Some(routing.share),
        Some(gate_up.values),
        gate_up.scales,
        Some(model.vector(Source::GateUpBias(layer))),
        Some(down.values),
        down.scales,
        Some(model.vector(Source::DownBias(layer))),
    ];
    let operands: Vec<_> = operands.into_iter().flatten().collect();
    let attributes =
        [("alpha", Attribute::Float(config.swiglu_alpha)), ("limit", Attribute::Float(config.swiglu_limit))];
    x.builder().custom_call(kernels::EXPERTS, &operands, &attributes, &x.ty())
}

/// The answer of a single row's experts, one after another, which all rows of `x` f32 `[r, c]` ask: f32 `[r, c]`.
fn one_by_one<'b>(expert: &Expert<'_, '_, 'b>, x: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
    let (r, c) = (x.dim(0), x.dim(1));
    let fewest = expert.model.plan.rows_of_one();
    let rows = if fewest < r { x.slice(&[0..fewest, 0..c]) } else { at_least(x, fewest) };
    let rows = rows.convert(expert.model.compute());
    let bias = expert.model.vector(Source::DownBias(expert.layer));
    let zero = x.builder().integer(0);
    let asked = routing.picks.iter().zip(&routing.shares).map(|(pick, share)| (pick.reshape(&[]), share.reshape(&[])));
    let asked: Vec<_> = asked.collect();
    let answers = asked.iter().map(|(pick, share)| {
        let answer = expert.answer(rows, *pick);
        answer * share.spread("->rpo", &answer.ty().dims)
    });
    let parts = answers.reduce(|sum, answer| sum + answer).expect("a model chooses at least one expert");
    // Every device has a part of every answer: this sum is the one place where they meet.
    let sum = parts.sum("rpo->ro").constrained(&["", ""]);
    let sum = if fewest < r {
        sum.slice(&[0..1, 0..c]).reshape(&[c]).spread("c->rc", &[r, c])
    } else {
        first_rows(sum, r).slice(&[0..r, 0..c])
    };
    let biases = asked.iter().map(|(pick, share)| {
        let bias = bias.dynamic_slice(&[*pick, zero], &[1, c]).reshape(&[c]).spread("c->rc", &[r, c]);
        bias * share.spread("->rc", &[r, c])
    });
    biases.fold(sum, |sum, bias| sum + bias)
}

/// The same by kernels, each of which asks all of them.
fn by_kernels<'b>(expert: &Expert<'_, '_, 'b>, x: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
    let (picks, share) = (&routing.picks, routing.share);
    let answers = expert.answers_of_kernels(x, picks[0].concatenate(&picks[1..], 0));
    let shares: Vec<Tensor<'b>> = picks.iter().map(|pick| column(share, pick.reshape(&[]))).collect();
    let weighted = answers * shares[0].concatenate(&shares[1..], 0).like("k->ko", answers);
    let whole = weighted.sum("ko->o").reshape(&[1, 1, answers.dim(1)]);
    whole.slice(&[0..1, 0..1, 0..x.dim(1)])
}

/// The same for few rows: every expert that one of them chose answers to all, since a product of few rows takes no longer than one of a
/// single row: f32 `[n, p, c]`.
fn all_by_each<'b>(expert: &Expert<'_, '_, 'b>, x: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
    let (b, n) = (x.builder(), x.dim(0));
    let (config, plan) = (expert.model.config, expert.model.plan);
    let own = at_least(x.convert(expert.model.compute()), plan.expert_rows());
    let rows = own.dim(0);
    let share = at_least(routing.share, rows);
    let asked = Blocks::new(routing.chosen.max("ne->e").convert(S32));
    let sums = TensorType::new(F32, [rows, plan.devices, plan.down_outputs(config)]);
    let state = [b.integer(0), b.splat(0.0, &sums).constrained(&["", ALL, ""])];
    let done = b.while_loop_at_most(
        config.experts.min(n * config.experts_per_token),
        &state,
        |state| state[0].below(asked.count),
        |state| {
            let (index, _) = asked.at(state[0]);
            let answer = expert.answer(own, index);
            // Not a product with 0: what one row makes of another's expert may be no number.
            let share = column(share, index).like("n->npo", answer);
            let answer = share.above(0.0).select(answer * share, 0.0);
            vec![state[0] + 1, state[1] + answer]
        },
    );
    done[1].slice(&[0..n, 0..plan.devices, 0..x.dim(1)])
}

/// The same where nearly every expert was chosen by some row: all experts answer, in one product a matrix: f32 `[n, p, c]`.
fn all_by_all<'b>(expert: &Expert<'_, '_, 'b>, x: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
    let n = x.dim(0);
    let rows = at_least(x.convert(expert.model.compute()), expert.model.plan.expert_rows());
    let share = at_least(routing.share, rows.dim(0));
    let answers = expert.answers_of_all(rows);
    // Not a product with 0: what one row makes of another's expert may be no number.
    let share = share.like("ne->nepo", answers);
    let sums = share.above(0.0).select(answers * share, 0.0).sum("nepo->npo");
    sums.slice(&[0..n, 0..sums.dim(1), 0..x.dim(1)])
}

/// The same for many rows, by blocks of rows that chose the same expert: f32 `[n, p, c]`.
fn by_blocks<'b>(expert: &Expert<'_, '_, 'b>, x: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
    let (b, n, c) = (x.builder(), x.dim(0), x.dim(1));
    let (config, plan) = (expert.model.config, expert.model.plan);
    let compute = expert.model.compute();
    let rows = plan.block_rows(config, n);
    let slots = Slots::new(b, routing, rows, plan.spelling.slots_of_tile.min(rows));
    let (tile, tiles) = (slots.tile, slots.count / slots.tile);
    let stream = slots.spread(x.convert(compute)).reshape(&[tiles, tile, c]);
    let blocks = Blocks::new((slots.rows + (rows as i64 - 1)) / rows as i64);
    // What no block writes has no weight: whatever is at hand may stand there.
    let unasked = stream.spread("utc->uptc", &[tiles, plan.devices, tile, c]).constrained(&["", ALL, "", ""]);
    let state = [b.integer(0), unasked];
    // Every expert may have a block that its rows do not fill.
    let pairs = n * config.experts_per_token;
    let partial = config.experts.min(pairs);
    let done = b.while_loop_at_most(
        partial + (pairs - partial) / rows,
        &state,
        |state| state[0].below(blocks.count),
        |state| {
            let zero = b.integer(0);
            let (index, before) = blocks.at(state[0]);
            let of_expert = slots.first_tiles.dynamic_slice(&[index], &[1]).reshape(&[]);
            let first = of_expert + before * (rows / tile) as i64;
            let own = stream.dynamic_slice(&[first, zero, zero], &[rows / tile, tile, c]).reshape(&[rows, c]);
            let answer = expert.answer(own, index).convert(compute);
            let answer = answer.slice(&[0..rows, 0..plan.devices, 0..c]);
            let answer = answer.reshape(&[rows / tile, tile, plan.devices, c]).transpose("utpc->uptc");
            // Behind an expert's own rows this writes what the next experts, which come later, replace.
            vec![state[0] + 1, state[1].dynamic_update(answer, &[first, zero, zero, zero])]
        },
    );
    slots.gather(done[1], routing)
}
