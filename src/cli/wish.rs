//! What is wanted of a model that is given by name: how it is stored, which this machine's memory decides where nobody says it, and where
//! its packed weights have their place. It fetches nothing.

use std::path::PathBuf;

use super::failure::{DOES_NOT_FIT, Failure};
use super::fit::largest_parts;
use super::host::Host;
use super::model::{Positions, context_for};
use super::steps::tell;
use super::subject::{Name, NameArguments};
use super::terminal;
use crate::bundle::Cache as Programs;
use crate::config::Config;
use crate::estimate::{Candidate, Sizes, choose, reason};
use crate::plan::{PREFILL, Plan, Precision, Spelling, Strategy};
use crate::target::Target;
use crate::weights::packed::Kept;

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

/// Experts in the order of the bytes that a step reads of them, which is what a step on a host takes its time for.
const EXPERTS: [Precision; 4] = [Precision::Mxfp4, Precision::Int8, Precision::Fp8, Precision::Bf16];

/// A packed file is another copy of the weights: it is worth that if at least this part of them had to be made at every start.
const WORTH_PACKING: u64 = 8;

impl Wish<'_> {
    /// What a commit is called in lines and messages.
    pub fn source(&self, commit: &str) -> String {
        format!("{} at {}", self.name.repository, &commit[..12.min(commit.len())])
    }

    /// How the model is stored; `has_packed_experts` says whether its experts are published in MXFP4.
    pub fn decide(&self, config: &Config, has_packed_experts: bool) -> Result<Strategy, Failure> {
        let (strategy, why) = self.decision(config, has_packed_experts)?;
        self.tell_decision(strategy, &why);
        Ok(strategy)
    }

    /// The same without telling, and why.
    pub fn decision(&self, config: &Config, has_packed_experts: bool) -> Result<(Strategy, String), Failure> {
        match self.strategy {
            Wanted::Said(strategy) => Ok((strategy, "as asked".to_owned())),
            Wanted::Best(rest) => self.best(config, rest, has_packed_experts),
        }
    }

    pub fn tell_decision(&self, strategy: Strategy, why: &str) {
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

    /// Whether so many bytes of the weights have to be made, or every device's part cut out.
    pub fn is_worth_packing(&self, made: u64, all: u64) -> bool {
        self.target.devices > 1 || made * WORTH_PACKING >= all
    }

    fn sizes(&self, config: &Config) -> Result<Sizes, Failure> {
        let context = context_for(self.context, self.positions, config.max_context)?;
        Ok(Sizes { context, batch: 1, prefill: PREFILL.to_vec() })
    }

    /// A plan that takes the weights, of the smallest sizes.
    pub fn plan(&self, strategy: Strategy) -> Plan {
        Plan { spelling: self.spelling, devices: self.target.devices, ..Plan::host(strategy, 1) }
    }

    /// Where the packed file for a strategy is, or would be.
    pub fn kept(&self, strategy: Strategy) -> Result<Kept, Failure> {
        let name = format!("{}-{}-{}.safetensors", self.target.name, strategy.experts, strategy.dense);
        Ok(Kept::new(self.folder()?.join(name.replace([':', '/'], "-"))))
    }

    /// Where packed files of this revision are.
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        let root = Programs::default_root().ok_or_else(|| {
            Failure::new(
                "packed weights have no place: neither `PRECAST_CACHE_DIR` nor `HOME` says where their folder is",
            )
        })?;
        let part = |text: &str| text.replace('/', "--").trim_start_matches('.').to_owned();
        Ok(root.join("packed").join(part(&self.name.repository.to_string())).join(part(&self.name.revision)))
    }
}
