//! An object store on this machine: moto's S3 in a process of its own, and a proxy before it that sees every request and makes of the
//! answers what a test wants.

#![allow(dead_code, reason = "each user needs a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[path = "python.rs"]
mod python;

/// A Python with moto's server, and with another maker and checker of minisign's signatures.
pub fn python() -> std::path::PathBuf {
    python::environment("objects", &["moto[s3,server]==5.2.5", "py-minisign==0.21.1"])
}

/// What goes wrong with an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    None,
    /// This instead, and nothing reaches the store.
    Answer(u16),
    /// The answer of the store is dropped, after the store has done what it was asked for.
    Lost,
    /// The connection is cut after so many bytes of the body.
    CutAfter(usize),
    /// Nothing more comes after so many bytes of the body, for so long.
    StallAfter(usize, Duration),
    /// A bit of the body is another, so many bytes before its end.
    Flipped(usize),
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// As they came, in small letters.
    pub headers: String,
}

impl Request {
    pub fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.path.contains(part)
    }
}

type Judge = dyn Fn(&Request) -> Fault + Send + Sync;

/// Moto and the proxy before it; both end with this.
pub struct Objects {
    server: Child,
    inner: u16,
    pub port: u16,
    state: Arc<State>,
}

struct State {
    judge: Mutex<Arc<Judge>>,
    requests: Mutex<Vec<Request>>,
}

pub const BUCKET: &str = "models";

impl Objects {
    /// A store with one bucket.
    pub fn start() -> Objects {
        // The port is free again for a moment; who else takes it is seen at once.
        let inner = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let mut command = Command::new(python());
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &inner.to_string()]);
        let server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("moto starts");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state =
            Arc::new(State { judge: Mutex::new(Arc::new(|_: &Request| Fault::None)), requests: Mutex::default() });
        let objects = Objects { server, inner, port, state: state.clone() };
        let mut tries = 0;
        while TcpStream::connect(("127.0.0.1", inner)).is_err() {
            tries += 1;
            assert!(tries < 6000, "moto does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        let (status, _) = exchange(inner, &format!("PUT /{BUCKET} HTTP/1.1\r\nhost: s3\r\ncontent-length: 0\r\n"), &[]);
        assert_eq!(status, 200, "a bucket");
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = state.clone();
                std::thread::spawn(move || state.serve(connection, inner));
            }
        });
        objects
    }

    /// Says what goes wrong from now on.
    pub fn judge(&self, judge: impl Fn(&Request) -> Fault + Send + Sync + 'static) {
        *self.state.judge.lock().expect("no panic") = Arc::new(judge);
    }

    /// What was asked since the last time.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.requests.lock().expect("no panic"))
    }

    /// Names of all objects below `prefix`.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let (status, body) = self.ask("GET", &format!("?list-type=2&prefix={prefix}"), &[]);
        assert_eq!(status, 200);
        let body = String::from_utf8(body).expect("XML");
        let keys = body.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next().unwrap_or_default().to_owned());
        keys.collect()
    }

    pub fn get(&self, name: &str) -> Vec<u8> {
        let (status, body) = self.ask("GET", &format!("/{name}"), &[]);
        assert_eq!(status, 200, "{name}");
        body
    }

    pub fn put(&self, name: &str, content: &[u8]) {
        assert_eq!(self.ask("PUT", &format!("/{name}"), content).0, 200, "{name}");
    }

    pub fn remove(&self, name: &str) {
        assert_eq!(self.ask("DELETE", &format!("/{name}"), &[]).0, 204, "{name}");
    }

    fn ask(&self, method: &str, rest: &str, content: &[u8]) -> (u16, Vec<u8>) {
        let length = content.len();
        exchange(
            self.inner,
            &format!("{method} /{BUCKET}{rest} HTTP/1.1\r\nhost: s3\r\ncontent-length: {length}\r\n{WHOEVER}"),
            content,
        )
    }

    /// The variables with which `command` reaches the store through the proxy.
    pub fn reach(&self, command: &mut Command) {
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port));
        command.env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "somebody").env("AWS_SECRET_ACCESS_KEY", SECRET);
    }
}

/// Moto shows what is stored to whoever signs, and believes every signature.
const WHOEVER: &str = "authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x\r\n";

/// It is in no message.
pub const SECRET: &str = "very-secret-key";

impl Drop for Objects {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl State {
    /// One request of a connection, which is closed then.
    fn serve(&self, client: TcpStream, inner: u16) -> Option<()> {
        let mut reader = BufReader::new(client.try_clone().ok()?);
        let mut writer = client;
        let (mut head, mut length) = (String::new(), 0);
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|count| *count > 0)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
            let small = line.to_ascii_lowercase();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = small.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            // Every request has a connection of its own here.
            if !small.starts_with("connection:") {
                head += &line;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split_whitespace();
        let request = Request {
            method: words.next()?.to_owned(),
            path: words.next()?.to_owned(),
            headers: head.to_ascii_lowercase(),
        };
        self.requests.lock().expect("no panic").push(request.clone());
        let judge = self.judge.lock().expect("no panic").clone();
        let fault = judge(&request);
        if let Fault::Answer(status) = fault {
            let answer = format!("HTTP/1.1 {status} Fault\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            writer.write_all(answer.as_bytes()).ok()?;
            return writer.shutdown(Shutdown::Both).ok();
        }
        if !request.headers.contains("authorization:") {
            head += WHOEVER;
        }
        let answer = forward(inner, &format!("{first}{head}"), &body);
        let start = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let (head, content) = answer.split_at(start);
        let mut content = content.to_vec();
        match fault {
            Fault::Lost => return writer.shutdown(Shutdown::Both).ok(),
            Fault::Flipped(before_end) => {
                let place = content.len().checked_sub(before_end + 1)?;
                content[place] ^= 1;
            }
            _ => {}
        }
        writer.write_all(head).ok()?;
        let now = match fault {
            Fault::CutAfter(bytes) | Fault::StallAfter(bytes, _) => bytes.min(content.len()),
            _ => content.len(),
        };
        writer.write_all(&content[..now]).and_then(|()| writer.flush()).ok()?;
        if let Fault::StallAfter(_, time) = fault {
            std::thread::sleep(time);
        }
        writer.shutdown(Shutdown::Both).ok()
    }
}

/// Status and body of an answer.
fn exchange(port: u16, head: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let answer = forward(port, head, body);
    let start = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer") + 4;
    let status = String::from_utf8_lossy(&answer[..start]).split(' ').nth(1).and_then(|word| word.parse().ok());
    (status.expect("a status"), answer[start..].to_vec())
}

/// A whole answer; `head` is without its last line.
fn forward(port: u16, head: &str, body: &[u8]) -> Vec<u8> {
    let mut store = TcpStream::connect(("127.0.0.1", port)).expect("the store");
    store.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).expect("a request");
    store.write_all(body).expect("a request");
    let mut answer = Vec::new();
    store.read_to_end(&mut answer).expect("an answer");
    answer
}

/// Runs Python with `script`, which must go well; what it prints.
pub fn run_python(script: &str, arguments: &[&Path]) -> String {
    let output = Command::new(python()).args(["-c", script]).args(arguments).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
