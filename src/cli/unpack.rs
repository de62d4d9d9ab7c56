//! `precast unpack`: a packed file back into a published layout, or a checkpoint into files of another kind.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::failure::Failure;
use super::terminal;
use crate::weights::{Published, Store, convert, unpack};

/// Write the checkpoint of a packed file, or a checkpoint in files of another kind
#[derive(Args)]
#[command(after_help = "\
Files that keep everything exactly, with `--weights mxfp4` or `bf16`, give back every tensor's bytes; experts packed as bf16 become \
MXFP4 of the same values in the published layout, and stay bf16 in Hugging Face's. What is in fp8 or int8 is refused.

`orbax` is a checkpoint that Orbax restores: the tensors as a tree of arrays whose keys are the parts of openai's names, \
`block.0.attn.sinks` under `block`, `0`, `attn`, `sinks`. The folder has nothing else in it but config.json.

A folder with a checkpoint is written again as it is: its own tensors under their own names, as safetensors or for Orbax.

Examples:
  precast unpack 20b.safetensors --layout original --out 20b/
  precast unpack 20b.safetensors --layout hf --out 20b-hf/
  precast unpack gpt-oss-20b/ --layout orbax --out 20b-orbax/
  precast unpack 20b-orbax/ --layout original --out 20b/")]
pub struct Unpack {
    /// File that `precast pack` wrote, or folder with a checkpoint
    #[arg(value_name = "FILE|DIR")]
    model: PathBuf,
    /// openai's names and shapes, those of transformers, or a tree for Orbax
    #[arg(long, value_enum)]
    layout: Layout,
    /// Folder to write config.json and model.safetensors to, or the tree
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
    Orbax,
}

impl Unpack {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let layout = match self.layout {
            Layout::Original => Published::Original,
            Layout::Hf => Published::HuggingFace,
            Layout::Orbax => Published::Orbax,
        };
        let began = Instant::now();
        let (config, unpacked) = match Store::open(&self.model)? {
            Store::Packed(packed) => (packed.config().clone(), unpack(&packed, layout, &self.out, &terminal::BAR)?),
            Store::Checkpoint(checkpoint) => {
                (checkpoint.config().clone(), convert(&checkpoint, layout, &self.out, &terminal::BAR)?)
            }
        };
        let seconds = began.elapsed().as_secs_f64();
        if self.json {
            terminal::print_json(&json!({
                "out": self.out,
                "model": config.name,
                "tensors": unpacked.tensors,
                "bytes": unpacked.bytes,
                "seconds": seconds,
            }))?;
        } else {
            let (name, bytes) = (&config.name, terminal::bytes(unpacked.bytes));
            terminal::print(format!(
                "{}: {name}, {} tensors, {bytes} in {seconds:.1} s\n",
                self.out.display(),
                unpacked.tensors
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
