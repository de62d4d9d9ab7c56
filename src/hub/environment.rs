//! What the user has set for every tool of the hub: variables `HF_…`, and the token's file.

use std::path::PathBuf;

use super::address::Address;
use super::cache::Cache;
use super::error::HubError;
use super::token::Token;

/// Where the hub is if nothing else is said.
const ENDPOINT: &str = "https://huggingface.co";

/// Endpoint, token, cache, and whether the network may be used.
#[derive(Clone, Debug)]
pub struct Environment {
    pub endpoint: Address,
    pub token: Option<Token>,
    pub cache: Cache,
    pub offline: bool,
}

impl Environment {
    /// As the process was started. Fails if `HF_ENDPOINT` is no address, or there is no home to keep a cache in.
    pub fn read() -> Result<Environment, HubError> {
        Environment::of(&|name| std::env::var(name).ok(), dirs::home_dir())
    }

    fn of(variable: &dyn Fn(&str) -> Option<String>, home: Option<PathBuf>) -> Result<Environment, HubError> {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let flag = |name: &str| set(name).is_some_and(|value| is_yes(&value));
        let endpoint = set("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned());
        let endpoint = Address::parse(endpoint.trim().trim_end_matches('/')).ok_or_else(|| HubError::Environment {
            variable: "HF_ENDPOINT",
            value: endpoint.clone(),
            expected: "an address such as `https://huggingface.co`",
        })?;
        let expand = |path: String| match (path.strip_prefix("~/"), &home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(path),
        };
        let caches = || set("XDG_CACHE_HOME").map(expand).or_else(|| home.as_ref().map(|home| home.join(".cache")));
        let own = set("HF_HOME").map(expand).or_else(|| caches().map(|folder| folder.join("huggingface")));
        let root = set("HF_HUB_CACHE").map(expand).or_else(|| own.as_ref().map(|own| own.join("hub")));
        let named = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"].into_iter();
        let mut named = named.filter_map(|name| Token::new(&set(name)?, format!("`{name}`")));
        let token = match named.next() {
            _ if flag("HF_HUB_DISABLE_IMPLICIT_TOKEN") => None,
            Some(token) => Some(token),
            None => {
                let file = set("HF_TOKEN_PATH").map(expand).or_else(|| own.as_ref().map(|own| own.join("token")));
                let read = |file: PathBuf| {
                    let text = std::fs::read_to_string(&file).ok()?;
                    Token::new(&text, format!("`{}`", file.display()))
                };
                file.and_then(read)
            }
        };
        Ok(Environment {
            endpoint,
            token,
            cache: Cache::new(root.ok_or(HubError::NoHome)?),
            offline: flag("HF_HUB_OFFLINE") || flag("TRANSFORMERS_OFFLINE"),
        })
    }
}

fn is_yes(value: &str) -> bool {
    ["1", "on", "yes", "true"].contains(&value.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Environment, HubError> {
        let find = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        Environment::of(&find, Some(PathBuf::from("/home/ada")))
    }

    #[test]
    fn variables_are_those_of_the_hubs_own_tools() {
        let root = |variables: &[(&str, &str)]| of(variables).expect("an environment").cache.root().to_owned();
        assert_eq!(root(&[]), PathBuf::from("/home/ada/.cache/huggingface/hub"));
        assert_eq!(root(&[("XDG_CACHE_HOME", "/c")]), PathBuf::from("/c/huggingface/hub"));
        assert_eq!(root(&[("HF_HOME", "~/hf"), ("XDG_CACHE_HOME", "/c")]), PathBuf::from("/home/ada/hf/hub"));
        assert_eq!(root(&[("HF_HUB_CACHE", "/h"), ("HF_HOME", "/c")]), PathBuf::from("/h"));
        let endpoint = |value| of(&[("HF_ENDPOINT", value)]).map(|found| found.endpoint.to_string());
        assert_eq!(endpoint("").expect("the hub's"), ENDPOINT);
        assert_eq!(endpoint("http://localhost:8080/").expect("an address"), "http://localhost:8080");
        assert!(endpoint("localhost").is_err() && endpoint("ftp://host").is_err());
        assert!(of(&[("HF_HUB_OFFLINE", "1")]).expect("an environment").offline);
    }

    #[test]
    fn a_token_comes_from_a_variable_or_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().to_str().expect("UTF-8");
        std::fs::write(folder.path().join("token"), "hf_file\n").expect("a file");
        let header =
            |variables: &[(&str, &str)]| of(variables).expect("an environment").token.map(|token| token.header());
        assert_eq!(header(&[("HF_HOME", home)]).as_deref(), Some("Bearer hf_file"));
        assert_eq!(header(&[("HF_HOME", home), ("HF_TOKEN", "hf_a")]).as_deref(), Some("Bearer hf_a"));
        assert_eq!(header(&[("HF_HOME", home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
    }
}
