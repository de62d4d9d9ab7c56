//! `precast compile-worker`, which precast starts for itself: a compiler in a process of its own. And how a verb gets one.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::{interrupt, plugins};
use crate::bundle::{Job, Worker, new_log, worker};
use crate::target::{Platform, Target};

/// Compile what comes over standard input, which is a socket of the parent
#[derive(Args)]
pub struct CompileWorker {}

impl CompileWorker {
    pub fn run(self) -> Result<ExitCode, Failure> {
        // The parent gets Ctrl-C as well, and when it ends this does.
        interrupt::leave_to_parent();
        match worker::serve() {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                Err(Failure::new("precast starts this for itself, with a socket as standard input").because(error))
            }
        }
    }
}

/// Starts a compiler for `target`, with the plugin that was named or is found or fetched now.
pub fn start(target: &Target, plugin: Option<&Path>) -> Result<Worker, Failure> {
    if target.platform == Platform::Cuda {
        let failure =
            Failure::usage(format!("`{}` has no topology that could be compiled for without its devices", target.name));
        return Err(failure.hint("`precast targets` lists what can be compiled for"));
    }
    let job = Job::new(target, &plugins::of_platform(target.platform.name(), plugin)?);
    let log =
        new_log(&target.name).map_err(|error| Failure::new("cannot create a log for the compiler").because(error))?;
    log::info!("compiler's log: {}", log.display());
    let this = std::env::current_exe().map_err(|error| Failure::new("cannot find precast itself").because(error))?;
    Ok(Worker::start(&this, &job, &log)?)
}
