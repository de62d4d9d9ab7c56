//! `precast emit`: the StableHLO of one program, to read or to hand to another compiler.

use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::kernels::KernelArguments;
use super::model::{config, context_for, target};
use super::strategy::StrategyArguments;
use super::terminal;
use crate::bundle::program;
use crate::estimate::Sizes;
use crate::graph::Phase;
use crate::plan::{PREFILL, Plan, Spelling};

/// Print the StableHLO of one program
#[derive(Args)]
#[command(after_help = "\
Examples:
  precast emit --model demo --phase decode
  precast emit --model gpt-oss-20b --target v5e-1 --weights mxfp4 --phase decode > decode.mlir
  precast emit --model gpt-oss-20b --phase prefill --rows 512 --context 8192 > prefill.mlir")]
pub struct Emit {
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
    /// What the program does
    #[arg(long, value_enum)]
    phase: PhaseName,
    /// Tokens that prefill or score takes at once [default: 128], or sequences that decode together [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rows: Option<u32>,
    /// The most tokens that one launch of decode draws [default: what `compile` takes for the target]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    steps: Option<u32>,
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
        let target = target(&self.target)?;
        let config = config(&self.model)?;
        let tokens = self.rows.unwrap_or(PREFILL[0] as u32) as usize;
        let steps = self.steps.map_or(Spelling::of(&target).decode_steps, |steps| steps as usize);
        let (phase, batch) = match self.phase {
            PhaseName::Prefill => (Phase::Prefill { tokens }, 1),
            PhaseName::Score => (Phase::Score { tokens }, 1),
            PhaseName::Decode => (Phase::Decode { steps }, self.rows.unwrap_or(1) as usize),
        };
        // The cache has room for the usual buckets, as in a bundle, whatever bucket this is.
        let mut prefill = PREFILL.to_vec();
        prefill.extend((phase.kind() != "decode").then_some(tokens));
        let sizes = Sizes { context: context_for(self.context, 1, config.max_context)?, batch, prefill };
        let strategy = self.strategy.resolve(&config, &target, &sizes)?;
        let plan = Plan::new(&target, strategy, sizes.context).sized(batch, &sizes.prefill);
        let plan = self.kernels.applied(&config, &target, plan)?;
        terminal::print_bytes(program(&config, &plan, phase)?.text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
