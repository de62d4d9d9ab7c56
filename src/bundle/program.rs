//! A program as a compiler takes it: the text of a graph, and what it takes and gives.

use hlo::Signature;

use super::error::BundleError;
use crate::config::Config;
use crate::graph::{Phase, module};
use crate::pjrt::CompileOptions;
use crate::plan::Plan;

/// A program, ready for a compiler.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Such as `prefill_128`; a file name without its extension.
    pub name: String,
    /// Such as `prefill`.
    pub phase: String,
    /// Tokens that it takes at once.
    pub rows: usize,
    /// StableHLO.
    pub text: String,
    /// What `main` of the text takes and gives.
    pub signature: Signature,
}

impl Program {
    /// What the compiler of `platform`, such as `tpu`, is asked for.
    pub fn options(&self, platform: &str) -> CompileOptions {
        CompileOptions::for_signature(&self.signature).on(platform)
    }
}

/// The program of one phase.
pub fn program(config: &Config, plan: &Plan, phase: Phase) -> Result<Program, BundleError> {
    let name = phase.name();
    let module = match module(config, plan, phase) {
        Ok(module) => module,
        Err(problem) => return Err(BundleError::Graph { program: name, problem: problem.to_string() }),
    };
    let signature = module.main().map(|main| main.signature.clone()).unwrap_or_default();
    Ok(Program {
        name,
        phase: phase.kind().to_owned(),
        rows: phase.rows(plan),
        text: module.text_with_locations(),
        signature,
    })
}
