//! The options and variables that say what is shared beyond this machine, which key is trusted, and which one signs.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use super::terminal;
use crate::bundle::{Cache, RemoteCache, Sharing};
use crate::signature::{Signer, Trust};
use crate::storage::Place;

/// Where compiled programs are kept, and whose are believed.
#[derive(Args, Default)]
#[command(next_help_heading = "Compiled programs")]
pub struct SharingArguments {
    /// Neither read nor write the cache of compiled programs
    #[arg(long)]
    pub no_cache: bool,
    /// Cache behind the one of this machine: a URL (s3, gs, file; http and https are only read) [default: PRECAST_REMOTE_CACHE]
    #[arg(long, value_name = "URL", conflicts_with = "no_cache")]
    remote_cache: Option<PathBuf>,
    /// Public key, or a file with one, that must have signed bundles and what a remote cache has [default: PRECAST_TRUST]
    #[arg(long, value_name = "KEY")]
    trust: Option<String>,
}

impl SharingArguments {
    /// The key that must have signed what is loaded.
    pub fn trust(&self) -> Result<Option<Trust>, Failure> {
        trust(self.trust.as_deref())
    }

    /// What a cache shares.
    pub fn resolve(&self) -> Result<Sharing, Failure> {
        match self.place() {
            // A key is opened only for what it might sign.
            Some(_) => self.resolve_for(signer(None)?),
            None => self.resolve_for(None),
        }
    }

    /// The same, with a key that signs. Whoever signs takes only what that key has signed, unless another is trusted: else what a
    /// stranger put into the cache would be signed with the rest.
    pub fn resolve_for(&self, signer: Option<Signer>) -> Result<Sharing, Failure> {
        let trust = match (self.trust()?, &signer) {
            (None, Some(signer)) => Some(signer.trust()?),
            (trust, _) => trust,
        };
        let remote = match self.place() {
            Some(named) => RemoteCache::open(&Place::named(&named)?, trust.as_ref(), signer, &terminal::BAR)?,
            None => None,
        };
        Ok(Sharing::new(trust, remote))
    }

    fn place(&self) -> Option<PathBuf> {
        if self.no_cache {
            return None;
        }
        self.remote_cache.clone().or_else(remote_cache)
    }
}

/// The cache that verbs use which have no options for what it shares; none if it is not wanted.
pub fn cache(no_cache: bool, model: &str) -> Result<Option<Cache>, Failure> {
    if no_cache {
        return Ok(None);
    }
    let sharing = SharingArguments::default().resolve()?;
    Ok(Cache::open_default(&terminal::BAR).map(|cache| cache.for_model(model).with_sharing(sharing)))
}

/// The key that `named` is or is in, else the one that the environment names.
pub fn trust(named: Option<&str>) -> Result<Option<Trust>, Failure> {
    let stated = || std::env::var("PRECAST_TRUST").ok();
    let text = named.map(str::to_owned).or_else(stated).filter(|text| !text.trim().is_empty());
    Ok(text.map(|text| Trust::named(&text)).transpose()?)
}

/// The key in `file`, else in the one that the environment names.
pub fn signer(file: Option<&Path>) -> Result<Option<Signer>, Failure> {
    let file = file.map(Path::to_owned).or_else(|| variable("PRECAST_SIGN"));
    let password = || match password() {
        Some(password) => Ok(password),
        None if std::io::stdin().is_terminal() => ask("password of the key: "),
        None => Err(std::io::Error::other("it has a password, and there is nobody to ask")),
    };
    Ok(file.map(|file| Signer::read(&file, password)).transpose()?)
}

/// The cache that the environment names.
pub fn remote_cache() -> Option<PathBuf> {
    variable("PRECAST_REMOTE_CACHE")
}

/// The password that the environment has for a key; an empty one is one.
pub fn password() -> Option<String> {
    std::env::var("PRECAST_SIGN_PASSWORD").ok()
}

/// Asks for a line that is not shown.
pub fn ask(question: &str) -> std::io::Result<String> {
    let terminal = console::Term::stderr();
    terminal.write_str(question)?;
    terminal.read_secure_line()
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
