//! What can keep a file from coming here, always with both sides and the place.

use std::path::PathBuf;

use super::checksum::Checksum;
use crate::disk::NoSpace;
use crate::partial::PartialError;

/// Why a repository cannot be listed, or a file of it not be had.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error("`{name}` is no name of a repository, expected `OWNER/NAME` such as `openai/gpt-oss-20b`")]
    Name { name: String },
    #[error("`{variable}` is `{value}`, expected {expected}")]
    Environment { variable: &'static str, value: String, expected: &'static str },
    #[error("there is no home folder to keep the hub's cache in")]
    NoHome,
    #[error("cannot {doing} `{}`: {source}", file.display())]
    File { doing: &'static str, file: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Space(#[from] NoSpace),
    #[error(transparent)]
    Partial(#[from] PartialError),
    #[error("`{address}` cannot be had: {cause}\n  {tries}")]
    GaveUp { address: String, cause: String, tries: Tries },
    #[error("`{host}` cannot be trusted: {cause}")]
    Certificate { host: String, cause: String },
    #[error("`{repository}` is not on `{endpoint}`, or not for {} to see", whom(token))]
    Missing { repository: String, endpoint: String, token: Option<String> },
    #[error("`{repository}` has no revision `{revision}`")]
    Revision { repository: String, revision: String },
    #[error("`{repository}` is gated, and not open to {}{}", whom(token), said(words))]
    Gated { repository: String, endpoint: String, token: Option<String>, words: String },
    #[error("`{endpoint}` does not take the token from {token}{}", said(words))]
    Token { endpoint: String, token: String, words: String },
    #[error("`{address}` answers {status}{}", said(words))]
    Status { address: String, status: u16, words: String },
    #[error("`{first}` is redirected more than {most} times, last to `{last}`")]
    Redirects { first: String, last: String, most: usize },
    #[error("`{address}` redirects to `{location}`, which is no address of the web")]
    Location { address: String, location: String },
    #[error("`{address}` does not answer as a hub: {problem}")]
    Answer { address: String, problem: String },
    #[error("the hub lists a file `{path}`, which would be written outside of its folder")]
    Path { path: String },
    #[error("`{path}` is {found} from `{address}`, the hub lists {expected} bytes")]
    Length { path: String, address: String, found: String, expected: u64 },
    #[error("{}\n  fetched twice from `{address}`; nothing of it is kept", expected.unlike(path, found))]
    Checksum { path: String, found: String, expected: Checksum, address: String },
    #[error("`{}` has {} {found}, its name in the cache says {}", file.display(), expected.kind(), expected.digits())]
    Cached { file: PathBuf, found: String, expected: Checksum },
    #[error("no file of `{repository}` is asked for: {asked}")]
    Nothing { repository: String, asked: String, some: Vec<String> },
    #[error("`{}` does not hold `{repository}` at `{revision}`", cache.display())]
    NotCached { repository: String, revision: String, cache: PathBuf },
}

/// How often something was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries(pub u32);

impl std::fmt::Display for Tries {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1 => out.write_str("tried once"),
            times => write!(out, "tried {times} times without a new byte"),
        }
    }
}

fn whom(token: &Option<String>) -> String {
    match token {
        Some(from) => format!("the owner of the token from {from}"),
        None => "someone without a token".to_owned(),
    }
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!("\n  it says: {words}") }
}

impl HubError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        let make = "put one into `HF_TOKEN`";
        match self {
            HubError::Environment { .. } => Some("change the variable, or remove it".to_owned()),
            HubError::NoHome => Some("say where with `HF_HOME`".to_owned()),
            HubError::File { source, .. } | HubError::Partial(PartialError::File { source, .. })
                if source.kind() == std::io::ErrorKind::StorageFull =>
            {
                Some("free some space; the same command goes on from what is here".to_owned())
            }
            HubError::Space(_) => Some("free some, or choose another disk with `--out` or `HF_HOME`".to_owned()),
            HubError::Partial(PartialError::Busy { .. }) => Some("wait for it, or choose another `--out`".to_owned()),
            HubError::GaveUp { .. } => Some(
                "the same command goes on from what is here; `--offline` uses only what is in the cache".to_owned(),
            ),
            HubError::Certificate { .. } => Some(
                "a proxy that reads along needs its certificate in the system's store, or in `SSL_CERT_FILE`"
                    .to_owned(),
            ),
            HubError::Missing { token: None, .. } => Some(format!("check the name; for a private repository {make}")),
            HubError::Missing { .. } => Some("check the name, and what the token may read".to_owned()),
            HubError::Revision { .. } => Some("give a branch, a tag or a commit; the usual one is `main`".to_owned()),
            HubError::Gated { repository, endpoint, token: None, .. } => {
                Some(format!("ask for access on `{endpoint}/{repository}`, make a token there, and {make}"))
            }
            HubError::Gated { repository, endpoint, .. } => {
                Some(format!("ask for access on `{endpoint}/{repository}` as the token's owner"))
            }
            HubError::Token { endpoint, .. } => Some(format!(
                "it may have expired: make a new one on `{endpoint}/settings/tokens` and {make}, or unset it for what is public"
            )),
            HubError::Redirects { .. } | HubError::Answer { .. } | HubError::Location { .. } => {
                Some("check `HF_ENDPOINT`, and the proxy if there is one".to_owned())
            }
            HubError::Length { .. } => {
                Some("a proxy may stand between; try without it, or another `HF_ENDPOINT`".to_owned())
            }
            HubError::Checksum { .. } => Some(
                "the server or a proxy changes the file; try without the proxy, or another `HF_ENDPOINT`".to_owned(),
            ),
            HubError::Cached { .. } => Some("fetch it again without `--offline`".to_owned()),
            HubError::Nothing { some, .. } if !some.is_empty() => Some(format!("it holds {}", some.join(", "))),
            HubError::NotCached { .. } => Some("fetch it once without `--offline`".to_owned()),
            _ => None,
        }
    }

    /// Whether what was asked for cannot be meant.
    pub fn is_usage(&self) -> bool {
        matches!(self, HubError::Name { .. } | HubError::Environment { .. } | HubError::Nothing { .. })
    }
}
