//! What a bundle says of itself, checked when it is read. Knows JSON, and no file system and no device.

use std::collections::BTreeSet;
use std::path::Path;

use hlo::{ElementType, Mesh, Parameter, Sharding, Signature, TensorType};
use serde::{Deserialize, Serialize};

use super::cost::Cost;
use super::error::BundleError;
use super::identity::entries;
use super::key::Key;
use crate::config::Config;
use crate::target::{Chip, Target};

/// The format that this version writes, and the only one that it reads.
pub(super) const FORMAT: u32 = 1;

/// The content of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The version of precast that wrote it.
    pub precast: String,
    pub model: String,
    /// The configuration of the model, by name.
    pub config: Key,
    pub target: String,
    /// What the plugin calls the target, such as `v5e:1x1`; `None` where devices are only counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<String>,
    #[serde(default = "one")]
    pub devices: usize,
    /// How the experts' matrices are stored, such as `mxfp4`; `f32` is for all that there is, and for products too.
    pub weights: String,
    pub kv: String,
    /// How attention, embedding and head are stored; empty in bundles that do not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dense: String,
    /// Whose kernels take the place of plain StableHLO in decode programs, such as `mosaic`; empty where none do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kernels: String,
    pub context: usize,
    pub batch: usize,
    pub plugin: Plugin,
    pub programs: Vec<ProgramEntry>,
}

/// The plugin that compiled a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    pub name: String,
    pub version: String,
    /// Version of the PJRT C API, such as `0.106`.
    pub api: String,
}

/// One program of a bundle. Bytes are per device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProgramEntry {
    pub name: String,
    pub phase: String,
    pub rows: usize,
    /// File of the program's text.
    pub stablehlo: String,
    pub stablehlo_sha256: String,
    /// Of the file; 0 in bundles that do not say.
    #[serde(default)]
    pub stablehlo_bytes: u64,
    /// File of the executable.
    pub executable: String,
    pub executable_sha256: String,
    #[serde(default)]
    pub executable_bytes: u64,
    pub argument_bytes: u64,
    pub output_bytes: u64,
    pub alias_bytes: u64,
    pub temp_bytes: u64,
    pub code_bytes: u64,
    /// The most that is held at once; 0 where the compiler does not say.
    #[serde(default)]
    pub peak_bytes: u64,
    /// All that is set aside for a run.
    #[serde(default)]
    pub total_bytes: u64,
    /// What the compiler predicts; `None` where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Bytes that one step must bring from the memory of one device: the least that any program for it could do with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_bytes: Option<u64>,
    /// What the compiler was asked for, in words.
    #[serde(default)]
    pub options: String,
    pub compile_seconds: f64,
    /// Whether it came from the cache when the bundle was made.
    pub cached: bool,
    pub key: Key,
    /// The devices that run it together; one without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mesh: Option<MeshEntry>,
    pub parameters: Vec<ParameterEntry>,
    pub results: Vec<TypeEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeshEntry {
    pub name: String,
    /// Name and length of every axis, outermost first.
    pub axes: Vec<(String, usize)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterEntry {
    pub name: String,
    #[serde(flatten)]
    pub ty: TypeEntry,
    /// The result that takes over its memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub donated_to: Option<usize>,
    /// The mesh axes that divide each of its axes, in the words of [`Sharding::new`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sharding: Vec<String>,
    /// How it lies on a device, or each of its parts on theirs, in XLA's words: axes minor to major and then tiles, such as
    /// `{1,0:T(8,128)(2,1)}`. `None` where the plugin does not tell, and in bundles that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeEntry {
    /// Such as `bf16`.
    pub element: String,
    pub dims: Vec<usize>,
}

/// What `compile` and `inspect` print as JSON. Other programs read it: fields may be added, none renamed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub key: String,
    pub model: String,
    pub target: String,
    pub weights: String,
    pub dense: String,
    pub kv: String,
    /// Such as `mosaic`; empty where all is plain StableHLO.
    pub kernels: String,
    pub context: usize,
    pub batch: usize,
    pub plugin: Plugin,
    pub topology: Option<String>,
    pub devices: usize,
    /// Memory of one device that a program may use; these three are `None` for a host.
    pub hbm_bytes: Option<u64>,
    /// Cycles a second of the target's devices, as published.
    pub clock_hz: Option<u64>,
    pub hbm_bytes_per_second: Option<u64>,
    pub programs: Vec<ProgramReport>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProgramReport {
    pub name: String,
    pub phase: String,
    pub rows: usize,
    pub argument_bytes: u64,
    pub alias_bytes: u64,
    pub temp_bytes: u64,
    pub code_bytes: u64,
    pub peak_bytes: u64,
    pub total_bytes: u64,
    pub compile_seconds: f64,
    pub cached: bool,
    /// Steps of one launch: those of a decode program, else 1.
    pub steps: u64,
    /// Of one step on one device, predicted by the compiler; `None` where it does not.
    pub estimated_cycles: Option<u64>,
    /// Cycles that bringing `moved_bytes` from memory takes at the target's bandwidth.
    pub roofline_cycles: Option<u64>,
    pub moved_bytes: Option<u64>,
    /// The predicted cycles at the target's clock.
    pub predicted_seconds: Option<f64>,
    pub predicted_tokens_per_second: Option<f64>,
    /// Runs of kernels in one step, none of which is in the estimate, and cycles that streaming their bytes takes at the target's
    /// bandwidth: a bound, not a prediction.
    pub kernel_runs: u64,
    pub kernel_bound_cycles: Option<u64>,
    /// Opcodes that the estimate leaves out.
    pub uncosted: Vec<String>,
    pub stablehlo_sha256: String,
    /// What the executable was made from, by name.
    pub key: Key,
    /// Of one launch, which is `steps` steps.
    pub cost: Option<Cost>,
}

impl Manifest {
    /// Reads `json`, which is in `file`, and refuses what no bundle of ours says.
    pub(super) fn parse(json: &[u8], file: &Path) -> Result<Manifest, BundleError> {
        let damaged = |problem: String| BundleError::Damaged { file: file.to_path_buf(), problem };
        let manifest: Manifest = serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?;
        manifest.check().map_err(damaged)?;
        Ok(manifest)
    }

    /// Refuses another format than ours: its files may be listed otherwise.
    pub(super) fn check_format(json: &[u8], file: &Path) -> Result<(), BundleError> {
        #[derive(Deserialize)]
        struct Version {
            format: u64,
        }
        match serde_json::from_slice(json) {
            Ok(Version { format }) if format != u64::from(FORMAT) => {
                Err(BundleError::Version { file: file.to_path_buf(), found: format, expected: FORMAT })
            }
            _ => Ok(()),
        }
    }

    /// Refuses what no bundle of ours says, with a clause that tells what.
    fn check(&self) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for program in &self.programs {
            let name = &program.name;
            if !is_file_name(name) {
                return Err(format!("program name `{}` is no file name", name.escape_debug()));
            }
            if !names.insert(name) {
                return Err(format!("program `{name}` stands there twice"));
            }
            // Reading any other file would let a manifest look at what is not in its folder.
            for (found, expected) in
                [(&program.stablehlo, text_file(name)), (&program.executable, executable_file(name))]
            {
                if *found != expected {
                    return Err(format!(
                        "program `{name}` has the file `{}`, expected `{expected}`",
                        found.escape_debug()
                    ));
                }
            }
            let devices = program.signature()?.devices();
            if devices != self.devices {
                return Err(format!("program `{name}` runs on {devices} devices, the bundle is for {}", self.devices));
            }
        }
        Ok(())
    }

    /// The digest of everything that its programs were made from.
    pub fn key(&self) -> Key {
        let key = Key::new()
            .entry("model", &self.model)
            .entry("config", self.config.id())
            .entry("target", &self.target)
            .entry("weights", &self.weights)
            .entry("kv", &self.kv)
            .entry("context", self.context)
            .entry("batch", self.batch);
        let key = if self.dense.is_empty() { key } else { key.entry("dense", &self.dense) };
        let key = if self.kernels.is_empty() { key } else { key.entry("kernels", &self.kernels) };
        self.programs.iter().fold(key, |key, program| key.entry(format!("program {}", program.name), program.key.id()))
    }

    /// The same for other programs to read.
    pub fn report(&self) -> Report {
        let target = Target::named(&self.target).ok();
        let chip = target.as_ref().and_then(|target| target.chip);
        Report {
            key: self.key().id(),
            model: self.model.clone(),
            target: self.target.clone(),
            weights: self.weights.clone(),
            dense: self.dense.clone(),
            kv: self.kv.clone(),
            kernels: self.kernels.clone(),
            context: self.context,
            batch: self.batch,
            plugin: self.plugin.clone(),
            topology: self.topology.clone(),
            devices: self.devices,
            hbm_bytes: target.and_then(|target| target.hbm_bytes),
            clock_hz: chip.map(|chip| chip.clock_hz),
            hbm_bytes_per_second: chip.map(|chip| chip.hbm_bytes_per_second),
            programs: self.programs.iter().map(|program| program.report(chip)).collect(),
        }
    }

    /// The command that makes this bundle.
    pub(super) fn command(&self) -> String {
        self.command_for(&self.target)
    }

    /// The command that makes the same for another target.
    pub(super) fn command_for(&self, target: &str) -> String {
        let prefill: Vec<String> =
            self.programs.iter().filter(|row| row.phase == "prefill").map(|row| row.rows.to_string()).collect();
        let prefill = if prefill.is_empty() { String::new() } else { format!(" --prefill {}", prefill.join(",")) };
        let stored = match self.weights.as_str() {
            "f32" => " --compute f32".to_string(),
            weights => {
                let option = |name: &str, stored: &str| match stored {
                    "" | "bf16" => String::new(),
                    stored => format!(" --{name} {stored}"),
                };
                format!(" --weights {weights}{}{}", option("dense", &self.dense), option("kv", &self.kv))
            }
        };
        let kernels = if self.kernels.is_empty() { String::new() } else { format!(" --kernels {}", self.kernels) };
        format!(
            "precast compile --model {} --target {target}{stored}{kernels} --context {} --batch {}{prefill} --out DIR",
            self.model, self.context, self.batch
        )
    }
}

impl ProgramEntry {
    /// What the program takes and gives; a clause that tells what is wrong with it otherwise.
    pub fn signature(&self) -> Result<Signature, String> {
        signature(self.mesh.as_ref(), &self.parameters, &self.results)
    }

    /// Steps of one launch, which the name of a decode program ends with.
    fn steps(&self) -> u64 {
        let steps = self.name.rsplit('_').next().filter(|_| self.phase == "decode").and_then(|end| end.parse().ok());
        steps.filter(|steps| *steps > 0).unwrap_or(1)
    }

    fn report(&self, chip: Option<&Chip>) -> ProgramReport {
        let steps = self.steps();
        let estimated_cycles = self.cost.as_ref().map(|cost| cost.cycles / steps);
        let roofline = |chip: &Chip| Some(chip.cycles_to_move(self.moved_bytes?));
        let kernels = self.cost.as_ref().filter(|cost| !cost.kernels.is_empty());
        // What a step takes cannot be told from a part of it.
        let whole = estimated_cycles.filter(|_| kernels.is_none());
        let seconds = whole.zip(chip).map(|(cycles, chip)| cycles as f64 / chip.clock_hz as f64);
        let uncosted: BTreeSet<&String> =
            self.cost.iter().flat_map(|cost| &cost.uncosted).map(|group| &group.opcode).collect();
        ProgramReport {
            name: self.name.clone(),
            phase: self.phase.clone(),
            rows: self.rows,
            argument_bytes: self.argument_bytes,
            alias_bytes: self.alias_bytes,
            temp_bytes: self.temp_bytes,
            code_bytes: self.code_bytes,
            peak_bytes: self.peak_bytes,
            total_bytes: self.total_bytes,
            compile_seconds: self.compile_seconds,
            cached: self.cached,
            steps,
            estimated_cycles,
            roofline_cycles: chip.and_then(roofline),
            moved_bytes: self.moved_bytes,
            predicted_seconds: seconds,
            predicted_tokens_per_second: seconds.filter(|seconds| *seconds > 0.0).map(|time| self.rows as f64 / time),
            kernel_runs: kernels.map_or(0, |cost| cost.kernel_runs() / steps),
            kernel_bound_cycles: kernels.zip(chip).map(|(cost, chip)| chip.cycles_to_move(cost.kernel_bytes() / steps)),
            uncosted: uncosted.into_iter().cloned().collect(),
            stablehlo_sha256: self.stablehlo_sha256.clone(),
            key: self.key.clone(),
            cost: self.cost.clone(),
        }
    }
}

/// Reads what a program takes and gives; a clause that tells what is wrong with it otherwise.
pub(super) fn signature(
    mesh: Option<&MeshEntry>,
    parameters: &[ParameterEntry],
    results: &[TypeEntry],
) -> Result<Signature, String> {
    let results: Vec<TensorType> = results.iter().map(TypeEntry::parse).collect::<Result<_, _>>()?;
    let parameter = |entry: &ParameterEntry| {
        let ty = entry.ty.parse()?;
        let name = entry.name.clone();
        if let Some(result) = entry.donated_to
            && results.get(result) != Some(&ty)
        {
            return Err(format!(
                "parameter `{}` is donated to result {result}, which has not its type",
                name.escape_debug()
            ));
        }
        Ok(Parameter { name, ty, donated_to: entry.donated_to, sharding: Sharding::new(&entry.sharding) })
    };
    let parameters = parameters.iter().map(parameter).collect::<Result<_, _>>()?;
    let written = |problem: String| problem.escape_debug().to_string();
    let mesh = mesh.map(|mesh| Mesh::new(&mesh.name, &mesh.axes)).transpose().map_err(written)?;
    let signature = Signature { mesh, parameters, results };
    signature.local_parameters().map_err(written)?;
    Ok(signature)
}

impl ParameterEntry {
    pub(super) fn new(parameter: &Parameter) -> ParameterEntry {
        ParameterEntry {
            name: parameter.name.clone(),
            ty: TypeEntry::new(&parameter.ty),
            donated_to: parameter.donated_to,
            sharding: parameter.sharding.words(),
            layout: None,
        }
    }
}

impl MeshEntry {
    pub(super) fn new(mesh: &Mesh) -> MeshEntry {
        MeshEntry { name: mesh.name().to_owned(), axes: mesh.axes().to_vec() }
    }
}

impl TypeEntry {
    pub(super) fn new(ty: &TensorType) -> TypeEntry {
        TypeEntry { element: ty.element.to_string(), dims: ty.dims.clone() }
    }

    fn parse(&self) -> Result<TensorType, String> {
        let known = ElementType::ALL.into_iter().find(|element| element.to_string() == self.element);
        let element = known.ok_or_else(|| format!("element type `{}` is not known", self.element.escape_debug()))?;
        // Whoever multiplies them later may rely on it.
        let bytes = self.dims.iter().try_fold(element.host_bytes(), |bytes, dim| bytes.checked_mul(*dim));
        match bytes {
            Some(bytes) if bytes <= isize::MAX as usize => Ok(TensorType::new(element, self.dims.clone())),
            _ => Err(format!("{element}{:?} is too large to be addressed", self.dims)),
        }
    }
}

/// Devices of a bundle whose manifest does not count them.
fn one() -> usize {
    1
}

impl Plugin {
    /// The plugin that a program's key names.
    pub(super) fn of(key: &Key) -> Plugin {
        let entry = |name| key.get(name).unwrap_or_default().to_string();
        Plugin { name: entry(entries::PLATFORM), version: entry(entries::PLATFORM_VERSION), api: entry(entries::API) }
    }
}

/// A configuration by name, without the model's own, so that a difference can be told.
pub(super) fn config_key(config: &Config) -> Key {
    Key::new()
        .entry("layers", config.layers)
        .entry("layer kinds", format!("{:?}", config.layer_kinds))
        .entry("hidden", config.hidden)
        .entry("vocabulary", config.vocabulary)
        .entry("experts", config.experts)
        .entry("experts per token", config.experts_per_token)
        .entry("expert width", config.expert_width)
        .entry("query heads", config.query_heads)
        .entry("kv heads", config.kv_heads)
        .entry("head dim", config.head_dim)
        .entry("sliding window", config.sliding_window)
        .entry("swiglu limit", config.swiglu_limit)
        .entry("swiglu alpha", config.swiglu_alpha)
        .entry("rms epsilon", config.rms_epsilon)
        .entry("rope", format!("{:?}", config.rope))
        .entry("max context", config.max_context)
}

/// Whether a program's name can stand before an extension in a folder of any system.
pub(super) fn is_file_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=100).contains(&name.len()) && name.bytes().all(is_plain)
}

pub(super) fn text_file(name: &str) -> String {
    format!("{name}{TEXT_END}")
}

pub(super) fn executable_file(name: &str) -> String {
    format!("{name}{EXECUTABLE_END}")
}

pub(super) const TEXT_END: &str = ".stablehlo.mlir";
pub(super) const EXECUTABLE_END: &str = ".executable";
