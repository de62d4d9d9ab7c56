//! What can go wrong with bundles and compilations, and the way out.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::identity::VARIABLES;
use super::key::Difference;
use super::shortage::Shortage;
use crate::disk::NoSpace;
use crate::partial::PartialError;
use crate::pjrt::PjrtError;
use crate::signature::{KeyError, Mistrust};
use crate::storage::StorageError;

/// What a compiler in another process answered instead of an executable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub message: String,
    pub hint: Option<String>,
}

/// A program that does not compile, or a bundle that cannot be written, read or used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("the graph `{program}` cannot be built: {problem}\n  this is a bug in precast")]
    Graph { program: String, problem: String },
    #[error("program `{program}` does not compile: {source}")]
    Compile { program: String, source: Box<PjrtError> },
    #[error("compiler for `{target}` does not start: {}\n  log in `{}`", refusal.message, log.display())]
    Worker { target: String, refusal: Box<Refusal>, log: PathBuf },
    /// The process of the compiler ended before it answered; without a program, while it loaded the plugin.
    #[error(
        "the compiler for `{target}` crashed {} ({end})\n  log in `{}`", at_program(program.as_deref()), log.display()
    )]
    Crashed { program: Option<String>, target: String, end: String, was_killed: bool, log: PathBuf },
    #[error("program `{program}` does not compile for `{target}`: {}\n  log in `{}`", refusal.message, log.display())]
    NotCompiled { program: String, target: String, refusal: Box<Refusal>, log: PathBuf },
    #[error("program `{program}` does not fit `{target}`: {shortage}")]
    DoesNotFit { program: String, target: String, shortage: Box<Shortage> },
    #[error("program `{program}` cannot be written down by this plugin")]
    Serialize { program: String },
    #[error("cannot {action}: {source}\n  in `{}`", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("folder is not a bundle, it has no `{missing}`\n  in `{}`", folder.display())]
    NotABundle { folder: PathBuf, missing: &'static str },
    #[error("bundle has format version {found}, this precast reads {expected}\n  in `{}`", file.display())]
    Version { file: PathBuf, found: u64, expected: u32 },
    #[error("bundle is damaged: {problem}\n  in `{}`", file.display())]
    Damaged { file: PathBuf, problem: String },
    #[error("bundle is damaged: SHA-256 is {found}, expected {expected}\n  in `{}`", file.display())]
    Checksum { file: PathBuf, found: String, expected: String },
    #[error("bundle has no program `{name}`, it has {}\n  in `{}`", listed(known), folder.display())]
    NoProgram { folder: PathBuf, name: String, known: Vec<String> },
    /// The bundle was made for another device, plugin or host.
    #[error("bundle does not fit this machine: {}\n  in `{}`", differing(differences), folder.display())]
    Elsewhere { folder: PathBuf, differences: Vec<Difference>, rebuild: String },
    /// The bundle was made for devices of another platform. `devices` names the target and what it is made of; `rebuild`, where
    /// this machine could run the same programs, makes a bundle of them.
    #[error("bundle is for {devices}, this machine has `{here}`\n  in `{}`", folder.display())]
    OtherDevice { folder: PathBuf, devices: String, here: String, rebuild: Option<String> },
    #[error("plugin refuses program `{program}` of the bundle: {source}\n  in `{}`", folder.display())]
    Refused { folder: PathBuf, program: String, source: Box<PjrtError>, rebuild: String },
    #[error("bundle was made for another model: {}\n  in `{}`", differing(differences), folder.display())]
    Model { folder: PathBuf, bundle_model: String, differences: Vec<Difference> },
    #[error("folder holds `{found}`, which is no part of a bundle, and is not replaced\n  in `{}`", folder.display())]
    Occupied { folder: PathBuf, found: String },
    #[error("program name `{name}` is no file name\n  this is a bug in precast")]
    ProgramName { name: String },
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nothing of it was used.
    #[error("bundle {mistrust}\n  in `{place}`")]
    Untrusted { place: String, mistrust: Mistrust },
    #[error("bundle lacks `{name}`, which its manifest names: there is no `{object}`\n  in `{place}`")]
    Lacks { place: String, name: String, object: String },
    #[error("another writer has put something else to `{place}` meanwhile")]
    Raced { place: String },
    #[error("there is no folder for what a bundle elsewhere consists of")]
    NoCopies,
    #[error(transparent)]
    Partial(#[from] PartialError),
    #[error(transparent)]
    Space(#[from] NoSpace),
}

impl BundleError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            BundleError::Compile { source, .. } => source.hint(),
            BundleError::Worker { refusal, .. } | BundleError::NotCompiled { refusal, .. } => refusal.hint.clone(),
            BundleError::Crashed { was_killed: true, .. } => Some(
                "the system may have ended it for want of memory: try again with less running beside it".to_string(),
            ),
            BundleError::Crashed { .. } => Some(match set_flags().as_slice() {
                [] => {
                    "the log has what the compiler said; another `--prefill` size or precision may do without what it \
                       stumbles over"
                        .to_string()
                }
                names => {
                    format!("{} may name a flag that the compiler does not know: it ends then", names.join(" or "))
                }
            }),
            BundleError::DoesNotFit { shortage, .. } => Some(shortage.hint()),
            BundleError::NotABundle { .. } => Some("`precast compile --out DIR` makes one".to_string()),
            BundleError::Version { .. } | BundleError::Damaged { .. } | BundleError::Checksum { .. } => {
                Some("make the bundle again with `precast compile`, or copy it again".to_string())
            }
            BundleError::NoProgram { .. } => {
                Some("make the bundle again with the sizes that you want to run with".to_string())
            }
            BundleError::Elsewhere { rebuild, .. } | BundleError::Refused { rebuild, .. } => Some(format!(
                "`--recompile` compiles what the bundle holds for this machine; `{rebuild}` makes a bundle that fits"
            )),
            BundleError::OtherDevice { rebuild: Some(rebuild), .. } => Some(format!(
                "`--recompile` compiles what the bundle holds for this machine; `{rebuild}` makes a bundle for it"
            )),
            BundleError::OtherDevice { devices, .. } => {
                Some(format!("run it on a machine with {devices}; what it holds cannot be compiled for this one"))
            }
            BundleError::Model { bundle_model, .. } => Some(format!("the bundle is for `{bundle_model}`")),
            BundleError::Occupied { .. } => Some("name a new folder, an empty one or a bundle".to_string()),
            BundleError::Storage(error) => error.hint(),
            BundleError::Key(error) => error.hint(),
            BundleError::Untrusted { mistrust: Mistrust::Unsigned, .. } => Some(
                "`precast sign BUNDLE --key FILE` signs it; without `--trust` and `PRECAST_TRUST` no signature is asked for"
                    .to_string(),
            ),
            BundleError::Untrusted { .. } => {
                Some("somebody else made or changed it: get it again from whoever holds the key".to_string())
            }
            BundleError::Lacks { .. } => Some("make the bundle again with `precast compile`".to_string()),
            BundleError::Raced { .. } => {
                Some("theirs is whole; the same command again puts yours in its place".to_string())
            }
            BundleError::NoCopies => Some("say where with `PRECAST_CACHE_DIR`".to_string()),
            BundleError::Space(_) => {
                Some("free some, `precast cache clear` helps, or choose another disk with `PRECAST_CACHE_DIR`".to_string())
            }
            BundleError::Partial(_)
            | BundleError::Graph { .. }
            | BundleError::Serialize { .. }
            | BundleError::Io { .. }
            | BundleError::ProgramName { .. } => None,
        }
    }
}

fn at_program(program: Option<&str>) -> String {
    program.map_or("while it started".to_string(), |program| format!("on program `{program}`"))
}

/// The variables of the environment that pass flags to a compiler and are set.
fn set_flags() -> Vec<String> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    VARIABLES.iter().filter(|name| is_set(name)).map(|name| format!("`{name}`")).collect()
}

fn differing(differences: &[Difference]) -> String {
    let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
    lines.join(", ")
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_string(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
