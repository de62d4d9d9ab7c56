//! How a place is named: a folder, or a URL of an object store or a web server.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::error::{Cause, StorageError};

/// Where something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path, or what `file://` names.
    Folder(PathBuf),
    Remote(Address),
}

/// A URL without user, query and fragment, none of which could be told to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub(super) scheme: Scheme,
    /// A bucket, or a host and its port.
    pub(super) host: String,
    /// As in the URL, without a slash at its ends.
    pub(super) path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    S3,
    Gs,
    Http,
    Https,
}

const SCHEMES: [(&str, Scheme); 4] =
    [("s3", Scheme::S3), ("gs", Scheme::Gs), ("http", Scheme::Http), ("https", Scheme::Https)];

impl Place {
    /// What `text` names: a URL if it has `://`, else a path. Fails for a scheme that is not known, and for URLs that say more than a place.
    pub fn named(text: &Path) -> Result<Place, StorageError> {
        let Some((scheme, rest)) = text.to_str().and_then(|text| text.split_once("://")) else {
            return Ok(Place::Folder(text.to_owned()));
        };
        let failed = |problem: String| StorageError {
            // Neither what stands before the host nor what follows the path.
            place: format!(
                "{scheme}://{}",
                rest.split(['?', '#']).next().unwrap_or_default().rsplit('@').next().unwrap_or_default()
            ),
            doing: "use",
            cause: Cause::Name(problem),
        };
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "file" {
            let path = rest.strip_prefix("localhost").unwrap_or(rest);
            let decoded = decoded(path).filter(|path| path.starts_with('/'));
            return decoded
                .map(|path| Place::Folder(path.into()))
                .ok_or_else(|| failed("expected `file:///` and an absolute path".to_owned()));
        }
        let Some((_, scheme)) = SCHEMES.into_iter().find(|(name, _)| *name == scheme) else {
            return Err(failed("expected a path, or `file`, `s3`, `gs`, `http` or `https` before `://`".to_owned()));
        };
        if rest.contains(['?', '#']) {
            return Err(failed("expected neither `?` nor `#` in it".to_owned()));
        }
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.contains('@') {
            return Err(failed("expected no user and no password in it".to_owned()));
        }
        if host.is_empty() || host.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            return Err(failed("expected a bucket or a host after `://`".to_owned()));
        }
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..")) || decoded(path).is_none() {
            return Err(failed("expected a plain path in it".to_owned()));
        }
        Ok(Place::Remote(Address { scheme, host: host.to_owned(), path: parts.join("/") }))
    }

    /// Whether it can only be read.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Place::Remote(Address { scheme: Scheme::Http | Scheme::Https, .. }))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Folder(folder) => folder.display().fmt(out),
            Place::Remote(address) => address.fmt(out),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = SCHEMES.into_iter().find(|(_, scheme)| *scheme == self.scheme).map_or("", |(name, _)| name);
        let slash = if self.path.is_empty() { "" } else { "/" };
        write!(out, "{name}://{}{slash}{}", self.host, self.path)
    }
}

/// `text` without its quotes; none if it is no text then.
fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.contains('\0')).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Result<Place, String> {
        Place::named(Path::new(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn paths_stay_paths_and_urls_are_told_as_they_are() {
        let folder = |path: &str| Ok(Place::Folder(path.into()));
        assert_eq!(named("bundle/"), folder("bundle/"));
        assert_eq!(named("file:///a%20b/c"), folder("/a b/c"));
        assert_eq!(named("FILE://localhost/a"), folder("/a"));
        for (text, told) in [
            ("s3://bucket/a//b/", "s3://bucket/a/b"),
            ("gs://bucket", "gs://bucket"),
            ("http://127.0.0.1:80/a%20b", "http://127.0.0.1:80/a%20b"),
        ] {
            assert_eq!(named(text).expect("a place").to_string(), told);
        }
        assert!(named("https://host/a").expect("a place").is_read_only());
    }

    #[test]
    fn a_url_that_says_more_than_a_place_is_refused_without_its_secrets() {
        for text in [
            "s3://id:secret@bucket/a",
            "https://host/a?token=secret",
            "https://host/a#secret",
            "ftp://host/a",
            "s3:///a",
            "file://host/a",
            "s3://bucket/../a",
            "s3://bucket/%ff",
        ] {
            let told = named(text).expect_err(text);
            assert!(!told.contains("secret") && told.contains("expected"), "{told}");
        }
    }
}
