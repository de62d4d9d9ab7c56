//! The graphs of gpt-oss: sizes in, StableHLO modules out. No I/O, no device, no checkpoint.
//!
//! Reading order: `params` (what the device holds), `model`, `norm`, `linear`, `rope`, `cache`, `attention`, `moe`, `groups` and `expert`,
//! `layers` (the stack), `sample`, and the functions themselves: `prefill` and `decode`; `block` is single parts of them, to be read.
//!
//! Axis letters, here and everywhere: `n` rows (tokens of a prefill or sequences of a decode step), `b` sequence, `t` token, `s` cache slot,
//! `g` kv head, `m` query head of a kv head, `d` head channel, `c` stream channel, `o` projection output, `e` expert, `k` chosen expert,
//! `r` row of an expert's block, `p` device with a part of every expert, `f` expert channel, `i` input and `o` output of an expert's
//! product, `v` vocabulary.

mod attention;
mod block;
mod cache;
mod decode;
mod expert;
mod groups;
pub mod kernel;
mod layers;
mod linear;
mod model;
mod moe;
mod norm;
pub mod params;
mod prefill;
mod rope;
mod sample;

use crate::config::Config;
use crate::plan::Plan;
pub use block::{Block, block};
pub use cache::{CacheTensor, cache};
use hlo::{Builder, ElementType, Mesh, Module, Problem, TensorType};

/// Stop tokens that a decode program takes; unused places hold -1.
pub const STOP_TOKENS: usize = 8;

/// What a program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Takes up to `tokens` tokens of one sequence into the cache and draws the token after them.
    Prefill { tokens: usize },
    /// The same, but gives the logits of every token.
    Score { tokens: usize },
    /// Draws up to `steps` tokens for every sequence of the batch.
    Decode { steps: usize },
}

impl Phase {
    /// The program's name, such as `prefill_128`.
    pub fn name(self) -> String {
        match self {
            Phase::Prefill { tokens } => format!("prefill_{tokens}"),
            Phase::Score { tokens } => format!("score_{tokens}"),
            Phase::Decode { steps } => format!("decode_{steps}"),
        }
    }

    /// The phase whose program has this name.
    pub fn named(name: &str) -> Option<Phase> {
        let (kind, count) = name.rsplit_once('_')?;
        let count = count.parse().ok().filter(|&count| count > 0)?;
        let phases = [Phase::Prefill { tokens: count }, Phase::Score { tokens: count }, Phase::Decode { steps: count }];
        phases.into_iter().find(|phase| phase.kind() == kind)
    }

    /// `prefill`, `score` or `decode`.
    pub fn kind(self) -> &'static str {
        match self {
            Phase::Prefill { .. } => "prefill",
            Phase::Score { .. } => "score",
            Phase::Decode { .. } => "decode",
        }
    }

    /// The programs that generating needs: prefill buckets of so many tokens in ascending order, then decode.
    pub fn of_generating(prefill: &[usize], steps: usize) -> Vec<Phase> {
        let mut buckets = prefill.to_vec();
        buckets.sort_unstable();
        buckets.dedup();
        let prefill = buckets.into_iter().map(|tokens| Phase::Prefill { tokens });
        prefill.chain([Phase::Decode { steps }]).collect()
    }

    /// Rows that go through the model at once.
    pub fn rows(self, plan: &Plan) -> usize {
        match self {
            Phase::Prefill { tokens } | Phase::Score { tokens } => tokens,
            Phase::Decode { .. } => plan.batch,
        }
    }
}

/// The drawing of the next token alone: `logits` f32 `[rows, vocabulary]`, `positions` s32 `[rows]`, then temperature, top-k, top-p, min-p
/// and seed `[rows]`; gives tokens s32 `[rows]` and logarithmic probabilities f32 `[rows]`. For those who bring logits of their own.
pub fn sampler(rows: usize, vocabulary: usize) -> Result<Module, Problem> {
    let b = Builder::new("sampler");
    b.function("main", || {
        let logits = b.argument("logits", &TensorType::new(ElementType::F32, [rows, vocabulary]));
        let positions = b.argument("positions", &TensorType::new(ElementType::S32, [rows]));
        let drawn = sample::sample(logits, &sample::Drawing::declare(&b, rows), positions, 1);
        vec![drawn.tokens, drawn.logprobs]
    });
    b.finish()
}

/// The mesh of the devices that share the model; none for a single one.
pub fn mesh(config: &Config, plan: &Plan) -> Option<Mesh> {
    let heads = plan.head_devices(config);
    let axes = [(params::HEADS, heads), (params::REST, plan.devices / heads)];
    Mesh::new(MESH, &axes).ok().filter(|mesh| mesh.devices() > 1)
}

const MESH: &str = "devices";

/// The module of one phase. Its `main` takes the weights (`params::weights`), the caches, then the phase's own inputs, and gives
/// the caches first, in place.
pub fn module(config: &Config, plan: &Plan, phase: Phase) -> Result<Module, Problem> {
    match phase {
        Phase::Prefill { tokens } => prefill::prefill(config, plan, tokens),
        Phase::Score { tokens } => prefill::score(config, plan, tokens),
        Phase::Decode { steps } => decode::decode(config, plan, steps),
    }
}
