//! A session: plugin, programs, weights and cache, loaded and ready.

use std::path::PathBuf;

use crate::bundle::{self, Bundle, Cache, Sharing};
use crate::config::Config;
use crate::graph::Phase;
use crate::graph::cache;
use crate::graph::params::weights;
use crate::pjrt::plugins;
use crate::pjrt::{Argument, Buffer, Client, ClientOptions, LoadedExecutable, Placement, Plugin};
use crate::plan::{Plan, SCORE_TOKENS, Spelling, Strategy};
use crate::progress::{Progress, Turns};
use crate::runner::RunError;
use crate::runner::bind::bind;
use crate::runner::cache::KvCache;
use crate::weights::Store;
use hlo::{ElementType, Signature, TensorType};
use rayon::prelude::*;

/// The platform whose devices are the host's own.
const CPU: &str = "cpu";

/// What a session is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// A folder with `config.json` and weights, or a file that `precast pack` wrote.
    pub model: PathBuf,
    /// What a model that is none of the published ones is called; `None` takes the name of its folder or file.
    pub name: Option<String>,
    /// A bundle made by `precast compile`; without one the programs come from the cache or are compiled.
    pub bundle: Option<Bundle>,
    /// Compile the text of the bundle's programs for this machine instead of loading its executables.
    pub recompile: bool,
    /// The platform whose plugin runs the programs, such as `cpu`.
    pub platform: String,
    /// A plugin to use instead of the one that is found.
    pub plugin: Option<PathBuf>,
    /// How weights and cache are stored, and what products compute in.
    pub strategy: Strategy,
    /// How the programs are written: as the compiler of this machine likes it, or as that of the device that a bundle is for.
    pub spelling: Spelling,
    /// Tokens that a sequence may have.
    pub context: usize,
    /// Sequences that decode at once.
    pub batch: usize,
    /// Prefill buckets in tokens.
    pub prefill: Vec<usize>,
    /// The most tokens that one launch decodes.
    pub steps: usize,
    /// Read all of a packed file ahead of its use; for those that memory has room for.
    pub read_ahead: bool,
    /// Devices that run every program together: as many of the host's, or all that another platform has.
    pub devices: usize,
    /// Threads of the devices; `None` leaves it to the plugin.
    pub threads: Option<usize>,
    /// Neither read nor write the cache of executables.
    pub no_cache: bool,
    /// What the cache shares with others.
    pub sharing: Sharing,
}

impl Setup {
    /// A session on `model` as most want it: bf16, a context of 4096, one sequence.
    pub fn new(model: impl Into<PathBuf>) -> Setup {
        Setup {
            model: model.into(),
            name: None,
            bundle: None,
            recompile: false,
            platform: CPU.to_owned(),
            plugin: None,
            strategy: Strategy::plain(ElementType::Bf16),
            spelling: Spelling::HOST,
            context: 4096,
            batch: 1,
            prefill: vec![16, 128, 512],
            steps: Spelling::HOST.decode_steps,
            read_ahead: false,
            devices: 1,
            threads: None,
            no_cache: false,
            sharing: Sharing::default(),
        }
    }

    /// What the graphs are specialised for.
    pub fn plan(&self) -> Plan {
        let plan = Plan::host(self.strategy, self.context).sized(self.batch, &self.prefill);
        Plan { spelling: self.spelling, devices: self.devices, ..plan }
    }

    /// The smallest prefill bucket that takes `tokens`, else the largest.
    pub(super) fn bucket(&self, tokens: usize) -> usize {
        let buckets = self.prefill.iter().copied();
        let largest = buckets.clone().max().unwrap_or(tokens);
        buckets.filter(|bucket| *bucket >= tokens).min().unwrap_or(largest)
    }

    /// The programs that one prompt of so many tokens needs, in the order in which they run.
    fn phases_for(&self, mut tokens: usize) -> Vec<Phase> {
        let mut buckets = Vec::new();
        while tokens > 0 {
            let bucket = self.bucket(tokens).max(1);
            buckets.push(bucket);
            tokens = tokens.saturating_sub(bucket);
        }
        Phase::of_generating(&buckets, self.steps)
    }

    /// The programs that generating needs: prefill buckets in ascending order, then decode.
    pub fn phases(&self) -> Vec<Phase> {
        Phase::of_generating(&self.prefill, self.steps)
    }
}

/// Compiled programs with weights bound and a cache of keys and values, ready to generate.
pub struct Session {
    pub(super) config: Config,
    pub(super) setup: Setup,
    pub(super) plan: Plan,
    pub(super) client: Client,
    /// At least one. Weights and cache lie where the first one wants them, as do all others of the same plan.
    programs: Vec<(Phase, LoadedExecutable)>,
    pub(super) weights: Vec<Buffer>,
    pub(super) cache: KvCache,
}

impl Session {
    /// Opens a model with the programs that generating needs, compiling what no cache holds, and binds the weights.
    pub fn open(setup: &Setup, progress: &dyn Progress) -> Result<Session, RunError> {
        Session::open_for(setup, &setup.phases(), progress)
    }

    /// The same with only the programs that one prompt of so many tokens needs.
    pub fn open_for_prompt(setup: &Setup, tokens: usize, progress: &dyn Progress) -> Result<Session, RunError> {
        Session::open_for(setup, &setup.phases_for(tokens), progress)
    }

    /// The same with the program that decoding needs.
    pub fn open_to_decode(setup: &Setup, progress: &dyn Progress) -> Result<Session, RunError> {
        Session::open_for(setup, &[Phase::Decode { steps: setup.steps }], progress)
    }

    /// The same with the program that scoring needs. Whatever else is asked of a session, it loads when it is asked.
    pub fn open_to_score(setup: &Setup, progress: &dyn Progress) -> Result<Session, RunError> {
        Session::open_for(setup, &[Phase::Score { tokens: SCORE_TOKENS }], progress)
    }

    fn open_for(setup: &Setup, phases: &[Phase], progress: &dyn Progress) -> Result<Session, RunError> {
        let store = Store::open(&setup.model)?;
        let mut config = store.config().clone();
        if let (Some(name), None) = (&setup.name, Config::named(&config.name)) {
            config.name.clone_from(name);
        }
        if setup.context > config.max_context {
            return Err(RunError::ContextTooLong { context: setup.context, most: config.max_context });
        }
        if setup.prefill.is_empty() || setup.prefill.contains(&0) {
            return Err(RunError::NoPrefill);
        }
        let found = plugins::find(&setup.platform, setup.plugin.as_deref())?;
        let of_host =
            ClientOptions { devices: Some(setup.devices), threads: setup.threads, ..ClientOptions::default() };
        let options = if setup.platform == CPU { of_host } else { ClientOptions::default() };
        let client = Plugin::load(&found.path)?.client(&options)?;
        if let Some(bundle) = &setup.bundle {
            bundle.check_model(&config)?;
            if !setup.recompile {
                bundle.check_client(&client)?;
            }
        }
        let plan = setup.plan();
        let supply = store.supply(&plan)?;
        if let (Store::Packed(packed), true) = (&store, setup.read_ahead) {
            packed.read_ahead();
        }

        let cache = open_cache(&config, setup, progress);
        if let Some(bundle) = &setup.bundle {
            bundle.bring(phases.iter().map(|phase| phase.name()), setup.recompile)?;
        }
        // What a plugin does to load or compile a program keeps one core busy most of the time.
        let turns = Turns::new(progress, phases.len());
        let load = |(number, &phase): (usize, &Phase)| {
            let turn = turns.of(number);
            Ok((phase, load(&client, &config, setup, cache.as_ref(), phase, &turn)?))
        };
        let programs: Vec<_> = phases.par_iter().enumerate().map(load).collect::<Result<_, RunError>>()?;
        let (_, first) = programs.first().ok_or(RunError::NoPrefill)?;
        let weights = bind(first, &supply, progress)?;
        let cache = KvCache::new(first, weights.len(), &config, &plan)?;
        let setup = setup.clone();
        Ok(Session { config, setup, plan, client, programs, weights, cache })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Loads the program of `phase` unless it is there.
    pub(super) fn load(&mut self, phase: Phase, progress: &dyn Progress) -> Result<(), RunError> {
        if self.program(phase).is_none() {
            let cache = open_cache(&self.config, &self.setup, progress);
            let program = load(&self.client, &self.config, &self.setup, cache.as_ref(), phase, progress)?;
            self.programs.push((phase, program));
        }
        Ok(())
    }

    fn program(&self, phase: Phase) -> Option<&LoadedExecutable> {
        self.programs.iter().find(|(own, _)| *own == phase).map(|(_, program)| program)
    }

    /// Runs the program of `phase` over weights, cache and `inputs`; the cache goes back to its place, and the other results come out.
    pub(super) fn launch(&mut self, phase: Phase, inputs: Vec<Buffer>) -> Result<Vec<Buffer>, RunError> {
        self.restore_cache()?;
        self.load(phase, &())?;
        let caches = self.cache.take();
        let executable = self.program(phase).expect("it was just loaded");
        let count = caches.len();
        let arguments = self.weights.iter().map(Argument::Keep);
        let arguments = arguments.chain(caches.into_iter().map(Argument::Donate));
        let arguments = arguments.chain(inputs.iter().map(Argument::Keep)).collect();
        let mut results = executable.execute(arguments)?;
        if results.len() < count {
            return Err(RunError::Results { program: phase.name(), found: results.len(), expected: count });
        }
        let rest = results.split_off(count);
        self.cache.put_back(results);
        Ok(rest)
    }

    /// Starts again with an empty cache if a failed program lost it.
    pub(super) fn restore_cache(&mut self) -> Result<(), RunError> {
        if self.cache.is_lost() {
            self.cache = KvCache::new(&self.programs[0].1, self.weights.len(), &self.config, &self.plan)?;
        }
        Ok(())
    }

    /// A small host array, whole on every device.
    pub(super) fn input<T: bytemuck::NoUninit>(
        &self,
        element: ElementType,
        dims: &[usize],
        values: &[T],
    ) -> Result<Buffer, RunError> {
        let ty = TensorType::new(element, dims);
        Ok(self.client.upload(Placement::whole(self.programs[0].1.devices()), &ty, bytemuck::cast_slice(values))?)
    }
}

/// One program, from the bundle or the cache or the compiler. Refuses one that would leave devices of the client idle.
fn load(
    client: &Client,
    config: &Config,
    setup: &Setup,
    cache: Option<&Cache>,
    phase: Phase,
    progress: &dyn Progress,
) -> Result<LoadedExecutable, RunError> {
    let check = |name: &str, signature: &Signature| {
        let (found, expected) = (signature.devices(), client.devices().len());
        let error = || RunError::Devices { program: name.to_owned(), found, expected };
        if found == expected { Ok(()) } else { Err(error()) }
    };
    if let Some(bundle) = &setup.bundle {
        let program = bundle.program(&phase.name())?;
        check(&program.name, &program.signature)?;
        check_parameters(&program.name, &program.signature, config, &setup.plan())?;
        return Ok(match setup.recompile {
            true => bundle.recompile(client, cache, &program.name, progress)?.0,
            false => bundle.load(client, &program.name)?,
        });
    }
    let program = bundle::program(config, &setup.plan(), phase)?;
    check(&program.name, &program.signature)?;
    let options = program.options(&client.platform_name());
    let (executable, _) = bundle::load_or_compile(client, cache, &program, &options, progress)?;
    Ok(executable)
}

/// Refuses a program of a bundle that takes other weights or another cache than this version makes.
fn check_parameters(program: &str, signature: &Signature, config: &Config, plan: &Plan) -> Result<(), RunError> {
    let weights = weights(config, plan).into_iter().map(|weight| (weight.name, weight.ty));
    let made = weights.chain(cache(config, plan).into_iter().map(|tensor| (tensor.name, tensor.ty)));
    for (place, (name, ty)) in made.enumerate() {
        let found = signature.parameters.get(place);
        if found.is_none_or(|parameter| (&parameter.name, &parameter.ty) != (&name, &ty)) {
            let found = found.map_or("none".to_owned(), |parameter| format!("`{}` {}", parameter.name, parameter.ty));
            let (program, made) = (program.to_owned(), format!("`{name}` {ty}"));
            return Err(RunError::Parameter { program, place, found, made });
        }
    }
    Ok(())
}

/// The local cache, unless the setup is without one. How many threads the device has is part of what a program is compiled for.
fn open_cache(config: &Config, setup: &Setup, progress: &dyn Progress) -> Option<Cache> {
    if setup.no_cache {
        return None;
    }
    let cache = Cache::open_default(progress)?.for_model(&config.name).with_sharing(setup.sharing.clone());
    Some(match setup.threads {
        Some(threads) => cache.with_entry("threads", threads),
        None => cache,
    })
}
