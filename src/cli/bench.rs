//! `precast bench`: tokens a second of prefill and decode, measured.

use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use super::model::{BundleArguments, Compute, ModelArguments, open};
use super::report::rate;
use super::terminal;
use crate::progress::{Event, Progress, Unit};
use crate::runner::{Generation, Request, Sampling, Session};

/// Measure tokens a second
#[derive(Args)]
#[command(after_help = "\
Every measurement is taken once unseen and then --repeat times; the report has the slowest, the middle and \
the fastest. Prefill is one bucket of that many tokens; decode is tokens after the first, one at a time.

Examples:
  precast bench --model demo
  precast bench --model gpt-oss-20b/ --prefill 128 --decode 32 --repeat 3 --json")]
pub struct Bench {
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// Prefill buckets in tokens [default: 128,512, or the bundle's]
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    prefill: Option<Vec<u32>>,
    /// Tokens to decode; 0 measures prefill alone
    #[arg(long, value_name = "N", default_value_t = 64)]
    decode: usize,
    /// Measurements of each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    repeat: u16,
    /// Positions that the cache holds [default: 4096, or more if the tokens need it]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    target: String,
    weights: &'static str,
    dense: &'static str,
    kv: &'static str,
    compute: &'static str,
    threads: usize,
    context: usize,
    repeat: u16,
    results: Vec<Measurement>,
}

#[derive(Serialize)]
struct Measurement {
    phase: &'static str,
    /// Tokens that one launch computes.
    rows: usize,
    /// Tokens of one measurement.
    tokens: usize,
    tokens_per_second: Spread,
    /// The most memory that the process has held up to the end of this measurement.
    peak_rss_bytes: Option<u64>,
}

#[derive(Serialize)]
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

/// Tokens that stand in the cache before decoding is measured.
const DECODE_DEPTH: usize = 16;

impl Bench {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let asked: Option<Vec<usize>> =
            self.prefill.as_ref().map(|rows| rows.iter().map(|&tokens| tokens as usize).collect());
        let longest = asked.iter().flatten().copied().chain([DECODE_DEPTH + self.decode]).max().unwrap_or(0) + 1;
        let mut setup = self.model.setup_with(&self.bundle, self.context, longest)?;
        if setup.bundle.is_none() {
            setup.prefill = [128, 512].into_iter().filter(|&tokens| tokens < setup.context).collect();
        }
        let buckets = asked.unwrap_or_else(|| setup.prefill.clone());
        match &setup.bundle {
            // A bundle has the buckets that it has; a prompt of any other length would measure a mixture.
            Some(_) if buckets.iter().any(|rows| !setup.prefill.contains(rows)) => {
                return Err(Failure::usage(format!(
                    "`--prefill` asks for buckets {buckets:?}, the bundle has {:?}",
                    setup.prefill
                )));
            }
            Some(_) => {}
            None => setup.prefill.clone_from(&buckets),
        }
        let mut session = open(&setup)?;
        let mut work = Workload { vocabulary: session.config().vocabulary, seed: 0 };
        let mut results = Vec::new();
        for &rows in &buckets {
            results.push(self.measure("prefill", rows, rows, || {
                let generation = work.generate(&mut session, rows, 1)?;
                Ok(rate(rows - generation.reused_tokens, generation.first_token.as_secs_f64()))
            })?);
        }
        if self.decode > 0 {
            results.push(self.measure("decode", 1, self.decode, || {
                let generation = work.generate(&mut session, DECODE_DEPTH, self.decode + 1)?;
                Ok(rate(generation.tokens.len().saturating_sub(1), generation.decode.as_secs_f64()))
            })?);
        }
        let report = Report {
            model: session.config().name.clone(),
            target: if setup.devices == 1 { "cpu".into() } else { format!("cpu-{}", setup.devices) },
            weights: setup.strategy.experts.name(),
            dense: setup.strategy.dense.name(),
            kv: setup.strategy.cache.name(),
            compute: Compute::of(&setup).name(),
            threads: self.model.thread_count(),
            context: setup.context,
            repeat: self.repeat,
            results,
        };
        if self.json {
            terminal::print_json(&report)?
        } else {
            terminal::print(table(&report))?
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Takes one measurement `repeat` times after one that nobody sees, since the first also warms the caches.
    fn measure(
        &self,
        phase: &'static str,
        rows: usize,
        tokens: usize,
        mut once: impl FnMut() -> Result<Option<f64>, Failure>,
    ) -> Result<Measurement, Failure> {
        let what = format!("measure {phase} of {tokens} tokens");
        terminal::BAR.report(Event::Begin { what: &what, total: Some(u64::from(self.repeat) + 1), unit: Unit::Items });
        let mut rates = Vec::new();
        for round in 0..=self.repeat {
            let rate = once()?;
            if round > 0 {
                rates.extend(rate);
            }
            terminal::BAR.report(Event::Advance(1));
        }
        rates.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (rates.first(), rates.last()) else {
            return Err(Failure::new(format!("{phase} of {tokens} tokens took no measurable time")));
        };
        let spread = Spread { min, median: median(&rates), max };
        terminal::BAR.report(Event::End(&format!("{:.1} tokens/s", spread.median)));
        Ok(Measurement { phase, rows, tokens, tokens_per_second: spread, peak_rss_bytes: terminal::peak_memory() })
    }
}

/// Prompts of tokens drawn so that no two begin alike: what the cache still holds from the last one is of no use.
struct Workload {
    vocabulary: usize,
    seed: u64,
}

impl Workload {
    fn generate(&mut self, session: &mut Session, prompt: usize, max_new: usize) -> Result<Generation, Failure> {
        let request = Request {
            prompt: (0..prompt).map(|_| self.token()).collect(),
            max_new,
            sampling: Sampling { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, seed: 0 },
            stop: Vec::new(),
        };
        Ok(session.generate(&request, &mut |_| ControlFlow::Continue(()))?)
    }

    /// The next token of splitmix64.
    fn token(&mut self) -> u32 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.seed;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % self.vocabulary as u64) as u32
    }
}

/// The middle of `sorted`, or the mean of its middle two; `sorted` is not empty.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn table(report: &Report) -> String {
    let rows = report.results.iter().map(|result| {
        let spread = &result.tokens_per_second;
        vec![
            result.phase.into(),
            result.tokens.to_string(),
            format!("{:.1}", spread.min),
            format!("{:.1}", spread.median),
            format!("{:.1}", spread.max),
            result.peak_rss_bytes.map_or("-".into(), terminal::bytes),
        ]
    });
    let header = ["phase", "tokens", "min tokens/s", "median", "max", "peak memory"];
    let Report { model, target, threads, weights, dense, kv, .. } = report;
    let stored = match [dense, kv] == [weights; 2] {
        true => (*weights).to_owned(),
        false => format!("{weights} experts, {dense} else, {kv} cache"),
    };
    let title = format!("{model} on {target}, {threads} threads, {stored}\n\n");
    title + &terminal::table(&header, &[1, 2, 3, 4, 5], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!((median(&[1.0, 2.0, 9.0]), median(&[1.0, 2.0, 4.0, 9.0])), (2.0, 3.0));
    }

    #[test]
    fn prompts_stay_in_the_vocabulary_and_begin_differently() {
        let mut work = Workload { vocabulary: 50, seed: 0 };
        let drawn: Vec<u32> = (0..1000).map(|_| work.token()).collect();
        assert!(drawn.iter().all(|&token| token < 50));
        assert_ne!(drawn[..10], drawn[10..20]);
    }
}
