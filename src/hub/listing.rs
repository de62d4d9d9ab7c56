//! What a repository holds at a revision: every file with its size and checksum, as the hub lists it.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::address::{Address, quoted};
use super::checksum::Checksum;
use super::client::{About, Client};
use super::error::HubError;
use super::repository::Repository;
use crate::progress::Progress;

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Below the repository, its parts joined by `/`. Invariant, kept by `Entry::new`: it stays below.
    pub path: String,
    pub bytes: u64,
    pub checksum: Checksum,
}

impl Entry {
    /// Fails if the path would leave the folder that it is put into.
    pub fn new(path: &str, bytes: u64, checksum: Checksum) -> Result<Entry, HubError> {
        let sound = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
        if !path.split('/').all(sound) {
            return Err(HubError::Path { path: path.to_owned() });
        }
        Ok(Entry { path: path.to_owned(), bytes, checksum })
    }
}

/// The files of a repository at one commit, in the order of their paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    pub repository: Repository,
    /// As it was asked for.
    pub revision: String,
    /// 40 digits.
    pub commit: String,
    pub entries: Vec<Entry>,
}

/// The answer about a revision, as far as it matters here.
#[derive(Deserialize)]
struct Revision {
    sha: String,
}

/// A row of an answer about a tree.
#[derive(Deserialize)]
struct Row {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    oid: String,
    lfs: Option<Large>,
}

/// Of a file whose content git does not hold.
#[derive(Deserialize)]
struct Large {
    oid: String,
    size: u64,
}

impl Listing {
    /// Asks the hub.
    pub fn ask(
        client: &Client,
        repository: &Repository,
        revision: &str,
        progress: &dyn Progress,
    ) -> Result<Listing, HubError> {
        let about = About { repository, revision };
        let address = client.address(&format!("/api/models/{repository}/revision/{}", quoted(revision, false)))?;
        let (answer, _) = client.ask(&address, about, progress)?;
        let Revision { sha: commit } = read(&answer, &address)?;
        if !is_commit(&commit) {
            let problem = format!("revision `{revision}` is commit `{commit}`, expected 40 hexadecimal digits");
            return Err(HubError::Answer { address: address.to_string(), problem });
        }
        let mut entries = BTreeMap::new();
        let mut seen = HashSet::new();
        let mut page = Some(client.address(&format!("/api/models/{repository}/tree/{commit}?recursive=true"))?);
        while let Some(address) = page {
            let wrong = |problem| HubError::Answer { address: address.to_string(), problem };
            if !seen.insert(address.clone()) {
                return Err(wrong("the pages of its listing lead back to one that was read".to_owned()));
            }
            let (answer, next) = client.ask(&address, about, progress)?;
            for row in read::<Vec<Row>>(&answer, &address)? {
                let Some(entry) = entry(&row, &address)? else { continue };
                if entries.insert(row.path.clone(), entry).is_some() {
                    return Err(wrong(format!("`{}` is listed twice", row.path)));
                }
            }
            page = next;
        }
        let entries = entries.into_values().collect();
        Ok(Listing { repository: repository.clone(), revision: revision.to_owned(), commit, entries })
    }
}

/// Whether these are the 40 digits of a commit.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(Checksum::of_digits(text), Some(Checksum::GitBlob(_)))
}

/// The file that a row lists; none for a folder.
fn entry(row: &Row, address: &Address) -> Result<Option<Entry>, HubError> {
    if row.kind != "file" {
        return Ok(None);
    }
    let (bytes, digits) = match &row.lfs {
        Some(large) => (large.size, large.oid.strip_prefix("sha256:").unwrap_or(&large.oid)),
        None => (row.size, row.oid.as_str()),
    };
    match (Checksum::of_digits(digits), &row.lfs) {
        (Some(checksum @ Checksum::Sha256(_)), Some(_)) | (Some(checksum @ Checksum::GitBlob(_)), None) => {
            Entry::new(&row.path, bytes, checksum).map(Some)
        }
        _ => Err(HubError::Answer {
            address: address.to_string(),
            problem: format!("`{}` is listed with checksum `{digits}`", row.path),
        }),
    }
}

fn read<T: for<'de> Deserialize<'de>>(answer: &[u8], address: &Address) -> Result<T, HubError> {
    serde_json::from_slice(answer).map_err(|problem| {
        let found = match answer.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'<') => "a page for browsers".to_owned(),
            None => "nothing".to_owned(),
            Some(_) => problem.to_string(),
        };
        HubError::Answer { address: address.to_string(), problem: found }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_folder() {
        let digits = "0".repeat(40);
        let entry = |path: &str| Entry::new(path, 1, Checksum::of_digits(&digits).expect("a checksum")).is_ok();
        assert!(entry("a") && entry("original/model.safetensors") && entry(".gitattributes") && entry("a..b"));
        for path in ["", "/etc/passwd", "../a", "a/../../b", "a//b", "a/", "./a", "a\\b", "C:a", "a\0"] {
            assert!(!entry(path), "{path:?}");
        }
    }

    #[test]
    fn a_row_has_the_checksum_of_its_kind() {
        let address = Address::parse("http://hub.test").expect("an address");
        let of = |text: &str| {
            entry(&serde_json::from_str(text).expect("a row"), &address).map_err(|error| error.to_string())
        };
        let (sha1, sha256) = ("1".repeat(40), "2".repeat(64));
        let small = format!(r#"{{"type": "file", "path": "a", "size": 7, "oid": "{sha1}"}}"#);
        assert_eq!(of(&small).expect("a file").map(|entry| entry.checksum), Some(Checksum::GitBlob(sha1.clone())));
        let large = |oid: &str| {
            format!(
                r#"{{"type": "file", "path": "a", "size": 7, "oid": "{sha1}", "lfs": {{"oid": "{oid}", "size": 9}}}}"#
            )
        };
        let found = of(&large(&sha256)).expect("a file").expect("a file");
        assert_eq!((found.bytes, found.checksum), (9, Checksum::Sha256(sha256)));
        assert!(of(&large("../../x")).is_err_and(|error| error.contains("checksum `../../x`")));
        assert_eq!(of(r#"{"type": "directory", "path": "a"}"#), Ok(None));
    }
}
