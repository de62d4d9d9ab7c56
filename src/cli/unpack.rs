//! `precast unpack`: a packed file back into a published layout.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::failure::Failure;
use super::terminal;
use crate::weights::packed::Packed;
use crate::weights::{Published, unpack};

/// Write the checkpoint that a packed file was made from
#[derive(Args)]
#[command(after_help = "\
Files that keep everything exactly, with `--weights mxfp4` or `bf16`, give back every tensor's bytes; experts packed as bf16 become \
MXFP4 of the same values in the published layout, and stay bf16 in Hugging Face's. What is in fp8 or int8 is refused.

Examples:
  precast unpack 20b.safetensors --layout original --out 20b/
  precast unpack 20b.safetensors --layout hf --out 20b-hf/")]
pub struct Unpack {
    /// File that `precast pack` wrote
    file: PathBuf,
    /// openai's names and shapes, or those of transformers
    #[arg(long, value_enum)]
    layout: Layout,
    /// Folder to write config.json and model.safetensors to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Layout {
    Original,
    Hf,
}

impl Unpack {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let packed = Packed::open(&self.file)?;
        let layout = match self.layout {
            Layout::Original => Published::Original,
            Layout::Hf => Published::HuggingFace,
        };
        let began = Instant::now();
        let unpacked = unpack(&packed, layout, &self.out, &terminal::BAR)?;
        let seconds = began.elapsed().as_secs_f64();
        if self.json {
            terminal::print_json(&json!({
                "out": self.out,
                "model": packed.config().name,
                "tensors": unpacked.tensors,
                "bytes": unpacked.bytes,
                "seconds": seconds,
            }))?;
        } else {
            let (name, bytes) = (&packed.config().name, terminal::bytes(unpacked.bytes));
            terminal::print(format!(
                "{}: {name}, {} tensors, {bytes} in {seconds:.1} s\n",
                self.out.display(),
                unpacked.tensors
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
