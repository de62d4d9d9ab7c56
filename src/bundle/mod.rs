//! Executables kept: compiled once, found again by a key that can be explained, carried as a bundle.
//! The only layer that knows both a module's text and a compiler; it knows no weights and no tokens.

mod cache;
mod compile;
mod entry;
mod error;
mod folder;
mod identity;
mod key;
mod lock;
mod manifest;

pub use cache::{Cache, Cleared, Listed};
pub use compile::{Outcome, Program, key_of, load_or_compile};
pub use entry::{Label, Memory};
pub use error::BundleError;
pub use folder::{Built, Bundle, Contents};
pub use key::{Difference, Key};
pub use manifest::{Manifest, Plugin, ProgramEntry, ProgramReport, Report};
