//! The options that say which model runs and how, and the session that they open. It knows no conversation.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use hlo::ElementType;

use super::failure::Failure;
use super::host::{self, Host};
use super::provide::provide;
use super::sharing::SharingArguments;
use super::steps::{self, Opening};
use super::subject::{Model, NameArguments, Subject};
use super::wish::{Storage, Wanted, Wish};
use super::{demo_model, plugins, terminal};
use crate::bundle::{Bundle, Manifest};
use crate::config::Config;
use crate::plan::{Kernels, Precision, Spelling, Strategy};
use crate::runner::{RunError, Session, Setup};
use crate::signature::Trust;
use crate::storage::Place;
use crate::target::{Platform, Target};
use crate::weights;
use crate::weights::packed::Packed;

/// Which model, and how it is computed.
#[derive(Args)]
pub struct ModelArguments {
    /// Folder with config.json and weights (either published layout, or Orbax's), file that `precast pack` wrote, or a name
    #[arg(long, value_name = "DIR|FILE|NAME", help_heading = "Model", required_unless_present = "subject")]
    pub model: Option<String>,
    #[command(flatten)]
    pub name: NameArguments,
    /// Devices to run on: `cpu`, or `cpu-N` for N host devices together [default: cpu, or the bundle's or packed file's]
    #[arg(long, value_name = "TARGET", help_heading = "Model")]
    pub target: Option<String>,
    /// Type of products, and of weights and cache that are not said to be of another [default: bf16, or the bundle's or packed file's]
    #[arg(long, value_enum, help_heading = "Model")]
    pub compute: Option<Compute>,
    #[command(flatten)]
    pub storage: StorageArguments,
    /// Leave products to the plugin's compiler instead of precast's kernels for this processor; slower, and a second opinion
    #[arg(long, help_heading = "Model")]
    pub no_kernels: bool,
    /// Library to load instead of the plugin that `precast plugins list` shows
    #[arg(long, value_name = "PATH", help_heading = "Model")]
    pub plugin: Option<PathBuf>,
    /// Threads of the device [default: as many as there are cores]
    #[arg(long, value_name = "N", help_heading = "Model", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    #[command(flatten)]
    pub sharing: SharingArguments,
}

/// How weights and cache are stored, where that is not the type of products.
#[derive(Args, Default)]
pub struct StorageArguments {
    /// Type of the experts' matrices; mxfp4 is what is published [default: that of --compute; of a model by name what memory has room for]
    #[arg(long, value_name = "TYPE", value_parser = precision(&["bf16", "fp8", "int8", "mxfp4"]), help_heading = "Model")]
    weights: Option<Precision>,
    /// Type of attention, embedding and head [default: that of --compute]
    #[arg(long, value_name = "TYPE", value_parser = precision(&["bf16", "fp8", "int8"]), help_heading = "Model")]
    dense: Option<Precision>,
    /// Type of keys and values in the cache [default: that of --compute]
    #[arg(long, value_name = "TYPE", value_parser = precision(&["bf16", "fp8", "int8"]), help_heading = "Model")]
    kv: Option<Precision>,
}

/// Takes these names of precisions.
fn precision(names: &'static [&'static str]) -> impl TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(names).try_map(|name| Precision::named(&name).ok_or("no precision has this name"))
}

impl StorageArguments {
    /// What is not said is as in `usual`.
    fn over(&self, usual: Strategy) -> Strategy {
        Strategy {
            experts: self.weights.unwrap_or(usual.experts),
            dense: self.dense.unwrap_or(usual.dense),
            cache: self.kv.unwrap_or(usual.cache),
            ..usual
        }
    }
}

/// Programs that were compiled before.
#[derive(Args)]
pub struct BundleArguments {
    /// Model: `gpt-oss-20b`, `gpt-oss-120b`, `OWNER/NAME` on a hub, `demo`, a folder or a packed file. Beside --model a bundle that
    /// `precast compile` made, a folder or a URL (s3, gs, http, https, file); without one, programs come from the cache or are compiled
    #[arg(value_name = "MODEL|BUNDLE")]
    subject: Option<String>,
    /// Compile the bundle's StableHLO for this machine instead of loading what was compiled for its target
    #[arg(long, requires = "subject")]
    recompile: bool,
}

/// f32 equals the reference to rounding; bf16 takes half the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compute {
    F32,
    #[value(alias = "auto")]
    Bf16,
}

impl Compute {
    pub fn element(self) -> ElementType {
        match self {
            Compute::F32 => ElementType::F32,
            Compute::Bf16 => ElementType::Bf16,
        }
    }

    /// What a session computes in.
    pub fn of(setup: &Setup) -> Compute {
        if setup.strategy.compute == ElementType::F32 { Compute::F32 } else { Compute::Bf16 }
    }

    /// As typed and as JSON shows it.
    pub fn name(self) -> &'static str {
        match self {
            Compute::F32 => "f32",
            Compute::Bf16 => "bf16",
        }
    }
}

/// Positions that the cache holds, unless a job needs more or the model allows fewer.
const CONTEXT: usize = 4096;

impl ModelArguments {
    /// How a session on a model that scores texts is made, with room for `positions` or what `--context` asks for. Its weights can be
    /// stored in more than one way. Gets the CPU's plugin first.
    pub fn setup(
        &self,
        positional: Option<&str>,
        context: Option<usize>,
        positions: impl Into<Positions>,
    ) -> Result<Setup, Failure> {
        let subject = Subject::of(positional, self.model.as_deref(), &self.name)?;
        if let Some(bundle) = subject.bundle {
            let failure = Failure::usage(format!("`{}` beside `--model`: scoring takes no bundle", bundle.display()));
            return Err(failure.hint("give the model alone"));
        }
        self.setup_of(&subject.model, context, positions.into(), Storage::Published)
    }

    fn setup_of(
        &self,
        model: &Model,
        context: Option<usize>,
        positions: Positions,
        storage: Storage,
    ) -> Result<Setup, Failure> {
        let name = match model {
            Model::Here(path) => return self.setup_here(path, context, positions),
            Model::Named(name) => name,
        };
        let plugin = plugins::cpu(self.plugin.as_deref())?;
        let target = running_target(self.target.as_deref().unwrap_or("cpu"))?;
        let said = self.storage.over(Strategy::plain(self.compute.unwrap_or(Compute::Bf16).element()));
        let is_said = self.compute.is_some() || self.storage.weights.is_some();
        let (devices, spelling) = (target.devices, self.spelled(Spelling::HOST));
        let strategy = if is_said { Wanted::Said(said) } else { Wanted::Best(said) };
        let wish = Wish { name, arguments: &self.name, target, spelling, strategy, context, positions, storage };
        let provided = provide(&wish)?;
        let weights = provided.weights;
        Ok(Setup {
            name: Some(name.model()),
            plugin: Some(plugin),
            strategy: provided.strategy,
            spelling,
            context: context_for(context, positions, weights.config()?.max_context)?,
            devices,
            threads: self.threads.map(usize::from),
            no_cache: self.sharing.no_cache,
            sharing: self.sharing.resolve()?,
            read_ahead: weights.fits_memory(),
            ..Setup::new(weights.path())
        })
    }

    fn setup_here(&self, path: &str, context: Option<usize>, positions: Positions) -> Result<Setup, Failure> {
        let weights = Weights::named(path)?;
        let (usual, target) = match &weights {
            Weights::Folder(_) => (None, "cpu"),
            Weights::Packed(packed) => (Some(packed.plan()?.strategy), packed.manifest().target.as_str()),
        };
        let plain = |compute: Compute| Strategy::plain(compute.element());
        let usual = match (usual, self.compute) {
            (Some(packed), None) => packed,
            (Some(packed), Some(compute)) => Strategy { compute: compute.element(), ..packed },
            (None, compute) => plain(compute.unwrap_or(Compute::Bf16)),
        };
        Ok(Setup {
            plugin: Some(plugins::cpu(self.plugin.as_deref())?),
            strategy: self.storage.over(usual),
            spelling: self.spelled(Spelling::HOST),
            context: context_for(context, positions, weights.config()?.max_context)?,
            devices: running_target(self.target.as_deref().unwrap_or(target))?.devices,
            threads: self.threads.map(usize::from),
            no_cache: self.sharing.no_cache,
            sharing: self.sharing.resolve()?,
            read_ahead: weights.fits_memory(),
            ..Setup::new(weights.path())
        })
    }

    /// The same, in the sizes of a bundle if there is one.
    pub fn setup_with(
        &self,
        bundle: &BundleArguments,
        context: Option<usize>,
        positions: impl Into<Positions>,
    ) -> Result<Setup, Failure> {
        let positions = positions.into();
        let subject = Subject::of(bundle.subject.as_deref(), self.model.as_deref(), &self.name)?;
        let Some(path) = subject.bundle else {
            if bundle.recompile {
                return Err(Failure::usage("`--recompile` compiles a bundle's programs, and no bundle is given"));
            }
            return self.setup_of(&subject.model, context, positions, Storage::Packed);
        };
        let opened = open_bundle(&path, self.sharing.trust()?.as_ref())?;
        let manifest = opened.manifest();
        let refused = |option: &str, asked: &str, has: &str| {
            let failure = Failure::usage(format!("`{option} {asked}` beside a bundle that was compiled for {has}"));
            failure.hint(format!("leave `{option}` out, or make a bundle for it with `precast compile`"))
        };
        if let Some(context) = context
            && context != manifest.context
        {
            return Err(refused("--context", &context.to_string(), &manifest.context.to_string()));
        }
        // libtpu without a chip asks a metadata server for minutes before it gives up, so it is not asked.
        let is_attached = manifest.plugin.name == "tpu" && host::has_tpu();
        let platform = if is_attached && !bundle.recompile { "tpu" } else { "cpu" };
        if !bundle.recompile {
            opened.check_platform(platform, true)?;
        }
        let strategy = strategy_of(manifest)?;
        if let Some(asked) = self.compute
            && asked.element() != strategy.compute
        {
            return Err(refused("--compute", asked.name(), &strategy.compute.to_string()));
        }
        let stored = [
            ("--weights", self.storage.weights, strategy.experts),
            ("--dense", self.storage.dense, strategy.dense),
            ("--kv", self.storage.kv, strategy.cache),
        ];
        for (option, asked, has) in stored {
            if let Some(asked) = asked.filter(|asked| *asked != has) {
                return Err(refused(option, asked.name(), has.name()));
            }
        }
        let is_meant = |asked: &String| match bundle.recompile {
            true => running_target(asked).is_ok_and(|target| target.devices == manifest.devices),
            false => *asked == manifest.target,
        };
        if let Some(asked) = &self.target
            && !is_meant(asked)
        {
            return Err(refused("--target", asked, &manifest.target));
        }
        let plugin = plugins::of_platform(platform, self.plugin.as_deref())?;
        let spelling = self.spelled(Spelling::of(&target(&manifest.target)?));
        let weights = match &subject.model {
            Model::Here(model) => Weights::named(model)?,
            Model::Named(name) => {
                provide(&Wish {
                    name,
                    arguments: &self.name,
                    target: target(&manifest.target)?,
                    spelling,
                    strategy: Wanted::Said(strategy),
                    context: Some(manifest.context),
                    positions: Positions::from(1),
                    storage: Storage::Packed,
                })?
                .weights
            }
        };
        opened.check_model(&weights.config()?)?;
        let of_phase = |phase: &'static str| manifest.programs.iter().filter(move |program| program.phase == phase);
        let steps = of_phase("decode").find_map(|program| program.name.strip_prefix("decode_")?.parse().ok());
        let usual = Setup::new(weights.path());
        Ok(Setup {
            bundle: Some(opened.clone()),
            recompile: bundle.recompile,
            name: if let Model::Named(name) = &subject.model { Some(name.model()) } else { None },
            platform: platform.to_owned(),
            plugin: Some(plugin),
            strategy,
            spelling,
            context: manifest.context,
            batch: manifest.batch,
            prefill: of_phase("prefill").map(|program| program.rows).collect(),
            steps: steps.unwrap_or(usual.steps),
            devices: manifest.devices,
            threads: self.threads.map(usize::from),
            no_cache: self.sharing.no_cache,
            sharing: self.sharing.resolve()?,
            read_ahead: weights.fits_memory(),
            ..usual
        })
    }

    fn spelled(&self, usual: Spelling) -> Spelling {
        Spelling { kernels: if self.no_kernels { Kernels::Plain } else { usual.kernels }, ..usual }
    }

    /// Threads of the device as reports show them.
    pub fn thread_count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(cores, usize::from)
    }
}

/// The bundle that a path or a URL names, signed by `trust` if there is such a key.
pub fn open_bundle(named: &Path, trust: Option<&Trust>) -> Result<Bundle, Failure> {
    Ok(Bundle::open_at(&Place::named(named)?, trust, &terminal::BAR)?)
}

/// How a bundle's programs want weights and cache.
fn strategy_of(manifest: &Manifest) -> Result<Strategy, Failure> {
    let named = |of: &str, name: &str| {
        let failure = || Failure::new(format!("the bundle keeps {of} in `{name}`, which this version does not know"));
        Precision::named(name).ok_or_else(failure)
    };
    let experts = named("weights", &manifest.weights)?;
    let plain = Strategy::plain(if experts == Precision::F32 { ElementType::F32 } else { ElementType::Bf16 });
    // A bundle that does not say keeps everything as it keeps the experts.
    let dense = if manifest.dense.is_empty() { plain.dense } else { named("weights", &manifest.dense)? };
    Ok(Strategy { experts, dense, cache: named("the cache", &manifest.kv)?, ..plain })
}

/// Loads programs and weights, and says how long that took.
pub fn open(setup: &Setup) -> Result<Session, Failure> {
    ready(|progress| Session::open(setup, progress))
}

/// The same with the programs for one prompt of so many tokens.
pub fn open_for_prompt(setup: &Setup, tokens: usize) -> Result<Session, Failure> {
    ready(|progress| Session::open_for_prompt(setup, tokens, progress))
}

/// The same with the program that decoding needs.
pub fn open_to_decode(setup: &Setup) -> Result<Session, Failure> {
    ready(|progress| Session::open_to_decode(setup, progress))
}

/// The same with the program that scoring needs.
pub fn open_to_score(setup: &Setup) -> Result<Session, Failure> {
    ready(|progress| Session::open_to_score(setup, progress))
}

fn ready(open: impl FnOnce(&Opening) -> Result<Session, RunError>) -> Result<Session, Failure> {
    let began = Instant::now();
    let session = open(&Opening::default())?;
    steps::end();
    log::info!("model: ready after {:.2} s", began.elapsed().as_secs_f64());
    Ok(session)
}

/// The weights that `--model` means.
pub enum Weights {
    /// A checkpoint.
    Folder(PathBuf),
    Packed(Box<Packed>),
}

impl Weights {
    pub fn named(model: &str) -> Result<Weights, Failure> {
        match Path::new(model) {
            file if file.is_file() => Ok(Weights::Packed(Box::new(Packed::open(file)?))),
            _ => folder(model).map(Weights::Folder),
        }
    }

    pub fn path(&self) -> &Path {
        match self {
            Weights::Folder(folder) => folder,
            Weights::Packed(packed) => packed.file(),
        }
    }

    /// Whether it is a file that this machine's memory has room for.
    fn fits_memory(&self) -> bool {
        let Weights::Packed(packed) = self else { return false };
        Host::read().memory_available_bytes.is_some_and(|available| packed.bytes() < available)
    }

    pub fn config(&self) -> Result<Config, Failure> {
        match self {
            Weights::Folder(folder) => Ok(weights::config(folder)?),
            Weights::Packed(packed) => Ok(packed.config().clone()),
        }
    }
}

/// The folder with a checkpoint that `--model` means.
pub fn folder(model: &str) -> Result<PathBuf, Failure> {
    // Also where a folder of that name lies about, as it does in the repository: that one is `./demo`.
    if model == "demo" {
        return demo_model::folder();
    }
    let folder = Path::new(model);
    if folder.is_dir() {
        return Ok(folder.into());
    }
    let failure = if Config::named(model).is_some() {
        Failure::usage(format!("`--model {model}` names a configuration, expected weights"))
    } else if folder.exists() {
        Failure::usage(format!("`--model {model}` is a file, expected a folder with a checkpoint"))
    } else {
        Failure::usage(format!("`--model {model}` is neither a folder nor a file nor the name of a model"))
    };
    Err(failure.hint("give the folder that holds `config.json` and the weights, or `demo` for the built-in model"))
}

/// The configuration that `--model` means; weights need not be there.
pub fn config(model: &str) -> Result<Config, Failure> {
    match Config::named(model) {
        Some(config) if !Path::new(model).exists() => Ok(config),
        _ => Weights::named(model)?.config(),
    }
}

/// The target called `name`.
pub fn target(name: &str) -> Result<Target, Failure> {
    Ok(Target::named(name)?)
}

/// The target called `name`, if this build runs on it.
fn running_target(name: &str) -> Result<Target, Failure> {
    let target = Target::named(name)?;
    if target.platform == Platform::Cpu {
        return Ok(target);
    }
    Err(Failure::usage(format!("this build of precast runs on the CPU, not on target `{name}`"))
        .hint("use `--target cpu`, or `--target cpu-4` for four host devices together"))
}

/// The positions of a job: without `needed` nothing can be done, with `wanted` all of it.
#[derive(Clone, Copy, Debug)]
pub struct Positions {
    pub needed: usize,
    pub wanted: usize,
}

impl From<usize> for Positions {
    fn from(needed: usize) -> Positions {
        Positions { needed, wanted: needed }
    }
}

/// The cache's size for a job: as asked, or the usual one, or the next power of two, so that jobs of like size
/// share programs. At most `most`, what the model was made for.
pub fn context_for(asked: Option<usize>, positions: impl Into<Positions>, most: usize) -> Result<usize, Failure> {
    let Positions { needed: positions, wanted } = positions.into();
    match asked {
        Some(context) if context > most => {
            let failure = Failure::usage(format!("`--context {context}`, but the model was made for at most {most}"));
            Err(failure.hint(format!("use `--context {most}` or less")))
        }
        Some(context) if context < positions => {
            let failure = Failure::usage(format!(
                "`--context {context}` holds fewer than the {positions} positions that this needs"
            ));
            Err(failure.hint(format!("use `--context {}`", positions.next_power_of_two())))
        }
        Some(context) => Ok(context),
        None if positions > most => {
            Err(Failure::usage(format!("this needs {positions} positions, but the model was made for at most {most}")))
        }
        None => Ok(wanted.next_power_of_two().max(CONTEXT).min(most)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_is_that_of_products_unless_it_is_said() {
        let of = |arguments: &[&str]| {
            #[derive(clap::Parser)]
            struct Line {
                #[command(flatten)]
                storage: StorageArguments,
            }
            let line = <Line as clap::Parser>::try_parse_from([&["line"], arguments].concat());
            line.ok().map(|line| {
                [ElementType::Bf16, ElementType::F32].map(|usual| line.storage.over(Strategy::plain(usual)))
            })
        };
        let plain = [ElementType::Bf16, ElementType::F32].map(Strategy::plain);
        assert_eq!(of(&[]), Some(plain));
        let (experts, dense, cache) = (Precision::Mxfp4, Precision::Int8, Precision::Fp8);
        assert_eq!(of(&["--weights", "mxfp4"]), Some(plain.map(|plain| Strategy { experts, ..plain })));
        let all = plain.map(|plain| Strategy { experts, dense, cache, ..plain });
        assert_eq!(of(&["--weights", "mxfp4", "--dense", "int8", "--kv", "fp8"]), Some(all));
        assert_eq!((of(&["--kv", "mxfp4"]), of(&["--weights", "f32"])), (None, None));
    }

    #[test]
    fn a_context_has_room_and_respects_the_model() {
        let usual = |positions, most| context_for(None, positions, most).ok();
        assert_eq!([usual(1, 131_072), usual(5000, 131_072), usual(5000, 6000)], [Some(4096), Some(8192), Some(6000)]);
        assert_eq!((usual(1, 512), usual(513, 512)), (Some(512), None));
        assert_eq!(context_for(None, Positions { needed: 100, wanted: 5000 }, 512).ok(), Some(512));
        assert_eq!(context_for(Some(513), 1, 512).ok(), None);
        assert_eq!((context_for(Some(64), 64, 512).ok(), context_for(Some(64), 65, 512).ok()), (Some(64), None));
    }
}
