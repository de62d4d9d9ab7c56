//! Addresses of the web: whose they are, what a redirect makes of them, and how they are told without what they grant.

use std::fmt;

use ureq::http::Uri;

/// An absolute `http` or `https` address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(Uri);

impl Address {
    /// None if it is no absolute `http` or `https` address, or has a password in it.
    pub fn parse(text: &str) -> Option<Address> {
        // What comes after `#` is not for the server.
        let text = text.split('#').next().unwrap_or_default();
        let uri: Uri = text.parse().ok()?;
        let known = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority()?;
        (known && !authority.as_str().contains('@') && !authority.host().is_empty()).then_some(Address(uri))
    }

    /// The address below this one; `path` is quoted where it has to be.
    pub fn below(&self, path: &str) -> Option<Address> {
        Address::parse(&format!("{}{path}", self.to_string().trim_end_matches('/')))
    }

    /// What `location`, absolute or not, means in an answer from this address.
    pub fn join(&self, location: &str) -> Option<Address> {
        let (scheme, authority) = (self.0.scheme_str()?, self.0.authority()?);
        let alphabetic = |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) && !scheme.is_empty();
        if location.split_once("://").is_some_and(|(scheme, _)| alphabetic(scheme)) {
            Address::parse(location)
        } else if let Some(rest) = location.strip_prefix("//") {
            Address::parse(&format!("{scheme}://{rest}"))
        } else if location.starts_with('/') {
            Address::parse(&format!("{scheme}://{authority}{location}"))
        } else if location.starts_with('?') {
            Address::parse(&format!("{scheme}://{authority}{}{location}", self.0.path()))
        } else {
            let folder = self.0.path().rfind('/').map_or("/", |end| &self.0.path()[..=end]);
            Address::parse(&format!("{scheme}://{authority}{folder}{location}"))
        }
    }

    /// Whether both are one server: the same scheme, host and port.
    pub fn same_server(&self, other: &Address) -> bool {
        self.server() == other.server()
    }

    fn server(&self) -> (String, String, u16) {
        let scheme = self.0.scheme_str().unwrap_or_default().to_ascii_lowercase();
        let usual = if scheme == "https" { 443 } else { 80 };
        (scheme, self.host(), self.0.port_u16().unwrap_or(usual))
    }

    pub fn host(&self) -> String {
        self.0.host().unwrap_or_default().to_ascii_lowercase()
    }

    pub fn port(&self) -> u16 {
        self.server().2
    }

    pub fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// The address as it is asked for, with everything that it grants.
    pub(super) fn whole(&self) -> String {
        self.0.to_string()
    }
}

/// Without the query, which may hold a signature.
impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let text = text.split('?').next().unwrap_or_default();
        // An empty path is told as it was given.
        out.write_str(text.strip_suffix('/').filter(|_| self.0.path() == "/").unwrap_or(text))
    }
}

/// `text` as a part of a path; a `/` stays if `slashes`.
pub fn quoted(text: &str, slashes: bool) -> String {
    let mut quoted = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || (slashes && byte == b'/') {
            quoted.push(char::from(byte));
        } else {
            quoted += &format!("%{byte:02X}");
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_what_a_browser_makes_of_it() {
        let from = Address::parse("https://hub.test/a/resolve/b/c.json?x=1").expect("an address");
        let rows = [
            ("https://cdn.test/x?sig=1", "https://cdn.test/x?sig=1"),
            ("//cdn.test/x", "https://cdn.test/x"),
            ("/api/x", "https://hub.test/api/x"),
            ("d.json", "https://hub.test/a/resolve/b/d.json"),
            ("?y=http://z", "https://hub.test/a/resolve/b/c.json?y=http://z"),
            ("/to?u=http://z", "https://hub.test/to?u=http://z"),
        ];
        for (location, expected) in rows {
            assert_eq!(from.join(location).map(|address| address.whole()).as_deref(), Some(expected), "{location}");
        }
        assert!(from.join("ftp://cdn.test/x").is_none() && from.join("http://user:pass@cdn.test/").is_none());
    }

    #[test]
    fn a_server_is_scheme_host_and_port() {
        let at = |text: &str| Address::parse(text).expect("an address");
        assert!(at("https://Hub.test/a").same_server(&at("https://hub.test:443/b")));
        for other in ["http://hub.test", "https://hub.test:8443", "https://hub.test.evil", "https://cdn.hub.test"] {
            assert!(!at("https://hub.test").same_server(&at(other)), "{other}");
        }
    }

    #[test]
    fn what_an_address_grants_is_not_told() {
        let address = Address::parse("https://cdn.test/x?Signature=secret").expect("an address");
        assert_eq!(address.to_string(), "https://cdn.test/x");
        assert_eq!(quoted("refs/pr/1 ü", false), "refs%2Fpr%2F1%20%C3%BC");
        assert_eq!(quoted("original/a b", true), "original/a%20b");
    }
}
