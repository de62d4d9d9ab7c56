//! The scripts of `docs/pipelines.md`, as they stand: a machine compiles, signs and stores, others run, and none has more than the program.

#[path = "support/objects.rs"]
mod objects;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use objects::{BUCKET, Fault, Objects, Request};
use serde_json::Value;
use tempfile::TempDir;

/// The script that stands behind `<!-- name -->`.
fn script(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pipelines.md");
    let text = std::fs::read_to_string(file).expect("the recipe");
    let (_, behind) = text.split_once(&format!("<!-- {name} -->\n```sh\n")).expect("a script of this name");
    behind.split_once("\n```").expect("its end").0.to_owned()
}

/// A machine with the program, a plugin that need not be fetched again, and nothing else.
struct Machine {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Machine {
    fn new(environment: &[(&'static str, &str)]) -> Machine {
        let environment = environment.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Machine { folder: tempfile::tempdir().expect("a folder"), environment }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, objects: &Objects, script: &str) -> Output {
        let programs = Path::new(env!("CARGO_BIN_EXE_precast")).parent().expect("a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command.args(["-c", script]).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars() {
            if ["AWS_", "GOOGLE_", "PRECAST_"].iter().any(|of| name.starts_with(of)) {
                command.env_remove(name);
            }
        }
        objects.reach(&mut command);
        command.env("PATH", format!("{}:{path}", programs.display())).env("PRECAST_CACHE_DIR", self.path("cache"));
        command.env("no_proxy", "127.0.0.1").envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.output().expect("bash")
    }

    fn json(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(self.path(name)).expect("a report");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Whether something was compiled here or came into the cache.
    fn has_executables(&self) -> bool {
        let is_executable = |name: &Path| name.extension().is_some_and(|ending| ending == "executable");
        let entries = std::fs::read_dir(self.path("cache/executables")).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).any(|file| is_executable(&file))
    }
}

fn check_done(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn cached(report: &Value) -> Vec<bool> {
    report["programs"].as_array().expect("programs").iter().map(|program| program["cached"] == true).collect()
}

#[test]
fn a_pipeline_compiles_and_devices_run_only_what_it_signed() {
    let objects = Objects::start();
    let bundle = format!("s3://{BUCKET}/demo.cpu");
    let cache = format!("s3://{BUCKET}/cache");

    let office = Machine::new(&[("PRECAST_SIGN_PASSWORD", "of the release")]);
    check_done(&office.run(&objects, "precast sign --new-key release.key"));
    let (key, public) = (office.path("release.key"), office.path("release.key.pub"));
    let (key, public) = (key.to_str().expect("UTF-8"), public.to_str().expect("UTF-8"));

    let build = [
        ("MODEL", "demo"),
        ("TARGET", "cpu"),
        ("PLUGIN", "cpu"),
        ("CONTEXT", "1024"),
        ("BUNDLE", bundle.as_str()),
        ("PRECAST_REMOTE_CACHE", cache.as_str()),
        ("PRECAST_SIGN", key),
        ("PRECAST_SIGN_PASSWORD", "of the release"),
        ("PRECAST_TRUST", public),
    ];
    let first = Machine::new(&build);
    check_done(&first.run(&objects, &script("compile")));
    let report = first.json("bundle.json");
    assert_eq!(cached(&report), [false; 3], "two buckets and decode were compiled");
    assert!(first.has_executables());

    // The next run of the pipeline, on another machine, compiles nothing.
    let next = Machine::new(&build);
    check_done(&next.run(&objects, &script("compile")));
    let again = next.json("bundle.json");
    assert_eq!(cached(&again), [true; 3], "all came from the shared cache");
    assert_eq!(report["key"], again["key"]);

    let device = |trust: &str| {
        Machine::new(&[
            ("PLUGIN", "cpu"),
            ("BUNDLE", bundle.as_str()),
            ("PRECAST_TRUST", trust),
            ("WEIGHTS", "demo"),
            ("PROMPT", "What is the capital of France?"),
        ])
    };
    let here = device(public);
    check_done(&here.run(&objects, &script("run")));
    let answer = here.json("answer.json");
    assert!(answer["text"].as_str().is_some_and(|text| text.contains("Paris")), "{answer}");
    assert!(!here.has_executables(), "a device compiles nothing");

    // Another key, and a bit of an executable that is another.
    let stranger = Machine::new(&[("PRECAST_SIGN_PASSWORD", "of somebody else")]);
    check_done(&stranger.run(&objects, "precast sign --new-key release.key"));
    let other = stranger.path("release.key.pub");
    let refused = device(other.to_str().expect("UTF-8")).run(&objects, &script("run"));
    assert!(!refused.status.success() && said(&refused).contains("key"), "{}", said(&refused));

    let is_program = |request: &Request| request.is("GET", "/objects/") && !request.path.ends_with(".minisig");
    objects.judge(move |request| if is_program(request) { Fault::Flipped(100) } else { Fault::None });
    let damaged = device(public).run(&objects, &script("run"));
    assert!(!damaged.status.success() && said(&damaged).contains("SHA-256"), "{}", said(&damaged));
}
