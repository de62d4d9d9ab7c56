//! `precast sign`: keys, and the signatures that `--trust` asks for.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::sharing::{ask, password, signer};
use super::terminal;
use crate::bundle::sign_bundle;
use crate::signature::Signer;
use crate::storage::Place;

/// Sign a bundle, or make a key to sign with
#[derive(Args)]
#[command(after_help = "\
A signature is of the manifest, which has the checksums of all other files; all of them are read and compared before. It is \
minisign's: in a folder, `minisign -V -p KEY.pub -m manifest.json` agrees. `--trust`, or PRECAST_TRUST, makes `run`, `chat`, \
`bench` and `inspect` refuse a bundle that the key has not signed, and everything refuse what a remote cache has unsigned.

A new key gets the password that is typed, or PRECAST_SIGN_PASSWORD, or none if nothing is typed.

Examples:
  precast sign --new-key release.key
  precast sign bundle/ --key release.key
  precast sign s3://models/gpt-oss-20b.v6e-1 --key release.key
  precast run bundle/ --trust release.key.pub --model gpt-oss-20b/ --prompt \"Name three rivers\"")]
pub struct Sign {
    /// Bundle that `precast compile` made: a folder, or a URL (s3, gs, file)
    #[arg(value_name = "BUNDLE", required_unless_present = "new_key")]
    bundle: Option<PathBuf>,
    /// Secret key to sign with [default: PRECAST_SIGN]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Make a key: its secret half in FILE, its public half in FILE.pub
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bundle", "key"])]
    new_key: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Sign {
    pub fn run(self) -> Result<ExitCode, Failure> {
        match (&self.new_key, &self.bundle) {
            (Some(file), _) => self.make(file)?,
            (None, Some(bundle)) => self.sign(bundle)?,
            (None, None) => return Err(Failure::usage("there is no bundle to sign")),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn make(&self, file: &Path) -> Result<(), Failure> {
        let password = new_password()?;
        let is_open = password.is_none();
        let (signer, public) = Signer::make(file, password)?;
        let trust = signer.trust()?;
        if self.json {
            let report = json!({ "key": file, "public_key": public, "public": trust.text(), "id": trust.id() });
            return terminal::print_json(&report);
        }
        if is_open {
            terminal::complain("the secret key has no password: whoever can read the file can sign\n");
        }
        let (secret, public) = (file.display(), public.display());
        terminal::print(format!(
            "key {}: secret half in {secret}, public half in {public}\n--trust {}\n",
            trust.id(),
            trust.text()
        ))
    }

    fn sign(&self, bundle: &Path) -> Result<(), Failure> {
        let Some(signer) = signer(self.key.as_deref())? else {
            let failure = Failure::usage("there is no key to sign with: neither `--key` nor `PRECAST_SIGN` is given");
            return Err(failure.hint("`precast sign --new-key FILE` makes one"));
        };
        let place = Place::named(bundle)?;
        let (manifest, digest) = sign_bundle(&place, &signer, &terminal::BAR)?;
        let id = signer.trust()?.id().to_owned();
        let programs = manifest.programs.len();
        if self.json {
            let report =
                json!({ "bundle": place.to_string(), "manifest_sha256": digest, "programs": programs, "id": id });
            return terminal::print_json(&report);
        }
        terminal::print(format!("{place}: {programs} programs checked, manifest signed by key {id}\n"))
    }
}

/// What is typed twice, or stated; none if nothing is.
fn new_password() -> Result<Option<String>, Failure> {
    let typed = match password() {
        Some(password) => password,
        None if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => {
            let failed = |error| Failure::new("cannot read a password").because(error);
            let first = ask("password for the new key (empty for none): ").map_err(failed)?;
            if !first.is_empty() && ask("once more: ").map_err(failed)? != first {
                return Err(Failure::usage("the two passwords differ"));
            }
            first
        }
        None => String::new(),
    };
    Ok(Some(typed).filter(|typed| !typed.is_empty()))
}
