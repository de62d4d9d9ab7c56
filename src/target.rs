//! The devices that programs are made for, a record each. It knows no plugin and no model.

use std::fmt;

/// What a program can be compiled for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As typed after `--target`.
    pub name: String,
    pub platform: Platform,
    /// What the plugin calls the arrangement of devices; none where devices are only counted.
    pub topology: Option<&'static str>,
    pub devices: usize,
    /// Device memory that the compiler may use, per device; none where it is the host's, or is to be read from the topology.
    pub hbm_bytes: Option<u64>,
    /// Element types that the matrix units multiply without converting; the rest is storage only.
    pub native_matmul: &'static [&'static str],
    /// Whether this build compiles for it.
    pub compiles: bool,
}

/// Which plugin serves a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Platform {
    Cpu,
    Tpu,
    Cuda,
}

impl Platform {
    pub const ALL: [Platform; 3] = [Platform::Cpu, Platform::Tpu, Platform::Cuda];

    /// As typed after `precast plugins install`.
    pub fn name(self) -> &'static str {
        match self {
            Platform::Cpu => "cpu",
            Platform::Tpu => "tpu",
            Platform::Cuda => "cuda",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A target that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("there is no target `{name}`")]
    Unknown { name: String },
    #[error("`{name}` asks for {found} host devices, expected 1 to {most}")]
    HostDevices { name: String, found: String, most: usize },
}

impl TargetError {
    pub fn hint(&self) -> Option<String> {
        Some("`precast targets` lists them".into())
    }
}

const MOST_HOST_DEVICES: usize = 64;

/// Name, topology, devices, memory in bytes, types of the matrix unit.
type Tpu = (&'static str, &'static str, usize, Option<u64>, &'static [&'static str]);

/// Topologies and devices: as libtpu 0.0.52 accepts and counts them. Memory: its attribute `device_memory_bytes_limit`, which
/// depends on the topology and is left out where it was not read. Types: bf16 everywhere; int8 and int4 from v5 on and fp8 only
/// on tpu7x, by the tables of vllm-project/tpu-inference.
#[rustfmt::skip]
const TPUS: [Tpu; 12] = [
    ("v2-8",    "v2:2x2",      8, Some(8_034_172_928),   &["bf16"]),
    ("v3-8",    "v3:2x2",      8, Some(16_624_107_520),  &["bf16"]),
    ("v4-8",    "v4:2x2x1",    8, Some(32_745_971_712),  &["bf16"]),
    ("v5e-1",   "v5e:1x1",     1, Some(16_909_336_064),  &["bf16", "int8", "int4"]),
    ("v5e-4",   "v5e:2x2",     4, None,                  &["bf16", "int8", "int4"]),
    ("v5e-8",   "v5e:2x4",     8, None,                  &["bf16", "int8", "int4"]),
    ("v5p-8",   "v5p:2x2x1",   4, None,                  &["bf16", "int8", "int4"]),
    ("v6e-1",   "v6e:1x1",     1, Some(33_546_042_880),  &["bf16", "int8", "int4"]),
    ("v6e-4",   "v6e:2x2",     4, None,                  &["bf16", "int8", "int4"]),
    ("v6e-8",   "v6e:2x4",     8, None,                  &["bf16", "int8", "int4"]),
    ("tpu7x-2", "tpu7x:1x1x1", 2, Some(101_724_453_888), &["bf16", "fp8"]),
    ("tpu7x-8", "tpu7x:2x2x1", 8, None,                  &["bf16", "fp8"]),
];

impl Target {
    /// Every target with a fixed name, the host first. `cpu-N` stands for any number of host devices and is not among them.
    pub fn all() -> Vec<Target> {
        let tpus = TPUS.iter().map(|&(name, topology, devices, hbm_bytes, native_matmul)| Target {
            name: name.into(),
            platform: Platform::Tpu,
            topology: Some(topology),
            devices,
            hbm_bytes,
            native_matmul,
            compiles: false,
        });
        std::iter::once(Target::host("cpu", 1)).chain(tpus).chain([Target::cuda()]).collect()
    }

    /// The target called `name`; `cpu-4` is four host devices.
    pub fn named(name: &str) -> Result<Target, TargetError> {
        if let Some(count) = name.strip_prefix("cpu-") {
            let devices = count.parse().ok().filter(|devices| (1..=MOST_HOST_DEVICES).contains(devices));
            return devices.map(|devices| Target::host(name, devices)).ok_or_else(|| TargetError::HostDevices {
                name: name.into(),
                found: count.into(),
                most: MOST_HOST_DEVICES,
            });
        }
        let known = Target::all().into_iter().find(|target| target.name == name);
        known.ok_or_else(|| TargetError::Unknown { name: name.into() })
    }

    fn host(name: &str, devices: usize) -> Target {
        Target {
            name: name.into(),
            platform: Platform::Cpu,
            topology: None,
            devices,
            hbm_bytes: None,
            native_matmul: &["f32"],
            // One graph for several devices needs sharding, which no graph has yet.
            compiles: devices == 1,
        }
    }

    fn cuda() -> Target {
        Target {
            name: "cuda".into(),
            platform: Platform::Cuda,
            topology: None,
            devices: 1,
            hbm_bytes: None,
            native_matmul: &[],
            compiles: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_finds_its_record() {
        for target in Target::all() {
            assert_eq!(Target::named(&target.name), Ok(target));
        }
    }

    #[test]
    fn host_devices_are_counted_and_bounded() {
        assert_eq!(Target::named("cpu-4").map(|target| target.devices), Ok(4));
        for wrong in ["cpu-0", "cpu-65", "cpu-four", "cpu-"] {
            let error = Target::named(wrong).unwrap_err().to_string();
            assert!(error.contains(wrong) && error.contains("expected 1 to 64"), "{error}");
        }
        assert_eq!(Target::named("v7x").unwrap_err().to_string(), "there is no target `v7x`");
    }
}
