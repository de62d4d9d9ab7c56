//! Which proxy a request goes through: `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`, in small letters or large.

use ureq::Proxy;

use super::address::Address;
use super::error::HubError;

/// The proxies of this process.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    /// Hosts that are reached without, each with its subdomains.
    none_for: Vec<String>,
}

impl Proxies {
    /// As the process was started. Fails if a variable names what is no proxy for HTTP.
    pub fn read() -> Result<Proxies, HubError> {
        Proxies::of(&|name| std::env::var(name).ok())
    }

    fn of(variable: &dyn Fn(&str) -> Option<String>) -> Result<Proxies, HubError> {
        let set = |name: &'static str| {
            let value = variable(name).or_else(|| variable(&name.to_ascii_uppercase()));
            value.filter(|value| !value.trim().is_empty())
        };
        let proxy = |name: &'static str| {
            let Some((name, value)) = [name, "all_proxy"].into_iter().find_map(|name| Some((name, set(name)?))) else {
                return Ok(None);
            };
            let value = value.trim();
            let failed = || HubError::Environment {
                variable: name,
                // There may be a password before the host.
                value: value.rsplit('@').next().unwrap_or_default().to_owned(),
                expected: "a proxy such as `http://host:port`",
            };
            match Proxy::new(value) {
                Ok(proxy) if matches!(proxy.uri().scheme_str(), None | Some("http" | "https")) => Ok(Some(proxy)),
                _ => Err(failed()),
            }
        };
        let none_for = set("no_proxy").unwrap_or_default();
        let none_for = none_for.split([',', ' ']).map(str::trim).filter(|host| !host.is_empty());
        let none_for = none_for.map(|host| host.trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase());
        Ok(Proxies { https: proxy("https_proxy")?, http: proxy("http_proxy")?, none_for: none_for.collect() })
    }

    /// The proxy for requests of `https` or `http`, if there is one.
    pub fn of_scheme(&self, https: bool) -> Option<&Proxy> {
        if https { self.https.as_ref() } else { self.http.as_ref() }
    }

    /// Whether the proxy, if there is one, is to be left out.
    pub fn is_direct(&self, address: &Address) -> bool {
        let (host, port) = (address.host(), address.port());
        self.none_for.iter().any(|entry| {
            let (name, of_port) = match entry.rsplit_once(':') {
                Some((name, digits)) if !name.contains(':') => (name, digits.parse().ok()),
                _ => (entry.as_str(), None),
            };
            let below = || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            (name == "*" || bare == name || host == name || below())
                && of_port.is_none_or(|of_port: u16| of_port == port)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Proxies, HubError> {
        Proxies::of(&|name| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_scheme_has_its_proxy_and_all_have_one() {
        let host = |variables: &[(&str, &str)], https| {
            of(variables).expect("proxies").of_scheme(https).map(|proxy| (proxy.host().to_owned(), proxy.port()))
        };
        let both = [("https_proxy", "http://a:1"), ("ALL_PROXY", "b:2")];
        assert_eq!(host(&both, true), Some(("a".to_owned(), 1)));
        assert_eq!(host(&both, false), Some(("b".to_owned(), 2)));
        assert_eq!(host(&[("HTTP_PROXY", "http://c:3")], true), None);
        let error = of(&[("https_proxy", "socks5://user:secret@host:1")]).expect_err("no proxy for HTTP").to_string();
        assert!(error.contains("https_proxy") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn some_hosts_are_reached_without() {
        let proxies = of(&[("NO_PROXY", "localhost, .corp.test,*.lab.test,10.0.0.1:8080")]).expect("proxies");
        let direct = |text: &str| proxies.is_direct(&Address::parse(text).expect("an address"));
        for text in [
            "http://localhost:1",
            "https://hub.corp.test",
            "https://corp.test",
            "http://10.0.0.1:8080",
            "https://a.lab.test",
        ] {
            assert!(direct(text), "{text}");
        }
        for text in ["http://nolocalhost", "https://evilcorp.test", "http://10.0.0.1:8081", "https://hub.test"] {
            assert!(!direct(text), "{text}");
        }
        assert!(
            of(&[("no_proxy", "*")])
                .expect("proxies")
                .is_direct(&Address::parse("https://hub.test").expect("an address"))
        );
    }
}
