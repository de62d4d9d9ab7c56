//! What a store refuses or fails at, told without what only its owner should see.

use std::fmt;

/// A place, what was done with it, and why that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} `{place}`: {cause}")]
pub struct StorageError {
    /// The place, or an object in it.
    pub place: String,
    pub doing: &'static str,
    pub cause: Cause,
}

/// Why a store does not do what it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Cause {
    /// It cannot be meant; a clause that says what is expected.
    Name(String),
    /// This build has no object stores.
    Feature,
    ReadOnly,
    /// There are no credentials, or they are none that it knows.
    Credentials(String),
    /// The credentials are known, and do not allow it.
    Denied(String),
    NoBucket(String),
    /// It is larger than what is asked for can be.
    Large {
        bytes: u64,
        most: u64,
    },
    /// It does not answer, or answers that it cannot.
    Failed(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Name(problem) => out.write_str(problem),
            Cause::Feature => out.write_str("this build of precast has no feature `remote`"),
            Cause::ReadOnly => out.write_str("`http` and `https` are only read"),
            Cause::Credentials(words) | Cause::Denied(words) | Cause::NoBucket(words) | Cause::Failed(words) => {
                out.write_str(words)
            }
            Cause::Large { bytes, most } => write!(out, "it has {bytes} bytes, expected at most {most}"),
        }
    }
}

impl StorageError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match &self.cause {
            Cause::Feature => Some("build with it: `cargo install --path . --features remote`".to_owned()),
            Cause::ReadOnly => Some("write to `s3://`, `gs://` or a folder".to_owned()),
            Cause::Credentials(_) if self.place.starts_with("gs:") => {
                Some("set `GOOGLE_SERVICE_ACCOUNT` or `GOOGLE_APPLICATION_CREDENTIALS`".to_owned())
            }
            Cause::Credentials(_) => Some(
                "set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or `AWS_SKIP_SIGNATURE=true` for what is public; \
                 profiles in files are not read"
                    .to_owned(),
            ),
            Cause::Denied(_) => Some(
                "check what the credentials may do there; S3 says this of what is absent too, if they may not list".to_owned(),
            ),
            Cause::NoBucket(_) => {
                Some("create the bucket; `AWS_ENDPOINT_URL` says which server, `AWS_REGION` where".to_owned())
            }
            _ => None,
        }
    }

    /// Whether what was asked for cannot be meant.
    pub fn is_usage(&self) -> bool {
        matches!(self.cause, Cause::Name(_) | Cause::ReadOnly | Cause::Feature)
    }
}
