//! The options that say which model runs and how, and the session that they open. It knows no conversation.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use hlo::ElementType;

use super::failure::Failure;
use super::terminal;
use crate::runner::{Session, Setup};

/// Which model, and how it is computed.
#[derive(Args)]
pub struct ModelArguments {
    /// Folder with config.json and weights (either published layout), or `demo` for the built-in model
    #[arg(long, value_name = "DIR", help_heading = "Model")]
    pub model: String,
    /// Type of weights, activations and cache
    #[arg(long, value_enum, default_value_t = Compute::Bf16, help_heading = "Model")]
    pub compute: Compute,
    /// Library to load instead of the plugin that `precast plugins list` shows
    #[arg(long, value_name = "PATH", help_heading = "Model")]
    pub plugin: Option<PathBuf>,
    /// Threads of the device [default: as many as there are cores]
    #[arg(long, value_name = "N", help_heading = "Model", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Neither read nor write the local cache of compiled programs
    #[arg(long, help_heading = "Model")]
    pub no_cache: bool,
}

/// f32 equals the reference to rounding; bf16 takes half the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compute {
    F32,
    Bf16,
}

impl Compute {
    pub fn element(self) -> ElementType {
        match self {
            Compute::F32 => ElementType::F32,
            Compute::Bf16 => ElementType::Bf16,
        }
    }

    /// As typed and as JSON shows it.
    pub fn name(self) -> &'static str {
        match self {
            Compute::F32 => "f32",
            Compute::Bf16 => "bf16",
        }
    }
}

/// Prefill buckets unless others are asked for.
pub const PREFILL: [usize; 2] = [128, 512];
/// Positions that the cache holds unless a prompt needs more.
pub const CONTEXT: usize = 4096;

impl ModelArguments {
    /// A session with room for `context` positions and prompts taken in by `prefill` buckets.
    pub fn open(&self, bundle: Option<PathBuf>, context: usize, prefill: Vec<usize>) -> Result<Session, Failure> {
        let setup = Setup {
            model: self.folder()?,
            bundle,
            plugin: self.plugin.clone(),
            compute: self.compute.element(),
            context,
            batch: 1,
            prefill,
            threads: self.threads.map(usize::from),
            no_cache: self.no_cache,
        };
        Ok(Session::open(&setup, &terminal::BAR)?)
    }

    /// The folder that `--model` means.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        let folder = PathBuf::from(&self.model);
        if folder.is_dir() {
            return Ok(folder);
        }
        let failure = match self.model.as_str() {
            "gpt-oss-20b" | "gpt-oss-120b" => Failure::usage(format!(
                "`--model {}` names a configuration, expected a folder with weights",
                self.model
            )),
            _ if folder.exists() => Failure::usage(format!("`--model {}` is a file, expected a folder", self.model)),
            _ => Failure::usage(format!("`--model {}` is neither a folder nor a model's name", self.model)),
        };
        Err(failure.hint("give the folder that holds `config.json` and the weights, or `demo` for the built-in model"))
    }

    /// Threads of the device as reports show them.
    pub fn thread_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from)
    }
}

/// The cache's size for a job of `positions`: the usual one, or the next power of two, so that jobs of like size share programs.
pub fn context_for(asked: Option<usize>, positions: usize) -> Result<usize, Failure> {
    match asked {
        Some(context) if context < positions => {
            Err(Failure::usage(format!("the job needs {positions} positions, but `--context {context}` holds fewer"))
                .hint(format!("use `--context {}`", positions.next_power_of_two())))
        }
        Some(context) => Ok(context),
        None => Ok(positions.next_power_of_two().max(CONTEXT)),
    }
}
