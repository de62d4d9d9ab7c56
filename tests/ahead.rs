//! Compiling ahead of time in a child process: libtpu for a chip that is not here, and a plugin that crashes.

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "support/device.rs"]
mod device;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use hlo::{ElementType, Parameter, Sharding, Signature, TensorType};
use precast::bundle::{BundleError, Cache, Job, Outcome, Program, Worker, compile_ahead};
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
    assert!(place.log().is_file());
    drop(worker);

    let began = Instant::now();
    let mut worker = place.worker(&libtpu, "v5e-1", Some("v5e:1x1")).expect("a worker");
    let lines = Lines::default();
    let options = CompileOptions::default();
    let second = compile_ahead(&mut worker, Some(&place.cache), &program, &options, &lines).expect("it is kept");
    println!("from the cache, start of the worker included: {:.2} s", began.elapsed().as_secs_f64());
    assert!(second.cached && second.payload == first.payload && second.memory == first.memory);
    assert_eq!(*lines.0.lock().expect("no panic"), ["begin compile small for v5e-1", "end cached"]);

    // Another chip is another key, and named as the reason.
    let mut other = place.worker(&libtpu, "v6e-1", Some("v6e:1x1")).expect("a worker");
    let why = place.compile(&mut other, &program).expect("it compiles").why.expect("a miss");
    assert!(why.contains("`topology` is `v6e:1x1`, was `v5e:1x1`"), "{why}");
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
        assert_eq!((outcome.cached, outcome.payload.map(|payload| payload.0)), (false, Some(b"bytes".into())));
    }
    let error = place.compile(&mut worker, &fake("refuse")).expect_err("a refusal is no crash");
    assert!(error.to_string().contains("`PJRT_Client_Compile` failed with INTERNAL: broken\n  log in"), "{error}");
    let log = fs::read_to_string(place.log()).expect("a log");
    assert!(log.contains("noise on stdout") && log.contains("noise on stderr") && log.contains("second line"), "{log}");
}
