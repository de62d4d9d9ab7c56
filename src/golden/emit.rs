//! Programs from the graphs alone: texts, op counts, and the bytes of arguments as they are predicted.

use std::collections::BTreeMap;

use hlo::Signature;
use rayon::prelude::*;

use super::record::{FORMAT, Golden, Row, Text};
use super::{Case, GoldenError};
use crate::config::Config;
use crate::digest::sha256;
use crate::estimate::{self, Sizes};
use crate::graph::module;
use crate::graph::params::weights;

/// The goldens of `cases`, all of them of these sizes; nothing is compiled.
pub fn emit(config: &Config, sizes: &Sizes, cases: &[Case]) -> Result<Golden, GoldenError> {
    let distinct: BTreeMap<String, &Case> = cases.iter().map(|case| (case.text_name(), case)).collect();
    let emitted = distinct.into_par_iter().map(|(name, case)| Ok((name, text(config, case)?)));
    let emitted: BTreeMap<String, (Text, Signature)> = emitted.collect::<Result<_, GoldenError>>()?;
    let mut rows =
        cases.iter().map(|case| row(config, case, &emitted[&case.text_name()].1)).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by_cached_key(Row::place);
    Ok(Golden {
        format: FORMAT,
        model: config.name.clone(),
        context: sizes.context,
        batch: sizes.batch,
        prefill: sizes.prefill.clone(),
        texts: emitted.into_iter().map(|(name, (text, _))| (name, text)).collect(),
        rows,
    })
}

fn text(config: &Config, case: &Case) -> Result<(Text, Signature), GoldenError> {
    let failed = |problem: hlo::Problem| GoldenError::Graph { program: case.text_name(), problem: problem.to_string() };
    let module = module(config, &case.plan, case.phase).map_err(failed)?;
    let signature = module.main().map(|main| main.signature.clone()).unwrap_or_default();
    let ops = module.census().into_iter().map(|(op, count)| (op.to_owned(), count)).collect();
    Ok((Text { stablehlo_sha256: sha256(module.text_with_locations().as_bytes()), ops }, signature))
}

fn row(config: &Config, case: &Case, signature: &Signature) -> Result<Row, GoldenError> {
    let failed = |problem| GoldenError::Graph { program: case.text_name(), problem };
    let (mut argument_bytes, mut donated_bytes) = (0, 0);
    // The weights come first, and some of them ask for a layout.
    let layouts: Vec<_> = weights(config, &case.plan).into_iter().map(|weight| weight.layout).collect();
    let locals = signature.local_parameters().map_err(failed)?;
    for (place, (parameter, local)) in signature.parameters.iter().zip(locals).enumerate() {
        let bytes = estimate::argument_bytes(&case.target, &local, layouts.get(place).copied().flatten());
        argument_bytes += bytes;
        donated_bytes += if parameter.donated_to.is_some() { bytes } else { 0 };
    }
    let strategy = case.plan.strategy;
    Ok(Row {
        target: case.target.name.clone(),
        weights: strategy.experts.name().into(),
        dense: strategy.dense.name().into(),
        kv: strategy.cache.name().into(),
        phase: case.phase.name(),
        text: case.text_name(),
        argument_bytes,
        donated_bytes,
        compiled: None,
    })
}
