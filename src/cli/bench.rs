//! `precast bench`: tokens a second of prefill and decode, measured.

use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use super::model::{BundleArguments, Compute, ModelArguments, open, open_to_decode};
use super::report::rate;
use super::{input, terminal};
use crate::progress::{Event, Progress, Unit};
use crate::runner::{Generation, Request, Sampling, Session, Setup};

/// Measure tokens a second
#[derive(Args)]
#[command(after_help = "\
Every measurement is taken once unseen and then --repeat times; the report has the slowest, the middle and \
the fastest. Prefill is one bucket of that many tokens of one sequence; decode is one token at a time of every sequence of the batch, \
counted together. The tokens before them, as many as --depth says, are not computed: a step takes as long whatever the cache holds.

Examples:
  precast bench demo
  precast bench --model demo --prefill 0 --batch 4 --depth 512,4096 --context 8192
  precast bench --model gpt-oss-20b/ --prefill 128 --decode 32 --repeat 3 --json")]
pub struct Bench {
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// Prefill buckets in tokens; 0 measures decode alone [default: 128,512, or the bundle's]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    prefill: Option<Vec<usize>>,
    /// Tokens that each sequence decodes; 0 measures prefill alone
    #[arg(long, value_name = "N", default_value_t = 64)]
    decode: usize,
    /// Tokens that stand in the cache before decoding
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "16")]
    depth: Vec<usize>,
    /// Sequences that decode at once [default: 1, or the bundle's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    batch: Option<u16>,
    /// Measurements of each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    repeat: u16,
    /// Token ids, or @FILE with token ids, that prompts are taken from in turn, as often as it takes [default: drawn at random]
    #[arg(long, value_name = "1,2,3|@FILE")]
    tokens: Option<String>,
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
    batch: usize,
    repeat: u16,
    results: Vec<Measurement>,
}

#[derive(Serialize)]
struct Measurement {
    phase: &'static str,
    /// Tokens that one launch computes.
    rows: usize,
    /// Tokens of one measurement, of all sequences together.
    tokens: usize,
    /// Tokens before the first that is measured.
    depth: usize,
    tokens_per_second: Spread,
    /// The most memory that the process has held up to the end of this measurement.
    peak_rss_bytes: Option<u64>,
}

/// What is measured; the fields are those of [`Measurement`].
struct Subject {
    phase: &'static str,
    rows: usize,
    tokens: usize,
    depth: usize,
}

#[derive(Serialize)]
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Bench {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let (setup, buckets) = self.setup()?;
        let text = self.tokens.as_deref().map(|list| input::token_list("--tokens", list)).transpose()?;
        let mut session = match buckets.is_empty() {
            true => open_to_decode(&setup)?,
            false => open(&setup)?,
        };
        let mut work = Workload { vocabulary: session.config().vocabulary, text, drawn: 0 };
        let mut results = Vec::new();
        for &rows in &buckets {
            results.push(self.measure(Subject { phase: "prefill", rows, tokens: rows, depth: 0 }, || {
                let generation = work.generate(&mut session, rows, 1)?;
                Ok(rate(rows - generation.reused_tokens, generation.first_token.as_secs_f64()))
            })?);
        }
        let batch = setup.batch;
        for &depth in self.depth.iter().filter(|_| self.decode > 0) {
            let tokens = batch * self.decode;
            results.push(self.measure(Subject { phase: "decode", rows: batch, tokens, depth }, || {
                let first: Vec<u32> = (0..batch).map(|_| work.token()).collect();
                Ok(rate(tokens, session.pace(depth, &first, self.decode)?.as_secs_f64()))
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
            batch,
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

    /// The session that measures, and the prefill buckets that are measured.
    fn setup(&self) -> Result<(Setup, Vec<usize>), Failure> {
        let asked = self.prefill.as_ref().map(|rows| rows.iter().copied().filter(|&rows| rows > 0).collect::<Vec<_>>());
        if asked.as_ref().is_some_and(Vec::is_empty) && self.decode == 0 {
            let failure = Failure::usage("`--prefill 0` beside `--decode 0` leaves nothing to measure");
            return Err(failure.hint("leave one of them out"));
        }
        let deepest = self.depth.iter().max().map_or(0, |depth| depth + self.decode);
        let longest = asked.iter().flatten().map(|rows| rows + 1).chain([deepest]).max().unwrap_or(0);
        let mut setup = self.model.setup_with(&self.bundle, self.context, longest)?;
        let batch = self.batch.map_or(setup.batch, usize::from);
        if setup.bundle.is_some() {
            if batch != setup.batch {
                let compiled = format!("`--batch {batch}` beside a bundle that was compiled for {}", setup.batch);
                let hint = "leave `--batch` out, or make a bundle for it with `precast compile`";
                return Err(Failure::usage(compiled).hint(hint));
            }
            // A prompt of any other length than that of a bucket would measure a mixture.
            let buckets = asked.unwrap_or_else(|| setup.prefill.clone());
            if buckets.iter().any(|rows| !setup.prefill.contains(rows)) {
                let has = &setup.prefill;
                return Err(Failure::usage(format!(
                    "`--prefill` asks for buckets {buckets:?}, the bundle has {has:?}"
                )));
            }
            return Ok((setup, buckets));
        }
        setup.batch = batch;
        let usual = || [128, 512].into_iter().filter(|&tokens| tokens < setup.context).collect();
        let buckets = asked.unwrap_or_else(usual);
        if !buckets.is_empty() {
            setup.prefill.clone_from(&buckets);
        }
        Ok((setup, buckets))
    }

    /// Takes one measurement `repeat` times after one that nobody sees, since the first also warms the caches.
    fn measure(
        &self,
        subject: Subject,
        mut once: impl FnMut() -> Result<Option<f64>, Failure>,
    ) -> Result<Measurement, Failure> {
        let Subject { phase, rows, tokens, depth } = subject;
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
        let peak_rss_bytes = terminal::peak_memory();
        Ok(Measurement { phase, rows, tokens, depth, tokens_per_second: spread, peak_rss_bytes })
    }
}

/// Prompts of which no two begin alike: what the cache still holds from the last one is of no use.
struct Workload {
    vocabulary: usize,
    /// What prompts are taken from; without it they are drawn.
    text: Option<Vec<u32>>,
    drawn: usize,
}

impl Workload {
    fn generate(&mut self, session: &mut Session, prompt: usize, max_new: usize) -> Result<Generation, Failure> {
        let request = Request {
            prompt: (0..prompt).map(|_| self.token()).collect(),
            max_new,
            sampling: Sampling::GREEDY,
            stop: Vec::new(),
        };
        // The next prompt would begin with the same word if one of them were as long as the text.
        self.drawn += 1;
        Ok(session.generate(&request, &mut |_| ControlFlow::Continue(()))?)
    }

    /// The next token of the text, or of splitmix64.
    fn token(&mut self) -> u32 {
        self.drawn += 1;
        if let Some(text) = &self.text {
            return text[(self.drawn - 1) % text.len()];
        }
        let mut bits = (self.drawn as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
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
            result.depth.to_string(),
            result.tokens.to_string(),
            format!("{:.1}", spread.min),
            format!("{:.1}", spread.median),
            format!("{:.1}", spread.max),
            result.peak_rss_bytes.map_or("-".into(), terminal::bytes),
        ]
    });
    let header = ["phase", "depth", "tokens", "min tokens/s", "median", "max", "peak memory"];
    let Report { model, target, threads, weights, dense, kv, batch, .. } = report;
    let stored = match [dense, kv] == [weights; 2] {
        true => (*weights).to_owned(),
        false => format!("{weights} experts, {dense} else, {kv} cache"),
    };
    let together = if *batch > 1 { format!(", {batch} sequences") } else { String::new() };
    let title = format!("{model} on {target}, {threads} threads, {stored}{together}\n\n");
    title + &terminal::table(&header, &[1, 2, 3, 4, 5, 6], rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!((median(&[1.0, 2.0, 9.0]), median(&[1.0, 2.0, 4.0, 9.0])), (2.0, 3.0));
    }

    #[test]
    fn a_text_is_taken_in_turn() {
        let mut work = Workload { vocabulary: 50, text: Some(vec![7, 8, 9]), drawn: 0 };
        assert_eq!([0; 4].map(|_| work.token()), [7, 8, 9, 7]);
    }

    #[test]
    fn prompts_stay_in_the_vocabulary_and_begin_differently() {
        let mut work = Workload { vocabulary: 50, text: None, drawn: 0 };
        let drawn: Vec<u32> = (0..1000).map(|_| work.token()).collect();
        assert!(drawn.iter().all(|&token| token < 50));
        assert_ne!(drawn[..10], drawn[10..20]);
    }
}
