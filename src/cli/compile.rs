//! `precast compile`: the programs of a model for a target, into a folder that is carried elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::inspect::text;
use super::model::{Compute, config, context_for, target};
use super::{terminal, worker};
use crate::bundle::{Built, Bundle, Cache, Contents, Program, compile_ahead};
use crate::pjrt::CompileOptions;
use crate::runner::Setup;
use crate::runner::program;

/// Compile a model's programs into a bundle
#[derive(Args)]
#[command(after_help = "\
A bundle holds programs, not weights: `run`, `chat` and `bench` take it beside --model and compile nothing. It fits the \
target's devices, with this plugin; what differs elsewhere is named. No device of the target need be here. The local cache is \
used and filled. Ends with 3 if a program does not fit the device's memory, naming what it needs and what there is.

Examples:
  precast compile --model gpt-oss-20b --target cpu --out bundle/
  precast compile --model gpt-oss-20b --target v6e-1 --out bundle/
  precast compile --model demo --context 1024 --prefill 64,256 --out demo.bundle/ --json")]
pub struct Compile {
    /// Folder with config.json, or gpt-oss-20b, gpt-oss-120b, demo
    #[arg(long)]
    model: String,
    /// Device, see `precast targets`
    #[arg(long, default_value = "cpu")]
    target: String,
    /// Type of weights and activations
    #[arg(long, visible_alias = "compute", value_enum, default_value_t = Compute::Bf16)]
    weights: Compute,
    /// Type of keys and values in the cache [default: that of the weights]
    #[arg(long, value_enum)]
    kv: Option<Compute>,
    /// Tokens that a sequence may have [default: 4096, or what the model allows]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    /// Sequences that decode at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Prefill buckets in tokens [default: those of `run`]
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    prefill: Option<Vec<u32>>,
    /// Folder to write; an old bundle there is replaced as a whole
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Library to load instead of the plugin that `precast plugins list` shows
    #[arg(long, value_name = "PATH")]
    plugin: Option<PathBuf>,
    /// Neither read nor write the local cache of compiled programs
    #[arg(long)]
    no_cache: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Compile {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let target = target(&self.target)?;
        let config = config(&self.model)?;
        let kv = self.kv.unwrap_or(self.weights);
        if kv != self.weights {
            let (kv, weights) = (kv.name(), self.weights.name());
            return Err(Failure::usage(format!(
                "`--kv {kv}` beside `--weights {weights}`: this build keeps both in the same type"
            )));
        }
        let mut setup = Setup::new(&self.model);
        setup.compute = self.weights.element();
        setup.context = context_for(self.context, 1, config.max_context)?;
        setup.batch = usize::from(self.batch);
        if let Some(prefill) = &self.prefill {
            setup.prefill = prefill.iter().map(|&tokens| tokens as usize).collect();
        }

        let cache = if self.no_cache { None } else { Cache::open_default(&terminal::BAR) };
        let cache = cache.map(|cache| cache.for_model(&config.name));
        let phases = setup.phases().into_iter();
        let programs: Vec<Program> =
            phases.map(|phase| program(&config, &setup.plan(), phase)).collect::<Result<_, _>>()?;
        for program in &programs {
            let devices = program.signature.devices();
            if devices != target.devices {
                return Err(Failure::usage(format!(
                    "`{}` has {} devices, but `{}` of this build runs on {devices}",
                    target.name, target.devices, program.name
                )));
            }
        }
        let mut worker = worker::start(&target, self.plugin.as_deref())?;
        let mut built = Vec::new();
        for program in programs {
            let options = CompileOptions::for_signature(&program.signature);
            let outcome = compile_ahead(&mut worker, cache.as_ref(), &program, &options, &terminal::BAR)?;
            built.push(Built { program, options, outcome });
        }
        let contents = Contents {
            config: &config,
            model: config.name.clone(),
            target: target.name,
            topology: target.topology.map(|topology| topology.name),
            devices: worker.identity().devices,
            weights: self.weights.name().into(),
            kv: kv.name().into(),
            dense: String::new(),
            context: setup.context,
            batch: setup.batch,
        };
        let bundle = Bundle::write(&self.out, &contents, &built)?;
        let report = bundle.manifest().report();
        if self.json {
            terminal::print_json(&report)?
        } else {
            terminal::print(text(&report))?
        }
        Ok(ExitCode::SUCCESS)
    }
}
