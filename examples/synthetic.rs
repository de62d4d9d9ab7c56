//! Writes a synthetic checkpoint from the command line, for benchmarks:
//! `cargo run --release --example synthetic -- --shape mid --layout original --out DIR`.

#[path = "../tests/support/synthetic.rs"]
mod synthetic;

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use synthetic::{Layout, Shape};

/// Writes a synthetic gpt-oss checkpoint.
#[derive(Parser)]
struct Arguments {
    /// A shape of tests/oracle/shapes.json.
    #[arg(long, value_parser = ["odd", "ordinary", "wide", "mid"])]
    shape: String,
    #[arg(long, value_enum, default_value = "original")]
    layout: LayoutName,
    /// How many files the weights are spread over.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    shards: u16,
    #[arg(long)]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum LayoutName {
    Original,
    Hf,
}

fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let shards = usize::from(arguments.shards);
    let layout = match arguments.layout {
        LayoutName::Original => Layout::Original { shards },
        LayoutName::Hf => Layout::HuggingFace { shards },
    };
    Shape::named(&arguments.shape).write(layout, &arguments.out)
}
