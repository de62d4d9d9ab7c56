//! One program of one target: what a row of the goldens is about.

use super::GoldenError;
use super::record::{Golden, Row};
use crate::estimate::Sizes;
use crate::graph::Phase;
use crate::plan::{Plan, Precision, Spelling, Strategy};
use crate::target::Target;

/// A program for a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub target: Target,
    pub plan: Plan,
    pub phase: Phase,
}

impl Case {
    /// Every program that generating needs and `is_wanted`, for every target and strategy.
    pub fn of(
        targets: &[Target],
        strategies: &[Strategy],
        sizes: &Sizes,
        is_wanted: impl Fn(Phase) -> bool,
    ) -> Vec<Case> {
        let is_wanted = &is_wanted;
        let plans = targets.iter().flat_map(|target| strategies.iter().map(move |strategy| (target, *strategy)));
        let cases = plans.flat_map(|(target, strategy)| {
            let plan = Plan::new(target, strategy, sizes.context).sized(sizes.batch, &sizes.prefill);
            let phases = Phase::of_generating(&sizes.prefill, plan.spelling.decode_steps);
            let phases = phases.into_iter().filter(|phase| is_wanted(*phase));
            phases.map(move |phase| Case { target: target.clone(), plan: plan.clone(), phase }).collect::<Vec<_>>()
        });
        cases.collect()
    }

    /// What `row` of `golden` is about. Fails on a target, precision or phase that nobody knows.
    pub fn of_row(golden: &Golden, row: &Row) -> Result<Case, GoldenError> {
        let unknown = |key, found: &str| GoldenError::Row { key, found: found.into() };
        let precision = |key, name: &str| Precision::named(name).ok_or_else(|| unknown(key, name));
        let target = Target::named(&row.target).map_err(|_| unknown("target", &row.target))?;
        let strategy = Strategy {
            dense: precision("dense", &row.dense)?,
            cache: precision("kv", &row.kv)?,
            ..Strategy::new(precision("weights", &row.weights)?)
        };
        let phase = Phase::named(&row.phase).ok_or_else(|| unknown("phase", &row.phase))?;
        let plan = Plan::new(&target, strategy, golden.context).sized(golden.batch, &golden.prefill);
        Ok(Case { target, plan, phase })
    }

    /// Names the text, which targets share: `tpu-4dev.mxfp4.decode_16`, with the other precisions where they are not bf16.
    pub fn text_name(&self) -> String {
        let Plan { strategy, devices, .. } = &self.plan;
        let spelling = match self.plan.spelling {
            Spelling::HOST => "host",
            Spelling::TPU_BY_VECTOR => "tpu-by-vector",
            _ => "tpu",
        };
        let other = |name: &str, stored: Precision| match stored {
            Precision::Bf16 => String::new(),
            stored => format!(".{name}-{stored}"),
        };
        let (dense, kv) = (other("dense", strategy.dense), other("kv", strategy.cache));
        format!("{spelling}-{devices}dev.{}{dense}{kv}.{}", strategy.experts, self.phase.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_named_after_what_it_depends_on() {
        let sizes = Sizes { context: 512, batch: 1, prefill: vec![64] };
        let strategy = Strategy { cache: Precision::Int8, ..Strategy::new(Precision::Mxfp4) };
        let name = |target: &str| {
            let targets = [Target::named(target).unwrap()];
            Case::of(&targets, &[strategy], &sizes, |phase| phase.kind() == "decode")[0].text_name()
        };
        assert_eq!(name("v5e-1"), "tpu-1dev.mxfp4.kv-int8.decode_16");
        assert_eq!(name("tpu7x-2"), "tpu-2dev.mxfp4.kv-int8.decode_1");
        assert_eq!(name("v2-8"), "tpu-by-vector-8dev.mxfp4.kv-int8.decode_16");
        assert_eq!((name("v6e-4"), name("cpu-4")), (name("v5p-8"), "host-4dev.mxfp4.kv-int8.decode_16".into()));
    }
}
