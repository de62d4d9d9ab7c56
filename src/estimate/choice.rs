//! Ways to hold a model on a target, each with what it takes, and which of them is the one to take.

use crate::config::Config;
use crate::estimate::memory::Memory;
use crate::estimate::moved::{moved_bytes, roofline_cycles};
use crate::graph::Phase;
use crate::plan::{Plan, Precision, STEPS, Strategy};
use crate::target::Target;

/// How experts can be stored, what comes closest to the published checkpoint's own arithmetic first.
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
    /// Bytes on one device, of the program that has most of each, and the cycles that one step of decode is predicted to take.
    Fits { argument_bytes: u64, temp_bytes: u64, total_bytes: u64, decode_cycles: Option<u64> },
    /// What the compiler needed and what it had, where it says so.
    DoesNotFit { needed_bytes: Option<u64>, available_bytes: Option<u64> },
}

impl Candidate {
    pub fn new(config: &Config, target: &Target, strategy: Strategy, sizes: &Sizes) -> Candidate {
        let plan = Plan::new(target, strategy, sizes.context).sized(sizes.batch, &sizes.prefill);
        let phases = Phase::of_generating(&sizes.prefill, STEPS);
        let memory = Memory::of(config, target, &plan, &phases);
        let moved_bytes = moved_bytes(config, target, &plan, Phase::Decode { steps: STEPS });
        Candidate { target: target.clone(), plan, phases, memory, moved_bytes, compiled: None }
    }

    /// Bytes on one device: the compiler's figure if there is one, else the estimate.
    pub fn total_bytes(&self) -> u64 {
        match self.compiled {
            Some(Compiled::Fits { total_bytes, .. }) => total_bytes,
            Some(Compiled::DoesNotFit { needed_bytes: Some(needed), .. }) => needed,
            _ => self.memory.total(),
        }
    }

    /// Whether a device holds it; where nobody knows how much a device has, it does.
    pub fn fits(&self) -> bool {
        match self.compiled {
            Some(Compiled::Fits { .. }) => true,
            Some(Compiled::DoesNotFit { .. }) => false,
            None => self.target.hbm_bytes.is_none_or(|most| self.total_bytes() <= most),
        }
    }

    /// Whether it fits with a sixteenth of the memory to spare, for what else a runtime keeps there.
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

/// The place of the one to take: of those that fit, rather one with room to spare, then rather one that is exact, then the one
/// whose step takes least time, then the earliest. `None` if none fits.
pub fn choose(candidates: &[Candidate]) -> Option<usize> {
    let rank = |candidate: &Candidate| {
        let seconds = candidate.step_seconds().unwrap_or(f64::INFINITY);
        (!candidate.has_room(), !candidate.plan.strategy.is_exact(), seconds)
    };
    let fitting = candidates.iter().enumerate().filter(|(_, candidate)| candidate.fits());
    let best = fitting.min_by(|(_, a), (_, b)| rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal));
    best.map(|(place, _)| place)
}
