//! The cache of executables and bundles, with the real CPU plugin and real processes: shared, killed, full, damaged, forged.

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "support/device.rs"]
mod device;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use hlo::{Builder, ElementType, Parameter, Sharding, Signature, TensorType};
use precast::bundle::{Built, Bundle, BundleError, Cache, Contents, Outcome, Program, key_of, load_or_compile};
use precast::config::{Config, LayerKind, Rope};
use precast::pjrt::{Argument, Client, ClientOptions, CompileOptions, LoadedExecutable, OptionValue, Plugin};
use precast::progress::{Event, Progress};
use serde_json::json;
use sha2::{Digest, Sha256};

fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| device::client("cpu"))
}

/// `x -> x + x * constant`, repeated `steps` times through a product of matrices: the more steps, the longer it compiles.
fn program(name: &str, steps: usize, constant: f32) -> Program {
    let ty = TensorType::new(ElementType::F32, [4, 4]);
    let mut body = format!(
        "    %x0 = stablehlo.add %state, %state : tensor<4x4xf32>\n    %k = stablehlo.constant dense<{constant:?}> : tensor<4x4xf32>\n"
    );
    for step in 0..steps {
        let next = step + 1;
        body += &format!(
            "    %d{next} = stablehlo.dot_general %x{step}, %k, contracting_dims = [1] x [0] : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>\n\
             \x20   %e{next} = stablehlo.tanh %d{next} : tensor<4x4xf32>\n\
             \x20   %x{next} = stablehlo.add %e{next}, %x{step} : tensor<4x4xf32>\n"
        );
    }
    let text = format!(
        "module @{name} {{\n  func.func public @main(%state: tensor<4x4xf32> {{tf.aliasing_output = 0 : i32}}) -> tensor<4x4xf32> {{\n{body}    return %x{steps} : tensor<4x4xf32>\n  }}\n}}\n"
    );
    let parameter =
        Parameter { name: "state".into(), ty: ty.clone(), donated_to: Some(0), sharding: Sharding::default() };
    let signature = Signature { mesh: None, parameters: vec![parameter], results: vec![ty] };
    Program { name: name.into(), phase: "prefill".into(), rows: 4, text, signature }
}

/// Takes seconds to compile: long enough to be interrupted.
fn slow_program() -> Program {
    program("slow", 400, 0.01)
}

fn run(executable: &LoadedExecutable) -> Vec<u8> {
    let client = executable.client();
    let ty = &executable.signature().parameters[0].ty;
    let ones: Vec<u8> = [1_f32; 16].iter().flat_map(|one| one.to_le_bytes()).collect();
    let state = client.upload(&client.devices()[0], ty, &ones).expect("an upload");
    let results = executable.execute(vec![Argument::Donate(state)]).expect("an execution");
    results[0].to_host().expect("a download")
}

fn obtain(cache: &Cache, program: &Program) -> (LoadedExecutable, Outcome) {
    load_or_compile(client(), Some(cache), program, &CompileOptions::default(), &()).expect("compiled or loaded")
}

// ------ children: the same test in a new process ------

const ROLE: &str = "PRECAST_TEST_CHILD";
const FOLDER: &str = "PRECAST_TEST_FOLDER";

/// Tells of every event in one line of stderr.
struct Lines;

impl Progress for Lines {
    fn report(&self, event: Event<'_>) {
        let line = match event {
            Event::Begin { what, .. } => format!("begin {what}"),
            Event::End(how) => format!("end {how}"),
            Event::Note(note) => format!("note {note}"),
            Event::Advance(_) => return,
        };
        eprintln!("@{line}");
    }
}

/// In a child: obtains the slow program from the cache named by the parent, runs it and tells how it went.
/// Whether this is a child; then the test is done.
fn is_child() -> bool {
    let (Some(_), Some(folder)) = (std::env::var_os(ROLE), std::env::var_os(FOLDER)) else { return false };
    let cache = Cache::open(PathBuf::from(folder)).for_model("test");
    let program = slow_program();
    let (executable, outcome) =
        load_or_compile(client(), Some(&cache), &program, &CompileOptions::default(), &Lines).expect("an executable");
    eprintln!("@why {}", outcome.why.unwrap_or_default());
    eprintln!("@result {} {:x}", if outcome.cached { "loaded" } else { "compiled" }, Sha256::digest(run(&executable)));
    true
}

/// A child that works on `folder`, and is killed if the test ends first.
struct Process {
    child: Child,
    stderr: BufReader<ChildStderr>,
    lines: Vec<String>,
}

impl Process {
    fn start(test: &str, folder: &Path) -> Process {
        Process::spawn(Command::new(std::env::current_exe().expect("a test has a program")), test, folder)
    }

    fn spawn(mut command: Command, test: &str, folder: &Path) -> Process {
        command.args(["--exact", test, "--nocapture"]).env(ROLE, "1").env(FOLDER, folder);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the test's own program runs");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        Process { child, stderr, lines: Vec::new() }
    }

    /// Reads on until a line begins so; the line's rest. `None` if the child ends first.
    fn wait_for(&mut self, begin: &str) -> Option<String> {
        loop {
            let mut line = Vec::new();
            if self.stderr.read_until(b'\n', &mut line).expect("a pipe") == 0 {
                return None;
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_string();
            let rest = line.strip_prefix(begin).map(str::to_string);
            self.lines.push(line);
            if rest.is_some() {
                return rest;
            }
        }
    }

    /// `compiled` or `loaded`, and a digest of what it computed.
    fn result(mut self) -> (String, String, Vec<String>) {
        let Some(result) = self.wait_for("@result ") else { panic!("no result\n{}", self.lines.join("\n")) };
        let (how, digest) = result.split_once(' ').expect("two words");
        assert!(self.child.wait().expect("an end").success(), "{}", self.lines.join("\n"));
        (how.into(), digest.into(), std::mem::take(&mut self.lines))
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("`kill` runs");
        assert!(status.success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn files_of_kind(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|found| found == kind)).collect()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(120), "{what} in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn processes_share_the_work_and_a_later_one_compiles_nothing() {
    if is_child() {
        return;
    }
    const TEST: &str = "processes_share_the_work_and_a_later_one_compiles_nothing";
    let dir = tempfile::tempdir().expect("a temporary folder");
    let processes = [(); 3].map(|()| Process::start(TEST, dir.path()));
    let mut results: Vec<(String, String, Vec<String>)> = processes.into_iter().map(Process::result).collect();
    results.push(Process::start(TEST, dir.path()).result());
    let how: Vec<&str> = results.iter().map(|result| result.0.as_str()).collect();
    assert_eq!(how.iter().filter(|how| **how == "compiled").count(), 1, "{how:?}");
    assert_eq!(how[3], "loaded");
    assert!(results[3].2.contains(&"@end cached".to_string()), "{:?}", results[3].2);
    assert!(results.iter().all(|result| result.1 == results[0].1), "all compute the same");

    // A flag of the environment makes another key, and is named as the reason.
    let mut flagged = Command::new(std::env::current_exe().expect("a test has a program"));
    flagged.env("XLA_FLAGS", "--xla_cpu_enable_fast_math=false");
    let (how, _, lines) = Process::spawn(flagged, TEST, dir.path()).result();
    assert_eq!(how, "compiled");
    let why = "@why it differs from the cached one: `XLA_FLAGS` is `--xla_cpu_enable_fast_math=false`, was not set";
    assert!(lines.contains(&why.to_string()), "{lines:?}");
}

#[test]
fn a_waiter_goes_on_when_the_holder_is_killed() {
    if is_child() {
        return;
    }
    const TEST: &str = "a_waiter_goes_on_when_the_holder_is_killed";
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut holder = Process::start(TEST, dir.path());
    holder.wait_for("@begin ").expect("it begins");
    wait_until("waiting for the lock", || !files_of_kind(dir.path(), "lock").is_empty());
    // Stopped, it holds the lock for as long as the test wants.
    holder.signal("-STOP");
    let mut waiter = Process::start(TEST, dir.path());
    let note = waiter.wait_for("@note ").expect("it tells that it waits");
    assert_eq!(note, "another process is compiling `slow`; waiting for it");
    holder.signal("-KILL");
    assert_eq!(waiter.result().0, "compiled");
    assert_eq!(Process::start(TEST, dir.path()).result().0, "loaded");
    let left = [files_of_kind(dir.path(), "lock"), files_of_kind(dir.path(), "partial")].concat();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn killed_at_any_moment_a_process_leaves_a_usable_cache() {
    if is_child() {
        return;
    }
    const TEST: &str = "killed_at_any_moment_a_process_leaves_a_usable_cache";
    let dir = tempfile::tempdir().expect("a temporary folder");
    let begin = Instant::now();
    let digest = Process::start(TEST, dir.path()).result().1;
    let whole = begin.elapsed();
    let cache = Cache::open(dir.path());
    for twelfth in 1..=12 {
        cache.clear().expect("cleared");
        let process = Process::start(TEST, dir.path());
        std::thread::sleep(whole * twelfth / 12);
        drop(process);
        let damaged: Vec<_> = cache.list().expect("a list").into_iter().filter(|row| row.content.is_err()).collect();
        assert!(damaged.is_empty(), "{damaged:?}");
    }
    let (_, after, lines) = Process::start(TEST, dir.path()).result();
    assert_eq!(after, digest);
    assert!(!lines.iter().any(|line| line.starts_with("@note")), "{lines:?}");
}

#[test]
fn a_full_disk_costs_a_sentence() {
    if is_child() {
        return;
    }
    const TEST: &str = "a_full_disk_costs_a_sentence";
    let dir = tempfile::tempdir().expect("a temporary folder");
    // No file may grow beyond some kilobytes, and the signal that says so is ignored: writing fails as on a full disk.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""]);
    limited.arg(std::env::current_exe().expect("a test has a program"));
    let (how, digest, lines) = Process::spawn(limited, TEST, dir.path()).result();
    assert_eq!(how, "compiled");
    let notes: Vec<&String> = lines.iter().filter(|line| line.starts_with("@note")).collect();
    assert!(notes.len() == 1 && notes[0].starts_with("@note executables are not cached: "), "{lines:?}");
    assert!(files_of_kind(dir.path(), "executable").is_empty() && files_of_kind(dir.path(), "partial").is_empty());
    assert_eq!(Process::start(TEST, dir.path()).result().1, digest);
}

#[test]
fn damaged_executables_never_reach_the_plugin() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::open(dir.path());
    let program = program("small", 1, 0.5);
    let expected = run(&obtain(&cache, &program).0);
    let file = files_of_kind(dir.path(), "executable").pop().expect("an entry");
    let sound = fs::read(&file).expect("an entry");
    for part in 0..16 {
        let mut content = sound.clone();
        content[part * (sound.len() - 1) / 15] ^= 1;
        fs::write(&file, if part % 2 == 0 { &content[..] } else { &sound[..part * sound.len() / 16] })
            .expect("written");
        let (executable, outcome) = obtain(&cache, &program);
        assert!(!outcome.cached && run(&executable) == expected, "part {part}");
    }
    assert!(obtain(&cache, &program).1.cached);
}

#[test]
fn every_input_of_a_compilation_is_an_entry_of_its_key() {
    let (first, other) = (program("a", 1, 0.5), program("a", 1, 0.25));
    let key = |program: &Program, options: &CompileOptions, cache: Option<&Cache>| {
        key_of(client(), cache, program, options).expect("a key")
    };
    let plain = CompileOptions::default();
    let fast = CompileOptions {
        overrides: vec![("xla_cpu_enable_fast_math".into(), OptionValue::Bool(true))],
        ..CompileOptions::default()
    };
    let base = key(&first, &plain, None);
    for name in [
        "platform",
        "platform version",
        "plugin sha256",
        "plugin api",
        "device",
        "devices",
        "cpu model",
        "cpu features",
        "threads",
        "program",
        "options",
        "key format",
    ] {
        assert!(base.get(name).is_some_and(|value| !value.is_empty()), "{name} of {base:?}");
    }
    let named = |other: &precast::bundle::Key| -> Vec<String> {
        base.differences(other).into_iter().map(|difference| difference.entry).collect()
    };
    assert_eq!(named(&key(&other, &plain, None)), ["program"]);
    assert_eq!(named(&key(&first, &fast, None)), ["option xla_cpu_enable_fast_math", "options"]);
    let cache = Cache::open("unused").with_entry("threads", "many");
    assert_eq!(named(&key(&first, &plain, Some(&cache))), ["threads"]);
    // The name is for people: two programs of one text share an executable.
    assert_eq!(named(&key(&Program { name: "b".into(), ..first.clone() }, &plain, None)), [""; 0]);
}

// ------ bundles ------

fn config() -> Config {
    Config {
        name: "test".into(),
        layers: 2,
        hidden: 4,
        vocabulary: 11,
        experts: 3,
        experts_per_token: 2,
        expert_width: 5,
        query_heads: 2,
        kv_heads: 1,
        head_dim: 2,
        sliding_window: 8,
        layer_kinds: vec![LayerKind::Sliding, LayerKind::Full],
        swiglu_limit: 7.0,
        swiglu_alpha: 1.702,
        rms_epsilon: 1e-5,
        rope: Rope {
            theta: 150_000.0,
            factor: 1.0,
            original_context: 16,
            beta_slow: 1.0,
            beta_fast: 32.0,
            truncate: false,
        },
        max_context: 16,
    }
}

/// Writes a bundle of two programs, compiled through `cache`.
fn write(folder: &Path, cache: &Cache, constant: f32) -> Result<Bundle, BundleError> {
    let config = config();
    let contents = Contents {
        config: &config,
        model: "test".into(),
        target: "cpu".into(),
        topology: None,
        devices: 1,
        weights: "f32".into(),
        kv: "f32".into(),
        dense: String::new(),
        kernels: String::new(),
        context: 16,
        batch: 1,
    };
    let built = ["prefill_4", "decode"].map(|name| {
        let program = program(name, 1, constant);
        let (_, outcome) = obtain(cache, &program);
        Built { program, options: CompileOptions::default(), outcome, moved_bytes: None }
    });
    Bundle::write(folder, &contents, &built)
}

#[test]
fn a_bundle_is_written_replaced_loaded_and_reported() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::open(dir.path().join("cache"));
    let folder = dir.path().join("deep/bundle");
    write(&folder, &cache, 0.5).expect("a bundle");
    let expected = run(&obtain(&cache, &program("prefill_4", 1, 0.5)).0);
    let bundle = Bundle::open(&folder).expect("a bundle");
    bundle.check_model(&config()).expect("the model it was made for");
    bundle.check_client(client()).expect("the client it was made for");
    assert_eq!(run(&bundle.load(client(), "prefill_4").expect("an executable")), expected);
    let (executable, outcome) = bundle.recompile(client(), Some(&cache), "decode", &()).expect("an executable");
    assert!(outcome.cached && run(&executable) == expected, "the text inside has the key it was compiled with");

    // The second time both come from the cache, so what is written down was loaded, not compiled.
    write(&folder, &cache, 0.5).expect("a bundle in the place of the first");
    let bundle = Bundle::open(&folder).expect("a bundle");
    assert!(bundle.manifest().programs.iter().all(|program| program.cached));
    assert_eq!(run(&bundle.load(client(), "prefill_4").expect("an executable")), expected);
    write(&folder, &cache, 0.25).expect("another bundle in the place of the first");
    assert_ne!(
        run(&Bundle::open(&folder).and_then(|bundle| bundle.load(client(), "decode")).expect("loaded")),
        expected
    );
    let beside: Vec<_> =
        fs::read_dir(dir.path().join("deep")).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(beside, ["bundle"], "nothing stays beside it");

    let report = serde_json::to_value(bundle.manifest().report()).expect("JSON");
    let keys = |value: &serde_json::Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let agreed =
        ["key", "model", "target", "weights", "kv", "context", "batch", "plugin", "topology", "devices", "programs"];
    let there = keys(&report);
    assert!(agreed.iter().all(|name| there.contains(&name.to_string())), "{there:?}");
    assert_eq!(keys(&report["plugin"]), ["name", "version", "api"]);
    let program = &report["programs"][0];
    for name in [
        "name",
        "phase",
        "rows",
        "argument_bytes",
        "alias_bytes",
        "temp_bytes",
        "code_bytes",
        "compile_seconds",
        "cached",
        "estimated_cycles",
        "roofline_cycles",
        "uncosted",
        "stablehlo_sha256",
    ] {
        assert!(program.get(name).is_some(), "{name} of {program}");
    }
    assert_eq!((&program["argument_bytes"], &program["alias_bytes"]), (&64.into(), &64.into()));
    assert_eq!((&program["estimated_cycles"], &program["uncosted"]), (&serde_json::Value::Null, &json!([])));
    let sums = Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&folder).status();
    assert!(sums.expect("`sha256sum` runs").success());

    fs::write(folder.join("notes.txt"), "mine").expect("written");
    let error = write(&folder, &cache, 0.5).expect_err("not ours to replace");
    assert!(error.to_string().starts_with("folder holds `notes.txt`, which is no part of a bundle"), "{error}");
    assert!(folder.join("notes.txt").exists());
}

#[test]
fn a_bundle_for_many_devices_keeps_how_they_divide() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let options = ClientOptions { devices: Some(4), ..ClientOptions::default() };
    let client = Plugin::load(&device::installed("cpu")).and_then(|plugin| plugin.client(&options)).expect("a client");
    let b = Builder::new("decode");
    b.mesh("devices", &[("row", 2), ("column", 2)]);
    b.function("main", || {
        let state = b.donated("state", &TensorType::new(ElementType::F32, [4, 4]), 0).sharded(&["", "column,row"]);
        vec![state + state]
    });
    let module = b.finish().expect("a module");
    let signature = module.main().expect("a main").signature.clone();
    let (text, options) = (module.text(), CompileOptions::for_signature(&signature));
    let program = Program { name: "decode".into(), phase: "decode".into(), rows: 1, text, signature };
    let cache = Cache::open(dir.path().join("cache"));
    let (_, outcome) = load_or_compile(&client, Some(&cache), &program, &options, &()).expect("an executable");
    let config = config();
    let contents = Contents {
        config: &config,
        model: "test".into(),
        target: "cpu-4".into(),
        topology: None,
        devices: 4,
        weights: "f32".into(),
        kv: "f32".into(),
        dense: String::new(),
        kernels: String::new(),
        context: 16,
        batch: 1,
    };
    let built = [Built {
        program: program.clone(),
        options: CompileOptions::for_signature(&program.signature),
        outcome,
        moved_bytes: None,
    }];
    Bundle::write(&dir.path().join("bundle"), &contents, &built).expect("a bundle");

    let executable = Bundle::open(&dir.path().join("bundle")).and_then(|bundle| bundle.load(&client, "decode"));
    let executable = executable.expect("an executable");
    assert_eq!(executable.signature(), &program.signature);
    let values: Vec<u8> = (0..16).flat_map(|value| (value as f32).to_le_bytes()).collect();
    let place = executable.placements().next().expect("an argument");
    let state = client.upload(place, &program.signature.results[0], &values).expect("an upload");
    assert_eq!(state.local_ty().dims, [4, 1]);
    let results = executable.execute(vec![Argument::Donate(state)]).expect("an execution");
    let doubled: Vec<u8> = (0..16).flat_map(|value| (2.0 * value as f32).to_le_bytes()).collect();
    assert_eq!(results[0].to_host().expect("a download"), doubled);
}

#[test]
fn every_damaged_byte_of_a_bundle_is_one_error_that_names_the_file() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("bundle");
    write(&folder, &Cache::open(dir.path().join("cache")), 0.5).expect("a bundle");
    let everything = || -> Result<(), BundleError> {
        let bundle = Bundle::open(&folder)?;
        for name in ["prefill_4", "decode"] {
            bundle.program(name)?;
            bundle.load(client(), name)?;
        }
        Ok(())
    };
    everything().expect("it is sound");
    for name in ["manifest.json", "SHA256SUMS", "decode.stablehlo.mlir", "decode.executable"] {
        let file = folder.join(name);
        let sound = fs::read(&file).expect("a file");
        // Of the checksums only the last line, the manifest's, is ours to read; the others are for `sha256sum`.
        let places = if name == "SHA256SUMS" { sound.len() - 80..sound.len() - 1 } else { 0..sound.len() };
        let step = 1 + places.len() / 150;
        let places = places.step_by(step);
        let mut contents: Vec<Vec<u8>> = places.clone().map(|place| sound[..place].to_vec()).collect();
        contents.extend(places.map(|place| {
            let mut content = sound.clone();
            content[place] ^= 0x10;
            content
        }));
        for content in contents {
            fs::write(&file, &content).expect("written");
            let error = everything().expect_err(name);
            let is_named = error.to_string().contains(name) || name == "SHA256SUMS";
            assert!(is_named && error.hint().is_some(), "{name}: {error}");
        }
        fs::remove_file(&file).expect("removed");
        assert!(everything().expect_err("missing").to_string().contains(name));
        fs::write(&file, &sound).expect("written");
    }
    everything().expect("it is sound again");
    let error = Bundle::open(&dir.path().join("nowhere")).expect_err("nothing there");
    assert!(error.to_string().contains("nowhere"), "{error}");
}

/// Changes the manifest and makes its checksum right again, as someone would who means harm.
fn forge(folder: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let file = folder.join("manifest.json");
    let mut manifest = serde_json::from_slice(&fs::read(&file).expect("a manifest")).expect("JSON");
    change(&mut manifest);
    let json = serde_json::to_vec(&manifest).expect("JSON");
    fs::write(folder.join("SHA256SUMS"), format!("{:x}  manifest.json\n", Sha256::digest(&json))).expect("written");
    fs::write(file, json).expect("written");
}

#[test]
fn a_forged_or_foreign_bundle_is_refused_with_the_reason() {
    type Change = fn(&mut serde_json::Value);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::open(dir.path().join("cache"));
    let rows: [(Change, &str); 21] = [
        (|m| m["format"] = 2.into(), "format version 2, this precast reads 1"),
        (|m| m["format"] = "1".into(), "invalid type: string"),
        (|m| m["programs"] = 7.into(), "invalid type: integer"),
        (|m| m["programs"][0]["name"] = "../x".into(), "program name `../x` is no file name"),
        (
            |m| m["programs"][0]["executable"] = "/etc/passwd".into(),
            "has the file `/etc/passwd`, expected `prefill_4.executable`",
        ),
        (|m| m["programs"][1]["name"] = "prefill_4".into(), "program `prefill_4` stands there twice"),
        (|m| m["programs"][0]["results"][0]["element"] = "f33".into(), "element type `f33` is not known"),
        (|m| m["programs"][0]["results"][0]["dims"] = json!([1u64 << 40, 1u64 << 40]), "too large to be addressed"),
        (|m| m["programs"][0]["results"][0]["dims"] = json!([-1]), "invalid value"),
        (|m| m["programs"][0]["parameters"][0]["donated_to"] = 9.into(), "`state` is donated to result 9"),
        (|m| m["programs"][0]["results"][0]["dims"] = json!([4, 5]), "is donated to result 0, which has not its type"),
        (
            |m| m["programs"][0]["mesh"] = json!({ "name": "devices", "axes": [["model", 0]] }),
            "mesh `devices` with 0 devices along `model`",
        ),
        (
            |m| {
                m["programs"][0]["mesh"] = json!({ "name": "devices", "axes": [["model", 3]] });
                m["programs"][0]["parameters"][0]["sharding"] = json!(["model"]);
            },
            "axis 0 of f32[4, 4] cannot be divided by the 3 parts of mesh axis `model`",
        ),
        (
            |m| {
                m["programs"][0]["mesh"] = json!({ "name": "\u{1b}[2J", "axes": [["model", 2]] });
                m["programs"][0]["parameters"][0]["sharding"] = json!(["\u{1b}[2J"]);
            },
            "has no axis",
        ),
        (
            |m| m["programs"][0]["mesh"] = json!({ "name": "devices", "axes": [["model", 2]] }),
            "program `prefill_4` runs on 2 devices, the bundle is for 1",
        ),
        (
            |m| m["programs"][0]["key"]["plugin sha256"] = "0".repeat(64).into(),
            "bundle does not fit this machine: `plugin sha256` is",
        ),
        (|m| m["programs"][0]["key"]["platform"] = "tpu".into(), "`platform` is `cpu`, was `tpu`"),
        (|m| m["devices"] = 4.into(), "program `prefill_4` runs on 1 devices, the bundle is for 4"),
        (|m| m["programs"][0]["key"]["devices"] = "4".into(), "`devices` is `1`, was `4`"),
        (
            |m| {
                let features = &mut m["programs"][0]["key"]["cpu features"];
                *features = format!("{} avx1024", features.as_str().unwrap_or_default()).into();
            },
            "avx1024",
        ),
        (|m| m["programs"][0]["executable_sha256"] = "\u{1b}[2J".into(), "SHA-256 is"),
    ];
    for (number, (change, expected)) in rows.into_iter().enumerate() {
        let folder = dir.path().join(format!("bundle-{number}"));
        write(&folder, &cache, 0.5).expect("a bundle");
        forge(&folder, change);
        let error = Bundle::open(&folder).and_then(|bundle| bundle.load(client(), "prefill_4")).expect_err(expected);
        assert!(
            error.to_string().contains(expected) && !error.to_string().contains('\u{1b}'),
            "{error}, expected {expected}"
        );
        assert!(error.hint().is_some(), "{error}");
    }

    let folder = dir.path().join("other");
    write(&folder, &cache, 0.5).expect("a bundle");
    // Threads cost speed, not correctness.
    forge(&folder, |m| m["programs"][0]["key"]["threads"] = "64".into());
    let bundle = Bundle::open(&folder).expect("a bundle");
    bundle.load(client(), "prefill_4").expect("it runs here too");
    let error = bundle.load(client(), "prefill_8").expect_err("no such program");
    assert!(error.to_string().contains("no program `prefill_8`, it has `prefill_4`, `decode`"), "{error}");
    let error = bundle.check_model(&Config { layers: 3, ..config() }).expect_err("another model");
    assert!(error.to_string().contains("`layers` is `3`, was `2`"), "{error}");

    // Bytes with the right checksum that are no executable: the plugin's refusal is an error like any other.
    let garbage = b"not an executable";
    fs::write(folder.join("decode.executable"), garbage).expect("written");
    forge(&folder, |m| m["programs"][1]["executable_sha256"] = format!("{:x}", Sha256::digest(garbage)).into());
    let error = Bundle::open(&folder).and_then(|bundle| bundle.load(client(), "decode")).expect_err("garbage");
    assert!(matches!(error, BundleError::Refused { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--recompile")));
}
