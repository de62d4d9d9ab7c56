//! A model that is given by name, made ready step by step: how it is stored is decided, its checkpoint is fetched, and packed where that
//! gains something. A step is skipped if what it would make is here and right. Nothing is fetched without a yes.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::failure::{DOES_NOT_FIT, Failure};
use super::fetch::{nothing, weights};
use super::fit::largest_parts;
use super::host::Host;
use super::model::{Positions, Weights, context_for};
use super::steps::tell;
use super::subject::{Name, NameArguments};
use super::{interrupt, question, steps, terminal};
use crate::bundle::Cache as Programs;
use crate::chat::tokenizer;
use crate::config::Config;
use crate::disk;
use crate::estimate::{Candidate, Sizes, choose, reason};
use crate::hub::{Cache, Entry, Environment, Hub, HubError, Limits, Listing, Place};
use crate::plan::{PREFILL, Plan, Precision, Spelling, Strategy};
use crate::progress::{Event, Progress};
use crate::target::Target;
use crate::weights::Checkpoint;
use crate::weights::pack::made_bytes;
use crate::weights::packed::{Found, Kept, Packed, PackedError, Packer};

/// What is wanted of a model that has a name.
pub struct Wish<'a> {
    pub name: &'a Name,
    pub arguments: &'a NameArguments,
    pub target: Target,
    pub spelling: Spelling,
    pub strategy: Wanted,
    pub context: Option<usize>,
    pub positions: Positions,
    pub storage: Storage,
}

/// What the weights may be read from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Only what was published, since more than one strategy is to be made of it.
    Published,
    /// A packed file too, which holds one.
    Packed,
}

/// How a model is to be stored.
#[derive(Clone, Copy)]
pub enum Wanted {
    Said(Strategy),
    /// The experts as suits this machine, all else as here.
    Best(Strategy),
}

/// Weights that are here, and how they are stored on the device.
pub struct Provided {
    pub weights: Weights,
    pub strategy: Strategy,
}

/// A checkpoint that is here whole.
struct Local {
    commit: String,
    folder: PathBuf,
    checkpoint: Checkpoint,
}

/// What is to be brought here.
struct Remote<'a> {
    listing: &'a Listing,
    files: Vec<&'a Entry>,
    missing_bytes: u64,
}

/// Experts in the order of the bytes that a step reads of them, which is what a step on a host takes its time for.
const EXPERTS: [Precision; 4] = [Precision::Mxfp4, Precision::Int8, Precision::Fp8, Precision::Bf16];

/// A packed file is another copy of the weights: it is worth that if at least this part of them had to be made at every start.
const WORTH_PACKING: u64 = 8;

/// Brings the model here. Uses no network if everything is here, and then asks no hub whether there is something newer.
pub fn provide(wish: &Wish<'_>) -> Result<Provided, Failure> {
    steps::begin();
    let mut environment = Environment::read()?;
    environment.offline |= wish.arguments.offline;
    let (local, strategy) = match Local::find(&environment.cache, wish.name) {
        Ok(local) => {
            let strategy = wish.decide(local.checkpoint.config(), local.checkpoint.has_packed_experts())?;
            let bytes = terminal::bytes(local.checkpoint.total_bytes());
            tell("fetch", &format!("here: {}, {bytes}", wish.source(&local.commit)));
            (local, strategy)
        }
        Err(why) => {
            if wish.storage == Storage::Packed
                && let Some(provided) = wish.packed_alone()?
            {
                return Ok(provided);
            }
            wish.fetch(&environment, &why)?
        }
    };
    let weights = match wish.storage {
        Storage::Packed => wish.pack(local, strategy)?,
        Storage::Published => Weights::Folder(local.folder),
    };
    Ok(Provided { weights, strategy })
}

impl Local {
    /// What the hub's cache holds of a repository, if that is a checkpoint; else why not.
    fn find(cache: &Cache, name: &Name) -> Result<Local, String> {
        let place = cache.root().display();
        let Some(commit) = cache.commit(&name.repository, &name.revision) else {
            return Err(format!("`{place}` does not hold it"));
        };
        let snapshot = cache.snapshot(&name.repository, &commit);
        // Of two copies the published one, as `fetch` takes it.
        let mut why = format!("`{place}` holds nothing of it");
        for folder in [snapshot.join("original"), snapshot].into_iter().filter(|folder| folder.is_dir()) {
            match Checkpoint::open(&folder) {
                Ok(checkpoint) => return Ok(Local { commit, folder, checkpoint }),
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }
}

impl Wish<'_> {
    /// As the packed file's note has it.
    fn source(&self, commit: &str) -> String {
        format!("{} at {}", self.name.repository, &commit[..12.min(commit.len())])
    }

    /// How the model is stored; `has_packed_experts` says whether its experts are published in MXFP4.
    fn decide(&self, config: &Config, has_packed_experts: bool) -> Result<Strategy, Failure> {
        let (strategy, why) = self.decision(config, has_packed_experts)?;
        self.tell_decision(strategy, &why);
        Ok(strategy)
    }

    fn decision(&self, config: &Config, has_packed_experts: bool) -> Result<(Strategy, String), Failure> {
        match self.strategy {
            Wanted::Said(strategy) => Ok((strategy, "as asked".to_owned())),
            Wanted::Best(rest) => self.best(config, rest, has_packed_experts),
        }
    }

    fn tell_decision(&self, strategy: Strategy, why: &str) {
        tell("plan", &format!("{} on {}: {strategy}; {why}", self.name.model(), self.target.name));
    }

    /// What fits this machine's memory, as `precast plan` chooses for a device of which it knows as much.
    fn best(&self, config: &Config, rest: Strategy, has_packed_experts: bool) -> Result<(Strategy, String), Failure> {
        let memory = Host::read().memory_bytes;
        let hbm_bytes = memory.map(|bytes| bytes / self.target.devices.max(1) as u64);
        let target = Target { hbm_bytes, ..self.target.clone() };
        let sizes = self.sizes(config)?;
        // Experts that were unpacked are rarely to be had back.
        let experts = EXPERTS.into_iter().filter(|experts| has_packed_experts || *experts != Precision::Mxfp4);
        let candidates: Vec<Candidate> =
            experts.map(|experts| Candidate::new(config, &target, Strategy { experts, ..rest }, &sizes)).collect();
        if let Some(chosen) = choose(&candidates) {
            let machine =
                memory.map_or_else(String::new, |bytes| format!("; this machine has {}", terminal::bytes(bytes)));
            return Ok((candidates[chosen].plan.strategy, reason(&candidates, chosen) + &machine));
        }
        let smallest = &candidates[0];
        let (model, experts) = (self.name.model(), smallest.plan.strategy.experts);
        let needed = smallest.total_bytes() * self.target.devices as u64;
        let failure = Failure::with_code(
            format!(
                "`{model}` needs {} of memory with {experts} experts, this machine has {}",
                terminal::bytes(needed),
                terminal::bytes(memory.unwrap_or(0))
            ),
            DOES_NOT_FIT,
        );
        Err(failure.because(largest_parts(&smallest.memory)).hint(format!(
            "`--weights {experts}` fetches and runs it all the same, at the pace of the disk; `precast plan --model {}` lists devices that hold it",
            config.name
        )))
    }

    fn sizes(&self, config: &Config) -> Result<Sizes, Failure> {
        let context = context_for(self.context, self.positions, config.max_context)?;
        Ok(Sizes { context, batch: 1, prefill: PREFILL.to_vec() })
    }

    /// A plan that takes the weights, of the smallest sizes.
    fn plan(&self, strategy: Strategy) -> Plan {
        Plan { spelling: self.spelling, devices: self.target.devices, ..Plan::host(strategy, 1) }
    }

    /// Brings the checkpoint into the hub's cache, after asking.
    fn fetch(&self, environment: &Environment, why: &str) -> Result<(Local, Strategy), Failure> {
        let name = self.name;
        if environment.offline {
            let (repository, revision) = (name.repository.to_string(), name.revision.clone());
            let cache = environment.cache.root().to_owned();
            return Err(Failure::from(HubError::NotCached { repository, revision, cache }).because(why));
        }
        if !(self.arguments.yes || question::can_be_asked()) {
            let failure = Failure::usage(format!(
                "`{}` is not here, and nobody can be asked whether to fetch it: standard input is no terminal",
                name.repository
            ));
            let hint = format!(
                "`--yes` fetches it from {}; a folder or file of that name is not here either",
                environment.endpoint
            );
            return Err(failure.because(why).hint(hint));
        }
        let hub = Hub::new(environment, Limits::default())?;
        let listing = hub.listing(&name.repository, &name.revision, &terminal::BAR)?;
        let files = weights(&listing)?;
        let config = config_of(&hub, &listing, &files)?;
        let published = Candidate::new(&config, &self.target, Strategy::new(Precision::Mxfp4), &self.sizes(&config)?);
        let unpacked = Candidate::new(&config, &self.target, Strategy::new(Precision::Bf16), &self.sizes(&config)?);
        let is_weights = |entry: &&&Entry| entry.path.ends_with(".safetensors");
        let bytes: u64 = files.iter().filter(is_weights).map(|entry| entry.bytes).sum();
        let devices = self.target.devices as u64;
        let between = (published.memory.weights() + unpacked.memory.weights()) * devices / 2;
        let strategy = self.decide(&config, bytes < between)?;
        let remote = Remote { missing_bytes: hub.missing_bytes(&listing, &files), files, listing: &listing };
        self.ask(environment, &remote, &config, strategy)?;

        interrupt::keeps("; the same command goes on from what is fetched");
        let began = Instant::now();
        let fetched = hub.fetch(&listing, &remote.files, &Place::Cache, &terminal::BAR)?;
        let seconds = began.elapsed().as_secs_f64();
        interrupt::keeps("");
        let mut how = format!(
            "{}: {} in {seconds:.1} s, {}/s, checked",
            self.source(&listing.commit),
            terminal::bytes(fetched.received_bytes),
            terminal::bytes((fetched.received_bytes as f64 / seconds) as u64)
        );
        if fetched.resumed_bytes > 0 {
            how += &format!("; {} were here", terminal::bytes(fetched.resumed_bytes));
        }
        tell("fetch", &how);
        match Local::find(&environment.cache, name) {
            Ok(local) => Ok((local, strategy)),
            // The error itself, with its way out.
            Err(_) => {
                let checkpoint = Checkpoint::open(&fetched.folder)?;
                Ok((Local { commit: listing.commit.clone(), folder: fetched.folder, checkpoint }, strategy))
            }
        }
    }

    /// Says what will be done, whether there is room for it, and asks.
    fn ask(
        &self,
        environment: &Environment,
        remote: &Remote<'_>,
        config: &Config,
        strategy: Strategy,
    ) -> Result<(), Failure> {
        let (root, listing) = (environment.cache.root(), remote.listing);
        let all: u64 = remote.files.iter().map(|entry| entry.bytes).sum();
        let kept = self.kept(strategy)?;
        let packed_bytes = if self.storage == Storage::Packed && !is_mapped(&self.plan(strategy)) {
            Candidate::new(config, &self.target, strategy, &self.sizes(config)?).memory.weights()
                * self.target.devices as u64
        } else {
            0
        };
        let folder = kept.file().parent().unwrap_or(Path::new("."));
        let needs = [(root, remote.missing_bytes), (folder, packed_bytes)];
        disk::check_all(&needs).map_err(|error| {
            let needed = format!(
                "{} for the checkpoint, {} for the packed file",
                terminal::bytes(needs[0].1),
                terminal::bytes(needs[1].1)
            );
            Failure::new(error.to_string())
                .because(needed)
                .hint("free some, or move the hub's cache with `HF_HOME` and that of precast with `PRECAST_CACHE_DIR`")
        })?;
        if self.arguments.yes {
            return Ok(());
        }
        let size = match all - remote.missing_bytes.min(all) {
            0 => terminal::bytes(all),
            here => format!(
                "{} of {}, {} are here,",
                terminal::bytes(remote.missing_bytes),
                terminal::bytes(all),
                terminal::bytes(here)
            ),
        };
        let mut text = format!(
            "{} is not here. This will be done:\n  fetch    {size} from {}/{} at {}\n           to {}, {}\n",
            self.name.model(),
            environment.endpoint,
            listing.repository,
            &listing.commit[..12],
            root.display(),
            free(root)
        );
        if packed_bytes > 0 {
            text += &format!(
                "  pack     about {} for {} with {strategy}\n           to {}, {}\n",
                terminal::bytes(packed_bytes),
                self.target.name,
                kept.file().display(),
                free(folder)
            );
        }
        text += "  compile  its programs, into the local cache\n";
        terminal::complain(&text);
        match question::agreed("Go on?")? {
            true => Ok(()),
            false => Err(Failure::new(format!("`{}` is not fetched, as you wish", listing.repository))),
        }
    }

    /// The weights as the plan takes them: where they lie, or in a packed file.
    fn pack(&self, local: Local, strategy: Strategy) -> Result<Weights, Failure> {
        let plan = self.plan(strategy);
        let (made, all) = made_bytes(&local.checkpoint, &plan);
        if plan.devices == 1 && made * WORTH_PACKING < all {
            tell("pack", "not needed: weights are used where they lie");
            return Ok(Weights::Folder(local.folder));
        }
        let (kept, source) = (self.kept(strategy)?, format!("{} at {}", self.name.repository, local.commit));
        let file = kept.file();
        match kept.find(Some(&source), &plan, &terminal::BAR) {
            Found::Sound(packed) => return Ok(here(packed)),
            Found::Nothing => {}
            Found::Unfit(why) => {
                let sentence = format!("`{}` is packed again: {why}", file.display());
                terminal::BAR.report(Event::Note(&sentence));
            }
        }
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("create", folder, &error))?;
        let packer = Packer {
            checkpoint: &local.checkpoint,
            plan: &plan,
            target: &self.target.name,
            tokenizer: tokenizer::IDENTITY,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        };
        interrupt::keeps("; the same command goes on from what is packed");
        let began = Instant::now();
        let written = packer.write(file, &terminal::BAR).map_err(way_out)?;
        kept.remember(&source)?;
        interrupt::keeps("");
        let seconds = began.elapsed().as_secs_f64();
        let mut how = format!("{}: {} in {seconds:.1} s", file.display(), terminal::bytes(written.bytes));
        if written.resumed_bytes > 0 {
            how += &format!(", {} of it made before", terminal::bytes(written.resumed_bytes));
        }
        tell("pack", &how);
        Ok(Weights::Packed(Box::new(Packed::open(file)?)))
    }

    /// The packed file, where the checkpoint that it was made of is gone.
    fn packed_alone(&self) -> Result<Option<Provided>, Failure> {
        let folder = self.folder()?;
        let files = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut opened = files.filter(|file| file.extension().is_some_and(|ending| ending == "safetensors"));
        let Some(config) = opened.find_map(|file| Packed::open(&file).ok()).map(|packed| packed.config().clone())
        else {
            return Ok(None);
        };
        let (strategy, why) = self.decision(&config, true)?;
        let kept = self.kept(strategy)?;
        let Found::Sound(packed) = kept.find(None, &self.plan(strategy), &terminal::BAR) else { return Ok(None) };
        self.tell_decision(strategy, &why);
        tell("fetch", "not needed: the packed weights are here");
        Ok(Some(Provided { weights: here(packed), strategy }))
    }

    fn kept(&self, strategy: Strategy) -> Result<Kept, Failure> {
        let name = format!("{}-{}-{}.safetensors", self.target.name, strategy.experts, strategy.dense);
        Ok(Kept::new(self.folder()?.join(name.replace([':', '/'], "-"))))
    }

    /// Where packed files of this revision are.
    fn folder(&self) -> Result<PathBuf, Failure> {
        let root = Programs::default_root().ok_or_else(|| {
            Failure::new(
                "packed weights have no place: neither `PRECAST_CACHE_DIR` nor `HOME` says where their folder is",
            )
        })?;
        let part = |text: &str| text.replace('/', "--");
        Ok(root.join("packed").join(part(&self.name.repository.to_string())).join(part(&self.name.revision)))
    }
}

/// Whether a published checkpoint is used as it is.
fn is_mapped(plan: &Plan) -> bool {
    let Strategy { dense, .. } = plan.strategy;
    plan.unpacks_published() && dense == Precision::Bf16 && plan.devices == 1
}

/// Says that a packed file is used again.
fn here(packed: Box<Packed>) -> Weights {
    tell("pack", &format!("here: {}, {}", packed.file().display(), terminal::bytes(packed.bytes())));
    Weights::Packed(packed)
}

fn free(folder: &Path) -> String {
    let available = disk::available(&disk::existing(folder));
    available.map_or_else(|| "free space unknown".to_owned(), |bytes| format!("{} free", terminal::bytes(bytes)))
}

/// Nobody said where a packed file is to be.
fn way_out(error: PackedError) -> Failure {
    let has_no_room = matches!(error, PackedError::Space(_));
    let failure = Failure::from(error);
    match has_no_room {
        true => failure.hint("free some, move precast's cache with `PRECAST_CACHE_DIR`, or choose `--weights mxfp4`"),
        false => failure,
    }
}

/// The configuration of a repository, which is read and not kept.
fn config_of(hub: &Hub, listing: &Listing, files: &[&Entry]) -> Result<Config, Failure> {
    let is_config = |entry: &&&Entry| entry.path.rsplit('/').next() == Some("config.json");
    let entry = files.iter().find(is_config).ok_or_else(|| nothing(listing, "it has no `config.json`".to_owned()))?;
    let temporary =
        tempfile::tempdir().map_err(|error| Failure::new("cannot make a folder for what is read").because(error))?;
    let fetched = hub.fetch(listing, &[entry], &Place::Folder(temporary.path().to_owned()), &terminal::BAR)?;
    let file = fetched.folder.join(&entry.path);
    Ok(Config::read(file.parent().unwrap_or(&fetched.folder))?)
}
