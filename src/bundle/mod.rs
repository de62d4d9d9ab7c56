//! Executables kept: compiled once, found again by a key that can be explained, carried as a bundle.
//! The only layer that knows both a module's text and a compiler; it knows no weights and no tokens.

mod ahead;
mod assemble;
mod cache;
#[cfg(test)]
mod cache_tests;
mod compile;
mod copies;
mod cost;
mod destination;
mod entry;
mod error;
mod folder;
mod identity;
pub mod kernels;
mod key;
mod lock;
mod logs;
mod manifest;
mod origin;
mod program;
mod remote;
mod sealed;
mod shelf;
mod shortage;
pub mod worker;

pub use ahead::compile_ahead;
pub use cache::Cache;
pub use compile::{Outcome, key_of, load_or_compile};
pub use copies::{BundleCopies, BundleCopy};
pub use cost::{Collective, Cost, InstructionCost, Known, LoopCost, PartCost, Uncosted};
pub use destination::{Destination, sign_bundle};
pub use entry::{Label, Memory, Payload};
pub use error::{BundleError, Refusal};
pub use folder::{Built, Bundle, Contents};
pub use key::{Difference, Key};
pub use logs::new_log;
pub use manifest::{Manifest, Plugin, ProgramEntry, ProgramReport, Report};
pub use program::{Program, program};
pub use remote::{RemoteCache, Sharing};
pub use shelf::{Cleared, Content, Listed};
pub use shortage::Shortage;
pub use worker::{Compiled, Identity, Job, Worker};
