//! Prefill: a chunk of one sequence's tokens into the cache, at any position; and the same with all logits, for scoring.
//!
//! Inputs after weights and caches: `tokens` s32 `[t]`, `sequence`, `start` and `count` s32 scalars; tokens from `count` on are padding.

use crate::config::Config;
use crate::graph::cache::Rows;
use crate::graph::layers::{builder, declare_caches, flatten, head, layers};
use crate::graph::model::Model;
use crate::graph::sample::{Drawing, sample};
use crate::plan::Plan;
use hlo::{Builder, ElementType::S32, Module, Problem, Tensor, TensorType};

/// Further inputs: the drawing's, `[1]` each. Results after the caches: the token after the chunk s32 `[1]` and its logarithmic probability f32 `[1]`.
pub(super) fn prefill(config: &Config, plan: &Plan, tokens: usize) -> Result<Module, Problem> {
    let b = builder(&format!("prefill_{tokens}"), config, plan);
    b.function("main", || {
        let model = Model::declare(&b, config, plan);
        let caches = declare_caches(&b, &model);
        let ids = token_ids(&b, tokens);
        let chunk = Chunk::declare(&b, tokens);
        let drawing = Drawing::declare(&b, 1);
        let (x, caches) = layers(&model, ids, &chunk.rows, caches);
        let last = x.dynamic_slice(&[chunk.count - 1, b.integer(0)], &[1, config.hidden]);
        let logits = head(&model, last, 1);
        let position = (chunk.start + chunk.count).reshape(&[1]);
        let drawn = sample(logits, &drawing, position, 1);
        [flatten(&caches), vec![drawn.tokens, drawn.logprobs]].concat()
    });
    b.finish()
}

/// Results after the caches: the logits of every token, f32 `[t, v]`.
pub(super) fn score(config: &Config, plan: &Plan, tokens: usize) -> Result<Module, Problem> {
    let b = builder(&format!("score_{tokens}"), config, plan);
    b.function("main", || {
        let model = Model::declare(&b, config, plan);
        let caches = declare_caches(&b, &model);
        let ids = token_ids(&b, tokens);
        let chunk = Chunk::declare(&b, tokens);
        let (x, caches) = layers(&model, ids, &chunk.rows, caches);
        [flatten(&caches), vec![head(&model, x, tokens)]].concat()
    });
    b.finish()
}

/// The token ids of a chunk, s32 `[t]`.
pub(super) fn token_ids(b: &Builder, tokens: usize) -> Tensor<'_> {
    b.argument("tokens", &TensorType::new(S32, [tokens]))
}

/// Where a chunk stands, as arguments.
pub(super) struct Chunk<'b> {
    start: Tensor<'b>,
    count: Tensor<'b>,
    pub rows: Rows<'b>,
}

impl<'b> Chunk<'b> {
    pub fn declare(b: &'b Builder, tokens: usize) -> Chunk<'b> {
        let scalar = TensorType::new(S32, []);
        let sequence = b.argument("sequence", &scalar);
        let start = b.argument("start", &scalar);
        let count = b.argument("count", &scalar);
        Chunk { start, count, rows: Rows::Chunk { sequence, start, count, tokens } }
    }
}
