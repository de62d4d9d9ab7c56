//! `precast fetch` as it is used, against a hub on this machine that does what real ones and the way to them do: cut connections, ask
//! to wait, lie about lengths and contents, forget what they signed.

#[path = "support/command.rs"]
mod command;
#[path = "support/hub.rs"]
mod hub;
#[path = "support/python.rs"]
mod python;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use command::{files, json, said};
use hub::{COMMIT, Fault, Hub, REPOSITORY, Request, Server, Setup, noise};
use serde_json::Value;
use tempfile::TempDir;

/// A large file has a dozen pieces, and small ones beside it are as a model's.
const LARGE: usize = 3_000_001;

fn usual() -> Setup {
    Setup::default()
        .large("original/model.safetensors", noise(1, LARGE))
        .small("original/config.json", "{\"of\": \"original\"}")
        .small("config.json", "{}")
        .small("a name.txt", noise(2, 700_000))
        .small("empty", "")
}

/// A folder for a cache and for what is fetched, and a hub.
struct Bench {
    hub: Hub,
    folder: TempDir,
}

impl Bench {
    fn new(setup: Setup) -> Bench {
        Bench { hub: setup.start(), folder: tempfile::tempdir().expect("a folder") }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// `precast fetch` of everything, in an environment of its own, with little patience.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_precast"));
        for (name, _) in std::env::vars() {
            if name.starts_with("HF_") || name.to_ascii_lowercase().ends_with("_proxy") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.args(["fetch", REPOSITORY, "--retry-wait", "1", "--silence", "2"]).args(arguments);
        command.env("HF_ENDPOINT", self.hub.endpoint()).env("HF_HOME", self.home()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it starts")
    }

    /// Into a folder.
    fn fetch(&self, arguments: &[&str]) -> Output {
        let out = self.out();
        self.run(&[&["--json", "--out", out.to_str().expect("UTF-8")], arguments].concat())
    }

    /// Everything that is in the folder is what the hub has, and nothing else is.
    fn check_whole(&self) {
        for (path, content) in &self.hub.state.files {
            let found = std::fs::read(self.out().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(found == *content.bytes, "{path} is another");
        }
        assert_eq!(files(&self.out()).len(), self.hub.state.files.len(), "{:?}", files(&self.out()));
    }

    /// No file is under a final name that is not what the hub has.
    fn check_nothing_half(&self) {
        for file in files(&self.out()) {
            let path = file.strip_prefix(self.out()).expect("below").to_str().expect("UTF-8");
            let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            match self.hub.state.files.get(path) {
                Some(content) => assert!(std::fs::read(&file).expect("a file") == *content.bytes, "{path}"),
                None => assert!(["partial", "journal"].contains(&ending), "{path}"),
            }
        }
    }
}

/// It fails with this code, and says every one of these.
fn check_failed(output: &Output, code: i32, words: &[&str]) {
    let text = said(output);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{text}");
    for words in words {
        assert!(text.contains(words), "`{words}` is not in:\n{text}");
    }
}

fn number(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {report}"))
}

/// Numbers from a seed, below `most`.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

#[test]
fn a_repository_comes_whole_and_checked() {
    let bench = Bench::new(Setup { token: Some("hf_secret".to_owned()), ..usual() });
    let out = bench.out();
    let mut command = bench.command(&["--json", "--verbose", "--out", out.to_str().expect("UTF-8")]);
    let output = command.env("HF_TOKEN", "hf_secret").output().expect("it starts");
    let report = json(&output);
    bench.check_whole();
    assert!(!said(&output).contains("hf_secret") && !said(&output).contains("Signature"), "{}", said(&output));
    assert_eq!((report["commit"].as_str(), report["revision"].as_str()), (Some(COMMIT), Some("main")));
    assert_eq!((number(&report, "bytes"), number(&report, "received_bytes")), (bench.hub.total(), bench.hub.total()));
    assert_eq!((number(&report, "resumed_bytes"), number(&report, "retries")), (0, 0));
    let model =
        report["files"].as_array().expect("files").iter().find(|file| file["path"] == "original/model.safetensors");
    let model = model.expect("the model");
    assert_eq!(model["checksum"].as_str(), Some(bench.hub.state.files["original/model.safetensors"].sha256.as_str()));
    assert_eq!((model["checksum_kind"].as_str(), model["from"].as_str()), (Some("SHA-256"), Some("hub")));
    for request in bench.hub.requests() {
        let has_token = request.headers.contains_key("authorization");
        assert_eq!(has_token, request.server == Server::Hub, "the token is for the hub alone: {request:?}");
    }
    let ranges = bench.hub.requests().iter().filter(|request| request.range().is_some()).count();
    assert_eq!(ranges, LARGE.div_ceil(1 << 18) + 700_000_usize.div_ceil(1 << 18), "pieces are asked for once each");
    let connections = bench.hub.state.connections.load(Ordering::SeqCst);
    assert!(connections <= 8, "{connections} connections to the storage: each is for many pieces");

    // All is here: it is checked, and nothing is asked for but the listing.
    let before = bench.hub.state.sent.load(Ordering::Relaxed);
    let mut command = bench.command(&["--json", "--out", out.to_str().expect("UTF-8")]);
    let report = json(&command.env("HF_TOKEN", "hf_secret").output().expect("it starts"));
    assert_eq!((number(&report, "received_bytes"), bench.hub.state.sent.load(Ordering::Relaxed)), (0, before));
    assert!(report["files"].as_array().expect("files").iter().all(|file| file["from"] == "folder"));
}

#[test]
fn people_are_told_what_came_and_where_it_lies() {
    let bench = Bench::new(usual());
    let out = bench.out();
    let output = bench.run(&["--include", "original/*", "--exclude", "*.json", "--out", out.to_str().expect("UTF-8")]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(text.starts_with("ada/small at 0123456789ab: 1 file, 2.86 MiB, checked\n2.86 MiB fetched in "), "{text}");
    assert!(text.ends_with(&format!("{}\n", out.display())), "{text}");
    assert_eq!(files(&out), [out.join("original/model.safetensors")]);
    check_failed(&bench.fetch(&["--include", "*.bin"]), 2, &["none is as `*.bin`", "it holds `a name.txt`"]);
}

/// Wherever connections are cut, no byte comes twice.
#[test]
fn connections_cut_anywhere_lose_nothing() {
    for seed in 0..12 {
        let bench = Bench::new(usual());
        let chance = std::sync::Mutex::new(Chance(seed));
        bench.hub.judge(move |request| {
            let mut chance = chance.lock().unwrap();
            match chance.below(3) {
                0 => Fault::None,
                _ if !request.is_file() && chance.below(4) > 0 => Fault::None,
                _ => Fault::CutAfter(chance.below(200_000)),
            }
        });
        let report = json(&bench.fetch(&["--retries", "60", "--connections", "5"]));
        bench.check_whole();
        assert_eq!(number(&report, "received_bytes"), bench.hub.total(), "seed {seed}: {report}");
        assert!(number(&report, "retries") > 0, "seed {seed}: {report}");
    }
}

#[test]
fn servers_that_are_busy_or_ill_are_asked_again() {
    for seed in 0..6 {
        let bench = Bench::new(usual());
        let chance = std::sync::Mutex::new(Chance(seed));
        bench.hub.judge(move |_| match chance.lock().unwrap().below(8) {
            0 => Fault::Answer(429, vec![("retry-after", "0".to_owned())], String::new()),
            1 => Fault::Answer(500, vec![], "<html>".to_owned()),
            2 => Fault::Answer(503, vec![], String::new()),
            _ => Fault::None,
        });
        let report = json(&bench.fetch(&["--retries", "40"]));
        bench.check_whole();
        assert_eq!(number(&report, "received_bytes"), bench.hub.total());
    }
    // A wait that is asked for is kept, in either way to ask for it.
    for header in [("retry-after", "1"), ("ratelimit", "\"api\";r=0;t=1")] {
        let bench = Bench::new(usual());
        bench.hub.judge(move |request| match (request.server, request.number) {
            (Server::Hub, 0) => Fault::Answer(429, vec![(header.0, header.1.to_owned())], String::new()),
            _ => Fault::None,
        });
        let began = Instant::now();
        json(&bench.fetch(&[]));
        assert!(began.elapsed() >= Duration::from_secs(1), "{header:?}");
    }
    let bench = Bench::new(usual());
    bench.hub.judge(|_| Fault::Answer(429, vec![("retry-after", "7200".to_owned())], String::new()));
    check_failed(&bench.fetch(&[]), 1, &["it answers 429, and asks to wait 7200 s", "the same command goes on"]);
    bench.hub.judge(|_| Fault::Answer(502, vec![], String::new()));
    check_failed(&bench.fetch(&["--retries", "2"]), 1, &["it answers 502", "tried 3 times without a new byte"]);
    assert!(!bench.out().exists());
}

#[test]
fn a_wrong_content_is_fetched_once_more_and_then_refused() {
    let bench = Bench::new(usual());
    let flips = AtomicU64::new(0);
    bench.hub.judge(move |request| match request.server {
        Server::Storage if flips.fetch_add(1, Ordering::SeqCst) < 12 => Fault::Flipped(1_234_567),
        _ => Fault::None,
    });
    let output = bench.fetch(&[]);
    let expected = bench.hub.state.files["original/model.safetensors"].sha256.clone();
    assert!(said(&output).contains(&format!("the hub says {expected}: it is fetched once more")), "{}", said(&output));
    assert_eq!(number(&json(&output), "received_bytes"), bench.hub.total() + LARGE as u64);
    bench.check_whole();

    let bench = Bench::new(usual());
    bench.hub.judge(|request| if request.server == Server::Storage { Fault::Flipped(1_234_567) } else { Fault::None });
    let output = bench.fetch(&[]);
    let mut other = bench.hub.state.files["original/model.safetensors"].bytes.to_vec();
    other[1_234_567] ^= 0x10;
    let found = precast::digest::sha256(&other);
    let both = format!("`original/model.safetensors` has SHA-256 {found}, the hub says {expected}");
    check_failed(&output, 1, &[&both, "fetched twice from `http://127.0.0.1:"]);
    bench.check_nothing_half();
    let left = files(&bench.out().join("original"));
    assert_eq!(left, [bench.out().join("original/config.json")], "nothing of it is kept");

    // What git names is checked as git does.
    let bench = Bench::new(usual());
    bench.hub.judge(|request| if request.path.contains("config.json") { Fault::Flipped(1) } else { Fault::None });
    check_failed(&bench.fetch(&[]), 1, &["`config.json` has git's SHA-1"]);
    bench.check_nothing_half();
}

#[test]
fn a_server_without_ranges_gives_one_stream() {
    let bench = Bench::new(usual());
    bench.hub.judge(|_| Fault::WholeFile);
    let output = bench.fetch(&[]);
    bench.check_whole();
    assert!(
        said(&output).contains("has no ranges: `original/model.safetensors` comes in one stream"),
        "{}",
        said(&output)
    );
    assert_eq!(number(&json(&output), "received_bytes"), bench.hub.total(), "the first answer is the stream");

    // A cut costs what came before it, and no more.
    let bench = Bench::new(Setup::default().large("model.safetensors", noise(3, LARGE)));
    bench.hub.judge(|request| match (request.server, request.number) {
        (Server::Storage, 0) => Fault::CutAfter(0),
        (Server::Storage, 1) => Fault::StallAfter(2_000_000, Duration::from_secs(4)),
        (Server::Storage, _) => Fault::WholeFile,
        _ => Fault::None,
    });
    // The first that is answered is a range: only the second server has none.
    let report = json(&bench.fetch(&["--connections", "1"]));
    bench.check_whole();
    assert!(number(&report, "received_bytes") < 2 * LARGE as u64, "{report}");
}

#[test]
fn a_proxy_that_breaks_ranges_gives_one_stream() {
    let bench = Bench::new(usual());
    bench.hub.judge(|request| if request.range().is_some() { Fault::OtherRange } else { Fault::None });
    let output = bench.fetch(&[]);
    bench.check_whole();
    let words = "answers with other ranges than those asked for: `original/model.safetensors` comes in one stream";
    assert!(said(&output).contains(words), "{}", said(&output));
    json(&output);
}

#[test]
fn lies_about_a_length_are_refused() {
    let whole = |fault: fn(&Request) -> Fault| {
        let bench = Bench::new(usual());
        bench.hub.judge(fault);
        let output = bench.fetch(&[]);
        bench.check_nothing_half();
        output
    };
    let storage = |request: &Request| request.server == Server::Storage;
    let longer = whole(|request| {
        let is_one = request.path.contains("/config.json") && !request.path.contains("/original/");
        if is_one { Fault::Longer(5) } else { Fault::None }
    });
    check_failed(&longer, 1, &["is 7 bytes of application/octet-stream from", "the hub lists 2 bytes"]);
    let other = whole(|request| {
        let header = ("content-range", format!("bytes 0-0/{}", LARGE - 1));
        if request.server == Server::Storage { Fault::Answer(206, vec![header], "x".to_owned()) } else { Fault::None }
    });
    check_failed(&other, 1, &["is 3000000 bytes from", "the hub lists 3000001 bytes"]);
    let shorter =
        whole(
            |request| {
                if request.server == Server::Storage { Fault::Answer(416, vec![], String::new()) } else { Fault::None }
            },
        );
    check_failed(&shorter, 1, &["is shorter than", "the hub lists 3000001 bytes"]);
    let page = whole(|request| {
        let kind = ("content-type", "text/html".to_owned());
        if request.server == Server::Storage {
            Fault::Answer(200, vec![kind], "<html>log in</html>".to_owned())
        } else {
            Fault::None
        }
    });
    check_failed(&page, 1, &["is 19 bytes of text/html from"]);
    let contradiction = whole(|request| match request.method.as_str() {
        "HEAD" => Fault::Answer(200, vec![("x-linked-size", "7".to_owned())], String::new()),
        _ => Fault::None,
    });
    check_failed(&contradiction, 1, &["does not answer as a hub: it lists `", "and links to 7"]);
    // Less than was said is a cut, and goes on from there.
    let bench = Bench::new(usual());
    bench.hub.judge(
        move |request| if storage(request) && request.number % 2 == 0 { Fault::CutAfter(70_000) } else { Fault::None },
    );
    json(&bench.fetch(&[]));
    bench.check_whole();
}

#[test]
fn redirects_end() {
    let bench = Bench::new(usual());
    bench.hub.judge(|request| match request.server {
        Server::Storage => Fault::Answer(302, vec![("location", request.path.clone())], String::new()),
        Server::Hub => Fault::None,
    });
    check_failed(&bench.fetch(&[]), 1, &["is redirected more than 10 times", "HF_ENDPOINT"]);
    bench.check_nothing_half();
    bench.hub.judge(|request| Fault::Answer(307, vec![("location", request.path.clone() + "x")], String::new()));
    check_failed(&bench.fetch(&[]), 1, &["is redirected more than 10 times"]);
    bench.hub.judge(|_| Fault::Answer(307, vec![("location", "ftp://elsewhere".to_owned())], String::new()));
    check_failed(&bench.fetch(&[]), 1, &["redirects to `ftp://elsewhere`"]);
}

#[test]
fn refusals_say_what_is_refused_and_the_way_out() {
    let bench = Bench::new(Setup { token: Some("good".to_owned()), ..usual() });
    let with = |token: Option<&str>, arguments: &[&str]| {
        let out = bench.out();
        let mut command = bench.command(arguments);
        command.args(["--out", out.to_str().expect("UTF-8")]);
        if let Some(token) = token {
            command.env("HF_TOKEN", token);
        }
        command.output().expect("it starts")
    };
    check_failed(
        &with(None, &[]),
        1,
        &["`ada/small` is not on `http://127.0.0.1:", "someone without a token", "HF_TOKEN"],
    );
    check_failed(&with(Some("other"), &[]), 1, &["not for the owner of the token from `HF_TOKEN` to see"]);
    check_failed(&with(Some("expired"), &[]), 1, &["does not take the token from `HF_TOKEN`", "it may have expired"]);
    check_failed(
        &with(Some("stranger"), &[]),
        1,
        &["`ada/small` is gated", "Your access has not been approved", "ask for access on"],
    );
    check_failed(&with(Some("good"), &["--revision", "other"]), 1, &["`ada/small` has no revision `other`", "`main`"]);
    json(&with(Some("good"), &["--revision", "refs/pr/1", "--json"]));
    let named = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_precast"));
        command.args(["fetch", name]).env("HF_HOME", bench.home()).env("HF_ENDPOINT", bench.hub.endpoint());
        command.output().expect("it starts")
    };
    check_failed(&named("small"), 2, &["`small` is no name of a repository, expected `OWNER/NAME`"]);
    let mut command = bench.command(&[]);
    check_failed(&command.env("HF_ENDPOINT", "hub").output().expect("it starts"), 2, &["`HF_ENDPOINT` is `hub`"]);
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let mut command = bench.command(&["--retries", "1"]);
    let output = command.env("HF_ENDPOINT", format!("http://{closed}")).output().expect("it starts");
    check_failed(&output, 1, &["cannot be had", "refused", "tried 2 times", "`--offline`"]);
}

/// The storage takes an address only for a while: the hub is asked for a new one.
#[test]
fn an_address_that_has_expired_is_asked_for_again() {
    let bench = Bench::new(usual());
    let state = bench.hub.state.clone();
    bench.hub.judge(move |request| {
        if request.server == Server::Storage && request.number % 5 == 4 {
            state.signature.fetch_add(1, Ordering::SeqCst);
        }
        Fault::None
    });
    let report = json(&bench.fetch(&["--connections", "3"]));
    bench.check_whole();
    assert_eq!(number(&report, "received_bytes"), bench.hub.total());
    let asked = bench
        .hub
        .requests()
        .iter()
        .filter(|request| request.method == "HEAD" && request.path.ends_with(".safetensors"))
        .count();
    assert!(asked > 1, "{asked}");
}

#[test]
fn a_server_that_falls_silent_is_left_and_asked_again() {
    let bench = Bench::new(usual());
    bench.hub.judge(|request| match (request.server, request.number) {
        (Server::Storage, 1) => Fault::StallAfter(100_000, Duration::from_secs(60)),
        _ => Fault::None,
    });
    let began = Instant::now();
    let report = json(&bench.fetch(&[]));
    bench.check_whole();
    assert_eq!((number(&report, "received_bytes"), number(&report, "retries")), (bench.hub.total(), 1));
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// Killed at random moments, it goes on: the end is the same, and little comes twice.
#[test]
fn a_killed_fetch_goes_on() {
    let bytes = 24_000_000;
    let bench =
        Bench::new(Setup::default().large("original/model.safetensors", noise(4, bytes)).small("config.json", "{}"));
    // Each connection is slow, so that little is on the way when it ends.
    bench.hub.judge(|request| if request.server == Server::Storage { Fault::Slow(4096) } else { Fault::None });
    let mut chance = Chance(std::process::id().into());
    let (connections, mut kills) = (4, 0);
    let out = bench.out();
    let arguments = ["--json", "--connections", "4", "--out", out.to_str().expect("UTF-8")];
    let report = loop {
        let mut child =
            bench.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let until = Instant::now() + Duration::from_millis(150 + chance.below(500));
        while Instant::now() < until && child.try_wait().expect("a state").is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        if kills == 12 || child.try_wait().expect("a state").is_some() {
            break json(&child.wait_with_output().expect("it ends"));
        }
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        bench.check_nothing_half();
        kills += 1;
    };
    bench.check_whole();
    let again = bench.hub.state.sent.load(Ordering::Relaxed) - bench.hub.total();
    println!("killed {kills} times: {again} bytes were sent again, {} were kept at the end", report["resumed_bytes"]);
    assert!(kills > 2 && number(&report, "resumed_bytes") > 0, "{kills}: {report}");
    // What a connection had not noted, and what was on its way: the step of a file of this size is 64 KiB.
    let most = kills * connections * ((64 << 10) + (256 << 10));
    assert!(again < most, "{again} bytes were sent again, at most {most}");
}

/// What is noted is believed only while the bytes are as they were.
#[test]
fn what_was_lost_of_a_partial_file_is_fetched_again() {
    let bench = Bench::new(Setup::default().large("model.safetensors", noise(5, LARGE)));
    bench.hub.judge(|request| match (request.server, request.number) {
        (Server::Storage, 0..8) | (Server::Hub, _) => Fault::None,
        _ => Fault::Answer(500, vec![], String::new()),
    });
    check_failed(&bench.fetch(&["--retries", "0", "--connections", "1"]), 1, &["it answers 500", "tried once"]);
    let partial = files(&bench.out()).into_iter().find(|file| file.extension().is_some_and(|end| end == "partial"));
    let partial = partial.expect("a partial file");
    let mut bytes = std::fs::read(&partial).expect("a file");
    assert_eq!(bytes.len(), LARGE);
    bytes[600_000] ^= 1;
    std::fs::write(&partial, bytes).expect("a file");
    // A line that was torn, and one that claims what was never written.
    let journal = partial.with_extension("journal");
    let lines = std::fs::read_to_string(&journal).expect("lines") + "\n2621440 2752512 00000000\n2752512 27";
    std::fs::write(&journal, lines).expect("a file");
    bench.hub.judge(|_| Fault::None);
    let report = json(&bench.fetch(&[]));
    bench.check_whole();
    let lost = (LARGE - 8 * (1 << 18)) as u64 + (64 << 10);
    assert_eq!(number(&report, "received_bytes"), lost, "{report}");
    assert_eq!(number(&report, "resumed_bytes"), LARGE as u64 - lost);
}

#[cfg(unix)]
#[test]
fn an_interrupted_fetch_says_that_it_can_go_on() {
    let bench = Bench::new(usual());
    bench.hub.judge(|request| if request.server == Server::Storage { Fault::Slow(512) } else { Fault::None });
    let out = bench.out();
    let mut command = bench.command(&["--out", out.to_str().expect("UTF-8")]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let began = Instant::now();
    let noted = || {
        files(&out).iter().any(|file| {
            file.extension().is_some_and(|end| end == "journal")
                && std::fs::read(file).is_ok_and(|lines| !lines.is_empty())
                && file.to_string_lossy().contains("safetensors")
        })
    };
    while !noted() && began.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Another one does not get in its way.
    check_failed(&bench.fetch(&["--include", "original/model*"]), 1, &["another process is writing", "wait for it"]);
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("it runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(said(&output).contains("interrupted; the same command goes on from what is fetched"), "{}", said(&output));
    bench.check_nothing_half();
    bench.hub.judge(|_| Fault::None);
    assert!(number(&json(&bench.fetch(&[])), "resumed_bytes") > 0);
    bench.check_whole();
}

#[test]
fn the_cache_is_the_one_that_the_hubs_own_library_reads() {
    let bench = Bench::new(usual());
    let report = json(&bench.run(&["--json"]));
    let snapshot = bench.home().join(format!("hub/models--ada--small/snapshots/{COMMIT}"));
    assert_eq!(report["folder"].as_str(), snapshot.to_str());
    for (path, content) in &bench.hub.state.files {
        assert!(std::fs::read(snapshot.join(path)).expect("a file") == *content.bytes, "{path}");
    }
    let python = python::environment("hub", &["huggingface_hub==2.4.0"]);
    let script = "
import os, sys
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download, try_to_load_from_cache
repository, commit = sys.argv[1:]
folder = snapshot_download(repository, local_files_only=True)
assert folder.endswith(commit), folder
model = hf_hub_download(repository, 'original/model.safetensors', local_files_only=True)
assert os.path.getsize(model) == 3000001, model
assert try_to_load_from_cache(repository, 'config.json') is not None
info = scan_cache_dir()
assert not info.warnings, info.warnings
(found,) = info.repos
(revision,) = found.revisions
assert set(revision.refs) == {'main'} and revision.nb_files == 5, revision
print('read')
";
    let read = |home: &Path| {
        let mut command = Command::new(&python);
        command.args(["-c", script, REPOSITORY, COMMIT]).env("HF_HOME", home).env("HF_HUB_OFFLINE", "1");
        let output = command.output().expect("it starts");
        assert!(output.status.success() && output.stdout == b"read\n", "{}", said(&output));
    };
    read(&bench.home());

    // The other way round: what the library has cached is used.
    let other = bench.folder.path().join("python");
    let mut command = Command::new(&python);
    let script = "import sys; from huggingface_hub import snapshot_download; snapshot_download(sys.argv[1])";
    command.args(["-c", script, REPOSITORY]).env("HF_HOME", &other).env("HF_ENDPOINT", bench.hub.endpoint());
    let output = command.env("HF_HUB_DISABLE_XET", "1").output().expect("it starts");
    assert!(output.status.success(), "{}", said(&output));
    let mut command = bench.command(&["--json", "--offline"]);
    let report = json(&command.env("HF_HOME", &other).output().expect("it starts"));
    assert_eq!((number(&report, "received_bytes"), number(&report, "bytes")), (0, bench.hub.total()));
    read(&other);
}

#[test]
fn what_the_cache_holds_is_not_fetched() {
    let bench = Bench::new(usual());
    check_failed(&bench.run(&["--offline"]), 1, &["does not hold `ada/small` at `main`", "without `--offline`"]);
    json(&bench.run(&["--json"]));
    let asked = bench.hub.requests().len();
    for revision in ["main", COMMIT] {
        let report = json(&bench.fetch(&["--offline", "--revision", revision]));
        assert_eq!((number(&report, "received_bytes"), report["commit"].as_str()), (0, Some(COMMIT)));
        bench.check_whole();
        assert!(report["files"].as_array().expect("files").iter().all(|file| file["from"] != "hub"));
    }
    assert_eq!(bench.hub.requests().len(), asked, "offline asks nobody");

    // What lies in the folder is replaced at once if it is another, and the cache is not written to.
    std::fs::remove_dir_all(bench.out()).expect("a folder");
    std::fs::create_dir_all(bench.out()).expect("a folder");
    std::fs::write(bench.out().join("config.json"), "[]").expect("a file");
    let sent = bench.hub.state.sent.load(Ordering::Relaxed);
    let output = bench.fetch(&[]);
    assert!(said(&output).contains("it is replaced"), "{}", said(&output));
    assert!(json(&output)["files"].as_array().expect("files").iter().all(|file| file["from"] == "cache"));
    assert_eq!(bench.hub.state.sent.load(Ordering::Relaxed), sent);
    bench.check_whole();

    // A damaged cache is noticed: without a network it is said, with one it is repaired.
    let blob = bench.home().join("hub/models--ada--small/blobs").join(&bench.hub.state.files["config.json"].blob);
    std::fs::remove_dir_all(bench.out()).expect("a folder");
    std::fs::write(&blob, "[]").expect("a file");
    check_failed(&bench.fetch(&["--offline"]), 1, &["its name in the cache says", "without `--offline`"]);
    assert!(said(&bench.run(&[])).contains("it is replaced"));
    assert_eq!(std::fs::read(&blob).expect("a file"), b"{}");
    json(&bench.fetch(&["--offline"]));
    bench.check_whole();
}

#[test]
fn a_full_disk_is_noticed_before_anything_is_written() {
    let digest = "a".repeat(64);
    let row = format!(
        "{{\"type\":\"file\",\"oid\":\"{COMMIT}\",\"size\":1,\"path\":\"huge\",\"lfs\":{{\"oid\":\"{digest}\",\"size\":1000000000000000000}}}}"
    );
    let bench = Bench::new(Setup { rows: vec![row], ..usual() });
    check_failed(&bench.fetch(&[]), 1, &["this needs 10000000000", "are free", "another disk"]);
    check_failed(&bench.run(&[]), 1, &["this needs 10000000000"]);
    assert!(!bench.out().exists() && !bench.home().exists(), "nothing was made");
}

#[test]
fn a_listing_cannot_leave_its_folder() {
    for path in ["../escaped", "/tmp/escaped", "original/../../escaped"] {
        let row = format!("{{\"type\":\"file\",\"oid\":\"{COMMIT}\",\"size\":1,\"path\":\"{path}\"}}");
        let bench = Bench::new(Setup { rows: vec![row], ..usual() });
        check_failed(&bench.fetch(&[]), 1, &[&format!("a file `{path}`"), "outside of its folder"]);
        assert!(!bench.out().exists());
    }
    let bench = Bench::new(usual());
    bench.hub.judge(|_| Fault::Answer(200, vec![], "<html>Welcome to our hotel</html>".to_owned()));
    check_failed(&bench.fetch(&[]), 1, &["does not answer as a hub: a page for browsers"]);
}

/// `--for` takes one copy of the weights, and asks first whether they fit.
#[test]
fn a_target_takes_the_weights_that_it_needs() {
    let config = precast::config::Config::gpt_oss_20b().to_hugging_face_json().to_string();
    let parts = ["model-00000-of-00001.safetensors", "model-00001-of-00001.safetensors"];
    let both = || {
        let setup = Setup::default().small("config.json", config.clone()).small("tokenizer.json", "{}");
        let setup = setup.small("model.safetensors.index.json", "{}").large("metal/model.bin", noise(6, 1000));
        parts.iter().fold(setup, |setup, part| setup.large(part, noise(7, 400_000)))
    };
    let paths = |report: &Value| -> Vec<String> {
        let files = report["files"].as_array().expect("files").iter();
        files.map(|file| file["path"].as_str().expect("a path").to_owned()).collect()
    };
    let published = both().small("original/config.json", config.clone()).small("original/dtypes.json", "{}");
    let bench = Bench::new(published.large("original/model.safetensors", noise(8, LARGE)));
    let report = json(&bench.fetch(&["--for", "v6e-1"]));
    assert_eq!(paths(&report), ["original/config.json", "original/dtypes.json", "original/model.safetensors"]);
    assert_eq!((report["target"].as_str(), report["weights"].as_str()), (Some("v6e-1"), Some("mxfp4")));
    let output = bench.run(&["--for", "cpu"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("next: precast pack --model "), "{}", said(&output));

    let bench = Bench::new(both());
    let report = json(&bench.fetch(&["--for", "cpu"]));
    assert_eq!(paths(&report), ["config.json", parts[0], parts[1], "model.safetensors.index.json"]);

    let bench = Bench::new(both());
    let output = bench.fetch(&["--for", "v6e-1", "--weights", "bf16"]);
    check_failed(&output, 3, &["not to fit `v6e-1`", "--weights"]);
    assert_eq!(files(&bench.out()), [bench.out().join("config.json")], "the weights were not fetched");
    assert!(bench.hub.requests().iter().all(|request| request.server == Server::Hub));

    let bench = Bench::new(Setup::default().small("config.json", config));
    check_failed(&bench.fetch(&["--for", "cpu"]), 2, &["it has no `*.safetensors`", "it holds `config.json`"]);
    check_failed(&bench.fetch(&["--for", "v9"]), 2, &["v9"]);
}

/// A proxy that takes `CONNECT`, and counts.
fn proxy() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicU64::new(0));
    let counted = count.clone();
    let through = move |mut near: TcpStream| -> std::io::Result<()> {
        let mut reader = BufReader::new(near.try_clone()?);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let host = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        while reader.read_line(&mut line)? > 2 {}
        assert!(line.starts_with("CONNECT ") && !line.to_ascii_lowercase().contains("bearer"), "{line}");
        let mut far = TcpStream::connect(host)?;
        near.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
        let (mut from_far, mut to_near) = (far.try_clone()?, near.try_clone()?);
        std::thread::spawn(move || std::io::copy(&mut from_far, &mut to_near));
        std::io::copy(&mut near, &mut far)?;
        Ok(())
    };
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            std::thread::spawn(move || through(near));
        }
    });
    (port, count)
}

#[test]
fn proxies_are_used_and_left_out_as_variables_say() {
    let (port, count) = proxy();
    let address = format!("http://user:hidden@127.0.0.1:{port}");
    let with = |variables: &[(&str, &str)]| {
        let bench = Bench::new(Setup { token: Some("good".to_owned()), ..usual() });
        let out = bench.out();
        let mut command = bench.command(&["--json", "--out", out.to_str().expect("UTF-8")]);
        let output = command.env("HF_TOKEN", "good").envs(variables.iter().copied()).output().expect("it starts");
        (bench, output)
    };
    let (bench, output) = with(&[("http_proxy", &address)]);
    json(&output);
    bench.check_whole();
    let through = count.load(Ordering::SeqCst);
    assert!(through >= 2, "hub and storage are behind it: {through}");
    for variables in
        [[("http_proxy", address.as_str()), ("no_proxy", "127.0.0.1")], [("https_proxy", &address), ("A", "")]]
    {
        let (bench, output) = with(&variables);
        json(&output);
        bench.check_whole();
    }
    assert_eq!(count.load(Ordering::SeqCst), through);
    let (_, output) = with(&[("ALL_PROXY", "socks5://user:hidden@127.0.0.1:1")]);
    check_failed(&output, 2, &["`all_proxy` is `127.0.0.1:1`, expected a proxy such as"]);
    assert!(!said(&output).contains("hidden"));
}

/// A server of `https` with a certificate of its own, that passes everything on; it ends when it is dropped.
struct Https {
    port: u16,
    child: Child,
}

impl Drop for Https {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn https(folder: &Path, to: u16) -> Https {
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("a file");
    let key = || rcgen::KeyPair::generate().expect("a key");
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(authority, key()).expect("an authority");
    let (own, localhost) = (key(), rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name"));
    write("authority.pem", authority.pem());
    write("cert.pem", localhost.signed_by(&own, &authority).expect("a certificate").pem());
    write("key.pem", own.serialize_pem());
    let script = "
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('cert.pem', 'key.pem')
server = socket.create_server(('127.0.0.1', 0))
print(server.getsockname()[1], flush=True)
def pipe(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        try: sink.shutdown(socket.SHUT_WR)
        except OSError: pass
def serve(near):
    try:
        near = context.wrap_socket(near, server_side=True)
    except (ssl.SSLError, OSError):
        return
    far = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    threading.Thread(target=pipe, args=(far, near), daemon=True).start()
    pipe(near, far)
while True:
    near, _ = server.accept()
    threading.Thread(target=serve, args=(near,), daemon=True).start()
";
    let mut command = Command::new("python3");
    command.args(["-c", script, &to.to_string()]).current_dir(folder).stdout(Stdio::piped());
    let mut child = command.spawn().expect("python3");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a port");
    Https { port: line.trim().parse().expect("a port"), child }
}

#[test]
fn a_certificate_is_asked_for_and_checked() {
    let bench = Bench::new(Setup { token: Some("good".to_owned()), page: Some(100), ..usual() });
    let server = https(bench.folder.path(), bench.hub.port);
    let certificate = bench.folder.path().join("authority.pem");
    let to = |host: &str, trusted: bool| {
        let out = bench.out();
        let mut command = bench.command(&["--json", "--out", out.to_str().expect("UTF-8")]);
        command.env("HF_ENDPOINT", format!("https://{host}:{}", server.port)).env("HF_TOKEN", "good");
        if trusted {
            command.env("SSL_CERT_FILE", &certificate);
        }
        command.output().expect("it starts")
    };
    check_failed(&to("localhost", false), 1, &["`localhost` cannot be trusted", "SSL_CERT_FILE"]);
    check_failed(&to("127.0.0.1", true), 1, &["`127.0.0.1` cannot be trusted"]);
    assert!(bench.hub.requests().is_empty(), "nobody was told the token");
    json(&to("localhost", true));
    bench.check_whole();
}
