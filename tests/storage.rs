//! Bundles and a cache of executables that are elsewhere, with the program as it is used and a real server of S3: every kind of place,
//! faults on the way, writers that race, and what a key has signed or has not.

#[path = "support/google.rs"]
mod google;
#[path = "support/objects.rs"]
mod objects;
#[path = "support/synthetic.rs"]
mod synthetic;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use google::Google;
use objects::{Fault, Objects, Request, SECRET, run_python};
use serde_json::Value;
use synthetic::{Layout, Shape};
use tempfile::TempDir;

/// A model so small that its programs are compiled in a second.
fn model() -> &'static Path {
    static MODEL: OnceLock<TempDir> = OnceLock::new();
    let folder = MODEL.get_or_init(|| {
        if precast::pjrt::plugins::find("cpu", None).is_err() {
            precast::pjrt::plugins::install("cpu", &()).expect("the CPU's plugin can be installed");
        }
        let folder = tempfile::tempdir().expect("a folder");
        Shape::named("odd").write(Layout::Original { shards: 1 }, &folder.path().join("odd")).expect("a checkpoint");
        folder
    });
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| folder.path().join("odd"))
}

/// A folder, as that of a machine that has compiled nothing.
fn fresh() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A cache that all tests fill which do not ask what is compiled.
fn warm() -> &'static Path {
    static CACHE: OnceLock<TempDir> = OnceLock::new();
    CACHE.get_or_init(fresh).path()
}

/// The program on a machine with this cache, whose environment says nothing of stores and keys.
fn precast(cache: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_precast"));
    command.args(arguments).stdin(Stdio::null());
    let says = |name: &str| ["AWS_", "GOOGLE_", "PRECAST_", "RUST_LOG"].iter().any(|of| name.starts_with(of));
    for (name, _) in std::env::vars() {
        if says(&name) && !name.starts_with("PRECAST_PJRT") {
            command.env_remove(name);
        }
    }
    command.env("PRECAST_CACHE_DIR", cache).env("no_proxy", "127.0.0.1");
    command
}

/// The same where the store can be reached.
fn reaching(objects: &Objects, cache: &Path, arguments: &[&str]) -> Command {
    let mut command = precast(cache, arguments);
    objects.reach(&mut command);
    command
}

const SIZES: [&str; 4] = ["--context", "256", "--prefill", "16"];

/// `compile` of the model to `out`.
fn compile<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let model = model().to_str().expect("UTF-8");
    let sizes: &[&str] = if more.contains(&"--prefill") { &SIZES[..2] } else { &SIZES };
    [&["compile", "--json", "--model", model, "--out", out], sizes, more].concat()
}

/// `run` of a bundle, greedily.
fn run<'a>(bundle: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let model = model().to_str().expect("UTF-8");
    let asked = ["--raw", "--tokens", "1,2,3", "--max-new", "6", "--ignore-stop", "--json"];
    [&["run", bundle, "--model", model], &asked[..], more].concat()
}

fn finish(mut command: Command) -> Output {
    let output = command.output().expect("the program starts");
    let said = [&output.stdout[..], &output.stderr].concat();
    assert!(!String::from_utf8_lossy(&said).contains(SECRET), "{}", String::from_utf8_lossy(&said));
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON of a run that went well.
fn json(command: Command) -> Value {
    json_of(&finish(command))
}

fn json_of(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Expects the exit code, and standard error to say all of `said`.
fn check_refused(command: Command, code: i32, said: &[&str]) {
    let output = finish(command);
    let text = stderr(&output);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{text}");
    for said in said {
        assert!(text.contains(said), "`{said}` is not in:\n{text}");
    }
}

fn programs(report: &Value) -> Vec<&str> {
    let programs = report["programs"].as_array().expect("programs");
    programs.iter().map(|program| program["name"].as_str().expect("a name")).collect()
}

/// How many of a report's programs were found in a cache.
fn cached(report: &Value) -> (usize, usize) {
    let programs = report["programs"].as_array().expect("programs");
    (programs.iter().filter(|program| program["cached"] == true).count(), programs.len())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            folder if folder.is_dir() => found.extend(files(&folder)),
            file => found.push(file),
        }
    }
    found
}

fn ending<'f>(files: &'f [PathBuf], end: &str) -> Vec<&'f PathBuf> {
    files.iter().filter(|file| file.to_string_lossy().ends_with(end)).collect()
}

fn flip(file: &Path, place: usize) {
    let mut content = fs::read(file).expect("a file");
    let place = place % content.len();
    content[place] ^= 1;
    fs::write(file, content).expect("written");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_bundle_goes_to_every_kind_of_place_and_runs_from_there() {
    let (objects, folder, there) = (Objects::start(), fresh(), fresh());
    let local = folder.path().join("bundle");
    let report = json(precast(warm(), &compile(text(&local), &[])));
    assert_eq!(programs(&report), ["prefill_16", "decode_16"]);
    let tokens = json(precast(warm(), &run(text(&local), &[])))["tokens"].clone();

    let url = "s3://models/team/tiny";
    json(reaching(&objects, warm(), &compile(url, &[])));
    let names: BTreeSet<String> = objects.names("team/").into_iter().collect();
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(names.contains("team/tiny/manifest.json"), "{names:?}");

    // Looking at it costs the manifest, running it what is needed, and that once.
    objects.take_requests();
    let seen = json(reaching(&objects, there.path(), &["inspect", url, "--json"]));
    assert_eq!((&seen["key"], programs(&seen)), (&report["key"], programs(&report)));
    let asked = || objects.take_requests().iter().filter(|request| request.method == "GET").count();
    assert_eq!(asked(), 1);
    assert_eq!(json(reaching(&objects, there.path(), &run(url, &[])))["tokens"], tokens);
    assert_eq!(asked(), 5);
    assert_eq!(json(reaching(&objects, there.path(), &run(url, &[])))["tokens"], tokens);
    assert_eq!(asked(), 1);

    let copies = files(&there.path().join("bundles"));
    let [first, ..] = ending(&copies, ".executable")[..] else { panic!("{copies:?}") };
    flip(first, 1000);
    assert_eq!(json(reaching(&objects, there.path(), &run(url, &[])))["tokens"], tokens, "a damaged copy is replaced");
    assert_eq!(asked(), 2);

    // The web, a folder by its URL, and a folder that other tools have put into a bucket.
    let web = format!("http://127.0.0.1:{}/models/team/tiny", objects.port);
    assert_eq!(json(precast(fresh().path(), &run(&web, &[])))["tokens"], tokens);
    check_refused(precast(warm(), &compile(&web, &[])), 2, &["are only read", "hint:"]);
    let file = format!("file://{}/by%20url", text(folder.path()));
    json(precast(warm(), &compile(&file, &[])));
    assert_eq!(json(precast(warm(), &run(&file, &[])))["tokens"], tokens);
    assert!(folder.path().join("by url/manifest.json").exists());
    for file in files(&local) {
        let name = file.file_name().expect("a name").to_string_lossy();
        objects.put(&format!("copied/{name}"), &fs::read(&file).expect("a file"));
    }
    assert_eq!(json(reaching(&objects, fresh().path(), &run("s3://models/copied/", &[])))["tokens"], tokens);

    // Another bundle in its place; what is copied here can be seen and removed.
    json(reaching(&objects, warm(), &compile(url, &["--prefill", "32"])));
    let seen = json(reaching(&objects, there.path(), &["inspect", url, "--json"]));
    assert_eq!(programs(&seen), ["prefill_32", "decode_16"]);
    let listed = json(precast(there.path(), &["cache", "list", "--json"]));
    assert_eq!(listed["bundles"].as_array().expect("copies").len(), 2, "{listed}");
    let cleared = json(precast(there.path(), &["cache", "clear", "--json"]));
    assert_eq!(cleared["bundles"], 2);
    assert!(files(there.path()).iter().all(|file| !file.starts_with(there.path().join("bundles"))));
}

#[test]
fn google_has_its_own_words_for_the_same() {
    let (google, there) = (Google::start(), fresh());
    let (url, cache) = ("gs://models/tiny", "gs://models/cache");
    let reaching = |cache: &Path, arguments: &[&str]| {
        let mut command = precast(cache, arguments);
        google.reach(&mut command);
        command
    };
    json(reaching(warm(), &compile(url, &[])));
    assert_eq!(google.names().len(), 6, "{:?}", google.names());
    json(reaching(there.path(), &run(url, &[])));
    json(reaching(warm(), &compile(url, &["--prefill", "32"])));
    assert_eq!(programs(&json(reaching(there.path(), &["inspect", url, "--json"])))[0], "prefill_32");
    for expected in [(0, 2), (2, 2)] {
        let machine = fresh();
        let out = machine.path().join("bundle");
        let report = json(reaching(machine.path(), &compile(text(&out), &["--remote-cache", cache])));
        assert_eq!(cached(&report), expected);
    }
}

#[test]
fn of_two_writers_one_wins_and_what_is_there_is_whole() {
    let objects = Objects::start();
    let url = "s3://models/raced";
    for round in 0..2 {
        // Both manifests are on their way before either is taken.
        let arrived = Arc::new((Mutex::new(0), Condvar::new()));
        objects.judge(move |request: &Request| {
            if request.is("PUT", "raced/manifest.json") {
                let (count, all) = &*arrived;
                let mut count = count.lock().expect("no panic");
                *count += 1;
                all.notify_all();
                let both = all.wait_timeout_while(count, Duration::from_secs(300), |count| *count < 2);
                assert!(*both.expect("no panic").0 >= 2, "the other writer has not come");
            }
            Fault::None
        });
        let sizes = [["8", "24"], ["40", "48"]][round];
        let writers = sizes.map(|prefill| {
            let mut command = reaching(&objects, warm(), &compile(url, &["--prefill", prefill]));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
        });
        let outputs = writers.map(|writer| writer.wait_with_output().expect("an end"));
        let codes = outputs.each_ref().map(|output| output.status.code());
        let winner = codes.iter().position(|code| *code == Some(0)).expect("a winner");
        assert_eq!(codes[1 - winner], Some(1), "{}", stderr(&outputs[1 - winner]));
        let loser = stderr(&outputs[1 - winner]);
        assert!(loser.contains("another writer has put something else to `s3://models/raced`"), "{loser}");
        objects.judge(|_| Fault::None);
        let seen = json(reaching(&objects, fresh().path(), &["inspect", url, "--json"]));
        assert_eq!(programs(&seen)[0], format!("prefill_{}", sizes[winner]));
        json(reaching(&objects, fresh().path(), &run(url, &[])));
    }

    // A manifest that arrives although its answer does not is the writer's own, not another's.
    let lost = AtomicUsize::new(0);
    objects.judge(move |request: &Request| match request.is("PUT", "raced/manifest.json") {
        true if lost.fetch_add(1, Ordering::SeqCst) == 0 => Fault::Lost,
        _ => Fault::None,
    });
    json(reaching(&objects, warm(), &compile(url, &[])));

    // Content that is not what its name says is put right by whoever writes it again.
    // Of a program: manifests tell of the time that compiling took.
    let is_program = |name: &String| !objects.get(name).starts_with(b"{");
    let object = objects.names("raced/objects/").into_iter().find(is_program).expect("an object");
    let sound = objects.get(&object);
    objects.put(&object, &sound[1..]);
    for prefill in ["8", "24", "40", "48", "16"] {
        json(reaching(&objects, warm(), &compile(url, &["--prefill", prefill])));
    }
    assert!(objects.get(&object) == sound);
}

#[test]
fn a_bundle_comes_through_faults_or_is_refused_and_goes_on_where_it_was_killed() {
    let (objects, url) = (Objects::start(), "s3://models/faults");
    json(reaching(&objects, warm(), &compile(url, &[])));
    let tokens = json(reaching(&objects, fresh().path(), &run(url, &[])))["tokens"].clone();
    let first = |fault: Fault| {
        let count = AtomicUsize::new(0);
        move |request: &Request| match request.is("GET", "/objects/") && count.fetch_add(1, Ordering::SeqCst) < 2 {
            true => fault.clone(),
            false => Fault::None,
        }
    };
    for fault in [Fault::CutAfter(3000), Fault::Answer(503), Fault::Answer(500), Fault::Lost] {
        objects.judge(first(fault.clone()));
        assert_eq!(json(reaching(&objects, fresh().path(), &run(url, &[])))["tokens"], tokens, "{fault:?}");
    }

    let there = fresh();
    objects.judge(|request| if request.is("GET", "/objects/") { Fault::Flipped(500) } else { Fault::None });
    check_refused(reaching(&objects, there.path(), &run(url, &[])), 1, &["bundle is damaged: SHA-256 is", "hint:"]);
    let left = files(&there.path().join("bundles"));
    assert!(left.iter().all(|file| file.ends_with("manifest.json")), "{left:?}");
    objects.judge(|request| if request.is("GET", "/manifest.json") { Fault::Flipped(500) } else { Fault::None });
    check_refused(reaching(&objects, there.path(), &run(url, &[])), 1, &["no checksum there is that of the manifest"]);

    // Killed in the middle of the largest file.
    let stop = Duration::from_secs(600);
    objects.judge(move |request| match request.is("GET", "/objects/") {
        true => Fault::StallAfter(20_000, stop),
        false => Fault::None,
    });
    let mut command = reaching(&objects, there.path(), &run(url, &[]));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let began = Instant::now();
    let partial = || {
        let found = files(&there.path().join("bundles"));
        let found =
            ending(&found, ".partial").into_iter().find(|file| fs::metadata(file).is_ok_and(|data| data.len() > 0));
        found.cloned()
    };
    while partial().is_none() {
        assert!(began.elapsed() < Duration::from_secs(300), "nothing comes");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    child.kill().expect("killed");
    child.wait().expect("an end");
    let here = fs::metadata(partial().expect("a file")).expect("a file").len();
    objects.judge(|_| Fault::None);
    objects.take_requests();
    assert_eq!(json(reaching(&objects, there.path(), &run(url, &[])))["tokens"], tokens);
    let asked = format!("range: bytes={here}-");
    assert!(objects.take_requests().iter().any(|request| request.headers.contains(&asked)), "{asked}");
    assert!(partial().is_none());

    let object = objects.names("faults/objects/").remove(0);
    objects.remove(&object);
    check_refused(reaching(&objects, fresh().path(), &run(url, &[])), 1, &["bundle lacks `", "s3://models/faults"]);
    check_refused(
        reaching(&objects, fresh().path(), &["inspect", "s3://models/nothing"]),
        1,
        &["not a bundle", "s3://models/nothing"],
    );
    let nowhere = ["NoSuchBucket", "AWS_ENDPOINT_URL"];
    check_refused(reaching(&objects, fresh().path(), &compile("s3://no-such-bucket/x", &[])), 1, &nowhere);
    let mut nobody = precast(fresh().path(), &compile("s3://models/x", &[]));
    nobody.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", objects.port)).env("AWS_ALLOW_HTTP", "true");
    check_refused(nobody, 1, &["no credentials are set", "AWS_ACCESS_KEY_ID"]);
    objects.judge(|_| Fault::Answer(403));
    check_refused(reaching(&objects, fresh().path(), &compile("s3://models/x", &[])), 1, &["403", "may do there"]);
    check_refused(
        reaching(&objects, fresh().path(), &["inspect", "s3://me:very-secret-key@models/x"]),
        2,
        &["no user and no password", "`s3://models/x`"],
    );
}

const CACHE: &str = "s3://models/cache";

/// `compile` on a machine that has compiled nothing, beside a remote cache: how many programs came from there, and what was said.
fn through(objects: &Objects, cache: &Path, more: &[&str]) -> ((usize, usize), String) {
    let out = fresh();
    let out = out.path().join("bundle");
    let command = reaching(objects, cache, &compile(text(&out), &[&["--remote-cache", CACHE], more].concat()));
    let output = finish(command);
    (cached(&json_of(&output)), stderr(&output))
}

/// The same, and nothing is complained of.
fn untroubled(objects: &Objects, cache: &Path, more: &[&str]) -> (usize, usize) {
    let (found, said) = through(objects, cache, more);
    assert_eq!(complaints(&said), 0, "{said}");
    found
}

/// How often a remote cache is complained of.
fn complaints(said: &str) -> usize {
    said.matches("remote cache").count()
}

#[test]
fn machines_share_what_they_compile_and_do_without_when_they_cannot() {
    let objects = Objects::start();
    assert_eq!(through(&objects, fresh().path(), &[]).0, (0, 2));
    assert_eq!(objects.names("cache/executables/").len(), 2);
    let there = fresh();
    objects.take_requests();
    assert_eq!(untroubled(&objects, there.path(), &[]), (2, 2));
    let asked = objects.take_requests();
    assert!(asked.len() == 2 && asked.iter().all(|request| request.method == "GET"), "{asked:?}");
    assert_eq!(through(&objects, there.path(), &[]).0, (2, 2));
    assert_eq!(objects.take_requests().len(), 0, "what came from there is here by now");
    let listed = json(precast(there.path(), &["cache", "list", "--json"]));
    assert!(listed["entries"].as_array().expect("entries").iter().all(|entry| entry["shared"] == true), "{listed}");
    assert_eq!(json(precast(there.path(), &["cache", "clear", "--json"]))["executables"], 2);

    // The same without an option, when a model is run.
    let mut command = reaching(&objects, there.path(), &run_model());
    command.env("PRECAST_REMOTE_CACHE", CACHE);
    json(command);
    assert!(objects.names("cache/executables/").len() > 2, "a session compiles for its threads");

    // What is damaged on the way or there, or is of another key, is compiled, told of once, and put right.
    objects.judge(|request| if request.is("GET", "/executables/") { Fault::Flipped(77) } else { Fault::None });
    let (found, said) = through(&objects, fresh().path(), &[]);
    assert_eq!((found, complaints(&said)), ((0, 2), 1), "{said}");
    assert!(said.contains("is damaged") && said.contains(CACHE), "{said}");
    objects.judge(|_| Fault::None);
    let names = objects.names("cache/executables/");
    let swapped = objects.get(&names[0]);
    names[1..].iter().for_each(|name| objects.put(name, &swapped));
    let (found, said) = through(&objects, fresh().path(), &[]);
    assert!(found.0 < 2 && complaints(&said) == 1 && said.contains("of another key"), "{found:?} {said}");
    assert_eq!(untroubled(&objects, fresh().path(), &[]), (2, 2), "it was put right");

    // A store that fails in whatever way costs a sentence.
    let rows: [(&'static str, Fault, &str); 5] = [
        ("", Fault::Answer(500), "500"),
        ("", Fault::Answer(403), "403"),
        ("", Fault::CutAfter(10), "remote cache"),
        ("GET", Fault::StallAfter(0, Duration::from_secs(60)), "timed out"),
        ("PUT", Fault::Answer(403), "403"),
    ];
    for (method, fault, expected) in rows {
        names.iter().for_each(|name| objects.remove(name));
        let judged = fault.clone();
        objects.judge(move |request| if request.method.contains(method) { judged.clone() } else { Fault::None });
        let (found, said) = through(&objects, fresh().path(), &[]);
        assert_eq!((found, complaints(&said)), ((0, 2), 1), "{fault:?}: {said}");
        assert!(said.contains(expected), "{fault:?}: {said}");
    }
    let gone = fresh();
    let out = gone.path().join("bundle");
    let mut command = precast(gone.path(), &compile(text(&out), &["--remote-cache", CACHE]));
    objects.reach(&mut command);
    command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let output = finish(command);
    assert_eq!((cached(&json_of(&output)), complaints(&stderr(&output))), ((0, 2), 1), "{}", stderr(&output));

    // A folder that machines share, and the web, to which nothing is written.
    let shared = fresh();
    let url = format!("file://{}", text(shared.path()));
    for expected in [(0, 2), (2, 2)] {
        let machine = fresh();
        let out = machine.path().join("bundle");
        let report = json(precast(machine.path(), &compile(text(&out), &["--remote-cache", &url])));
        assert_eq!(cached(&report), expected);
    }
    let web = format!("http://127.0.0.1:{}/models/empty", objects.port);
    objects.take_requests();
    let machine = fresh();
    let out = machine.path().join("bundle");
    let output = finish(precast(machine.path(), &compile(text(&out), &["--remote-cache", &web])));
    assert_eq!((cached(&json_of(&output)), complaints(&stderr(&output))), ((0, 2), 0));
    assert!(objects.take_requests().iter().all(|request| request.method == "GET"));

    let mut command = reaching(&objects, warm(), &["doctor", "--json"]);
    let report = json({
        command.env("PRECAST_REMOTE_CACHE", CACHE);
        command
    });
    let checks = report["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["name"] == "remote cache").expect("a check");
    assert_eq!((&check["status"], &check["detail"]), (&"ok".into(), &format!("{CACHE} answers").into()));
    let wrong = compile(text(&out), &["--remote-cache", "ftp://host/x"]);
    check_refused(precast(machine.path(), &wrong), 2, &["`ftp://host/x`", "expected a path, or"]);
}

/// A run without a bundle.
fn run_model() -> Vec<&'static str> {
    let model = model().to_str().expect("UTF-8");
    vec!["run", "--model", model, "--raw", "--tokens", "1,2,3", "--max-new", "2", "--ignore-stop", "--json"]
}

/// A key that has signed nothing here.
const KNOWN: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// Makes a key without a password in `folder`: its secret half, and its public one.
fn key(folder: &Path, name: &str) -> (String, String) {
    let file = folder.join(name);
    json(precast(warm(), &["sign", "--new-key", text(&file), "--json"]));
    (text(&file).to_owned(), format!("{}.pub", text(&file)))
}

#[test]
fn a_key_is_asked_for_everything_that_is_read_of_a_bundle() {
    let (objects, folder) = (Objects::start(), fresh());
    let (secret, public) = key(folder.path(), "release.key");
    let (other, _) = key(folder.path(), "other.key");
    check_refused(precast(warm(), &["sign", "--new-key", &secret]), 1, &["release.key", "never replaced"]);
    let bundle = folder.path().join("bundle");
    let named = text(&bundle);
    json(precast(warm(), &compile(named, &[])));
    let trusting = |more: &[&str]| precast(warm(), &run(named, &[&["--trust", &public], more].concat()));
    check_refused(trusting(&[]), 1, &["bundle is not signed", named, "precast sign"]);
    let signed = json(precast(warm(), &["sign", named, "--key", &secret, "--json"]));
    assert_eq!(signed["programs"], 2);
    json(trusting(&[]));
    json(trusting(&["--recompile"]));
    let tokens = json(trusting(&[]))["tokens"].clone();

    // The variable asks always, also who looks only; a key can be typed instead of its file.
    let line = fs::read_to_string(&public).expect("a key").lines().nth(1).expect("a line").to_owned();
    for (trust, code) in [(&line[..], 0), (&public, 0), (KNOWN, 1)] {
        for arguments in [run(named, &[]), vec!["inspect", named]] {
            let mut command = precast(warm(), &arguments);
            let output = finish({
                command.env("PRECAST_TRUST", trust);
                command
            });
            assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
            assert!(code == 0 || stderr(&output).contains("is signed by key"), "{}", stderr(&output));
        }
    }
    check_refused(precast(warm(), &run(named, &["--trust", "nonsense"])), 2, &["`nonsense` is neither a file nor"]);

    // Whatever is changed, put there, swapped or taken away, nothing else than what was signed is used.
    let sums = |folder: &Path| {
        let sum = precast::digest::sha256(&fs::read(folder.join("manifest.json")).expect("a manifest"));
        fs::write(folder.join("SHA256SUMS"), format!("{sum}  manifest.json\n")).expect("written");
    };
    type Change<'c> = &'c dyn Fn(&Path);
    let rows: [(Change<'_>, &str); 9] = [
        (&|folder| flip(&folder.join("decode_16.executable"), 5000), "SHA-256 is"),
        (&|folder| flip(&folder.join("prefill_16.stablehlo.mlir"), 50), "SHA-256 is"),
        (
            &|folder| {
                fs::copy(folder.join("prefill_16.executable"), folder.join("decode_16.executable")).expect("copied");
            },
            "SHA-256 is",
        ),
        (&|folder| fs::remove_file(folder.join("decode_16.executable")).expect("removed"), "decode_16.executable"),
        (
            &|folder| {
                flip(&folder.join("manifest.json"), 40);
                sums(folder);
            },
            "is not what key",
        ),
        (
            &|folder| {
                // A forger makes everything agree but the signature.
                let file = folder.join("decode_16.executable");
                let old = precast::digest::sha256(&fs::read(&file).expect("a file"));
                flip(&file, 5000);
                let new = precast::digest::sha256(&fs::read(&file).expect("a file"));
                let manifest = folder.join("manifest.json");
                let content = fs::read_to_string(&manifest).expect("a manifest").replace(&old, &new);
                fs::write(&manifest, content).expect("written");
                sums(folder);
            },
            "is not what key",
        ),
        (&|folder| fs::write(folder.join("manifest.json.minisig"), "x\ny\nz").expect("written"), "cannot be read"),
        (
            &|folder| {
                // A line that is too short for what it should be.
                let file = folder.join("manifest.json.minisig");
                let lines = fs::read_to_string(&file).expect("a signature");
                let mut lines: Vec<&str> = lines.lines().collect();
                lines[3] = "AAAA";
                fs::write(&file, lines.join("\n")).expect("written");
            },
            "cannot be read",
        ),
        (&|folder| fs::remove_file(folder.join("manifest.json.minisig")).expect("removed"), "is not signed"),
    ];
    for (change, expected) in rows {
        let changed = fresh();
        for file in files(&bundle) {
            fs::copy(&file, changed.path().join(file.file_name().expect("a name"))).expect("copied");
        }
        change(changed.path());
        check_refused(precast(warm(), &run(text(changed.path()), &["--trust", &public])), 1, &[expected]);
    }
    fs::write(bundle.join("extra.executable"), "anything").expect("written");
    assert_eq!(json(trusting(&[]))["tokens"], tokens, "what no manifest names is not looked at");
    json(precast(warm(), &["sign", named, "--key", &other, "--json"]));
    check_refused(trusting(&[]), 1, &["is signed by key", "expected"]);
    flip(&bundle.join("decode_16.executable"), 5000);
    check_refused(precast(warm(), &["sign", named, "--key", &secret]), 1, &["SHA-256 is"]);

    // Elsewhere: signed at once, signed later, and changed by whoever may write there.
    let (url, late) = ("s3://models/signed", "s3://models/late");
    json(reaching(&objects, warm(), &compile(url, &["--sign", &secret])));
    json(reaching(&objects, warm(), &compile(late, &[])));
    let trusting = |url: &str| reaching(&objects, fresh().path(), &run(url, &["--trust", &public]));
    assert_eq!(json(trusting(url))["tokens"], tokens);
    check_refused(trusting(late), 1, &["bundle is not signed", late]);
    json(reaching(&objects, warm(), &["sign", late, "--key", &secret, "--json"]));
    assert_eq!(json(trusting(late))["tokens"], tokens);
    let manifest = objects.get("signed/manifest.json");
    let mut forged = manifest.clone();
    forged[40] ^= 1;
    objects.put("signed/manifest.json", &forged);
    check_refused(trusting(url), 1, &["bundle is not signed"]);
    let end = format!("{}.minisig", precast::digest::sha256(&manifest));
    let signature = objects.get(&format!("signed/objects/{end}"));
    objects.put(&format!("signed/objects/{}.minisig", precast::digest::sha256(&forged)), &signature);
    check_refused(trusting(url), 1, &["is not what key"]);
    objects.put("signed/manifest.json", &manifest);
    assert_eq!(json(trusting(url))["tokens"], tokens);
}

#[test]
fn a_key_is_asked_for_what_a_remote_cache_has() {
    let (objects, folder) = (Objects::start(), fresh());
    let (secret, public) = key(folder.path(), "release.key");
    let trust = ["--trust", &public[..]];
    // Somebody without the key fills the cache; whoever trusts takes nothing of it, and puts nothing unsigned there.
    assert_eq!(through(&objects, fresh().path(), &[]).0, (0, 2));
    let names = objects.names("cache/executables/");
    let unsigned: Vec<Vec<u8>> = names.iter().map(|name| objects.get(name)).collect();
    let (found, said) = through(&objects, fresh().path(), &trust);
    assert_eq!((found, complaints(&said)), ((0, 2), 1), "{said}");
    assert!(said.contains("is not signed"), "{said}");
    assert!(names.iter().map(|name| objects.get(name)).eq(unsigned.iter().cloned()));

    // Nor what came from there when nobody asked.
    let there = fresh();
    assert_eq!(through(&objects, there.path(), &[]).0, (2, 2));
    assert_eq!(through(&objects, there.path(), &trust).0, (0, 2));

    // Whoever has the key replaces what is not signed by it, and believes nothing else.
    assert_eq!(through(&objects, fresh().path(), &["--sign", &secret]).0, (0, 2));
    let there = fresh();
    assert_eq!(untroubled(&objects, there.path(), &trust), (2, 2));
    objects.take_requests();
    assert_eq!(through(&objects, there.path(), &trust).0, (2, 2));
    assert_eq!(objects.take_requests().len(), 0);
    assert_eq!(through(&objects, fresh().path(), &["--sign", &secret]).0, (2, 2));
    assert_eq!(through(&objects, there.path(), &["--trust", KNOWN]).0, (0, 2));
    assert_eq!(through(&objects, fresh().path(), &[]).0, (2, 2), "who trusts anybody trusts this key as well");

    // A signed one under another name, one with a byte changed, one whose signature is another's.
    let signed: Vec<Vec<u8>> = names.iter().map(|name| objects.get(name)).collect();
    let forge = |change: &dyn Fn(usize) -> Vec<u8>| {
        (0..2).for_each(|number| objects.put(&names[number], &change(number)));
        let (found, said) = through(&objects, fresh().path(), &trust);
        assert_eq!((found, complaints(&said)), ((0, 2), 1), "{said}");
        said
    };
    assert!(forge(&|number| signed[1 - number].clone()).contains("of another key"));
    let changed = |number: usize| {
        let mut content = signed[number].clone();
        let last = content.len() - 1;
        content[last] ^= 1;
        content
    };
    assert!(forge(&changed).contains("is not what key"));
    let entry = |content: &[u8]| content.windows(18).position(|part| part == b"precast-executable").expect("an entry");
    let grafted = |number: usize| {
        let (own, others) = (&signed[number], &signed[1 - number]);
        let mut content = others[..entry(others)].to_vec();
        content.extend_from_slice(&own[entry(own)..]);
        content
    };
    let said = forge(&grafted);
    assert!(said.contains("is not what key") || said.contains("is damaged"), "{said}");
}

#[test]
fn minisign_itself_agrees_about_keys_and_signatures() {
    let folder = fresh();
    let bundle = folder.path().join("bundle");
    json(precast(warm(), &compile(text(&bundle), &[])));
    let with_password = |arguments: &[&str], password: &str| {
        let mut command = precast(warm(), arguments);
        command.env("PRECAST_SIGN_PASSWORD", password);
        command
    };
    let ours = folder.path().join("ours");
    json(with_password(&["sign", "--new-key", text(&ours), "--json"], "pass word"));
    let sign = ["sign", text(&bundle), "--key", text(&ours), "--json"];
    json(with_password(&sign, "pass word"));
    check_refused(with_password(&sign, "other"), 1, &["is not opened", "PRECAST_SIGN_PASSWORD"]);
    check_refused(precast(warm(), &sign), 1, &["it has a password, and there is nobody to ask"]);
    let public = format!("{}.pub", text(&ours));
    let script = "
import sys, minisign, pathlib
bundle, secret, public, theirs = map(pathlib.Path, sys.argv[1:])
manifest = (bundle / 'manifest.json').read_bytes()
signature = minisign.Signature.from_file(bundle / 'manifest.json.minisig')
minisign.PublicKey.from_file(public).verify(manifest, signature)
key = minisign.SecretKey.from_file(secret)
key.decrypt('pass word')
assert minisign.PublicKey.from_secret_key(key).to_base64() == minisign.PublicKey.from_file(public).to_base64()
print(signature.trusted_comment)
pair = minisign.KeyPair.generate()
(bundle / 'manifest.json.minisig').write_bytes(bytes(pair.secret_key.sign(manifest)))
pair.secret_key.encrypt('theirs')
theirs.write_bytes(bytes(pair.secret_key))
pathlib.Path(str(theirs) + '.pub').write_bytes(bytes(pair.public_key))
";
    let theirs = folder.path().join("theirs");
    let told = run_python(script, &[&bundle, &ours, Path::new(&public), &theirs]);
    assert!(told.contains("precast bundle"), "{told}");
    let trusted = format!("{}.pub", text(&theirs));
    json(precast(warm(), &["inspect", text(&bundle), "--json", "--trust", &trusted]));
    check_refused(precast(warm(), &["inspect", text(&bundle), "--trust", &public]), 1, &["is signed by key"]);
    json(with_password(&["sign", text(&bundle), "--key", text(&theirs), "--json"], "theirs"));
    json(precast(warm(), &["inspect", text(&bundle), "--json", "--trust", &trusted]));
}
