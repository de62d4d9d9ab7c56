//! A model given by its name alone, against a hub on this machine: fetched, packed, compiled and run; skipped where it is here and right;
//! taken up where it was killed; and nothing without a yes.

#[path = "support/command.rs"]
mod command;
#[path = "support/device.rs"]
mod device;
#[path = "support/hub.rs"]
mod hub;
#[path = "support/synthetic.rs"]
mod synthetic;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use command::{files, json, said};
use hub::{Fault, Hub, REPOSITORY, Setup};
use serde_json::Value;
use synthetic::{Layout, Shape};
use tempfile::TempDir;

/// A hub, and folders for its cache and for precast's.
struct Bench {
    hub: Hub,
    folder: TempDir,
}

/// The files of a checkpoint, as a repository has them.
fn served(folder: &Path, below: &str) -> Setup {
    let mut setup = Setup { page: Some(100), ..Setup::default() };
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().and_then(|name| name.to_str()).expect("UTF-8");
        let bytes = std::fs::read(&entry).expect("a file");
        let path = format!("{below}{name}");
        setup = if name.ends_with(".safetensors") { setup.large(&path, bytes) } else { setup.small(&path, bytes) };
    }
    setup.small("README.md", "a model")
}

fn synthetic(shape: &Shape, layout: Layout) -> Setup {
    let folder = tempfile::tempdir().expect("a folder");
    shape.write(layout, folder.path()).expect("a checkpoint");
    served(folder.path(), if let Layout::Original { .. } = layout { "original/" } else { "" })
}

/// The smallest shape, as published.
fn small() -> Setup {
    synthetic(&Shape::named("odd"), Layout::Original { shards: 1 })
}

impl Bench {
    fn new(setup: Setup) -> Bench {
        let bench = Bench { hub: setup.start(), folder: tempfile::tempdir().expect("a folder") };
        // Programs are compiled once for all tests; all else is each one's own.
        static PROGRAMS: OnceLock<TempDir> = OnceLock::new();
        let programs = PROGRAMS.get_or_init(|| {
            device::installed("cpu");
            tempfile::tempdir().expect("a folder")
        });
        std::fs::create_dir(bench.cache()).expect("a folder");
        std::os::unix::fs::symlink(programs.path(), bench.cache().join("executables")).expect("a link");
        bench
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// In an environment of its own, with nothing to read.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars() {
            let is_proxy = name.to_ascii_lowercase().ends_with("_proxy");
            if name.starts_with("HF_") || is_proxy || ["RUST_LOG", "NO_COLOR"].contains(&name.as_str()) {
                command.env_remove(name);
            }
        }
        command.args(arguments).env("HF_ENDPOINT", self.hub.endpoint()).env("HF_HOME", self.home());
        command.env("PRECAST_CACHE_DIR", self.cache()).stdin(Stdio::null());
        command
    }

    fn precast(&self, arguments: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_precast"), arguments).output().expect("it starts")
    }

    /// `precast run` of three tokens without stopping: what it generates, and what it says.
    fn run(&self, arguments: &[&str]) -> (Vec<u64>, String) {
        let output = self.precast(&run(arguments));
        let tokens = json(&output)["tokens"].as_array().expect("tokens").iter().filter_map(Value::as_u64).collect();
        (tokens, said(&output))
    }

    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_precast"), &run(arguments));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    }

    /// On a terminal, where `typed` answers what is asked; what it shows, and the code that it ends with.
    fn at_terminal(&self, typed: &str, arguments: &[&str]) -> (String, Option<i32>) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/terminal.py");
        let script = [script.to_str().expect("UTF-8"), "[Y/n] ", typed, env!("CARGO_BIN_EXE_precast")];
        let output = self
            .command("python3", &[&script, arguments].concat())
            .env("NO_COLOR", "1")
            .output()
            .expect("python3 starts");
        (String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n"), output.status.code())
    }

    fn packed(&self) -> Vec<PathBuf> {
        let all = files(&self.cache().join("packed"));
        all.into_iter().filter(|file| file.extension().is_some_and(|ending| ending == "safetensors")).collect()
    }

    fn requests(&self) -> usize {
        self.hub.requests().len()
    }
}

fn run<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["run"], arguments, &["--tokens", "1,2,3", "--max-new", "6", "--ignore-stop", "--json"]].concat()
}

fn check_empty(found: Vec<PathBuf>) {
    assert!(found.is_empty(), "{found:?}");
}

/// Every one of `words` is in the text.
fn check_says(text: &str, words: &[&str]) {
    for words in words {
        assert!(text.contains(words), "`{words}` is not in:\n{text}");
    }
}

fn check_failed(output: &Output, code: i32, words: &[&str]) {
    assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{}", said(output));
    check_says(&said(output), words);
}

/// Waits until it is so, as long as the program runs; whether it was.
fn until(child: &mut Child, so: impl Fn() -> bool) -> bool {
    while child.try_wait().expect("a state").is_none() {
        if so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// The name of a published model, and behind it the built-in one: it answers, and the second time it asks nobody.
#[test]
fn a_name_is_enough_and_the_second_start_asks_no_hub() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/gpt-oss-demo.zip")).expect("the archive");
    zip::ZipArchive::new(archive).expect("a zip").extract(folder.path()).expect("its files");
    let repository = Some("openai/gpt-oss-20b".to_owned());
    let bench = Bench::new(Setup { repository, ..served(folder.path(), "original/") });
    let question = ["--prompt", "What is the capital of France?", "--json"];

    let first = bench.precast(&[&["run", "gpt-oss-20b", "--yes"], &question[..]].concat());
    let report = json(&first);
    check_says(report["text"].as_str().expect("text"), &["The capital of France is Paris."]);
    assert_eq!(report["model"], "gpt-oss-20b");
    let steps = [
        "plan     gpt-oss-20b on cpu: mxfp4 experts, bf16 else, bf16 cache; mxfp4 is exact",
        "fetch    openai/gpt-oss-20b at 0123456789ab: 124 MiB in ",
        "pack     not needed: weights are used where they lie",
        "compile  2 programs in ",
        "ready    ",
    ];
    check_says(&said(&first), &steps);
    let places: Vec<_> = steps.iter().map(|step| said(&first).find(step)).collect();
    assert!(places.is_sorted(), "{}", said(&first));

    let asked = bench.requests();
    let second = bench.precast(&[&["run", "openai/gpt-oss-20b"], &question[..]].concat());
    assert_eq!(json(&second)["tokens"], report["tokens"]);
    let here = [
        "fetch    here: openai/gpt-oss-20b at 0123456789ab, 124 MiB",
        "pack     not needed",
        "compile  here: 2 programs",
    ];
    check_says(&said(&second), &here);
    // Neither does it where there is no hub, in a conversation, or where the name is an option's.
    let mut command = bench.command(env!("CARGO_BIN_EXE_precast"), &["chat", "gpt-oss-20b", "--max-new", "1"]);
    let child = command.env("HF_ENDPOINT", "http://127.0.0.1:9").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.stderr(Stdio::piped()).spawn().expect("it starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), b"Hello\n").expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    check_says(&String::from_utf8_lossy(&output.stdout), &["> Hello"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let bench_it =
        ["bench", "--model", "gpt-oss-20b", "--offline", "--prefill", "0", "--decode", "1", "--repeat", "1", "--json"];
    let report = json(&bench.precast(&bench_it));
    assert_eq!((&report["model"], &report["weights"]), (&"gpt-oss-20b".into(), &"mxfp4".into()));
    let quiet = bench.precast(&[&["-q", "run", "gpt-oss-20b"], &question[..]].concat());
    assert_eq!(said(&quiet), "");
    assert_eq!(bench.requests(), asked, "a second start asked the hub");
    check_empty(files(&bench.cache().join("packed")));
}

/// Packed weights are used because they are right, not because they are there.
#[test]
fn what_has_to_be_made_is_packed_once() {
    let bench = Bench::new(small());
    let fp8 = |more: &[&str]| bench.run(&[&["ada/small", "--weights", "fp8"], more].concat());
    let (tokens, text) = fp8(&["--yes"]);
    check_says(
        &text,
        &["plan     small on cpu: fp8 experts, bf16 else, bf16 cache; as asked", "fetch    ada/small at", "pack     /"],
    );
    let [file] = &bench.packed()[..] else { panic!("{:?}", bench.packed()) };
    assert!(file.ends_with("packed/ada--small/main/cpu-fp8-bf16.safetensors"), "{}", file.display());
    let asked = bench.requests();
    let again = |said: &[&str]| {
        let (found, text) = fp8(&[]);
        assert_eq!(found, tokens, "{text}");
        check_says(&text, said);
        assert_eq!(bench.requests(), asked, "the hub was asked: {text}");
    };
    again(&["fetch    here", "pack     here: /"]);

    let sound = std::fs::read(file).expect("a file");
    let mut other = sound.clone();
    let last = other.len() - 1;
    other[last] ^= 1;
    std::fs::write(file, &other).expect("a file");
    again(&["is packed again: tensor `", "has SHA-256", "pack     /"]);
    assert!(std::fs::read(file).expect("a file") == sound, "it is as it was");
    std::fs::write(file, &sound[..sound.len() / 2]).expect("a file");
    again(&["is packed again: `", "is no sound safetensors file"]);
    std::fs::write(file, "not weights").expect("a file");
    again(&["is packed again: "]);
    std::fs::remove_file(file.with_extension("json")).expect("a note");
    again(&["is packed again: nothing says what it was made of"]);
    // Someone wrote to it, and it is whole all the same.
    std::fs::write(file, &sound).expect("a file");
    again(&["pack     here: /"]);
    // It is enough.
    std::fs::remove_dir_all(bench.home()).expect("a cache");
    again(&["fetch    not needed: the packed weights are here", "pack     here: /"]);
    check_failed(&bench.precast(&run(&["ada/small", "--weights", "int8"])), 2, &["`ada/small` is not here", "`--yes`"]);
}

#[test]
fn killed_in_fetching_and_in_packing_it_goes_on() {
    let wide = || synthetic(&Shape::named("wide"), Layout::HuggingFace { shards: 2 });
    let arguments = ["ada/small", "--weights", "int8", "--dense", "int8", "--yes"];
    let bench = Bench::new(wide());
    bench.hub.judge(|request| if request.is_file() { Fault::Slow(20_000) } else { Fault::None });
    for signal in ["-KILL", "-INT"] {
        let before = bench.hub.state.sent.load(Ordering::Relaxed);
        let mut child = bench.start(&arguments);
        let is_begun = || bench.hub.state.sent.load(Ordering::Relaxed) > before + 8_000_000;
        assert!(until(&mut child, is_begun), "it ended before: {}", said(&child.wait_with_output().expect("it ends")));
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().expect("it runs").success());
        let output = child.wait_with_output().expect("it ends");
        if signal == "-INT" {
            check_failed(&output, 130, &["interrupted; the same command goes on from what is fetched"]);
        }
        // Nothing has its name in the repository yet.
        assert!(!files(&bench.home()).iter().any(|file| file.is_symlink()), "{:?}", files(&bench.home()));
    }
    bench.hub.judge(|_| Fault::None);

    // A packing may be done before it is killed: then it is asked for once more.
    let mut is_cut = false;
    let mut resumed = String::new();
    for _ in 0..20 {
        let mut child = bench.start(&arguments);
        let parts = || files(&bench.cache().join("packed"));
        let is_noted = |file: &PathBuf| {
            file.extension().is_some_and(|ending| ending == "journal") && file.metadata().is_ok_and(|it| it.len() > 0)
        };
        is_cut = until(&mut child, || parts().iter().any(is_noted));
        let _ = child.kill();
        let output = child.wait_with_output().expect("it ends");
        resumed += &said(&output);
        if is_cut && bench.packed().is_empty() {
            break;
        }
        assert!(output.status.code().is_none_or(|code| code == 0), "{}", said(&output));
        std::fs::remove_dir_all(bench.cache().join("packed")).expect("a folder");
    }
    assert!(is_cut && bench.packed().is_empty(), "it was never killed in time");
    check_says(&resumed, &["goes on from ", " were here"]);
    let asked = bench.requests();
    let (tokens, text) = bench.run(&arguments);
    check_says(&text, &["fetch    here", "of it made before"]);
    assert_eq!(bench.requests(), asked);
    let undisturbed = Bench::new(wide());
    assert_eq!(undisturbed.run(&arguments).0, tokens);
    let [one, other] = [&bench, &undisturbed].map(|bench| std::fs::read(&bench.packed()[0]).expect("a file"));
    assert!(one == other, "packed files differ");
}

#[test]
fn nothing_is_fetched_without_a_yes() {
    let bench = Bench::new(small());
    let untouched = || {
        check_empty(files(&bench.home()));
        check_empty(files(&bench.cache().join("packed")));
    };
    let nobody = [
        "`ada/small` is not here",
        "standard input is no terminal",
        "does not hold `ada/small` at `main`",
        "hint: `--yes` fetches it from http://127",
    ];
    check_failed(&bench.precast(&run(&[REPOSITORY])), 2, &nobody);
    let offline = ["does not hold `ada/small` at `main`", "hint: fetch it once without `--offline`"];
    check_failed(&bench.precast(&run(&[REPOSITORY, "--offline", "--yes"])), 1, &offline);
    assert_eq!(bench.requests(), 0, "the hub was asked");
    untouched();

    let fp8 = run(&[REPOSITORY, "--weights", "fp8"]);
    let (shown, code) = bench.at_terminal("n\n", &fp8);
    assert_eq!(code, Some(1), "{shown}");
    let (home, cache) = (bench.home(), bench.cache());
    check_says(
        &shown,
        &[
            "small is not here. This will be done:\n  fetch    ",
            &format!(
                "from {}/ada/small at 0123456789ab\n           to {}",
                bench.hub.endpoint(),
                home.join("hub").display()
            ),
            "GiB free\n  pack     about ",
            &format!("to {}", cache.join("packed/ada--small/main/cpu-fp8-bf16.safetensors").display()),
            "error: `ada/small` is not fetched, as you wish",
        ],
    );
    untouched();
    let (shown, code) = bench.at_terminal("\x03", &fp8);
    assert_eq!(code, Some(130), "{shown}");
    untouched();
    let (shown, code) = bench.at_terminal("\n", &fp8);
    assert_eq!(code, Some(0), "{shown}");
    check_says(&shown, &["fetch    ada/small at 0123456789ab: ", "pack     /", "\"tokens\":["]);
    // What is here is not asked for.
    let (shown, code) = bench.at_terminal("", &fp8);
    assert_eq!((code, shown.contains("[Y/n]")), (Some(0), false), "{shown}");
}

#[test]
fn a_revision_that_moved_is_fetched_when_one_asks_for_it() {
    let old = Bench::new(small());
    let moved = "89abcdef".repeat(5);
    let shape = Shape { seed: 2, ..Shape::named("odd") };
    let new = Setup { commit: Some(moved.clone()), ..synthetic(&shape, Layout::HuggingFace { shards: 1 }) }.start();
    let fp8 = [REPOSITORY, "--weights", "fp8"];
    let (first, _) = old.run(&[&fp8[..], &["--yes"]].concat());
    let bench = Bench { hub: new, folder: old.folder };
    assert_eq!(bench.run(&fp8).0, first);
    assert_eq!(bench.requests(), 0, "the hub was asked");

    let fetched = bench.precast(&["fetch", REPOSITORY, "--for", "cpu"]);
    assert_eq!(fetched.status.code(), Some(0), "{}", said(&fetched));
    let (second, text) = bench.run(&fp8);
    check_says(
        &text,
        &["fetch    here: ada/small at 89abcdef89ab", "is packed again: it was made of ada/small at 0123456789ab"],
    );
    assert_ne!(second, first);
    assert_eq!(bench.packed().len(), 1);
    // Each commit is still to be had, and has packed weights of its own.
    let asked = bench.requests();
    for (commit, expected) in [(hub::COMMIT, &first), (moved.as_str(), &second)] {
        assert_eq!(bench.run(&[&fp8[..], &["--revision", commit]].concat()).0, *expected);
    }
    assert_eq!((bench.packed().len(), bench.requests()), (3, asked));
    let unknown = bench.precast(&run(&[REPOSITORY, "--revision", "v9", "--yes"]));
    check_failed(&unknown, 1, &["`ada/small` has no revision `v9`"]);
}

/// What cannot work is said before anything is fetched.
#[test]
fn too_little_disk_or_memory_is_told_first() {
    let huge = |path: &str, bytes: u64| {
        let digest = "7".repeat(64);
        format!(
            r#"{{"type":"file","oid":"{}","size":{bytes},"path":"{path}","lfs":{{"oid":"{digest}","size":{bytes},"pointerSize":134}}}}"#,
            hub::COMMIT
        )
    };
    let bench = Bench::new(Setup { rows: vec![huge("original/more.safetensors", 1 << 53)], ..small() });
    let output = bench.precast(&run(&[REPOSITORY, "--yes", "--weights", "fp8"]));
    check_failed(
        &output,
        1,
        &["this needs 9007", "are free", "GiB for the checkpoint", "`HF_HOME`", "`PRECAST_CACHE_DIR`"],
    );

    let shape = Shape { layers: 1000, hidden: 28800, experts: 512, expert_width: 28800, ..Shape::named("20b") };
    let tiny = Shape { layers: 1000, ..Shape::named("odd") };
    let folder = tempfile::tempdir().expect("a folder");
    Shape::named("odd").write(Layout::Original { shards: 1 }, folder.path()).expect("a checkpoint");
    let text = std::fs::read_to_string(folder.path().join("config.json")).expect("text");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    for (key, value) in [
        ("num_hidden_layers", tiny.layers),
        ("num_experts", shape.experts),
        ("hidden_size", shape.hidden),
        ("intermediate_size", shape.expert_width),
    ] {
        config[key] = value.into();
    }
    let setup =
        Setup::default().small("original/config.json", config.to_string()).large("original/a.safetensors", vec![0; 9]);
    let bench = Bench::new(setup);
    let output = bench.precast(&run(&[REPOSITORY, "--yes"]));
    check_failed(
        &output,
        3,
        &["`small` needs ", "of memory with mxfp4 experts, this machine has ", "the experts ", "`--weights mxfp4`"],
    );
    check_empty(files(&bench.home()));
}
