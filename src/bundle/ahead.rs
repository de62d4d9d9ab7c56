//! From a program's text to the bytes of an executable for devices that need not be here: out of the cache if it is there, else
//! by a worker.

use std::time::Instant;

use super::cache::{Cache, Made};
use super::compile::{Outcome, program_key, tell_end};
use super::entry::{Findings, Label};
use super::error::BundleError;
use super::key::Key;
use super::program::Program;
use super::shortage::Shortage;
use super::worker::{Compiled, Worker};
use crate::pjrt::CompileOptions;
use crate::progress::{Event, Progress, Unit};

/// The key of `program` compiled by `worker` with `options`. On the host it is the key that a client here would have.
pub fn key_ahead(worker: &Worker, cache: Option<&Cache>, program: &Program, options: &CompileOptions) -> Key {
    program_key(worker.identity().key.clone(), cache, program, options)
}

/// Finds `program` in `cache` or has `worker` compile it, and then keeps it there: the executable, or that it does not fit.
///
/// Fails if the program does not compile, does not fit or crashes its compiler. Trouble with the cache is told to `progress` and
/// costs no more than the compilation.
pub fn compile_ahead(
    worker: &mut Worker,
    cache: Option<&Cache>,
    program: &Program,
    options: &CompileOptions,
    progress: &dyn Progress,
) -> Result<Outcome, BundleError> {
    let what = format!("compile {} for {}", program.name, worker.target());
    progress.report(Event::Begin { what: &what, total: None, unit: Unit::Items });
    let obtained = obtain(worker, cache, program, options, progress);
    tell_end(progress, obtained.as_ref());
    obtained
}

fn obtain(
    worker: &mut Worker,
    cache: Option<&Cache>,
    program: &Program,
    options: &CompileOptions,
    progress: &dyn Progress,
) -> Result<Outcome, BundleError> {
    let key = key_ahead(worker, cache, program, options);
    let Some(cache) = cache else {
        let begin = Instant::now();
        let Compiled { payload, memory, cost, layouts, seconds: compile_seconds } = worker.compile(program, options)?;
        let why = Some("no cache is used".to_string());
        let seconds = begin.elapsed().as_secs_f64();
        let payload = Some(payload);
        return Ok(Outcome { cached: false, key, memory, cost, layouts, compile_seconds, seconds, why, payload });
    };
    let target = worker.target().to_string();
    let label = Label { name: program.name.clone(), model: cache.model().to_string(), target: target.clone() };
    let make = || -> Result<Made<Option<Box<Shortage>>, BundleError>, BundleError> {
        match worker.compile(program, options) {
            Ok(Compiled { payload, memory, cost, layouts, .. }) => {
                let findings = Findings { memory, cost, layouts, shortage: None };
                Ok(Made { executable: None, payload: Ok(payload.0), findings })
            }
            // Kept like an executable, since whoever asks what fits asks often.
            Err(BundleError::DoesNotFit { shortage, .. }) => {
                let findings = Findings { shortage: Some((*shortage).clone()), ..Findings::default() };
                Ok(Made { executable: Some(shortage), payload: Ok(Vec::new()), findings })
            }
            Err(error) => Err(error),
        }
    };
    let load = |_: &[u8], findings: &Findings| Ok(findings.shortage.clone().map(Box::new));
    let (shortage, outcome) = cache.obtain(&key, &label, load, make, progress)?;
    match shortage {
        None => Ok(outcome),
        Some(shortage) => Err(BundleError::DoesNotFit { program: program.name.clone(), target, shortage }),
    }
}
