//! A hub of models on this machine, with one repository of one large file, for figures of fetching: `tools/fetch/run` uses it.
//!
//! ```text
//! cargo run --release --example hub -- 2000000000
//! ```
//!
//! Prints its address, the file's path on it and the file's SHA-256; then, for every line that it reads, how many bytes of files it has
//! sent. Ends when there are no more lines.

#[path = "../tests/support/hub.rs"]
mod hub;

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use hub::{COMMIT, REPOSITORY, Setup, noise};

/// Where published weights are.
const PATH: &str = "original/model.safetensors";

fn main() -> ExitCode {
    let bytes = std::env::args().nth(1).and_then(|bytes| bytes.parse().ok());
    let (Some(bytes), 2) = (bytes, std::env::args().count()) else {
        eprintln!("usage: hub BYTES");
        return ExitCode::from(2);
    };
    let hub = Setup::default().small("original/config.json", "{}").large(PATH, noise(1, bytes)).start();
    println!("{} /{REPOSITORY}/resolve/{COMMIT}/{PATH} {}", hub.endpoint(), hub.state.files[PATH].sha256);
    for line in std::io::stdin().lines() {
        if line.is_err() {
            break;
        }
        println!("{}", hub.state.sent.load(Ordering::Relaxed));
    }
    ExitCode::SUCCESS
}
