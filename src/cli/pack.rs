//! `precast pack`: a checkpoint into one file of weights as a target takes them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::model::{Compute, context_for, folder, target};
use super::packed_text::{losses, totals};
use super::strategy::{RestArguments, Stored, StrategyArguments, Weights};
use super::{interrupt, terminal};
use crate::chat::tokenizer;
use crate::estimate::{Candidate, Sizes};
use crate::plan::PREFILL;
use crate::weights::Checkpoint;
use crate::weights::packed::{Packer, Written};

/// Write a checkpoint's weights as a target takes them into one file, which is mapped when it is run
#[derive(Args)]
#[command(after_help = "\
The file is safetensors: tensors in the order of the programs' arguments, in the types and parts that the target's devices hold, with \
a SHA-256 of each and what its codes lose. `run`, `chat`, `score` and `bench` take it as --model. MXFP4 and bf16 are exact; FP8 \
has a power of two and INT8 a number as the scale of each row. An interrupted packing goes on where it was when the same \
command is given again; a file at the final name is whole.

Examples:
  precast pack --model gpt-oss-20b/ --target v5e-1 --out 20b-v5e.safetensors
  precast pack --model gpt-oss-20b/ --target v6e-1 --weights fp8 --out 20b-fp8.safetensors
  precast pack --model gpt-oss-20b/ --target cpu --weights mxfp4 --out 20b.safetensors && precast chat --model 20b.safetensors
  precast inspect 20b.safetensors --verify")]
pub struct Pack {
    /// Folder with config.json and weights (either published layout, or Orbax's), or `demo` for the built-in model
    #[arg(long, value_name = "DIR")]
    model: String,
    /// Device, see `precast targets`
    #[arg(long, default_value = "cpu")]
    target: String,
    /// Type of the experts' matrices; `auto` takes what `precast plan` marks, and bf16 on a host
    #[arg(long, value_enum, default_value = "auto")]
    weights: Weights,
    /// Type of attention, embedding and head
    #[arg(long, value_enum, default_value_t = Stored::Bf16)]
    dense: Stored,
    /// Everything in one type: f32, on a host only, or bf16
    #[arg(long, value_enum, conflicts_with_all = ["weights", "dense"])]
    compute: Option<Compute>,
    /// File to write; an old one there is replaced when the new one is whole
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Tensors that are made at a time [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Print what every tensor loses, not only every kind of tensor
    #[arg(long)]
    tensors: bool,
    /// Print JSON, with every tensor
    #[arg(long)]
    json: bool,
}

impl Pack {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let checkpoint = Checkpoint::open(&folder(&self.model)?)?;
        let (config, target) = (checkpoint.config().clone(), target(&self.target)?);
        // Of these only the weights go into the file.
        let sizes = Sizes { context: context_for(None, 1, config.max_context)?, batch: 1, prefill: PREFILL.to_vec() };
        let rest = RestArguments { dense: self.dense, kv: Stored::Bf16 };
        let weights = (self.compute.is_none()).then_some(self.weights);
        let asked = StrategyArguments { weights, rest, compute: self.compute };
        let strategy = asked.resolve(&config, &target, &sizes)?;
        let plan = Candidate::new(&config, &target, strategy, &sizes).plan;
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let packer = Packer {
            checkpoint: &checkpoint,
            plan: &plan,
            target: &target.name,
            tokenizer: tokenizer::IDENTITY,
            threads: self.threads.map_or_else(cores, usize::from),
        };
        interrupt::keeps("; the same command goes on from what is written");
        let began = Instant::now();
        let written = packer.write(&self.out, &terminal::BAR)?;
        let seconds = began.elapsed().as_secs_f64();
        if self.json {
            terminal::print_json(&self.report(&config.name, &written, seconds))?;
        } else {
            terminal::print(self.text(&config.name, &written, seconds))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn report(&self, model: &str, written: &Written, seconds: f64) -> serde_json::Value {
        let manifest = &written.manifest;
        json!({
            "out": self.out,
            "model": model,
            "target": manifest.target,
            "devices": manifest.devices,
            "weights": manifest.weights,
            "dense": manifest.dense,
            "compute": manifest.compute,
            "exact": manifest.losses().is_none_or(|losses| losses.scaled.inexact == 0),
            "bytes": written.bytes,
            "resumed_bytes": written.resumed_bytes,
            "seconds": seconds,
            "losses": manifest.losses(),
            "tensors": manifest.tensors,
        })
    }

    fn text(&self, model: &str, written: &Written, seconds: f64) -> String {
        let manifest = &written.manifest;
        let made = written.bytes - written.resumed_bytes;
        let resumed = match written.resumed_bytes {
            0 => String::new(),
            bytes => format!(", {} of it made before", terminal::bytes(bytes)),
        };
        format!(
            "{model} for {}: {}\n{}: {} in {seconds:.1} s, {:.2} GB/s{resumed}\n{}{}",
            manifest.target,
            manifest.storage(),
            self.out.display(),
            terminal::bytes(written.bytes),
            made as f64 / 1e9 / seconds,
            losses(manifest, self.tensors),
            totals(manifest),
        )
    }
}
