//! `precast compile`: the programs of a model for a target, into a folder that is carried elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::inspect::text;
use super::kernels::{KernelArguments, recorded};
use super::model::{config, context_for, target};
use super::sharing::{SharingArguments, signer};
use super::strategy::{StrategyArguments, names};
use super::{fit, terminal, worker};
use crate::bundle::{Built, BundleError, Cache, Contents, Destination, Program, compile_ahead, program};
use crate::estimate::{Candidate, Sizes, moved_bytes};
use crate::graph::Phase;
use crate::plan::PREFILL;
use crate::storage::Place;

/// Compile a model's programs into a bundle
#[derive(Args)]
#[command(after_help = "\
A bundle holds programs, not weights: `run`, `chat` and `bench` take it beside --model and compile nothing. It fits the \
target's devices, with this plugin; what differs elsewhere is named. No device of the target need be here. The cache is \
used and filled, here and where --remote-cache says. With --sign nobody sees the bundle unsigned, and of a remote cache only what \
the same key has signed is taken. Ends with 3 if a program does not fit the device's memory, naming what it needs and what there is.

Examples:
  precast compile --model gpt-oss-20b --target cpu --out bundle/
  precast compile --model gpt-oss-20b --target v6e-1 --out bundle/
  precast compile --model gpt-oss-20b --target v5e-4 --weights fp8 --kv int8 --context 32768 --out bundle/
  precast compile --model gpt-oss-20b --target v6e-1 --out s3://models/gpt-oss-20b.v6e-1 --sign release.key
  precast compile --model demo --context 1024 --prefill 64,256 --out demo.bundle/ --json")]
pub struct Compile {
    /// Folder with config.json, or gpt-oss-20b, gpt-oss-120b, demo
    #[arg(long)]
    model: String,
    /// Device, see `precast targets`
    #[arg(long, default_value = "cpu")]
    target: String,
    #[command(flatten)]
    strategy: StrategyArguments,
    #[command(flatten)]
    kernels: KernelArguments,
    /// Tokens that a sequence may have [default: 4096, or what the model allows]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    /// Sequences that decode at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Prefill buckets in tokens
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = PREFILL.map(|tokens| tokens as u32))]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    prefill: Vec<u32>,
    /// Folder or URL (s3, gs, file) to write; an old bundle there is replaced as a whole
    #[arg(long, value_name = "DIR|URL")]
    out: PathBuf,
    /// Library to load instead of the plugin that `precast plugins list` shows
    #[arg(long, value_name = "PATH")]
    plugin: Option<PathBuf>,
    #[command(flatten)]
    sharing: SharingArguments,
    /// Secret key that signs the bundle, and what goes into a remote cache [default: PRECAST_SIGN]
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Compile {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let target = target(&self.target)?;
        let config = config(&self.model)?;
        let sizes = Sizes {
            context: context_for(self.context, 1, config.max_context)?,
            batch: usize::from(self.batch),
            prefill: self.prefill.iter().map(|&tokens| tokens as usize).collect(),
        };
        let strategy = self.strategy.resolve(&config, &target, &sizes)?;
        let mut candidate = Candidate::new(&config, &target, strategy, &sizes);
        candidate.plan = self.kernels.applied(&config, &target, candidate.plan)?;
        let programs: Vec<(Phase, Program)> = candidate
            .phases
            .iter()
            .map(|&phase| Ok((phase, program(&config, &candidate.plan, phase)?)))
            .collect::<Result<_, Failure>>()?;
        let signer = signer(self.sign.as_deref())?;
        let sharing = self.sharing.resolve_for(signer.clone())?;
        // Before anything is compiled: what cannot be written to is not compiled for.
        let destination = Destination::open(&Place::named(&self.out)?, signer)?;
        let cache = if self.sharing.no_cache { None } else { Cache::open_default(&terminal::BAR) };
        let cache = cache.map(|cache| cache.for_model(&config.name).with_sharing(sharing));
        let mut worker = worker::start(&target, self.plugin.as_deref())?;
        let mut built = Vec::new();
        for (phase, program) in programs {
            let options = program.options(target.platform.name());
            let outcome = compile_ahead(&mut worker, cache.as_ref(), &program, &options, &terminal::BAR);
            let outcome = match outcome {
                // The compiler knows how much it needs; what for is known here.
                Err(error @ BundleError::DoesNotFit { .. }) => {
                    let failure = Failure::from(error).because(fit::largest_parts(&candidate.memory));
                    return Err(failure.hint(fit::way_out(&config, &target, strategy, &sizes)));
                }
                outcome => outcome?,
            };
            let moved_bytes = target.chip.map(|_| moved_bytes(&config, &target, &candidate.plan, phase));
            built.push(Built { program, options, outcome, moved_bytes });
        }
        let [weights, dense, kv] = names(strategy);
        let contents = Contents {
            config: &config,
            model: config.name.clone(),
            topology: target.topology.as_ref().map(|topology| topology.name.clone()),
            target: target.name,
            devices: worker.identity().devices,
            weights,
            kv,
            dense,
            kernels: recorded(&candidate.plan),
            context: sizes.context,
            batch: sizes.batch,
        };
        let report = destination.write(&contents, &built, &terminal::BAR)?.report();
        if self.json {
            terminal::print_json(&report)?
        } else {
            terminal::print(text(&report))?
        }
        Ok(ExitCode::SUCCESS)
    }
}
