//! The targets that programs are made for: which plugin serves them, how many devices they are, and of which generation.
//!
//! What the generations are stands in `chip`, how tensors lie in their memory in `tile`. All of it is data: whoever needs a
//! number takes it from the record, and nobody else asks which target this is. It knows no plugin and no model.

mod chip;
mod tile;

use std::fmt;

use hlo::TensorType;

pub use chip::Chip;
pub use tile::Tile;

/// What a program can be compiled for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As typed after `--target`.
    pub name: String,
    pub platform: Platform,
    /// What the plugin is asked for; none where devices are only counted.
    pub topology: Option<Topology>,
    pub devices: usize,
    /// Bytes of device memory that a program may use, per device, as the topology reports them; none where it is the host's
    /// or only a device at hand can tell.
    pub hbm_bytes: Option<u64>,
    /// The generation of its devices; none where it is unknown before a device is at hand.
    pub chip: Option<&'static Chip>,
}

/// An arrangement of devices that need not be here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// As the plugin calls it, such as `v5e:2x2`.
    pub name: String,
    /// The plugin's create options by name; all are text.
    pub options: &'static [(&'static str, &'static str)],
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
    #[error("`{name}` is of generation `{found}`, expected one of {}", known.join(", "))]
    Generation { name: String, found: String, known: Vec<&'static str> },
    #[error(
        "`{name}` has the sides `{found}`, expected two or three numbers such as `2x2` or `2x2x1`, {most} chips at most"
    )]
    Sides { name: String, found: String, most: usize },
}

impl TargetError {
    pub fn hint(&self) -> Option<String> {
        Some("`precast targets` lists the names, and says how a topology is given".into())
    }
}

const MOST_HOST_DEVICES: usize = 64;
/// A whole pod of the largest generation. Cloud TPU documentation, TPU7x.
const MOST_CHIPS: usize = 9216;

/// Name, topology, generation, and what `device_memory_bytes_limit` of its devices was when libtpu 0.0.52 was asked: it
/// shrinks a little as topologies grow. `tests/pjrt/targets.rs` asks again.
#[rustfmt::skip]
const TPUS: [(&str, &str, &Chip, u64); 12] = [
    ("v2-8",    "v2:2x2",      &Chip::V2,    8_034_172_928),
    ("v3-8",    "v3:2x2",      &Chip::V3,    16_624_107_520),
    ("v4-8",    "v4:2x2x1",    &Chip::V4,    33_014_413_312),
    ("v5e-1",   "v5e:1x1",     &Chip::V5E,   16_909_336_064),
    ("v5e-4",   "v5e:2x2",     &Chip::V5E,   16_909_334_528),
    ("v5e-8",   "v5e:2x4",     &Chip::V5E,   16_909_332_480),
    ("v5p-8",   "v5p:2x2x1",   &Chip::V5P,   102_786_660_352),
    ("v6e-1",   "v6e:1x1",     &Chip::V6E,   33_546_042_880),
    ("v6e-4",   "v6e:2x2",     &Chip::V6E,   33_546_041_344),
    ("v6e-8",   "v6e:2x4",     &Chip::V6E,   33_546_039_296),
    ("tpu7x-2", "tpu7x:1x1x1", &Chip::TPU7X, 101_724_453_888),
    ("tpu7x-8", "tpu7x:2x2x1", &Chip::TPU7X, 101_724_450_816),
];

impl Target {
    /// Every target with a name of its own, the host first. `cpu-N` and topologies are any number and not among them.
    pub fn all() -> Vec<Target> {
        let tpus = TPUS.iter().filter_map(|&(name, topology, ..)| Target::of_topology(name, topology).ok());
        std::iter::once(Target::host("cpu", 1)).chain(tpus).chain([Target::cuda()]).collect()
    }

    /// The target called `name`; `cpu-4` is four host devices, `v5e:4x4` the topology of that name.
    ///
    /// Of a topology without a row of its own the memory is that of a single chip, up to a few hundred KiB more than the
    /// topology will report, and whether the plugin knows it shows when it is asked.
    pub fn named(name: &str) -> Result<Target, TargetError> {
        if let Some(count) = name.strip_prefix("cpu-") {
            let devices = count.parse().ok().filter(|devices| (1..=MOST_HOST_DEVICES).contains(devices));
            return devices.map(|devices| Target::host(name, devices)).ok_or_else(|| TargetError::HostDevices {
                name: name.into(),
                found: count.into(),
                most: MOST_HOST_DEVICES,
            });
        }
        if name.contains(':') {
            return Target::of_topology(name, name);
        }
        let known = Target::all().into_iter().find(|target| target.name == name);
        known.ok_or_else(|| TargetError::Unknown { name: name.into() })
    }

    /// Element types that its matrix units multiply as they are; the rest is storage only.
    pub fn native_matmul(&self) -> &'static [&'static str] {
        match (self.chip, self.platform) {
            (Some(chip), _) => chip.native_matmul,
            (None, Platform::Cpu) => &["f32"],
            (None, _) => &[],
        }
    }

    /// Bytes that an argument of this type takes in the memory of one device, padding included, if the device holds all of
    /// it. Exact for what libtpu chooses by itself; on the host, and where the generation is unknown, nothing is padded and
    /// a 4-bit element takes a byte.
    pub fn padded_bytes(&self, ty: &TensorType) -> u64 {
        self.chip.map_or(ty.host_bytes() as u64, |chip| chip.padded_bytes(ty))
    }

    /// The same in a layout that was asked for: its axes, the minor one first.
    pub fn padded_bytes_in(&self, ty: &TensorType, minor_to_major: &[usize]) -> u64 {
        self.chip.map_or(ty.host_bytes() as u64, |chip| chip.padded_bytes_in(ty, minor_to_major))
    }

    fn host(name: &str, devices: usize) -> Target {
        let platform = Platform::Cpu;
        Target { name: name.into(), platform, topology: None, devices, hbm_bytes: None, chip: None }
    }

    fn cuda() -> Target {
        let platform = Platform::Cuda;
        Target { name: "cuda".into(), platform, topology: None, devices: 1, hbm_bytes: None, chip: None }
    }

    /// `GENERATION:SIDES`, under the name `name`.
    fn of_topology(name: &str, topology: &str) -> Result<Target, TargetError> {
        let (generation, sides) = topology.split_once(':').unwrap_or((topology, ""));
        let chip = Chip::ALL.into_iter().find(|chip| chip.name == generation).ok_or_else(|| {
            let known = Chip::ALL.iter().map(|chip| chip.name).collect();
            TargetError::Generation { name: name.into(), found: generation.into(), known }
        })?;
        let chips = chips(sides).ok_or_else(|| TargetError::Sides {
            name: name.into(),
            found: sides.into(),
            most: MOST_CHIPS,
        })?;
        let read = TPUS.iter().find(|row| row.1 == topology).map(|row| row.3);
        Ok(Target {
            name: name.into(),
            platform: Platform::Tpu,
            topology: Some(Topology { name: topology.into(), options: chip.topology_options }),
            devices: chips * chip.devices_per_chip,
            hbm_bytes: Some(read.unwrap_or(chip.hbm_bytes)),
            chip: Some(chip),
        })
    }
}

/// The product of two or three sides, such as `2x4`. A side of 0 would end the process inside libtpu.
fn chips(sides: &str) -> Option<usize> {
    let digits = |side: &str| side.bytes().all(|byte| byte.is_ascii_digit()).then(|| side.parse().ok()).flatten();
    let sides: Vec<usize> = sides.split('x').map(digits).collect::<Option<_>>()?;
    let chips = sides.iter().try_fold(1, |product: usize, &side| product.checked_mul(side))?;
    ((2..=3).contains(&sides.len()) && (1..=MOST_CHIPS).contains(&chips)).then_some(chips)
}

#[cfg(test)]
mod tests {
    use hlo::ElementType;

    use super::*;

    #[test]
    fn every_listed_name_finds_its_record() {
        for target in Target::all() {
            assert_eq!(Target::named(&target.name), Ok(target));
        }
        assert_eq!(Target::all().len(), TPUS.len() + 2);
        assert!(TPUS.iter().all(|row| row.1.split_once(':').is_some_and(|(generation, _)| generation == row.2.name)));
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

    #[test]
    fn topologies_are_counted_in_devices() {
        let rows = [("v5e:4x4", 16), ("v2:4x4", 32), ("v4:4x4x4", 64), ("v5p:2x2x2", 8), ("tpu7x:4x4x4", 128)];
        for (name, devices) in rows {
            let target = Target::named(name).unwrap();
            let topology = target.topology.as_ref().unwrap();
            assert_eq!((target.name.as_str(), topology.name.as_str(), target.devices), (name, name, devices));
            assert_eq!(target.hbm_bytes, target.chip.map(|chip| chip.hbm_bytes), "{name}");
        }
        let known = Target::named("v5e-4").unwrap();
        assert_eq!(Target::named("v5e:2x2"), Ok(Target { name: "v5e:2x2".into(), ..known }));
    }

    #[test]
    fn topologies_that_cannot_be_are_refused_with_what_can() {
        let error = Target::named("v9:1x1").unwrap_err().to_string();
        assert_eq!(error, "`v9:1x1` is of generation `v9`, expected one of v2, v3, v4, v5e, v5p, v6e, tpu7x");
        for wrong in ["0x1", "", "4", "2x2x1x1", "2x", "+2x2", "2x2_twisted", "9217x1", "99999999999x99999999999"] {
            let error = Target::named(&format!("v5e:{wrong}")).unwrap_err().to_string();
            assert!(error.contains(&format!("the sides `{wrong}`, expected two or three numbers")), "{error}");
        }
    }

    #[test]
    fn the_host_pads_nothing() {
        let packed = TensorType::new(ElementType::F4E2M1FN, [3, 5]);
        assert_eq!(Target::named("cpu").unwrap().padded_bytes(&packed), 15);
        assert_eq!(Target::named("v5e-1").unwrap().padded_bytes(&packed), 512);
    }
}
