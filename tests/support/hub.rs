//! A hub of models on this machine: the routes of the real one, a storage on another port, and faults as a test wants them.

#![allow(dead_code, reason = "each user of the hub needs a part of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha1::Digest as _;

pub const REPOSITORY: &str = "ada/small";
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A file that the hub holds.
#[derive(Clone)]
pub struct Content {
    pub bytes: Arc<Vec<u8>>,
    /// Whether the storage has it, as it has large files.
    pub is_large: bool,
    pub sha256: String,
    /// As git names it; of large files it names a note about them.
    pub blob: String,
}

impl Content {
    fn new(bytes: Vec<u8>, is_large: bool) -> Content {
        let sha256 = precast::digest::sha256(&bytes);
        let noted = if is_large { sha256.as_bytes() } else { &bytes };
        let mut hasher = sha1::Sha1::new_with_prefix(format!("blob {}\0", noted.len()));
        hasher.update(noted);
        let blob = precast::digest::hex(&hasher.finalize());
        Content { bytes: Arc::new(bytes), is_large, sha256, blob }
    }

    pub fn etag(&self) -> &str {
        if self.is_large { &self.sha256 } else { &self.blob }
    }
}

/// So many bytes that no two seeds have in common, and no program compresses.
pub fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    let mut bytes = Vec::with_capacity(count + 8);
    while bytes.len() < count {
        bytes.extend_from_slice(&next().to_le_bytes());
    }
    bytes.truncate(count);
    bytes
}

/// Of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Hub,
    Storage,
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub server: Server,
    /// Among all requests of its server, from 0.
    pub number: u64,
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: BTreeMap<String, String>,
}

impl Request {
    pub fn range(&self) -> Option<Range<u64>> {
        let (first, last) = self.headers.get("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some(first.parse().ok()?..last.parse::<u64>().ok()? + 1)
    }

    pub fn is_file(&self) -> bool {
        self.method == "GET" && (self.path.contains("/resolve/") || self.path.starts_with("/storage/"))
    }
}

/// What goes wrong with an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    None,
    /// This answer instead: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection is cut after so many bytes of the body.
    CutAfter(u64),
    /// Nothing more comes after so many bytes, for so long.
    StallAfter(u64, Duration),
    /// At most so many bytes each millisecond.
    Slow(u64),
    /// The range that was asked for is ignored.
    WholeFile,
    /// Another place of the file than was asked for, and says so.
    OtherRange,
    /// The header says another length, by so many bytes, and the body has it.
    Longer(i64),
    /// A byte of the body is another, at this place.
    Flipped(u64),
}

type Judge = dyn Fn(&Request) -> Fault + Send + Sync;

/// A hub with one repository.
pub struct Hub {
    pub state: Arc<State>,
    pub port: u16,
}

pub struct State {
    pub repository: String,
    /// What `main` is.
    pub commit: String,
    pub files: BTreeMap<String, Content>,
    /// Rows that are added to the listing as they are.
    pub rows: Vec<String>,
    /// Rows on a page of the listing.
    pub page: usize,
    /// Without it, nothing is given.
    pub token: Option<String>,
    pub requests: Mutex<Vec<Request>>,
    /// Bytes of files that were sent.
    pub sent: AtomicU64,
    judge: Mutex<Arc<Judge>>,
    own: u16,
    storage: u16,
    numbers: [AtomicU64; 2],
    /// That were opened to the storage.
    pub connections: AtomicU64,
    /// The one signature that the storage takes.
    pub signature: AtomicU64,
}

/// How a hub is made.
#[derive(Default)]
pub struct Setup {
    /// `ada/small` if nothing is said.
    pub repository: Option<String>,
    pub commit: Option<String>,
    pub files: BTreeMap<String, Content>,
    pub rows: Vec<String>,
    pub token: Option<String>,
    /// Rows on a page of the listing; few if nothing is said.
    pub page: Option<usize>,
}

impl Setup {
    pub fn large(mut self, path: &str, bytes: Vec<u8>) -> Setup {
        self.files.insert(path.to_owned(), Content::new(bytes, true));
        self
    }

    pub fn small(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Setup {
        self.files.insert(path.to_owned(), Content::new(bytes.into(), false));
        self
    }

    pub fn start(self) -> Hub {
        let listen = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let (hub, storage) = (listen(), listen());
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let state = Arc::new(State {
            repository: self.repository.unwrap_or_else(|| REPOSITORY.to_owned()),
            commit: self.commit.unwrap_or_else(|| COMMIT.to_owned()),
            files: self.files,
            rows: self.rows,
            page: self.page.unwrap_or(2),
            token: self.token,
            requests: Mutex::default(),
            sent: AtomicU64::new(0),
            judge: Mutex::new(Arc::new(|_: &Request| Fault::None)),
            own: port(&hub),
            storage: port(&storage),
            numbers: Default::default(),
            connections: AtomicU64::new(0),
            signature: AtomicU64::new(1),
        });
        let port = port(&hub);
        for (listener, server) in [(hub, Server::Hub), (storage, Server::Storage)] {
            let state = state.clone();
            std::thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    let state = state.clone();
                    state.connections.fetch_add(u64::from(server == Server::Storage), Ordering::SeqCst);
                    std::thread::spawn(move || state.serve(connection, server));
                }
            });
        }
        Hub { state, port }
    }
}

impl Hub {
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Says what goes wrong from now on.
    pub fn judge(&self, judge: impl Fn(&Request) -> Fault + Send + Sync + 'static) {
        *self.state.judge.lock().unwrap() = Arc::new(judge);
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    pub fn total(&self) -> u64 {
        self.state.files.values().map(|content| content.bytes.len() as u64).sum()
    }
}

/// What is answered, before faults.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

enum Body {
    Text(String),
    File(Arc<Vec<u8>>, Range<u64>),
}

impl Answer {
    fn text(status: u16, text: impl Into<String>) -> Answer {
        Answer { status, headers: vec![("content-type", "application/json".to_owned())], body: Body::Text(text.into()) }
    }

    fn refusal(status: u16, code: &'static str, words: &str) -> Answer {
        let mut answer = Answer::text(status, format!("{{\"error\":\"{words}\"}}"));
        answer.headers.extend([("x-error-code", code.to_owned()), ("x-error-message", words.to_owned())]);
        answer
    }
}

impl State {
    fn serve(&self, connection: TcpStream, server: Server) {
        let mut reader = BufReader::new(connection.try_clone().expect("a connection"));
        let mut writer = connection;
        while let Some(request) = self.read(&mut reader, server) {
            self.requests.lock().unwrap().push(request.clone());
            let judge = self.judge.lock().unwrap().clone();
            let fault = judge(&request);
            let answer = match &fault {
                Fault::Answer(status, headers, body) => {
                    Answer { status: *status, headers: headers.clone(), body: Body::Text(body.clone()) }
                }
                _ => match server {
                    Server::Hub => self.hub(&request, &fault),
                    Server::Storage => self.storage(&request, &fault),
                },
            };
            if self.send(&mut writer, &request, answer, &fault).is_none() {
                let _ = writer.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    fn read(&self, reader: &mut impl BufRead, server: Server) -> Option<Request> {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
            match line.trim().split_once(':') {
                Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
                None => break,
            };
        }
        let number = self.numbers[usize::from(server == Server::Storage)].fetch_add(1, Ordering::SeqCst);
        Some(Request { server, number, method, path, headers })
    }

    fn hub(&self, request: &Request, fault: &Fault) -> Answer {
        if let Some(token) = &self.token {
            let given = request.headers.get("authorization").map(|header| header.trim_start_matches("Bearer "));
            match given {
                None => return Answer::refusal(401, "RepoNotFound", "Repository not found"),
                Some("expired") => return Answer::refusal(401, "", "Invalid credentials in Authorization header"),
                Some("stranger") => return Answer::refusal(403, "GatedRepo", "Your access has not been approved"),
                Some(given) if given != token => return Answer::refusal(404, "RepoNotFound", "Repository not found"),
                Some(_) => {}
            }
        }
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let (repository, commit) = (&self.repository, &self.commit);
        let api = format!("/api/models/{repository}/");
        if let Some(revision) = path.strip_prefix(&format!("{api}revision/")) {
            return match revision {
                revision if ["main", "refs%2Fpr%2F1", commit.as_str()].contains(&revision) => {
                    Answer::text(200, format!("{{\"sha\":\"{commit}\",\"id\":\"x\"}}"))
                }
                _ => Answer::refusal(404, "RevisionNotFound", "Invalid rev id"),
            };
        }
        if path == format!("{api}tree/{commit}") {
            return self.tree(query);
        }
        let name = path.strip_prefix(&format!("/{repository}/resolve/{commit}/"));
        let name = name.or_else(|| path.strip_prefix("/api/resolve-cache/")).map(|name| name.replace("%20", " "));
        let Some((name, content)) = name.and_then(|name| self.files.get_key_value(&name)) else {
            return Answer::refusal(404, "RepoNotFound", "Repository not found");
        };
        let mut headers = vec![("x-repo-commit", commit.clone())];
        if content.is_large {
            let signature = self.signature.load(Ordering::SeqCst);
            headers.extend([
                ("x-linked-size", content.bytes.len().to_string()),
                ("x-linked-etag", format!("\"{}\"", content.etag())),
                (
                    "location",
                    format!("http://127.0.0.1:{}/storage/{}?Signature={signature}", self.storage, content.sha256),
                ),
            ]);
            return Answer { status: 302, headers, body: Body::Text(String::new()) };
        }
        headers.push(("etag", format!("\"{}\"", content.etag())));
        if !path.starts_with("/api/resolve-cache/") {
            headers.push(("location", format!("/api/resolve-cache/{}", name.replace(' ', "%20"))));
            return Answer { status: 307, headers, body: Body::Text(String::new()) };
        }
        file(request, content, fault, headers)
    }

    fn tree(&self, query: &str) -> Answer {
        let row = |(path, content): (&String, &Content)| {
            let (blob, bytes) = (&content.blob, content.bytes.len());
            let large = match content.is_large {
                true => format!(",\"lfs\":{{\"oid\":\"{}\",\"size\":{bytes},\"pointerSize\":134}}", content.sha256),
                false => String::new(),
            };
            format!("{{\"type\":\"file\",\"oid\":\"{blob}\",\"size\":{bytes},\"path\":\"{path}\"{large}}}")
        };
        let folder = format!("{{\"type\":\"directory\",\"oid\":\"{}\",\"size\":0,\"path\":\"original\"}}", self.commit);
        let rows: Vec<String> =
            std::iter::once(folder).chain(self.files.iter().map(row)).chain(self.rows.iter().cloned()).collect();
        let cursor = query.split('&').find_map(|part| part.strip_prefix("cursor="));
        let from: usize = cursor.map_or(0, |cursor| cursor.parse().expect("a number"));
        let until = (from + self.page).min(rows.len());
        let mut answer = Answer::text(200, format!("[{}]", rows[from..until].join(",")));
        if until < rows.len() {
            let State { own, repository, commit, .. } = self;
            let next = format!(
                "<http://127.0.0.1:{own}/api/models/{repository}/tree/{commit}?recursive=true&cursor={until}>; rel=\"next\""
            );
            answer.headers.push(("link", next));
        }
        answer
    }

    fn storage(&self, request: &Request, fault: &Fault) -> Answer {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if query != format!("Signature={}", self.signature.load(Ordering::SeqCst)) {
            let mut answer = Answer::text(403, "<Error><Code>AccessDenied</Code></Error>");
            answer.headers = vec![("content-type", "application/xml".to_owned())];
            return answer;
        }
        let digest = path.strip_prefix("/storage/").unwrap_or_default();
        match self.files.values().find(|content| content.is_large && content.sha256 == digest) {
            Some(content) => file(request, content, fault, vec![("etag", "\"of-the-storage\"".to_owned())]),
            None => Answer::text(404, "<Error><Code>NoSuchKey</Code></Error>"),
        }
    }

    /// None if the connection is to be closed.
    fn send(&self, writer: &mut TcpStream, request: &Request, answer: Answer, fault: &Fault) -> Option<()> {
        let longer = if let Fault::Longer(by) = fault { *by } else { 0 };
        let (data, range) = match &answer.body {
            Body::Text(text) => (text.as_bytes(), 0..text.len() as u64),
            Body::File(bytes, range) => (&bytes[..], range.clone()),
        };
        let length = (range.end - range.start).checked_add_signed(longer).expect("a length");
        let mut head = format!("HTTP/1.1 {} Status\r\ncontent-length: {length}\r\n", answer.status);
        for (name, value) in &answer.headers {
            head += &format!("{name}: {value}\r\n");
        }
        writer.write_all((head + "\r\n").as_bytes()).ok()?;
        if request.method == "HEAD" {
            return Some(());
        }
        let mut body = &data[range.start as usize..range.end as usize];
        let flipped;
        if let Fault::Flipped(place) = fault
            && range.contains(place)
        {
            let mut other = body.to_vec();
            other[(place - range.start) as usize] ^= 0x10;
            flipped = other;
            body = &flipped;
        }
        let stop = match fault {
            Fault::CutAfter(count) | Fault::StallAfter(count, _) => Some(*count as usize),
            Fault::Longer(by) if *by < 0 => Some(length as usize),
            _ => None,
        };
        let part = stop.map_or(body, |stop| &body[..stop.min(body.len())]);
        for piece in part.chunks(if let Fault::Slow(rate) = fault { *rate as usize } else { 1 << 18 }) {
            writer.write_all(piece).ok()?;
            if matches!(answer.body, Body::File(..)) {
                self.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
            if matches!(fault, Fault::Slow(_)) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        match fault {
            Fault::CutAfter(_) => None,
            Fault::StallAfter(_, time) => {
                std::thread::sleep(*time);
                None
            }
            Fault::Longer(by) => {
                writer.write_all(&vec![b'x'; (*by).max(0) as usize]).ok()?;
                None
            }
            _ => Some(()),
        }
    }
}

fn file(request: &Request, content: &Content, fault: &Fault, mut headers: Vec<(&'static str, String)>) -> Answer {
    let bytes = content.bytes.len() as u64;
    headers.push(("content-type", "application/octet-stream".to_owned()));
    let whole = Answer { status: 200, headers: headers.clone(), body: Body::File(content.bytes.clone(), 0..bytes) };
    let Some(asked) = request.range().filter(|_| *fault != Fault::WholeFile) else { return whole };
    if asked.start >= bytes {
        headers.push(("content-range", format!("bytes */{bytes}")));
        return Answer { status: 416, headers, body: Body::Text(String::new()) };
    }
    let mut range = asked.start..asked.end.min(bytes);
    if *fault == Fault::OtherRange {
        let by = if range.start > 0 { range.start } else { bytes - range.end };
        range = if range.start > 0 { range.start - by..range.end - by } else { range.start + by..range.end + by };
    }
    headers.push(("content-range", format!("bytes {}-{}/{bytes}", range.start, range.end - 1)));
    Answer { status: 206, headers, body: Body::File(content.bytes.clone(), range) }
}
