//! The options that say how a model is stored and computed, the same for every verb that builds programs. It knows no verb.

use clap::{Args, ValueEnum};
use hlo::ElementType;

use super::failure::Failure;
use super::model::Compute;
use super::{fit, terminal};
use crate::config::Config;
use crate::estimate::{Candidate, Sizes, WEIGHTS, choose, reason};
use crate::plan::{Precision, Strategy};
use crate::progress::{Event, Progress};
use crate::target::{Platform, Target};

/// How numbers are stored on the device.
#[derive(Args)]
pub struct StrategyArguments {
    /// Type of the experts' matrices; `auto` takes what `precast plan` marks, and bf16 on a host [default: auto]
    #[arg(long, value_enum, help_heading = "Precision")]
    pub weights: Option<Weights>,
    #[command(flatten)]
    pub rest: RestArguments,
    /// Everything in one type, products too: f32, on a host only, or bf16
    #[arg(long, value_enum, help_heading = "Precision", conflicts_with_all = ["weights", "dense", "kv"])]
    pub compute: Option<Compute>,
}

/// How everything beside the experts is stored.
#[derive(Args)]
pub struct RestArguments {
    /// Type of attention, embedding and head
    #[arg(long, value_enum, help_heading = "Precision", default_value_t = Stored::Bf16)]
    pub dense: Stored,
    /// Type of keys and values in the cache
    #[arg(long, value_enum, help_heading = "Precision", default_value_t = Stored::Bf16)]
    pub kv: Stored,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Weights {
    Bf16,
    Fp8,
    Int8,
    Mxfp4,
    Auto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stored {
    Bf16,
    Fp8,
    Int8,
}

impl Weights {
    /// None for `auto`.
    pub fn precision(self) -> Option<Precision> {
        match self {
            Weights::Bf16 => Some(Precision::Bf16),
            Weights::Fp8 => Some(Precision::Fp8),
            Weights::Int8 => Some(Precision::Int8),
            Weights::Mxfp4 => Some(Precision::Mxfp4),
            Weights::Auto => None,
        }
    }
}

impl Stored {
    pub fn precision(self) -> Precision {
        match self {
            Stored::Bf16 => Precision::Bf16,
            Stored::Fp8 => Precision::Fp8,
            Stored::Int8 => Precision::Int8,
        }
    }
}

impl RestArguments {
    /// The strategy with these experts.
    pub fn with(&self, experts: Precision) -> Strategy {
        Strategy { dense: self.dense.precision(), cache: self.kv.precision(), ..Strategy::new(experts) }
    }
}

impl StrategyArguments {
    /// The strategy that was asked for; `auto` is decided by what `sizes` need on `target`.
    pub fn resolve(&self, config: &Config, target: &Target, sizes: &Sizes) -> Result<Strategy, Failure> {
        match self.compute {
            Some(Compute::F32) if target.platform != Platform::Cpu => {
                return Err(Failure::usage(format!(
                    "`--compute f32` is for hosts, `{}` computes in bf16",
                    target.name
                ))
                .hint("leave `--compute` out; `--weights` says how weights are stored"));
            }
            Some(compute) => return Ok(Strategy::plain(compute.element())),
            None => {}
        }
        if let Some(experts) = self.weights.and_then(Weights::precision) {
            return Ok(self.rest.with(experts));
        }
        let candidate = |experts| Candidate::new(config, target, self.rest.with(experts), sizes);
        let candidates = WEIGHTS.map(candidate);
        match choose(&candidates) {
            Some(chosen) => {
                let why = format!("weights on `{}`: {}", target.name, reason(&candidates, chosen));
                terminal::BAR.report(Event::Note(&why));
                Ok(candidates[chosen].plan.strategy)
            }
            None => {
                let smallest = candidates.iter().min_by_key(|candidate| candidate.total_bytes());
                Err(fit::does_not_fit(config, smallest.unwrap_or(&candidates[0]), sizes))
            }
        }
    }
}

/// As manifests and reports name it: experts, everything else, cache.
pub fn names(strategy: Strategy) -> [String; 3] {
    let experts = if strategy.compute == ElementType::F32 { Precision::F32 } else { strategy.experts };
    [experts, strategy.dense, strategy.cache].map(|stored| stored.name().to_owned())
}
