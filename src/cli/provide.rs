//! A model that is given by name, made ready step by step: how it is stored is decided, its checkpoint is fetched, and packed where that
//! gains something. A step is skipped if what it would make is here and right. Nothing is fetched without a yes.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::consent::Remote;
use super::failure::Failure;
use super::fetch::{nothing, weights};
use super::model::Weights;
use super::steps::tell;
use super::subject::Name;
use super::wish::{Storage, Wish};
use super::{interrupt, question, steps, terminal};
use crate::chat::tokenizer;
use crate::config::Config;
use crate::hub::{Cache, Entry, Environment, Hub, Limits, Listing, Place};
use crate::plan::Strategy;
use crate::progress::{Event, Progress};
use crate::weights::Checkpoint;
use crate::weights::pack::made_bytes;
use crate::weights::packed::{Found, Packed, PackedError, Packer};

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
        let absent = || cache.absent(&name.repository, &name.revision).to_string();
        let commit = cache.commit(&name.repository, &name.revision).ok_or_else(absent)?;
        let snapshot = cache.snapshot(&name.repository, &commit);
        // Of two copies the published one, as `fetch` takes it.
        let mut why = absent();
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
    /// Brings the checkpoint into the hub's cache, after asking.
    fn fetch(&self, environment: &Environment, why: &str) -> Result<(Local, Strategy), Failure> {
        let name = self.name;
        if environment.offline {
            return Err(Failure::from(environment.cache.absent(&name.repository, &name.revision)).because(why));
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
        let missing_bytes = hub.missing_bytes(&listing, &files);
        let remote = Remote { listing: &listing, files, missing_bytes, config };
        let strategy = self.decide(&remote.config, remote.has_packed_experts())?;
        self.ask(environment, &remote, strategy)?;

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

    /// The weights as the plan takes them: where they lie, or in a packed file.
    fn pack(&self, local: Local, strategy: Strategy) -> Result<Weights, Failure> {
        let plan = self.plan(strategy);
        let (made, all) = made_bytes(&local.checkpoint, &plan);
        if !self.is_worth_packing(made, all) {
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
}

/// Says that a packed file is used again.
fn here(packed: Box<Packed>) -> Weights {
    tell("pack", &format!("here: {}, {}", packed.file().display(), terminal::bytes(packed.bytes())));
    Weights::Packed(packed)
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
    let fetched = hub.fetch(listing, &[entry], &Place::Folder(temporary.path().to_owned()), &())?;
    let file = fetched.folder.join(&entry.path);
    Ok(Config::read(file.parent().unwrap_or(&fetched.folder))?)
}
