//! The yes to a large download: what will be done and where, whether there is room for it, and the question. It fetches nothing.

use std::path::Path;

use super::failure::Failure;
use super::wish::{Storage, Wish};
use super::{question, terminal};
use crate::config::Config;
use crate::disk;
use crate::estimate::Memory;
use crate::graph::params;
use crate::hub::{Entry, Environment, Listing};
use crate::plan::{Plan, Precision, Strategy};

/// What is to be brought here.
pub struct Remote<'a> {
    pub listing: &'a Listing,
    pub files: Vec<&'a Entry>,
    pub missing_bytes: u64,
    pub config: Config,
}

impl Remote<'_> {
    /// Whether experts seem to be in MXFP4, which sizes tell: in bf16 they are four times as large.
    pub fn has_packed_experts(&self) -> bool {
        let weights = |experts| {
            let weights = params::weights(&self.config, &Plan::host(Strategy::new(experts), 1));
            let stored = weights.iter().filter(|weight| !weight.source.is_computed());
            stored.map(|weight| weight.ty.host_bytes() as u64).sum::<u64>()
        };
        let is_weights = |entry: &&&Entry| entry.path.ends_with(".safetensors");
        let bytes: u64 = self.files.iter().filter(is_weights).map(|entry| entry.bytes).sum();
        bytes < (weights(Precision::Mxfp4) + weights(Precision::Bf16)) / 2
    }
}

impl Wish<'_> {
    /// Says what will be done, whether there is room for it, and asks.
    pub fn ask(&self, environment: &Environment, remote: &Remote<'_>, strategy: Strategy) -> Result<(), Failure> {
        let (root, listing) = (environment.cache.root(), remote.listing);
        let all: u64 = remote.files.iter().map(|entry| entry.bytes).sum();
        let kept = self.kept(strategy)?;
        let packed_bytes = self.packed_bytes(remote, strategy);
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

    /// Bytes of a packed file, roughly; 0 if none will be made.
    fn packed_bytes(&self, remote: &Remote<'_>, strategy: Strategy) -> u64 {
        let plan = self.plan(strategy);
        let memory = Memory::of(&remote.config, &self.target, &plan, &[]);
        let experts = if remote.has_packed_experts() && plan.unpacks_published() { 0 } else { memory.experts };
        let dense =
            if strategy.dense == Precision::Bf16 { 0 } else { memory.attention + memory.embedding + memory.head };
        match self.storage == Storage::Packed && self.is_worth_packing(experts + dense, memory.weights()) {
            true => memory.weights() * self.target.devices as u64,
            false => 0,
        }
    }
}

fn free(folder: &Path) -> String {
    let available = disk::available(&disk::existing(folder));
    available.map_or_else(|| "free space unknown".to_owned(), |bytes| format!("{} free", terminal::bytes(bytes)))
}
