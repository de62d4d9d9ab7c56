//! Decode: up to `steps` tokens for every sequence of the batch in one launch, so that the host is not in the way.
//!
//! Inputs after weights and caches: `tokens` s32 `[b]`, the newest token of each sequence, not yet in the cache; `positions` s32 `[b]`, where
//! it stands; `ended` pred `[b]`, sequences that draw nothing; `steps` s32, how many to draw; `stop` s32 `[STOP_TOKENS]`; and the drawing's.
//! Results after the caches: the tokens s32 `[b, steps]`, -1 where a sequence had ended, and their logarithmic probabilities f32 `[b, steps]`.
//! A program of one step takes it whatever `steps` and `ended` say: whoever launches it wants it.

use crate::config::Config;
use crate::graph::STOP_TOKENS;
use crate::graph::cache::{KvCache, Rows};
use crate::graph::layers::{builder, declare_caches, flatten, head, layers, unflatten};
use crate::graph::model::Model;
use crate::graph::sample::{Drawing, Drawn, sample, stops};
use crate::plan::Plan;
use hlo::{ElementType::F32, ElementType::Pred, ElementType::S32, Module, Problem, Tensor, TensorType};

pub(super) fn decode(config: &Config, plan: &Plan, steps: usize) -> Result<Module, Problem> {
    let b = builder(&format!("decode_{steps}"), config, plan);
    let batch = plan.batch;
    b.function("main", || {
        let model = Model::declare(&b, config, plan);
        let caches = declare_caches(&b, &model);
        let tokens = b.argument("tokens", &TensorType::new(S32, [batch]));
        let positions = b.argument("positions", &TensorType::new(S32, [batch]));
        let ended = b.argument("ended", &TensorType::new(Pred, [batch]));
        let wanted = b.argument("steps", &TensorType::new(S32, [])).minimum(steps as i64);
        let stop = b.argument("stop", &TensorType::new(S32, [STOP_TOKENS]));
        let drawing = Drawing::declare(&b, batch);
        if steps == 1 {
            let (drawn, caches) = step(&model, tokens, positions, caches, &drawing);
            let results = [shown(drawn, ended), drawn.logprobs].map(|of| of.reshape(&[batch, 1]));
            return [flatten(&caches), results.to_vec()].concat();
        }

        let none = b.splat_integer(-1, &TensorType::new(S32, [batch, steps]));
        let zeros = b.splat(0.0, &TensorType::new(F32, [batch, steps]));
        let state = [vec![b.integer(0), tokens, positions, ended, none, zeros], flatten(&caches)].concat();
        let last = b.while_loop_at_most(
            steps,
            &state,
            |state| state[0].below(wanted) & !state[3].all("b->"),
            |state| {
                let [index, tokens, positions, ended, drawn_tokens, drawn_logprobs] = state[..6] else {
                    unreachable!("the loop's state begins with six tensors")
                };
                let (drawn, caches) = step(&model, tokens, positions, unflatten(&model, &state[6..]), &drawing);
                let place = [b.integer(0), index];
                let drawn_tokens = drawn_tokens.dynamic_update(shown(drawn, ended).reshape(&[batch, 1]), &place);
                let drawn_logprobs = drawn_logprobs.dynamic_update(drawn.logprobs.reshape(&[batch, 1]), &place);
                let ended = ended | stops(drawn.tokens, stop);
                let next = vec![index + 1, drawn.tokens, positions + 1, ended, drawn_tokens, drawn_logprobs];
                [next, flatten(&caches)].concat()
            },
        );
        [&last[6..], &last[4..6]].concat()
    });
    b.finish()
}

/// Takes one token of each sequence into the cache and draws the next.
fn step<'b>(
    model: &Model<'_, 'b>,
    tokens: Tensor<'b>,
    positions: Tensor<'b>,
    caches: Vec<KvCache<'b>>,
    drawing: &Drawing<'b>,
) -> (Drawn<'b>, Vec<KvCache<'b>>) {
    let (x, caches) = layers(model, tokens, &Rows::Step { positions }, caches);
    let devices = model.plan.drawing_devices(model.config);
    (sample(head(model, x, tokens.dim(0)), drawing, positions + 1, devices), caches)
}

/// The drawn tokens, -1 where a sequence had ended: s32 `[b]`.
fn shown<'b>(drawn: Drawn<'b>, ended: Tensor<'b>) -> Tensor<'b> {
    let none = ended.builder().splat_integer(-1, &drawn.tokens.ty());
    ended.select(none, drawn.tokens)
}
