//! `precast targets`: every device that programs are made for, in numbers.

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

/// Bytes, rates and counts are per device; null where only a device at hand can tell.
#[derive(Serialize)]
struct Row {
    name: String,
    platform: &'static str,
    topology: Option<String>,
    /// Create options of the topology, `[name, value]` each.
    topology_options: Vec<(&'static str, &'static str)>,
    devices: usize,
    hbm_bytes: Option<u64>,
    hbm_bytes_per_second: Option<u64>,
    clock_hz: Option<u64>,
    bf16_flops: Option<u64>,
    matrix_units: Option<usize>,
    matrix_columns: Option<usize>,
    tiles: Option<Vec<Tile>>,
    native_matmul: &'static [&'static str],
    stores_4_bit: Option<bool>,
    generation: Option<&'static str>,
}

#[derive(Serialize)]
struct Tile {
    element_bits: usize,
    sublanes: usize,
    lanes: usize,
}

const FOOTER: &str = "
Everything is per device. HBM is what a program may use, as the topology reports it. Bandwidth, clock and rate are published
figures (JAX's `tpu_info.py`, the Cloud TPU documentation), the clock follows from the rate; none was measured here. The types are
those that libtpu's cost model multiplies without converting; all others are storage.

`cpu-N` is N host devices. Any other topology of these generations goes by its name, `GENERATION:SIDES` in chips: `v5e:4x4`,
`v4:2x2x2`. Targets of several devices share one copy of the model.
";

impl Targets {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let targets = Target::all();
        if self.json {
            terminal::print_json(&Report { targets: targets.into_iter().map(row).collect() })?;
            return Ok(ExitCode::SUCCESS);
        }
        let header =
            ["target", "topology", "devices", "HBM", "bandwidth", "clock", "bf16", "multiplies natively", "4-bit as"];
        terminal::print(terminal::table(&header, &[2, 3, 4, 5, 6], targets.iter().map(cells).collect()))?;
        terminal::print(FOOTER)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn row(target: Target) -> Row {
    let chip = target.chip;
    let native_matmul = target.native_matmul();
    let tile = |tile: &crate::target::Tile| Tile {
        element_bits: tile.element_bits,
        sublanes: tile.sublanes,
        lanes: tile.lanes,
    };
    Row {
        name: target.name,
        platform: target.platform.name(),
        topology_options: target.topology.as_ref().map_or(Vec::new(), |topology| topology.options.to_vec()),
        topology: target.topology.map(|topology| topology.name),
        devices: target.devices,
        hbm_bytes: target.hbm_bytes,
        hbm_bytes_per_second: chip.map(|chip| chip.hbm_bytes_per_second),
        clock_hz: chip.map(|chip| chip.clock_hz),
        bf16_flops: chip.map(|chip| chip.bf16_flops),
        matrix_units: chip.map(|chip| chip.matrix_units),
        matrix_columns: chip.map(|chip| chip.matrix_columns),
        tiles: chip.map(|chip| chip.tiles.iter().map(tile).collect()),
        native_matmul,
        stores_4_bit: chip.map(|chip| chip.stores_4_bit),
        generation: chip.map(|chip| chip.name),
    }
}

fn cells(target: &Target) -> Vec<String> {
    let memory = match (target.hbm_bytes, target.platform) {
        (Some(count), _) => terminal::bytes(count),
        (None, Platform::Cpu) => "host".into(),
        (None, _) => "-".into(),
    };
    let none = || "-".to_owned();
    let chip = target.chip;
    let native = target.native_matmul();
    vec![
        target.name.clone(),
        target.topology.as_ref().map_or_else(none, |topology| topology.name.clone()),
        target.devices.to_string(),
        memory,
        chip.map_or_else(none, |chip| format!("{} GB/s", chip.hbm_bytes_per_second as f64 / 1e9)),
        chip.map_or_else(none, |chip| format!("{:.2} GHz", chip.clock_hz as f64 / 1e9)),
        chip.map_or_else(none, |chip| format!("{} TFLOP/s", chip.bf16_flops as f64 / 1e12)),
        if native.is_empty() { none() } else { native.join(" ") },
        chip.map_or_else(none, |chip| if chip.stores_4_bit { "4 bits" } else { "8 bits" }.into()),
    ]
}
