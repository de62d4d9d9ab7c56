//! Writes a synthetic checkpoint: the architecture and sizes of a real model, values drawn from a seed, so that speed and memory can
//! be measured where no real weights are at hand. `tests/oracle/README.md` has the scheme, `tests/oracle/shapes.json` the sizes.
//!
//! ```text
//! cargo run --release --example checkpoint -- 20b /scratch/20b         # 13.8 GB in the published layout
//! cargo run --release --example checkpoint -- 20b /scratch/20b-hf hf   # the same in Hugging Face's, in three files
//! ```

#[path = "../tests/support/synthetic.rs"]
mod synthetic;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use synthetic::{Layout, Shape};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (shape, folder, layout) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [shape, folder] | [shape, folder, "original"] => (shape, folder, Layout::Original { shards: 1 }),
        [shape, folder, "hf"] => (shape, folder, Layout::HuggingFace { shards: 3 }),
        _ => {
            eprintln!("usage: checkpoint SHAPE FOLDER [original|hf]\n  shapes: odd, ordinary, wide, mid, 20b");
            return ExitCode::from(2);
        }
    };
    let shape = Shape::named(shape);
    let bytes: usize = shape.tensors(layout).iter().map(synthetic::Tensor::bytes).sum();
    let began = Instant::now();
    if let Err(error) = shape.write(layout, Path::new(folder)) {
        eprintln!("error: cannot write to `{folder}`: {error}");
        return ExitCode::FAILURE;
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{folder}: {:.2} GB in {seconds:.0} s, {:.2} GB/s", bytes as f64 / 1e9, bytes as f64 / 1e9 / seconds);
    ExitCode::SUCCESS
}
