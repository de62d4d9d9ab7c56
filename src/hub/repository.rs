//! The name of a repository of models, and its folder in a cache.

use std::fmt;
use std::str::FromStr;

use super::error::HubError;

/// A repository, `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository(String);

impl Repository {
    /// As the hub's cache names its folder.
    pub fn folder(&self) -> String {
        format!("models--{}", self.0.replace('/', "--"))
    }
}

impl FromStr for Repository {
    type Err = HubError;

    /// Fails unless it is `owner/name` of letters, digits, `-`, `_` and `.`, as the hub's names are.
    fn from_str(name: &str) -> Result<Repository, HubError> {
        let sound = |part: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let edges = ['-', '.'];
            !part.is_empty()
                && part.len() <= 96
                && part.bytes().all(known)
                && !part.starts_with(edges)
                && !part.ends_with(edges)
                && !part.contains("--")
                && !part.contains("..")
        };
        match name.split_once('/') {
            Some((owner, own)) if sound(owner) && sound(own) => Ok(Repository(name.to_owned())),
            _ => Err(HubError::Name { name: name.to_owned() }),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_hub() {
        let folder = |name: &str| name.parse::<Repository>().ok().map(|repository| repository.folder());
        assert_eq!(folder("openai/gpt-oss-20b").as_deref(), Some("models--openai--gpt-oss-20b"));
        for name in ["", "gpt2", "a/b/c", "../b", "a/..", "a/b c", "a/", "/b", "a--b/c", "a/b?c"] {
            assert_eq!(folder(name), None, "{name}");
        }
    }
}
