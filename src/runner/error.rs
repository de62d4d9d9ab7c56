//! What can go wrong between a model folder and its tokens.

use crate::bundle::BundleError;
use crate::pjrt::PjrtError;
use crate::pjrt::plugins::PluginsError;
use crate::weights::packed::PackedError;

/// Anything that can go wrong between a model folder and its tokens.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Weights(#[from] PackedError),
    #[error(transparent)]
    Plugins(#[from] PluginsError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Pjrt(#[from] PjrtError),
    #[error("program `{program}` divides its work over {found} devices, the session has {expected}")]
    Devices { program: String, found: usize, expected: usize },
    #[error("parameter {place} of program `{program}` is {found}, this version of precast makes {made}")]
    Parameter { program: String, place: usize, found: String, made: String },
    #[error("weight `{weight}` cannot be divided among devices: {problem}\n  this is a bug in precast")]
    Division { weight: String, problem: String },
    #[error("the prompt is empty")]
    EmptyPrompt,
    #[error("the prompt has {tokens} tokens, the cache holds {context}")]
    PromptTooLong { tokens: usize, context: usize },
    #[error("token {token} at place {place} is outside of the model's vocabulary of {vocabulary}")]
    UnknownToken { token: u32, place: usize, vocabulary: usize },
    #[error("{found} requests for a batch of {batch}")]
    TooManyRequests { found: usize, batch: usize },
    #[error("{found} stop tokens, a program takes {most}")]
    TooManyStopTokens { found: usize, most: usize },
    #[error("{name} is {value}, expected {expected}")]
    Sampling { name: &'static str, value: f32, expected: &'static str },
    #[error("a context of {context} tokens, but the model was made for at most {most}")]
    ContextTooLong { context: usize, most: usize },
    #[error("no prefill bucket of 1 token or more is given")]
    NoPrefill,
    #[error("the logits after token {position} are not numbers")]
    NotANumber { position: usize },
    #[error("program `{program}` gave {found} results, expected {expected}\n  this is a bug in precast")]
    Results { program: String, found: usize, expected: usize },
    #[error("the scores cannot be written")]
    Write(#[from] std::io::Error),
}

impl RunError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            RunError::Weights(error) => error.hint(),
            RunError::Plugins(error) => error.hint(),
            RunError::Bundle(error) => error.hint(),
            RunError::PromptTooLong { tokens, .. } => Some(format!("use `--context {}` or more", tokens + 1)),
            RunError::UnknownToken { .. } => {
                Some("the prompt was made for a model with a larger vocabulary".to_owned())
            }
            RunError::NotANumber { .. } => {
                Some("the checkpoint may hold infinities; `--compute f32` has more range".to_owned())
            }
            RunError::Parameter { .. } => Some("make the bundle anew with `precast compile`".to_owned()),
            RunError::Devices { found: 1, .. } => Some("use `--target cpu`".to_owned()),
            RunError::Devices { found, .. } => Some(format!("use `--target cpu-{found}`")),
            RunError::ContextTooLong { most, .. } => Some(format!("use `--context {most}` or less")),
            _ => None,
        }
    }
}
