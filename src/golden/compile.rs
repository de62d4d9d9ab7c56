//! What a compiler says of a program, figures or the verdict that there are none.

use std::collections::BTreeMap;

use super::Case;
use super::record::{Compiled, Exchange, Figures, Verdict};
use crate::bundle::{BundleError, Cache, Cost, Outcome, Worker, compile_ahead, program};
use crate::config::Config;
use crate::digest::sha256;
use crate::estimate::{moved_bytes, roofline_cycles};
use crate::graph::Phase;
use crate::pjrt::plugins;
use crate::progress::Progress;

/// Compiles one program, or finds in `cache` what became of it. That it does not fit, or that the compiler refuses it or crashes on
/// it, is a result; fails on whatever says nothing about the program.
pub fn compile(
    config: &Config,
    case: &Case,
    worker: &mut Worker,
    cache: Option<&Cache>,
    progress: &dyn Progress,
) -> Result<Compiled, BundleError> {
    let program = program(config, &case.plan, case.phase)?;
    let options = program.options(case.target.platform.name());
    let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    let verdict = match compile_ahead(worker, cache, &program, &options, progress) {
        Ok(outcome) => Verdict::Fits(figures(config, case, &outcome)),
        Err(BundleError::DoesNotFit { shortage, .. }) => Verdict::DoesNotFit {
            memory: shortage.memory,
            needed_bytes: shortage.needed_bytes,
            available_bytes: shortage.available_bytes,
        },
        Err(BundleError::NotCompiled { refusal, .. }) => Verdict::Refused { said: first_line(refusal.message) },
        // Killed from outside, as when this machine has too little memory, says nothing about the program.
        Err(BundleError::Crashed { program: Some(_), end, was_killed: false, .. }) => {
            Verdict::Refused { said: format!("the compiler crashed, {end}") }
        }
        Err(error) => return Err(error),
    };
    Ok(Compiled { compiler: compiler(worker), stablehlo_sha256: sha256(program.text.as_bytes()), verdict })
}

fn figures(config: &Config, case: &Case, outcome: &Outcome) -> Figures {
    let steps = if let Phase::Decode { steps } = case.phase { steps as u64 } else { 1 };
    let memory = outcome.memory;
    Figures {
        argument_bytes: memory.argument_bytes,
        alias_bytes: memory.alias_bytes,
        temp_bytes: memory.temp_bytes,
        code_bytes: memory.code_bytes,
        peak_bytes: memory.peak_bytes,
        total_bytes: memory.total_bytes,
        cycles: outcome.cost.as_ref().map(|cost| cost.cycles / steps),
        roofline_cycles: roofline_cycles(&case.target, moved_bytes(config, &case.target, &case.plan, case.phase)),
        exchanges: outcome.cost.as_ref().map(|cost| exchanges(cost, steps)).unwrap_or_default(),
    }
}

/// Those of one step, where a launch has `steps` of them.
fn exchanges(cost: &Cost, steps: u64) -> BTreeMap<String, Exchange> {
    let mut exchanges: BTreeMap<String, Exchange> = BTreeMap::new();
    for collective in &cost.collectives {
        let exchange = exchanges.entry(collective.opcode.clone()).or_default();
        exchange.count += collective.trips;
        exchange.bytes += collective.bytes * collective.trips;
        exchange.largest_bytes = exchange.largest_bytes.max(collective.bytes);
    }
    for exchange in exchanges.values_mut() {
        exchange.count = exchange.count.div_ceil(steps);
        exchange.bytes = exchange.bytes.div_ceil(steps);
    }
    exchanges
}

/// Package and version of the plugin if it is the pinned one, else what it says of itself and the beginning of its digest.
fn compiler(worker: &Worker) -> String {
    let key = &worker.identity().key;
    let digest = key.get("plugin sha256").unwrap_or_default();
    match plugins::pins().iter().find(|pin| pin.library_sha256.as_deref() == Some(digest)) {
        Some(pin) => format!("{} {}", pin.package, pin.version),
        None => format!("{} {}", key.get("platform").unwrap_or_default(), digest.get(..12).unwrap_or(digest)),
    }
}
