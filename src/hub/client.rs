//! One exchange with the hub or with the storage that it names, and what an answer that is none means.
//! The token goes to the hub's own server and to no other, whatever redirects say.

use std::io::Read;
use std::ops::Range;
use std::time::Duration;

use ureq::http::{HeaderMap, Response};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use super::address::Address;
use super::environment::Environment;
use super::error::HubError;
use super::patience::{Patience, Shared};
use super::proxies::Proxies;
use super::repository::Repository;
use super::token::Token;
use crate::progress::Progress;

/// Redirects that are followed for one request.
const MOST_REDIRECTS: usize = 10;
/// Bytes of an answer that is read whole; a page of a listing has some hundred thousand.
const MOST_ANSWER_BYTES: u64 = 64 << 20;
/// Bytes of a refusal that are read for its words.
const MOST_REFUSAL_BYTES: u64 = 4096;
/// For a server to be found and to agree on how to talk.
const CONNECT: Duration = Duration::from_secs(30);

/// How much is asked of servers, and how long they are borne with.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests at a time.
    pub connections: usize,
    /// Tries after the first that bring no new byte, in a row.
    pub retries: u32,
    /// Before the second try; every further wait is twice as long.
    pub first_wait: Duration,
    /// Without a byte, until a connection is given up.
    pub silence: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        let seconds = Duration::from_secs;
        Limits { connections: 8, retries: 8, first_wait: seconds(1), silence: seconds(30) }
    }
}

/// What is asked for: everything, or only what would be said before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
}

/// Why an exchange brought nothing.
#[derive(Debug)]
pub enum Fault {
    /// It may be otherwise the next time; the server may have said when.
    Passing {
        cause: String,
        wait: Option<Duration>,
    },
    Lasting(Box<HubError>),
}

impl From<HubError> for Fault {
    fn from(error: HubError) -> Fault {
        Fault::Lasting(Box::new(error))
    }
}

impl Fault {
    pub fn passing(cause: impl Into<String>) -> Fault {
        Fault::Passing { cause: cause.into(), wait: None }
    }
}

/// Whose answers are read: errors name it.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub repository: &'a Repository,
    pub revision: &'a str,
}

/// An answer, its body not yet read.
pub struct Reply {
    pub address: Address,
    response: Response<Body>,
}

impl Reply {
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.response.headers(), name)
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// Where the answer sends us, if it does.
    fn redirect(&self) -> Result<Option<Address>, HubError> {
        let location = match self.status() {
            301 | 302 | 303 | 307 | 308 => self.header("location").unwrap_or_default(),
            _ => return Ok(None),
        };
        let next = self.address.join(location).filter(|_| !location.is_empty());
        let wrong = || HubError::Location { address: self.address.to_string(), location: location.to_owned() };
        next.map(Some).ok_or_else(wrong)
    }

    /// When the server wants to be asked again, if it says so.
    fn wait(&self) -> Option<Duration> {
        let after = self.header("retry-after").and_then(|after| match after.trim().parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            Err(_) => {
                let date = jiff::fmt::rfc2822::parse(after.trim()).ok()?;
                Duration::try_from(date.timestamp().duration_since(jiff::Timestamp::now())).ok()
            }
        });
        // `"api";r=0;t=42`: so many requests are left, and so many seconds until there are more.
        let reset = || {
            let (_, seconds) = self.header("ratelimit")?.split_once("t=")?;
            Some(Duration::from_secs(seconds.split(';').next()?.trim().parse().ok()?))
        };
        after.or_else(|| if self.status() == 429 { reset() } else { None })
    }

    pub fn reader(&mut self) -> impl Read + '_ {
        self.response.body_mut().as_reader()
    }

    /// What a refusal says, in a few words.
    fn words(&mut self) -> String {
        let told = self.header("x-error-message").map(str::to_owned);
        let words = told.unwrap_or_else(|| {
            let mut bytes = Vec::new();
            let _ = self.reader().take(MOST_REFUSAL_BYTES).read_to_end(&mut bytes);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(value) => value["error"].as_str().unwrap_or_default().to_owned(),
                Err(_) if text.trim_start().starts_with('<') => String::new(),
                Err(_) => text,
            }
        });
        let printable = words.chars().map(|found| if found.is_control() { ' ' } else { found });
        printable.take(300).collect::<String>().trim().to_owned()
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Where a file lies, and what the hub says of it on the way there.
pub struct Located {
    pub address: Address,
    pub linked_size: Option<u64>,
    pub linked_etag: Option<String>,
    pub commit: Option<String>,
}

/// Talks to a hub.
#[derive(Debug)]
pub struct Client {
    endpoint: Address,
    token: Option<Token>,
    proxies: Proxies,
    direct: Agent,
    /// For `https`, for `http`.
    proxied: [Option<Agent>; 2],
    pub limits: Limits,
    pub shared: Shared,
}

impl Client {
    /// Fails if a variable names what is no proxy.
    pub fn new(environment: &Environment, limits: Limits) -> Result<Client, HubError> {
        let proxies = Proxies::read()?;
        let proxied = [true, false].map(|https| proxies.of_scheme(https).map(|proxy| agent(&limits, Some(proxy))));
        Ok(Client {
            endpoint: environment.endpoint.clone(),
            token: environment.token.clone(),
            direct: agent(&limits, None),
            proxied,
            proxies,
            limits,
            shared: Shared::default(),
        })
    }

    pub fn endpoint(&self) -> &Address {
        &self.endpoint
    }

    /// The address of something on the hub; `path` begins with a slash and is quoted.
    pub fn address(&self, path: &str) -> Result<Address, HubError> {
        self.endpoint.below(path).ok_or_else(|| HubError::Answer {
            address: self.endpoint.to_string(),
            problem: format!("`{path}` is no path of an address"),
        })
    }

    /// Asks once, and follows no redirect.
    pub fn exchange(&self, method: Method, address: &Address, range: Option<&Range<u64>>) -> Result<Reply, Fault> {
        let proxied = &self.proxied[usize::from(!address.is_https())];
        let agent = match proxied {
            Some(agent) if !self.proxies.is_direct(address) => agent,
            _ => &self.direct,
        };
        let mut request = match method {
            Method::Get => agent.get(address.whole()),
            Method::Head => agent.head(address.whole()),
        };
        if let Some(token) = self.token.as_ref().filter(|_| address.same_server(&self.endpoint)) {
            request = request.header("authorization", token.header());
        }
        if let Some(range) = range {
            request = request.header("range", format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        }
        match request.call() {
            Ok(response) => Ok(Reply { address: address.clone(), response }),
            Err(error) => Err(self.fault(address, &error)),
        }
    }

    /// Asks once, and goes where redirects lead.
    pub fn follow(&self, method: Method, address: &Address, range: Option<&Range<u64>>) -> Result<Reply, Fault> {
        let mut at = address.clone();
        for _ in 0..=MOST_REDIRECTS {
            let reply = self.exchange(method, &at, range)?;
            match reply.redirect()? {
                None => return Ok(reply),
                Some(next) => at = next,
            }
        }
        Err(redirects(address, &at).into())
    }

    /// Where the hub's file `address` lies: goes along with redirects until one leaves the hub, and asks there nothing.
    pub fn locate(&self, address: &Address, about: About<'_>) -> Result<Located, Fault> {
        let mut located = Located { address: address.clone(), linked_size: None, linked_etag: None, commit: None };
        for _ in 0..=MOST_REDIRECTS {
            let mut reply = self.exchange(Method::Head, &located.address, None)?;
            located.linked_size = located.linked_size.or(reply.number("x-linked-size"));
            let told = |name: &str| reply.header(name).map(str::to_owned);
            located.linked_etag = located.linked_etag.or_else(|| told("x-linked-etag"));
            located.commit = located.commit.or_else(|| told("x-repo-commit"));
            match reply.redirect()? {
                Some(next) if next.same_server(&self.endpoint) => located.address = next,
                Some(next) => return Ok(Located { address: next, ..located }),
                None => match reply.status() {
                    200 => return Ok(located),
                    // There are servers that only know how to give.
                    405 | 501 => return Ok(Located { address: address.clone(), ..located }),
                    _ => return Err(self.refusal(&mut reply, about)),
                },
            }
        }
        Err(redirects(address, &located.address).into())
    }

    /// The whole answer of the hub to a question, tried as often as it takes, and the address of the next page if there is one.
    pub fn ask(
        &self,
        address: &Address,
        about: About<'_>,
        progress: &dyn Progress,
    ) -> Result<(Vec<u8>, Option<Address>), HubError> {
        let mut patience = Patience::new(&self.limits, &self.shared, progress);
        loop {
            match self.ask_once(address, about) {
                Ok(answer) => return Ok(answer),
                Err(Fault::Lasting(error)) => return Err(*error),
                Err(Fault::Passing { cause, wait }) => patience.again(address, &cause, wait)?,
            }
        }
    }

    fn ask_once(&self, address: &Address, about: About<'_>) -> Result<(Vec<u8>, Option<Address>), Fault> {
        let mut reply = self.follow(Method::Get, address, None)?;
        if reply.status() != 200 {
            return Err(self.refusal(&mut reply, about));
        }
        let next = match reply.header("link").and_then(next_page) {
            None => None,
            Some(link) => {
                let next = reply.address.join(link).filter(|next| next.same_server(&self.endpoint));
                Some(next.ok_or_else(|| HubError::Answer {
                    address: address.to_string(),
                    problem: format!(
                        "its next page is `{}`, on another server",
                        link.split('?').next().unwrap_or(link)
                    ),
                })?)
            }
        };
        let mut bytes = Vec::new();
        let read = reply.reader().take(MOST_ANSWER_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| Fault::passing(format!("the answer was cut short: {error}")))?;
        if bytes.len() as u64 > MOST_ANSWER_BYTES {
            let problem = format!("more than {MOST_ANSWER_BYTES} bytes in one answer");
            return Err(HubError::Answer { address: address.to_string(), problem }.into());
        }
        Ok((bytes, next))
    }

    /// What an answer means that is not what was asked for.
    pub fn refusal(&self, reply: &mut Reply, about: About<'_>) -> Fault {
        let (status, address) = (reply.status(), reply.address.to_string());
        let code = reply.header("x-error-code").unwrap_or_default().to_owned();
        if matches!(status, 408 | 425 | 429 | 500..=599) {
            return Fault::Passing { cause: format!("it answers {status}"), wait: reply.wait() };
        }
        let words = reply.words();
        if !reply.address.same_server(&self.endpoint) {
            return HubError::Status { address, status, words }.into();
        }
        let repository = about.repository.to_string();
        let endpoint = self.endpoint.to_string();
        let token = self.token.as_ref().map(|token| token.from.clone());
        let error = match (status, code.as_str(), token) {
            (401 | 403, "GatedRepo", token) => HubError::Gated { repository, endpoint, token, words },
            (404, "RevisionNotFound", _) => HubError::Revision { repository, revision: about.revision.to_owned() },
            (404, "EntryNotFound", _) => HubError::Status { address, status, words },
            (401 | 404, "RepoNotFound", token) | (404, _, token) | (401, _, token @ None) => {
                HubError::Missing { repository, endpoint, token }
            }
            (401, _, Some(token)) => HubError::Token { endpoint, token, words },
            _ => HubError::Status { address, status, words },
        };
        error.into()
    }

    fn fault(&self, address: &Address, error: &ureq::Error) -> Fault {
        let host = address.host();
        let cause = match error {
            ureq::Error::Timeout(ureq::Timeout::PerRead | ureq::Timeout::RecvResponse) => {
                format!("no byte for {} s", self.limits.silence.as_secs_f64())
            }
            ureq::Error::Timeout(_) => "no connection in time".to_owned(),
            ureq::Error::HostNotFound => format!("there is no `{host}`"),
            ureq::Error::Rustls(cause) => return HubError::Certificate { host, cause: cause.to_string() }.into(),
            ureq::Error::Io(error) if is_certificate(error) => {
                return HubError::Certificate { host, cause: error.to_string() }.into();
            }
            ureq::Error::Io(error) => error.to_string(),
            other => other.to_string(),
        };
        Fault::passing(cause)
    }
}

/// Whether the connection failed because of who is at the other end.
fn is_certificate(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::InvalidData && error.to_string().contains("certificate")
}

fn redirects(first: &Address, last: &Address) -> HubError {
    HubError::Redirects { first: first.to_string(), last: last.to_string(), most: MOST_REDIRECTS }
}

/// The address of the relation `next` in a header `Link`.
fn next_page(link: &str) -> Option<&str> {
    link.split(',').find_map(|part| {
        let (address, relation) = part.trim().strip_prefix('<')?.split_once('>')?;
        relation.contains("rel=\"next\"").then_some(address)
    })
}

fn agent(limits: &Limits, proxy: Option<&Proxy>) -> Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy.cloned())
        .tls_config(tls)
        .user_agent(concat!("precast/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity")
        .timeout_connect(Some(CONNECT.min(limits.silence)))
        .timeout_recv_response(Some(limits.silence))
        .timeout_per_read(Some(limits.silence))
        .max_idle_connections(limits.connections * 2)
        .max_idle_connections_per_host(limits.connections)
        .input_buffer_size(256 << 10)
        .build();
    config.new_agent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_in_several_ways_when_to_ask_again() {
        let wait = |status: u16, name: &str, value: &str| {
            let response = Response::builder().status(status).header(name, value);
            let response = response.body(Body::builder().data("")).expect("an answer");
            let address = Address::parse("http://hub.test").expect("an address");
            Reply { address, response }.wait()
        };
        assert_eq!(wait(503, "retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(wait(429, "ratelimit", "\"resolvers\";r=0;t=42"), Some(Duration::from_secs(42)));
        assert_eq!(wait(200, "ratelimit", "\"resolvers\";r=9;t=42"), None);
        assert!(wait(429, "retry-after", "Wed, 21 Oct 2150 07:28:00 GMT").is_some_and(|wait| wait.as_secs() > 1 << 30));
        for nonsense in ["soon", "-1", "1e999", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(wait(429, "retry-after", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn the_next_page_is_found_among_relations() {
        let link = r#"<https://hub.test/a>; rel="prev", <https://hub.test/b?cursor=x>; rel="next""#;
        assert_eq!(next_page(link), Some("https://hub.test/b?cursor=x"));
        assert_eq!(next_page(r#"<https://hub.test/a>; rel="prev""#), None);
    }
}
