//! A way to hold a model on a target, with what it takes: estimated, or as the compiler said.

use crate::config::Config;
use crate::estimate::memory::Memory;
use crate::estimate::moved::{moved_bytes, roofline_cycles};
use crate::graph::Phase;
use crate::plan::{Plan, Precision, STEPS, Strategy};
use crate::target::{Platform, Target};

/// How experts can be stored, the plainest first.
pub const WEIGHTS: [Precision; 4] = [Precision::Bf16, Precision::Fp8, Precision::Int8, Precision::Mxfp4];

/// What is asked of every candidate alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Tokens that a sequence may have.
    pub context: usize,
    /// Sequences that decode together.
    pub batch: usize,
    /// Prefill buckets in tokens.
    pub prefill: Vec<usize>,
}

/// One way to hold a model on a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub target: Target,
    pub plan: Plan,
    /// The programs that it is for.
    pub phases: Vec<Phase>,
    /// Estimated.
    pub memory: Memory,
    /// Bytes that one decode step moves on each device.
    pub moved_bytes: u64,
    /// What the compiler said, once it was asked.
    pub compiled: Option<Compiled>,
}

/// The compiler's figures of a candidate's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiled {
    /// Bytes on one device, each of the program that has most of it, and predicted cycles of one step of decode.
    Fits { argument_bytes: u64, temp_bytes: u64, total_bytes: u64, decode_cycles: Option<u64> },
    /// What the compiler needs, where it says so.
    DoesNotFit { needed_bytes: Option<u64> },
}

impl Candidate {
    pub fn new(config: &Config, target: &Target, strategy: Strategy, sizes: &Sizes) -> Candidate {
        let plan = Plan::new(target, strategy, sizes.context).sized(sizes.batch, &sizes.prefill);
        let phases = Phase::of_generating(&sizes.prefill, STEPS);
        let memory = Memory::of(config, target, &plan, &phases);
        let moved_bytes = moved_bytes(config, target, &plan, Phase::Decode { steps: STEPS });
        Candidate { target: target.clone(), plan, phases, memory, moved_bytes, compiled: None }
    }

    /// Such as `mxfp4 on v5e-1`.
    pub fn name(&self) -> String {
        format!("{} on {}", self.plan.strategy.experts, self.target.name)
    }

    /// Bytes on one device: the compiler's figure if there is one, else the estimate.
    pub fn total_bytes(&self) -> u64 {
        match self.compiled {
            Some(Compiled::Fits { total_bytes, .. }) => total_bytes,
            Some(Compiled::DoesNotFit { needed_bytes: Some(needed) }) => needed,
            _ => self.memory.total(),
        }
    }

    /// Whether a device holds it: by the compiler's verdict if there is one. Where nobody knows how much a device has, it does.
    pub fn fits(&self) -> bool {
        match self.compiled {
            Some(Compiled::Fits { .. }) => true,
            Some(Compiled::DoesNotFit { .. }) => false,
            None => self.target.hbm_bytes.is_none_or(|most| self.total_bytes() <= most),
        }
    }

    /// Whether it fits and leaves a sixteenth of the memory, which covers an estimate's error and what else a runtime keeps there.
    pub fn has_room(&self) -> bool {
        self.fits() && self.target.hbm_bytes.is_none_or(|most| self.total_bytes() <= most - most / 16)
    }

    /// Cycles of the roofline of one decode step.
    pub fn roofline_cycles(&self) -> Option<u64> {
        roofline_cycles(&self.target, self.moved_bytes)
    }

    /// Cycles that the compiler predicts for one decode step.
    pub fn decode_cycles(&self) -> Option<u64> {
        match self.compiled {
            Some(Compiled::Fits { decode_cycles, .. }) => decode_cycles,
            _ => None,
        }
    }

    /// Seconds of one decode step: by the compiler's prediction if there is one, else by the roofline.
    pub fn step_seconds(&self) -> Option<f64> {
        let cycles = self.decode_cycles().or_else(|| self.roofline_cycles())?;
        Some(cycles as f64 / self.target.chip?.clock_hz as f64)
    }
}

/// What fits instead of a candidate that does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nearest {
    /// On the same target, with experts stored otherwise.
    pub weights: Vec<Candidate>,
    /// Stored the same, on other targets, those of least memory first; three at most.
    pub targets: Vec<Candidate>,
}

/// How many targets are worth a line.
const FEW: usize = 3;

impl Nearest {
    pub fn to(config: &Config, target: &Target, strategy: Strategy, sizes: &Sizes) -> Nearest {
        let weights = WEIGHTS.into_iter().filter(|experts| *experts != strategy.experts);
        let weights = weights.map(|experts| Candidate::new(config, target, Strategy { experts, ..strategy }, sizes));
        let mut others: Vec<Target> = Target::all();
        others.retain(|other| other.platform == Platform::Tpu && *other != *target);
        others.sort_by_key(|other| (other.hbm_bytes.unwrap_or(0) * other.devices as u64, other.devices));
        let targets = others.iter().map(|other| Candidate::new(config, other, strategy, sizes));
        Nearest {
            weights: weights.filter(Candidate::fits).collect(),
            targets: targets.filter(Candidate::fits).take(FEW).collect(),
        }
    }
}
