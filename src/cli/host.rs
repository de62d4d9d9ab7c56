//! The machine that precast runs on, as far as `doctor` tells of it. It knows no plugin.

use std::path::Path;
use std::process::Command;

use serde::Serialize;

/// What the machine has.
#[derive(Debug, Serialize)]
pub struct Host {
    pub system: String,
    pub cpu: Option<String>,
    pub threads: usize,
    /// Those instruction sets that make matrix products faster.
    pub features: Vec<String>,
    pub memory_bytes: Option<u64>,
    pub memory_available_bytes: Option<u64>,
    /// TPU chips that are attached.
    pub tpu_chips: usize,
}

const TELLING_FEATURES: [&str; 15] = [
    "avx",
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
];

impl Host {
    pub fn read() -> Host {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let flags: Vec<&str> =
            field(&cpuinfo, &["flags", "Features"]).map_or(Vec::new(), |flags| flags.split_whitespace().collect());
        let limit = container_limit();
        let within = |bytes: u64| limit.map_or(bytes, |(limit, used)| bytes.min(limit.saturating_sub(used)));
        let total = kibibytes(&meminfo, "MemTotal").map(|bytes| limit.map_or(bytes, |(limit, _)| bytes.min(limit)));
        Host {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cpu: field(&cpuinfo, &["model name"]).map(str::to_owned),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            features: TELLING_FEATURES
                .iter()
                .filter(|name| flags.contains(name))
                .map(|&name| name.to_owned())
                .collect(),
            memory_bytes: total,
            memory_available_bytes: kibibytes(&meminfo, "MemAvailable").map(within),
            tpu_chips: tpu_chips(Path::new(PCI)),
        }
    }
}

/// Whether a TPU is attached, without asking its plugin, which takes the chips for its own.
pub fn has_tpu() -> bool {
    tpu_chips(Path::new(PCI)) > 0
}

/// Where Linux lists what is on the PCI bus.
const PCI: &str = "/sys/bus/pci/devices";

/// Chips of TPUs that a folder like `/sys/bus/pci/devices` lists. Source of the numbers: `jax/_src/hardware_utils.py` of jax-ml/jax.
fn tpu_chips(bus: &Path) -> usize {
    const GOOGLE: &str = "0x1ae0";
    const CHIPS: [&str; 6] = ["0x0027", "0x005e", "0x0062", "0x0063", "0x006f", "0x0076"]; // v2 and v3, v4, v5p, v5e, v6e, tpu7x
    let Ok(devices) = std::fs::read_dir(bus) else { return 0 };
    let says =
        |folder: &Path, file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default().trim().to_owned();
    let is_chip = |folder: &Path| says(folder, "vendor") == GOOGLE && CHIPS.contains(&says(folder, "device").as_str());
    devices.flatten().filter(|device| is_chip(&device.path())).count()
}

/// What `python3 -m pip --version` answers; none where there is no such thing.
pub fn pip() -> Option<String> {
    let output = Command::new("python3").args(["-m", "pip", "--version"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// What the files below `folder` take; 0 if it is not there.
pub fn size_of_folder(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of_folder(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

fn field<'a>(text: &'a str, names: &[&str]) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| names.contains(&name.trim()))
        .map(|(_, value)| value.trim())
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let value = field(text, &[name])?;
    value.strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// What a container may hold and what it holds, in bytes, where control groups (version 2) limit it.
fn container_limit() -> Option<(u64, u64)> {
    let read = |name| std::fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok()?.trim().parse().ok();
    Some((read("memory.max")?, read("memory.current").unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_are_told_from_what_else_google_makes() {
        let bus = tempfile::tempdir().expect("a folder");
        for (name, vendor, device) in [("0", "0x1ae0", "0x0063"), ("1", "0x1ae0", "0x0042"), ("2", "0x8086", "0x0063")]
        {
            let folder = bus.path().join(name);
            std::fs::create_dir(&folder).expect("a folder");
            std::fs::write(folder.join("vendor"), format!("{vendor}\n")).expect("a file");
            std::fs::write(folder.join("device"), format!("{device}\n")).expect("a file");
        }
        assert_eq!((tpu_chips(bus.path()), tpu_chips(Path::new("/nowhere"))), (1, 0));
    }

    #[test]
    fn a_field_is_found_whatever_blanks_stand_around_it() {
        let text = "processor\t: 0\nflags\t\t: fpu avx2\nMemTotal:       16 kB\n";
        assert_eq!((field(text, &["flags", "Features"]), kibibytes(text, "MemTotal")), (Some("fpu avx2"), Some(16384)));
        assert_eq!(kibibytes(text, "MemAvailable"), None);
    }
}
