//! The runner: binds weights to compiled programs and generates tokens. It knows token ids and devices, never text.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::Config;
use crate::progress::Progress;
use hlo::ElementType;

/// What a session is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// A folder with `config.json` and weights.
    pub model: PathBuf,
    /// A bundle made by `precast compile`; without one the programs come from the cache or are compiled.
    pub bundle: Option<PathBuf>,
    /// A plugin to use instead of the one that is found.
    pub plugin: Option<PathBuf>,
    /// f32 or bf16: the type of weights, activations and cache.
    pub compute: ElementType,
    /// Positions that the cache holds.
    pub context: usize,
    /// Rows that decode at once.
    pub batch: usize,
    /// Prefill buckets in tokens.
    pub prefill: Vec<usize>,
    /// Threads of the device; `None` leaves it to the plugin.
    pub threads: Option<usize>,
    /// Neither read nor write the local cache of executables.
    pub no_cache: bool,
}

/// Compiled programs with weights bound and a cache of keys and values, ready to generate.
pub struct Session {}

/// How the next token is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest token.
    pub temperature: f32,
    /// Only the `top_k` likeliest tokens; 0 means all.
    pub top_k: u32,
    /// Only the likeliest tokens that together reach this probability; 1 means all.
    pub top_p: f32,
    /// Only tokens at least this fraction as likely as the likeliest; 0 means all.
    pub min_p: f32,
    pub seed: u64,
}

/// A prompt and what is wanted after it.
#[derive(Clone, Debug)]
pub struct Request {
    pub prompt: Vec<u32>,
    pub max_new: usize,
    pub sampling: Sampling,
    /// Generation ends after one of these; empty means that only `max_new` and the context end it.
    pub stop: Vec<u32>,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// This stop token, which is the last of `Generation::tokens`.
    Token(u32),
    MaxNew,
    /// The cache is full.
    Context,
    /// The caller broke off.
    Interrupted,
}

/// What was generated, and how long it took.
#[derive(Clone, Debug)]
pub struct Generation {
    pub prompt_tokens: usize,
    /// Prompt tokens that an earlier turn had left in the cache, and that were not computed again.
    pub reused_tokens: usize,
    pub tokens: Vec<u32>,
    /// Natural logarithm of each token's probability under the model, before temperature and filters.
    pub logprobs: Vec<f32>,
    pub stop: Stop,
    /// From the request to the first token.
    pub first_token: Duration,
    /// From the first token to the last.
    pub decode: Duration,
}

/// Anything that can go wrong between a model folder and its tokens.
#[derive(Debug, thiserror::Error)]
pub enum RunError {}

impl RunError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        None
    }
}

impl Session {
    /// Opens model and programs, compiling what no cache holds, and binds the weights.
    pub fn open(setup: &Setup, progress: &dyn Progress) -> Result<Session, RunError> {
        let _ = (setup, progress);
        unimplemented!()
    }

    pub fn config(&self) -> &Config {
        unimplemented!()
    }

    /// Generates after `request.prompt`. `on_tokens` gets tokens as they arrive, several at a time, and may break off.
    /// What the prompt shares with the tokens already in the cache is not computed again.
    pub fn generate(
        &mut self,
        request: &Request,
        on_tokens: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
    ) -> Result<Generation, RunError> {
        let _ = (request, on_tokens);
        unimplemented!()
    }

    /// Logits of every position: f32 `[tokens, vocabulary]`, row-major, handed over in pieces of whole rows.
    pub fn score(
        &mut self,
        tokens: &[u32],
        on_rows: &mut dyn FnMut(&[f32]) -> Result<(), std::io::Error>,
    ) -> Result<(), RunError> {
        let _ = (tokens, on_rows);
        unimplemented!()
    }
}
