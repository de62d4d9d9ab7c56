//! Compiling ahead of time in a child process: libtpu for a chip that is not here, and a plugin that crashes.

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "support/device.rs"]
mod device;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use hlo::{Builder, ElementType, Parameter, Sharding, Signature, TensorType};
use precast::bundle::{
    Built, Bundle, BundleError, Cache, Contents, Job, Manifest, Outcome, Program, Worker, compile_ahead, key_of,
    load_or_compile,
};
use precast::config::Config;
use precast::digest::sha256;
use precast::pjrt::CompileOptions;
use precast::progress::{Event, Progress};
use tempfile::TempDir;

const PRECAST: &str = env!("CARGO_BIN_EXE_precast");

/// Keeps what it is told.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Progress for Lines {
    fn report(&self, event: Event<'_>) {
        let line = match event {
            Event::Begin { what, .. } => format!("begin {what}"),
            Event::End(how) => format!("end {how}"),
            Event::Note(note) => format!("note {note}"),
            Event::Advance(_) => return,
        };
        self.0.lock().expect("no panic").push(line);
    }
}

/// A folder with a cache and a log, and a worker that writes there.
struct Place {
    folder: TempDir,
    cache: Cache,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cache = Cache::open(folder.path().join("cache")).for_model("test");
        Place { folder, cache }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("compiler.log")
    }

    fn worker(&self, plugin: &Path, target: &str, topology: Option<&str>) -> Result<Worker, BundleError> {
        let job = Job {
            plugin: plugin.into(),
            platform: if topology.is_some() { "tpu".into() } else { "cpu".into() },
            target: target.into(),
            topology: topology.map(str::to_string),
            topology_options: Vec::new(),
            devices: 1,
        };
        Worker::start(Path::new(PRECAST), &job, &self.log())
    }

    fn compile(&self, worker: &mut Worker, program: &Program) -> Result<Outcome, BundleError> {
        compile_ahead(worker, Some(&self.cache), program, &CompileOptions::default(), &())
    }
}

fn parameter(name: &str, ty: &TensorType, donated_to: Option<usize>) -> Parameter {
    Parameter { name: name.into(), ty: ty.clone(), donated_to, sharding: Sharding::default() }
}

/// `x -> sin(x)`, f32 `[rows, columns]`.
fn sine(name: &str, rows: usize, columns: usize) -> Program {
    let ty = TensorType::new(ElementType::F32, [rows, columns]);
    let mlir = ty.mlir();
    let text = format!(
        "module @{name} {{\n  func.func public @main(%x: {mlir}) -> {mlir} {{\n    %y = stablehlo.sine %x : {mlir}\n    return %y : {mlir}\n  }}\n}}\n"
    );
    let signature = Signature { mesh: None, parameters: vec![parameter("x", &ty, None)], results: vec![ty] };
    Program { name: name.into(), phase: "decode".into(), rows, text, signature }
}

/// What the fake plugin takes for a program: its text says how the compiler ends.
fn fake(name: &str) -> Program {
    Program { text: format!("module @{name} {{}}"), ..sine(name, 2, 3) }
}

/// A plugin whose compiler does what a program's text says.
fn crashing_plugin(folder: &Path) -> PathBuf {
    let path = folder.join("crashing.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pjrt/nonsense.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-w", "-DFAULT=CRASH", "-DENTRY=GetPjrtApi", "-o"]).arg(&path).arg(source);
    assert!(compiler.status().expect("there is a C compiler").success());
    path
}

#[test]
fn a_tpu_program_is_compiled_once_and_found_again() {
    let place = Place::new();
    let libtpu = device::installed("tpu");
    let program = sine("small", 8, 256);
    let mut worker = place.worker(&libtpu, "v5e-1", Some("v5e:1x1")).expect("a worker");
    let identity = worker.identity().clone();
    assert!(identity.hbm_bytes.is_some_and(|bytes| bytes > 15 << 30), "{identity:?}");
    for (entry, value) in [
        ("platform", "tpu"),
        ("device", "TPU v5 lite"),
        ("devices", "1"),
        ("topology", "v5e:1x1"),
        ("plugin api", "0.117"),
    ] {
        assert_eq!(identity.key.get(entry), Some(value), "{identity:?}");
    }
    let first = place.compile(&mut worker, &program).expect("it compiles");
    let payload = first.payload.as_ref().expect("libtpu writes it down");
    assert!(!first.cached && !payload.0.is_empty());
    // A tile pads nothing here: 8 by 256 of f32.
    assert_eq!((first.memory.argument_bytes, first.memory.output_bytes), (8192, 8192), "{:?}", first.memory);
    assert!(first.memory.total_bytes >= 16384 && first.memory.code_bytes > 0, "{:?}", first.memory);
    assert!(first.cost.as_ref().is_some_and(|cost| cost.is_predicted()), "{:?}", first.cost);
    assert!(place.log().is_file());
    drop(worker);

    let began = Instant::now();
    let mut worker = place.worker(&libtpu, "v5e-1", Some("v5e:1x1")).expect("a worker");
    let lines = Lines::default();
    let options = CompileOptions::default();
    let second = compile_ahead(&mut worker, Some(&place.cache), &program, &options, &lines).expect("it is kept");
    println!("from the cache, start of the worker included: {:.2} s", began.elapsed().as_secs_f64());
    assert!(second.cached && second.payload == first.payload && second.memory == first.memory);
    assert_eq!(second.cost, first.cost);
    assert_eq!((&first.layouts, &second.layouts), (&vec!["{1,0:T(8,128)}".to_string()], &first.layouts));
    assert_eq!(*lines.0.lock().expect("no panic"), ["begin compile small for v5e-1", "end cached"]);

    // Another chip is another key, and named as the reason.
    let mut other = place.worker(&libtpu, "v6e-1", Some("v6e:1x1")).expect("a worker");
    let why = place.compile(&mut other, &program).expect("it compiles").why.expect("a miss");
    assert!(why.contains("`topology` is `v6e:1x1`, was `v5e:1x1`"), "{why}");
}

/// Executables that were cached before layouts were kept are still found.
#[test]
fn a_cached_executable_without_layouts_is_still_found() {
    let place = Place::new();
    let program = sine("small", 8, 128);
    let mut worker = place.worker(&device::installed("cpu"), "cpu", None).expect("a worker");
    assert_eq!(place.compile(&mut worker, &program).expect("it compiles").layouts, ["{1,0}"]);

    let file = place.cache.list().expect("a list").remove(0).file;
    let entry = fs::read(&file).expect("an entry");
    let mut lines = entry.splitn(3, |byte| *byte == b'\n');
    let (first, json, payload) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
    let mut header: serde_json::Value = serde_json::from_slice(json).expect("JSON");
    assert!(header.as_object_mut().expect("fields").remove("layouts").is_some(), "{header}");
    let json = header.to_string();
    let head = std::str::from_utf8(first).expect("text").rsplit_once(' ').expect("a checksum").0;
    let old = format!("{head} {}\n{json}\n", sha256(json.as_bytes()));
    fs::write(&file, [old.as_bytes(), payload].concat()).expect("written");

    let found = place.compile(&mut worker, &program).expect("it is kept");
    assert!(found.cached && found.layouts.is_empty(), "{found:?}");
}

#[test]
fn what_does_not_fit_says_both_sides_and_is_remembered() {
    let place = Place::new();
    let libtpu = device::installed("tpu");
    let huge = sine("huge", 1 << 15, 5 << 15);
    let mut worker = place.worker(&libtpu, "v5e-1", Some("v5e:1x1")).expect("a worker");
    for _ in 0..2 {
        let error = place.compile(&mut worker, &huge).expect_err("40 GiB do not fit 16");
        let BundleError::DoesNotFit { shortage, .. } = &error else { panic!("{error}") };
        assert_eq!((shortage.memory.as_str(), shortage.needed_bytes), ("HBM", Some(40 << 30)));
        assert!(shortage.available_bytes.is_some_and(|bytes| (15 << 30..16 << 30).contains(&bytes)), "{shortage:?}");
        let said = "program `huge` does not fit `v5e-1`: it needs 40.00 GiB of HBM, a device has 15.75 GiB";
        assert_eq!(error.to_string(), said);
        assert!(error.hint().is_some_and(|hint| hint.contains("`precast plan`")));
    }
    let kept = place.cache.list().expect("a list");
    assert_eq!(kept.len(), 1);
    assert!(
        kept[0].bytes < 8192 && kept[0].content.as_ref().is_ok_and(|content| content.shortage.is_some()),
        "{kept:?}"
    );
    // Answered from the cache alone: the log has it once.
    let log = fs::read_to_string(place.log()).expect("a log");
    assert_eq!(log.matches("precast: compile huge").count(), 1, "{log}");
    // The worker goes on.
    place.compile(&mut worker, &sine("small", 8, 128)).expect("it compiles");
}

#[test]
fn what_a_compiler_refuses_is_one_line_and_the_log_has_the_rest() {
    let place = Place::new();
    let libtpu = device::installed("tpu");
    let mut worker = place.worker(&libtpu, "v5e-1", Some("v5e:1x1")).expect("a worker");
    let broken = Program { text: "module {".into(), ..sine("broken", 8, 128) };
    let error = place.compile(&mut worker, &broken).expect_err("no module");
    assert!(matches!(error, BundleError::NotCompiled { .. }), "{error}");
    assert!(error.to_string().starts_with("program `broken` does not compile for `v5e-1`: `PJRT_Compile` failed with"));
    let error = place.worker(&libtpu, "v9-1", Some("v9:1x1")).expect_err("no such chip");
    assert!(matches!(error, BundleError::Worker { .. }) && error.to_string().contains("`v9-1`"), "{error}");
    let nothing = place.folder.path().join("nothing.so");
    assert!(
        place.worker(&nothing, "v5e-1", Some("v5e:1x1")).expect_err("no plugin").to_string().contains("nothing.so")
    );
}

#[test]
fn a_crash_names_the_program_and_the_next_one_compiles() {
    let place = Place::new();
    let plugin = crashing_plugin(place.folder.path());
    let mut worker = place.worker(&plugin, "fake-1", None).expect("a worker");
    for (name, end) in [("segfault", "signal 11 SIGSEGV"), ("abort", "signal 6 SIGABRT"), ("exit", "exit status 7")] {
        let error = place.compile(&mut worker, &fake(name)).expect_err("a crash");
        let said = format!(
            "the compiler for `fake-1` crashed on program `{name}` ({end})\n  log in `{}`",
            place.log().display()
        );
        assert_eq!(error.to_string(), said);
        assert!(error.hint().is_some_and(|hint| hint.contains("log")));
        // In a new process, and not found in the cache.
        let outcome = place.compile(&mut worker, &fake(&format!("well_{}", name.len()))).expect("it compiles");
        // It has no extension for layouts.
        assert!(outcome.layouts.is_empty());
        assert_eq!((outcome.cached, outcome.payload.map(|payload| payload.0)), (false, Some(b"bytes".into())));
    }
    let error = place.compile(&mut worker, &fake("refuse")).expect_err("a refusal is no crash");
    assert!(error.to_string().contains("`PJRT_Client_Compile` failed with INTERNAL: broken\n  log in"), "{error}");
    let log = fs::read_to_string(place.log()).expect("a log");
    assert!(log.contains("noise on stdout") && log.contains("noise on stderr") && log.contains("second line"), "{log}");
}

/// A bundle with `program` for one TPU v5e.
fn tpu_bundle(place: &Place, program: Program) -> Bundle {
    let mut worker = place.worker(&device::installed("tpu"), "v5e-1", Some("v5e:1x1")).expect("a worker");
    let outcome = place.compile(&mut worker, &program).expect("it compiles");
    let config = Config::named("gpt-oss-20b").expect("a configuration");
    let contents = Contents {
        config: &config,
        model: "gpt-oss-20b".into(),
        target: "v5e-1".into(),
        topology: Some("v5e:1x1".into()),
        devices: worker.identity().devices,
        weights: "bf16".into(),
        kv: "bf16".into(),
        dense: String::new(),
        kernels: String::new(),
        context: 64,
        batch: 1,
    };
    let built = Built { program, options: CompileOptions::default(), outcome, moved_bytes: None };
    Bundle::write(&place.folder.path().join("bundle"), &contents, &[built]).expect("a bundle")
}

#[test]
fn a_tpu_bundle_is_refused_here_and_compiles_anew_from_its_own_text() {
    let place = Place::new();
    let bundle = tpu_bundle(&place, sine("decode_4", 8, 128));
    let manifest = Bundle::open(bundle.folder()).expect("a bundle").manifest().clone();
    assert_eq!((manifest.topology.as_deref(), manifest.devices), (Some("v5e:1x1"), 1));
    assert_eq!((manifest.plugin.name.as_str(), manifest.plugin.api.as_str()), ("tpu", "0.117"));
    assert_eq!(manifest.programs[0].options, "1 replica of 1 partition, shardy");
    assert!(manifest.programs[0].total_bytes >= 8192, "{:?}", manifest.programs[0]);

    let client = device::client("cpu");
    let error = bundle.check_client(&client).expect_err("no TPU is here");
    let said = "bundle is for `v5e-1` (1 TPU v5 lite), this machine has `cpu`";
    assert!(error.to_string().starts_with(said), "{error}");
    let hint = error.hint().expect("a way out");
    assert!(
        hint.contains("`--recompile`") && hint.contains("precast compile --model gpt-oss-20b --target cpu"),
        "{hint}"
    );
    let error = bundle.check_platform("cpu", false).expect_err("no TPU is here");
    assert!(error.hint().is_some_and(|hint| !hint.contains("--recompile") && hint.contains("`v5e-1`")));
    assert!(bundle.check_platform("tpu", false).is_ok());
    // Asked for one program alone, every difference is named.
    let error = bundle.load(&client, "decode_4").expect_err("another device").to_string();
    assert!(error.contains("`device` is `cpu`, was `TPU v5 lite`") && !error.contains("topology"), "{error}");

    let (executable, outcome) = bundle.recompile(&client, Some(&place.cache), "decode_4", &()).expect("an executable");
    assert_eq!(outcome.why.as_deref(), Some("`decode_4` is cached for `v5e-1` only"));
    let input: Vec<u8> = [0.5_f32; 8 * 128].iter().flat_map(|value| value.to_le_bytes()).collect();
    let result = device::run(&executable, &[&input])[0].to_host().expect("a download");
    let first = f32::from_le_bytes(result[..4].try_into().expect("four bytes"));
    assert!((first - 0.5_f32.sin()).abs() < 1e-6, "{first}");

    // The command line says the same, before it looks at any weights.
    let run = |more: &[&str]| {
        let mut command = Command::new(PRECAST);
        command.arg("run").arg(bundle.folder()).args(["--model", "demo", "--tokens", "1"]).args(more);
        let output = command.env("PRECAST_CACHE_DIR", place.folder.path()).output().expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = run(&[]);
    assert!(code == Some(1) && text.contains(said) && text.contains("`--recompile`"), "{text}");
    let (code, text) = run(&["--recompile"]);
    assert!(code == Some(1) && text.contains("another model"), "{text}");
}

#[test]
fn a_tpu_bundle_says_how_every_parameter_lies() {
    let place = Place::new();
    let builder = Builder::new("decode_4");
    builder.function("main", || {
        let rows = builder.argument("rows", &TensorType::new(ElementType::Bf16, [2880, 512]));
        let columns = builder.argument("columns", &TensorType::new(ElementType::Bf16, [512, 2880]));
        let bias = builder.argument("bias", &TensorType::new(ElementType::F32, [2880]));
        vec![rows, columns, bias]
    });
    let module = builder.finish().unwrap_or_else(|problem| panic!("{problem}"));
    let signature = module.main().expect("a function").signature.clone();
    let bundle = tpu_bundle(&place, Program { text: module.text(), signature, ..sine("decode_4", 8, 128) });
    let manifest = Bundle::open(bundle.folder()).expect("a bundle").manifest().clone();
    let layouts = |manifest: &Manifest| -> Vec<(String, Option<String>)> {
        let parameters = manifest.programs[0].parameters.iter();
        parameters.map(|parameter| (parameter.name.clone(), parameter.layout.clone())).collect()
    };
    let expected = [("rows", "{1,0:T(8,128)(2,1)}"), ("columns", "{0,1:T(8,128)(2,1)}"), ("bias", "{0:T(1024)}")];
    assert_eq!(layouts(&manifest), expected.map(|(name, layout)| (name.to_string(), Some(layout.to_string()))));

    // A bundle that does not say is read all the same.
    let mut json = serde_json::to_value(&manifest).expect("JSON");
    for parameter in json["programs"][0]["parameters"].as_array_mut().expect("parameters") {
        assert!(parameter.as_object_mut().expect("a parameter").remove("layout").is_some());
    }
    let older = serde_json::from_value(json).expect("an older manifest");
    assert!(layouts(&older).iter().all(|(_, layout)| layout.is_none()), "{older:?}");
}

#[test]
fn the_host_is_compiled_for_like_any_device_and_shares_the_cache() {
    let place = Place::new();
    let plugin = device::installed("cpu");
    let program = sine("prefill_8", 8, 128);
    let options = CompileOptions::default();
    let mut worker = place.worker(&plugin, "cpu", None).expect("a worker");
    let made = place.compile(&mut worker, &program).expect("it compiles");
    let client = device::client("cpu");
    assert_eq!(made.key.differences(&key_of(&client, Some(&place.cache), &program, &options).expect("a key")), []);
    let (executable, outcome) =
        load_or_compile(&client, Some(&place.cache), &program, &options, &()).expect("what the worker made loads");
    assert!(outcome.cached && outcome.payload == made.payload);
    assert_eq!((made.layouts.as_slice(), &outcome.layouts), (["{1,0}".to_string()].as_slice(), &made.layouts));
    assert_eq!(executable.signature(), &program.signature);
    assert_eq!(worker.identity().hbm_bytes, None);
}

#[test]
fn nothing_is_left_when_the_parent_is_killed() {
    let place = Place::new();
    let temporary = place.folder.path().join("tmp");
    fs::create_dir(&temporary).expect("a folder");
    let mut command = Command::new(PRECAST);
    command.args(["compile", "--model", "gpt-oss-20b", "--target", "v6e-1", "--prefill", "512", "--out"]);
    command
        .arg(place.folder.path().join("bundle"))
        .env("TMPDIR", &temporary)
        .env("PRECAST_CACHE_DIR", place.folder.path());
    device::installed("tpu");
    let mut parent = command.stderr(Stdio::null()).spawn().expect("the program starts");
    let children = format!("/proc/{0}/task/{0}/children", parent.id());
    let compiling = || {
        let logs = fs::read_dir(place.folder.path().join("logs")).into_iter().flatten().flatten();
        logs.map(|log| fs::read_to_string(log.path()).unwrap_or_default()).any(|log| log.contains("precast: compile"))
    };
    wait_until("waiting for the compiler", compiling);
    let child = fs::read_to_string(&children).expect("Linux lists them").trim().to_string();
    assert!(!child.is_empty(), "the compiler is a child");
    parent.kill().expect("killed");
    parent.wait().expect("ended");
    let is_there =
        || fs::read_to_string(format!("/proc/{child}/cmdline")).is_ok_and(|line| line.contains("compile-worker"));
    wait_until("waiting for the child's end", || !is_there());
    let left: Vec<_> = fs::read_dir(&temporary).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("precast-")), "{left:?}");
}

#[test]
fn the_command_line_shows_no_noise_and_ends_with_3_where_a_model_does_not_fit() {
    let place = Place::new();
    let compile = |arguments: &[&str]| {
        let mut command = Command::new(PRECAST);
        command.args(["compile", "--out"]).arg(place.folder.path().join("bundle")).args(arguments);
        let output = command.env("PRECAST_CACHE_DIR", place.folder.path()).output().expect("the program starts");
        assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // It prints on both streams, and gives results that no program of the model has.
    let noisy = crashing_plugin(place.folder.path());
    let (code, text) = compile(&["--model", "demo", "--context", "64", "--plugin", &noisy.to_string_lossy()]);
    assert!(code == Some(1) && text.contains("program `prefill_128` does not compile for `cpu`"), "{text}");
    assert!(!text.contains("noise"), "{text}");
    let log = text.split('`').find(|part| part.ends_with(".log")).expect("the log is named");
    let log = fs::read_to_string(log).expect("a log");
    assert!(log.contains("noise on stdout") && log.contains("noise on stderr"), "{log}");

    device::installed("tpu");
    let (code, text) =
        compile(&["--model", "gpt-oss-20b", "--target", "v5e-1", "--weights", "bf16", "--prefill", "16"]);
    assert!(code == Some(3) && text.contains("program `prefill_16` does not fit `v5e-1`: it needs "), "{text}");
    assert!(text.contains(" GiB of HBM, a device has 15.75 GiB"), "{text}");
    assert!(text.contains("the experts 35.9 GiB, "), "{text}");
    assert!(text.contains("hint: on `v5e-1` `--weights mxfp4` would fit, bf16 weights would fit `--target "), "{text}");
    assert!(!place.folder.path().join("bundle").exists());
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(120), "{what} in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}
