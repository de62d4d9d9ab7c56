//! The option that puts kernels into decode programs, and what it cannot be had with. It knows no verb.

use clap::{Args, ValueEnum};

use super::failure::Failure;
use crate::config::Config;
use crate::plan::{Kernels, MXFP4_BLOCK, Plan, Precision};
use crate::target::{Platform, Target};

/// How the parts are written for which there are kernels.
#[derive(Args)]
pub struct KernelArguments {
    /// How programs are written: in plain StableHLO; with calls of precast's own kernels for products on the host's processor; or with a
    /// decode step's experts and attention as kernels in Mosaic's dialect, for one TPU and one sequence, which were never executed on
    /// a chip [default: host for the CPU, plain for others]
    #[arg(long, value_enum, value_name = "KIND")]
    kernels: Option<Written>,
}

/// Kinds of kernels, as typed and as bundles record them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Written {
    Plain,
    Host,
    Mosaic,
}

/// Rows of scales in a tile.
const SCALE_ROWS: usize = 16;

impl KernelArguments {
    /// The plan with what was asked for. Fails where the target or the plan has none of it.
    pub fn applied(&self, config: &Config, target: &Target, mut plan: Plan) -> Result<Plan, Failure> {
        let obstacle = match self.kernels {
            None => None,
            Some(Written::Plain) => {
                plan.spelling.kernels = Kernels::Plain;
                None
            }
            Some(Written::Host) => {
                plan.spelling.kernels = Kernels::Host;
                match target.platform {
                    Platform::Cpu => None,
                    _ => Some(format!("`--kernels host` is for the CPU, `{}` is none", target.name)),
                }
            }
            Some(Written::Mosaic) => {
                plan.spelling.kernels = Kernels::Mosaic;
                obstacle(config, target, &plan)
            }
        };
        match obstacle {
            Some(message) => Err(Failure::usage(message).hint("leave `--kernels` out, for what suits the target")),
            None => Ok(plan),
        }
    }
}

/// As a bundle names the kernels of a plan; empty for plain StableHLO.
pub fn recorded(plan: &Plan) -> String {
    let name = match plan.spelling.kernels {
        Kernels::Host if plan.calls_kernels() => "host",
        Kernels::Mosaic => "mosaic",
        Kernels::Host | Kernels::Plain | Kernels::Loops => "",
    };
    name.to_owned()
}

/// Why kernels cannot be had.
fn obstacle(config: &Config, target: &Target, plan: &Plan) -> Option<String> {
    let name = &target.name;
    let Some(chip) = target.chip else {
        return Some(format!("`--kernels mosaic` is for TPUs, `{name}` is none"));
    };
    if !chip.takes_kernels {
        let generation = chip.name;
        return Some(format!(
            "`{name}` is of generation {generation}, whose compiler takes no kernels; v4 is the first that does"
        ));
    }
    if target.devices > 1 {
        let devices = target.devices;
        return Some(format!("kernels are not divided among devices, `{name}` has {devices}, expected 1"));
    }
    if !plan.has_expert_kernels() && !plan.has_attention_kernels() {
        let (experts, cache) = (plan.strategy.experts, plan.strategy.cache);
        return Some(format!(
            "there are kernels for {} experts of one sequence and for attention over a cache in {}, not for {experts} experts of {} and a cache in {cache}",
            Precision::Mxfp4,
            Precision::Bf16,
            plan.batch
        ));
    }
    let rows = |inputs: usize| config.experts * inputs / MXFP4_BLOCK;
    let uneven =
        [config.hidden, plan.expert_width(config)].map(rows).into_iter().find(|rows| !rows.is_multiple_of(SCALE_ROWS));
    let rows = uneven.filter(|_| plan.has_expert_kernels())?;
    Some(format!("the experts of `{}` have {rows} rows of scales, kernels take multiples of {SCALE_ROWS}", config.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Strategy;

    fn applied(target: &str, batch: usize, strategy: Strategy) -> Result<Plan, String> {
        let (config, target) = (Config::gpt_oss_20b(), Target::named(target).expect("a target"));
        let plan = Plan::new(&target, strategy, 4096).sized(batch, &[128]);
        let arguments = KernelArguments { kernels: Some(Written::Mosaic) };
        arguments.applied(&config, &target, plan).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn kernels_are_for_one_tpu_of_a_generation_that_takes_them() {
        let mxfp4 = Strategy::new(Precision::Mxfp4);
        for target in ["v5e-1", "v6e-1", "v4:1x1x1", "v5p:1x1x1"] {
            assert_eq!(applied(target, 1, mxfp4).map(|plan| plan.spelling.kernels), Ok(Kernels::Mosaic), "{target}");
        }
        let rows = [
            ("cpu", "`--kernels mosaic` is for TPUs, `cpu` is none"),
            ("v3-8", "`v3-8` is of generation v3, whose compiler takes no kernels; v4 is the first that does"),
            ("v6e-4", "kernels are not divided among devices, `v6e-4` has 4, expected 1"),
        ];
        for (target, expected) in rows {
            let message = applied(target, 1, mxfp4).expect_err("no kernels");
            assert!(message.contains(expected), "{message}");
        }
        let stored = Strategy { cache: Precision::Int8, ..Strategy::new(Precision::Fp8) };
        let message = applied("v6e-1", 4, stored).expect_err("no kernels");
        assert!(message.contains("not for fp8 experts of 4 and a cache in int8"), "{message}");
    }
}
