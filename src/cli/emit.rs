//! `precast emit`: the StableHLO of one program, to read or to hand to another compiler.

use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::model::{Compute, config, context_for, target};
use super::terminal;
use crate::graph::Phase;
use crate::plan::{Plan, Strategy};
use crate::runner::program;

/// Print the StableHLO of one program
#[derive(Args)]
#[command(after_help = "\
Examples:
  precast emit --model demo --phase decode
  precast emit --model gpt-oss-20b --phase prefill --rows 512 --context 8192 > prefill.mlir")]
pub struct Emit {
    /// Folder with config.json, or gpt-oss-20b, gpt-oss-120b, demo
    #[arg(long)]
    model: String,
    /// Device, see `precast targets`
    #[arg(long, default_value = "cpu")]
    target: String,
    /// Type of weights, activations and cache
    #[arg(long, visible_alias = "weights", value_enum, default_value_t = Compute::Bf16)]
    compute: Compute,
    /// What the program does
    #[arg(long, value_enum)]
    phase: PhaseName,
    /// Tokens that prefill or score takes at once [default: 128], or sequences that decode together [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rows: Option<u32>,
    /// The most tokens that one launch of decode draws
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Tokens that a sequence may have [default: 4096, or what the model allows]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum PhaseName {
    Prefill,
    Decode,
    Score,
}

impl Emit {
    pub fn run(self) -> Result<ExitCode, Failure> {
        target(&self.target)?;
        let config = config(&self.model)?;
        let tokens = self.rows.unwrap_or(128) as usize;
        let (phase, batch, largest_prefill) = match self.phase {
            PhaseName::Prefill => (Phase::Prefill { tokens }, 1, tokens),
            PhaseName::Score => (Phase::Score { tokens }, 1, tokens),
            PhaseName::Decode => (Phase::Decode { steps: self.steps as usize }, self.rows.unwrap_or(1) as usize, 128),
        };
        let context = context_for(self.context, 1, config.max_context)?;
        let plan = Plan { batch, largest_prefill, ..Plan::host(Strategy::plain(self.compute.element()), context) };
        terminal::print_bytes(program(&config, &plan, phase)?.text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
