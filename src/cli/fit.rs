//! What is said of a plan that does not fit: what takes the memory, and what fits instead. It knows no verb.

use super::failure::{DOES_NOT_FIT, Failure};
use super::terminal;
use crate::config::Config;
use crate::estimate::{Candidate, Memory, Nearest, Sizes};
use crate::plan::Strategy;
use crate::target::Target;

/// What takes most of the memory, such as `the experts are 35.7 GiB, the embedding is 1.10 GiB and the head is 1.08 GiB`.
pub fn largest_parts(memory: &Memory) -> String {
    let parts = memory.parts();
    let worth: Vec<String> = parts
        .iter()
        .filter(|part| part.bytes * 50 >= memory.total())
        .map(|part| format!("{} {}", part.name, terminal::bytes(part.bytes)))
        .collect();
    worth.join(", ")
}

/// That `candidate` is estimated not to fit, with what takes the memory.
pub fn does_not_fit(config: &Config, candidate: &Candidate, sizes: &Sizes) -> Failure {
    let (target, strategy) = (&candidate.target, candidate.plan.strategy);
    let verdict = if candidate.compiled.is_some() { "does" } else { "is estimated" };
    let not = if candidate.compiled.is_some() { "not fit" } else { "not to fit" };
    let failure = Failure::with_code(
        format!(
            "`{}` with {strategy} {verdict} {not} `{}`: it needs {}, a device has {}",
            config.name,
            target.name,
            terminal::bytes(candidate.total_bytes()),
            terminal::bytes(target.hbm_bytes.unwrap_or(0)),
        ),
        DOES_NOT_FIT,
    );
    failure.because(largest_parts(&candidate.memory)).hint(way_out(config, target, strategy, sizes))
}

/// What fits instead.
pub fn way_out(config: &Config, target: &Target, strategy: Strategy, sizes: &Sizes) -> String {
    let nearest = Nearest::to(config, target, strategy, sizes);
    let mut clauses = Vec::new();
    if !nearest.weights.is_empty() {
        let options = nearest.weights.iter().map(|other| format!("`--weights {}`", other.plan.strategy.experts));
        clauses.push(format!("on `{}` {} would fit", target.name, either(&options.collect::<Vec<_>>())));
    }
    if !nearest.targets.is_empty() {
        let options: Vec<String> =
            nearest.targets.iter().map(|other| format!("`--target {}`", other.target.name)).collect();
        clauses.push(format!("{} weights would fit {}", strategy.experts, either(&options)));
    }
    if clauses.is_empty() {
        clauses.push("a smaller `--context`, `--batch` or `--prefill` needs less".into());
    }
    format!("{}; `precast plan --model {}` lists everything", clauses.join(", "), config.name)
}

/// `a`, `a or b`, `a, b or c`
fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [word] => word.clone(),
        [all @ .., last] => format!("{} or {last}", all.join(", ")),
    }
}
