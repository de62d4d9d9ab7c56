//! The options that say how tokens are drawn, and the request that they make. It knows no model.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::chat::STOP_TOKENS;
use crate::chat::tokenizer::ENDOFTEXT;
use crate::runner::{Request, Sampling};

/// How tokens are drawn.
#[derive(Args)]
pub struct SamplingArguments {
    /// 0 takes the likeliest token; 1 draws as the model was trained to
    #[arg(long, value_name = "X", default_value_t = 0.0, help_heading = "Sampling")]
    temperature: f32,
    /// Draw among the N likeliest tokens; 0 means all
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Sampling")]
    top_k: u32,
    /// Draw among the likeliest tokens that together reach this probability
    #[arg(long, value_name = "X", default_value_t = 1.0, help_heading = "Sampling")]
    top_p: f32,
    /// Draw among the tokens at least this fraction as likely as the likeliest
    #[arg(long, value_name = "X", default_value_t = 0.0, help_heading = "Sampling")]
    min_p: f32,
    /// The same seed draws the same tokens [default: another one each time]
    #[arg(long, value_name = "N", help_heading = "Sampling")]
    seed: Option<u64>,
}

impl SamplingArguments {
    pub fn sampling(&self) -> Sampling {
        let seed = self.seed.unwrap_or_else(|| {
            // Any number does that differs from run to run; 32 bits are short enough to type again.
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            (now.as_nanos() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
        });
        Sampling { temperature: self.temperature, top_k: self.top_k, top_p: self.top_p, min_p: self.min_p, seed }
    }
}

/// A request for at most `max_new` tokens after `prompt`; a smaller vocabulary has no stop tokens.
pub fn request(prompt: Vec<u32>, max_new: usize, sampling: Sampling, stop: bool, vocabulary: usize) -> Request {
    let ends = STOP_TOKENS.into_iter().chain([ENDOFTEXT]);
    let stop = ends.filter(|&token| stop && (token as usize) < vocabulary).collect();
    Request { prompt, max_new, sampling, stop }
}
