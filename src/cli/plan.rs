//! `precast plan`: every way to hold a model on every target, what it takes and whether it fits, before anything is downloaded.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::failure::{DOES_NOT_FIT, Failure};
use super::model::{config, context_for, target};
use super::plan_table;
use super::strategy::{RestArguments, Weights};
use super::{fit, sharing, terminal, worker};
use crate::bundle::{BundleError, Cache, Outcome, Worker, compile_ahead, program};
use crate::config::Config;
use crate::estimate::{Candidate, Compiled, Nearest, Sizes, WEIGHTS, choose, reason};
use crate::graph::Phase;
use crate::plan::{LARGEST_PREFILL, Precision};
use crate::target::{Platform, Target};

/// Say what fits where and what a token costs, before anything is downloaded or compiled
#[derive(Args)]
#[command(after_help = "\
Memory is an estimate of what one device holds: weights and cache exactly, temporaries roughly. The roofline is the time that \
the bytes of one decode step take from memory at the published bandwidth: with one sequence no program can be faster, with several it is counted as if no two agreed on an expert. With --compiled every \
combination is compiled through the cache, memory is the compiler's figure and cycles are its prediction; nothing is measured, \
and no device need be here. Of what fits with a sixteenth of the memory to spare, the choice is an exact one, which has the \
checkpoint's own values, and of these the one with the fastest step. Prices are not known here: among targets it is the fastest, \
not the cheapest.

Ends with 3 if nothing of what was asked for fits, and then names the nearest that does.

Examples:
  precast plan --model gpt-oss-20b
  precast plan --model gpt-oss-20b --target v5e-1,v6e-1 --context 32768 --kv int8
  precast plan --model gpt-oss-120b --weights mxfp4 --batch 8 --json
  precast plan --model gpt-oss-20b --target v5e-4 --weights fp8,mxfp4 --compiled")]
pub struct Plan {
    /// Folder with config.json, or gpt-oss-20b, gpt-oss-120b, demo
    #[arg(long)]
    model: String,
    /// Devices, see `precast targets` [default: every TPU]
    #[arg(long, value_name = "T,…", value_delimiter = ',')]
    target: Vec<String>,
    /// Type of the experts' matrices [default: every type]
    #[arg(long, value_enum, value_delimiter = ',', help_heading = "Precision")]
    weights: Vec<Weights>,
    #[command(flatten)]
    rest: RestArguments,
    /// Tokens that a sequence may have [default: 4096, or what the model allows]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    /// Sequences that decode at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Prefill bucket in tokens
    #[arg(long, value_name = "N", default_value_t = LARGEST_PREFILL as u32, value_parser = clap::value_parser!(u32).range(1..))]
    prefill: u32,
    /// Compile the prefill bucket and decode of every combination, and show the compiler's figures
    #[arg(long)]
    compiled: bool,
    /// Library to compile with instead of the plugin that `precast plugins list` shows
    #[arg(long, value_name = "PATH", requires = "compiled")]
    plugin: Option<PathBuf>,
    /// Neither read nor write the cache of compiled programs
    #[arg(long, requires = "compiled")]
    no_cache: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Read by other programs: fields may be added, none renamed.
#[derive(Serialize)]
struct Report {
    model: String,
    context: usize,
    batch: usize,
    prefill: usize,
    options: Vec<Row>,
    /// Null if nothing fits.
    chosen: Option<Chosen>,
    /// What fits instead; empty unless nothing of what was asked for does.
    nearest: Vec<Row>,
}

#[derive(Serialize)]
struct Chosen {
    target: String,
    weights: &'static str,
    dense: &'static str,
    kv: &'static str,
    reason: String,
}

/// Bytes are per device, cycles of one decode step.
#[derive(Serialize)]
struct Row {
    target: String,
    devices: usize,
    weights: &'static str,
    dense: &'static str,
    kv: &'static str,
    exact: bool,
    weights_bytes: u64,
    kv_bytes: u64,
    /// The compiler's; null unless compiled.
    temp_bytes: Option<u64>,
    estimated_temp_bytes: u64,
    total_bytes: u64,
    /// Null for a host.
    hbm_bytes: Option<u64>,
    fits: bool,
    /// The largest single thing in memory, such as `the experts`.
    largest: &'static str,
    largest_bytes: u64,
    compiled: bool,
    /// Predicted by the compiler; null unless compiled.
    decode_cycles: Option<u64>,
    roofline_cycles: Option<u64>,
    moved_bytes: u64,
    clock_hz: Option<u64>,
    /// By the prediction where there is one, else what the roofline allows.
    tokens_per_second: Option<f64>,
}

impl Plan {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let config = config(&self.model)?;
        let sizes = Sizes {
            context: context_for(self.context, 1, config.max_context)?,
            batch: usize::from(self.batch),
            prefill: vec![self.prefill as usize],
        };
        let (targets, weights) = (self.targets()?, self.precisions());
        let mut groups: Vec<Vec<Candidate>> = targets
            .iter()
            .map(|target| {
                let candidate = |&experts| Candidate::new(&config, target, self.rest.with(experts), &sizes);
                weights.iter().map(candidate).collect()
            })
            .collect();
        if self.compiled {
            self.compile(&config, &mut groups)?;
        }
        let candidates: Vec<Candidate> = groups.concat();
        let chosen = choose(&candidates);
        if self.json {
            terminal::print_json(&report(&config, &sizes, &candidates, chosen))?;
        } else {
            terminal::print(plan_table::text(&config, &sizes, &groups))?;
        }
        match (chosen, candidates.as_slice()) {
            (Some(_), _) => Ok(ExitCode::SUCCESS),
            (None, [only]) => Err(fit::does_not_fit(&config, only, &sizes)),
            (None, [first, ..]) => {
                let message = format!("none of the {} combinations fits", candidates.len());
                let failure = Failure::with_code(message, DOES_NOT_FIT);
                Err(failure.hint(fit::way_out(&config, &first.target, first.plan.strategy, &sizes)))
            }
            (None, []) => Ok(ExitCode::SUCCESS),
        }
    }

    fn targets(&self) -> Result<Vec<Target>, Failure> {
        if self.target.is_empty() {
            return Ok(Target::all().into_iter().filter(|target| target.platform == Platform::Tpu).collect());
        }
        self.target.iter().map(|name| target(name)).collect()
    }

    fn precisions(&self) -> Vec<Precision> {
        let named: Option<Vec<Precision>> = self.weights.iter().map(|weights| weights.precision()).collect();
        named.filter(|named| !named.is_empty()).unwrap_or(WEIGHTS.to_vec())
    }

    /// Has every candidate compiled, a worker for each group, which is of one target.
    fn compile(&self, config: &Config, groups: &mut [Vec<Candidate>]) -> Result<(), Failure> {
        let cache = sharing::cache(self.no_cache, &config.name)?;
        for group in groups {
            let Some(first) = group.first() else { continue };
            let mut worker = worker::start(&first.target, self.plugin.as_deref())?;
            for candidate in group {
                candidate.compiled = compiled(&mut worker, cache.as_ref(), config, candidate)?;
            }
        }
        Ok(())
    }
}

/// The compiler's figures. A program that it crashes on or refuses is told, and leaves the estimate.
fn compiled(
    worker: &mut Worker,
    cache: Option<&Cache>,
    config: &Config,
    candidate: &Candidate,
) -> Result<Option<Compiled>, Failure> {
    let mut outcomes: Vec<(Phase, Outcome)> = Vec::new();
    for &phase in &candidate.phases {
        let program = program(config, &candidate.plan, phase)?;
        let options = program.options(candidate.target.platform.name());
        match compile_ahead(worker, cache, &program, &options, &terminal::BAR) {
            Ok(outcome) => outcomes.push((phase, outcome)),
            Err(BundleError::DoesNotFit { shortage, .. }) => {
                return Ok(Some(Compiled::DoesNotFit { needed_bytes: shortage.needed_bytes }));
            }
            Err(error @ (BundleError::Crashed { .. } | BundleError::NotCompiled { .. })) => {
                terminal::complain(&format!("{} stays an estimate: {error}\n", candidate.name()));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    let most = |bytes: fn(&Outcome) -> u64| outcomes.iter().map(|(_, outcome)| bytes(outcome)).max().unwrap_or(0);
    let decode = outcomes.iter().find(|(phase, _)| phase.kind() == "decode");
    let cost = decode.and_then(|(_, outcome)| outcome.cost.as_ref());
    Ok(Some(Compiled::Fits {
        argument_bytes: most(|outcome| outcome.memory.argument_bytes),
        temp_bytes: most(|outcome| outcome.memory.temp_bytes),
        total_bytes: most(|outcome| outcome.memory.total_bytes),
        decode_cycles: cost.map(|cost| cost.cycles / candidate.plan.spelling.decode_steps as u64),
    }))
}

fn report(config: &Config, sizes: &Sizes, candidates: &[Candidate], chosen: Option<usize>) -> Report {
    let nearest = match (chosen, candidates) {
        (None, [first, ..]) => {
            let nearest = Nearest::to(config, &first.target, first.plan.strategy, sizes);
            nearest.weights.iter().chain(&nearest.targets).map(row).collect()
        }
        _ => Vec::new(),
    };
    Report {
        model: config.name.clone(),
        context: sizes.context,
        batch: sizes.batch,
        prefill: sizes.prefill[0],
        options: candidates.iter().map(row).collect(),
        chosen: chosen.map(|place| {
            let Row { target, weights, dense, kv, .. } = row(&candidates[place]);
            Chosen { target, weights, dense, kv, reason: reason(candidates, place) }
        }),
        nearest,
    }
}

fn row(candidate: &Candidate) -> Row {
    let (target, strategy, memory) = (&candidate.target, candidate.plan.strategy, &candidate.memory);
    let (temp_bytes, compiled) = match candidate.compiled {
        Some(Compiled::Fits { temp_bytes, .. }) => (Some(temp_bytes), true),
        Some(Compiled::DoesNotFit { .. }) => (None, true),
        None => (None, false),
    };
    let parts = memory.parts();
    let largest = parts.first();
    Row {
        target: target.name.clone(),
        devices: target.devices,
        weights: strategy.experts.name(),
        dense: strategy.dense.name(),
        kv: strategy.cache.name(),
        exact: strategy.is_exact(),
        weights_bytes: memory.weights(),
        kv_bytes: memory.cache,
        temp_bytes,
        estimated_temp_bytes: memory.temporaries,
        total_bytes: candidate.total_bytes(),
        hbm_bytes: target.hbm_bytes,
        fits: candidate.fits(),
        largest: largest.map_or("", |part| part.name),
        largest_bytes: largest.map_or(0, |part| part.bytes),
        compiled,
        decode_cycles: candidate.decode_cycles(),
        roofline_cycles: candidate.roofline_cycles(),
        moved_bytes: candidate.moved_bytes,
        clock_hz: target.chip.map(|chip| chip.clock_hz),
        tokens_per_second: candidate.step_seconds().map(|seconds| candidate.plan.batch as f64 / seconds),
    }
}
