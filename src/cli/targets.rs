//! `precast targets`: every device that programs are made for.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use super::terminal;
use crate::target::{Platform, Target};

/// List the devices that programs are made for
#[derive(Args)]
#[command(after_help = "\
Examples:
  precast targets
  precast targets --json")]
pub struct Targets {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    targets: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    platform: &'static str,
    topology: Option<&'static str>,
    devices: usize,
    hbm_bytes: Option<u64>,
    native_matmul: &'static [&'static str],
    compiles: bool,
}

impl Targets {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let targets = Target::all();
        if self.json {
            terminal::print_json(&Report { targets: targets.into_iter().map(row).collect() })?;
            return Ok(ExitCode::SUCCESS);
        }
        let header = ["target", "topology", "devices", "memory a device", "multiplies natively", "this build"];
        terminal::print(terminal::table(&header, &[2, 3], targets.into_iter().map(cells).collect()))?;
        terminal::print(
            "\n`cpu-N` is N host devices. Memory is what the compiler may use; `-` is asked of the device.\n",
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

fn row(target: Target) -> Row {
    Row {
        name: target.name,
        platform: target.platform.name(),
        topology: target.topology,
        devices: target.devices,
        hbm_bytes: target.hbm_bytes,
        native_matmul: target.native_matmul,
        compiles: target.compiles,
    }
}

fn cells(target: Target) -> Vec<String> {
    let memory = match (target.hbm_bytes, target.platform) {
        (Some(count), _) => terminal::bytes(count),
        (None, Platform::Cpu) => "host".into(),
        (None, _) => "-".into(),
    };
    vec![
        target.name,
        target.topology.unwrap_or("-").into(),
        target.devices.to_string(),
        memory,
        if target.native_matmul.is_empty() { "-".into() } else { target.native_matmul.join(" ") },
        if target.compiles { "compiles and runs" } else { "known, cannot compile yet" }.into(),
    ]
}
