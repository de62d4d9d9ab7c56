//! Figures of a generation: the line at its end and the JSON that others read. It knows no model.

use serde::Serialize;

use super::terminal;
use crate::runner::{Generation, Stop};

/// Speeds of one generation; none where nothing was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speeds {
    pub ttft_ms: f64,
    pub prefill_tps: Option<f64>,
    pub decode_tps: Option<f64>,
}

impl Speeds {
    pub fn of(generation: &Generation) -> Speeds {
        let computed = generation.prompt_tokens.saturating_sub(generation.reused_tokens);
        Speeds {
            ttft_ms: rounded(generation.first_token.as_secs_f64() * 1e3),
            prefill_tps: rate(computed, generation.first_token.as_secs_f64()),
            decode_tps: rate(generation.tokens.len().saturating_sub(1), generation.decode.as_secs_f64()),
        }
    }
}

/// Tokens a second; none for no tokens or no time.
pub fn rate(tokens: usize, seconds: f64) -> Option<f64> {
    (tokens > 0 && seconds > 0.0).then(|| rounded(tokens as f64 / seconds))
}

/// Two decimals: more would be noise.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Why a generation ended, as JSON shows it.
pub fn stop_name(stop: Stop) -> &'static str {
    match stop {
        Stop::Token(_) => "token",
        Stop::MaxNew => "max_new",
        Stop::Context => "context",
        Stop::Interrupted => "interrupted",
    }
}

/// Says on standard error what a generation cost, and why it ended if not by itself.
pub fn tell(generation: &Generation) {
    let speeds = Speeds::of(generation);
    let per_second = |rate: Option<f64>| rate.map_or("-".to_owned(), |rate| format!("{rate:.1} tokens/s"));
    let reused = match generation.reused_tokens {
        0 => String::new(),
        reused => format!(" ({reused} from the cache)"),
    };
    let memory = terminal::peak_memory().map_or("-".to_owned(), terminal::bytes);
    let dim = anstyle::Style::new().dimmed();
    terminal::complain(&format!(
        "{dim}{} prompt tokens{reused}, {} generated · first token {:.0} ms · prefill {} · decode {} · peak memory {memory}{dim:#}\n",
        generation.prompt_tokens,
        generation.tokens.len(),
        speeds.ttft_ms,
        per_second(speeds.prefill_tps),
        per_second(speeds.decode_tps),
    ));
    match generation.stop {
        Stop::Token(_) => {}
        Stop::MaxNew => {
            terminal::complain(&format!("ended after {} tokens, as `--max-new` says\n", generation.tokens.len()))
        }
        Stop::Context => terminal::complain("ended because the context is full; `--context N` makes it longer\n"),
        Stop::Interrupted => terminal::complain("interrupted\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn speeds_count_what_was_computed() {
        let generation = Generation {
            prompt_tokens: 110,
            reused_tokens: 10,
            tokens: vec![7; 21],
            logprobs: vec![0.0; 21],
            stop: Stop::MaxNew,
            first_token: Duration::from_millis(500),
            decode: Duration::from_secs(2),
        };
        let expected = Speeds { ttft_ms: 500.0, prefill_tps: Some(200.0), decode_tps: Some(10.0) };
        assert_eq!(Speeds::of(&generation), expected);
        assert_eq!(Speeds::of(&Generation { tokens: vec![7], ..generation }).decode_tps, None);
    }
}
