//! Every module that precast emits, goldens among them, is accepted by the StableHLO verifier and by the compilers it is for.

#[path = "support/device.rs"]
mod device;
#[path = "support/python.rs"]
mod python;
#[path = "support/tiny.rs"]
mod tiny;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hlo::ElementType::*;
use hlo::{Attribute, Builder, Module, TensorType};
use precast::bundle::{Job, Program, Worker};
use precast::golden::Case;
use precast::graph::{Phase, module, sampler};
use precast::pjrt::{ClientOptions, CompileOptions, Plugin};
use precast::plan::{Plan, Strategy};
use precast::target::{Platform, Target};
use rayon::prelude::*;

/// Every golden by its name, and what has only its digest kept.
fn goldens() -> impl Iterator<Item = (String, Module)> {
    tiny::programs().into_iter().map(|(name, (module, _))| (name, module)).chain(tiny::blocks())
}

/// The others by theirs.
fn others() -> impl Iterator<Item = (String, Module)> {
    graphs().into_iter().chain([ops()]).map(|module| (module.name.clone(), module))
}

/// Graphs that no golden holds: every phase of a host, both types, one sequence and several.
fn graphs() -> Vec<Module> {
    let mut modules = vec![sampler(4, 1013).expect("a sampler")];
    for compute in [F32, Bf16] {
        for batch in [1, 3] {
            let plan = Plan { batch, largest_prefill: 64, ..Plan::host(Strategy::plain(compute), 700) };
            let phases = [
                Phase::Prefill { tokens: 1 },
                Phase::Prefill { tokens: 64 },
                Phase::Score { tokens: 64 },
                Phase::Decode { steps: 1 },
                Phase::Decode { steps: 8 },
            ];
            for phase in phases {
                let mut module = module(&tiny::config(), &plan, phase).unwrap_or_else(|problem| panic!("{problem}"));
                module.name = format!("{}_{compute}_{batch}", module.name);
                modules.push(module);
            }
        }
    }
    modules
}

/// Every op of the builder that the graphs may not happen to use, over four devices.
fn ops() -> Module {
    let b = Builder::new("ops");
    b.mesh("devices", &[("model", 4)]);
    b.function("twice", || vec![b.argument("x", &TensorType::new(F32, [4, 6])) * 2.0]);
    b.function("main", || {
        let x = b.donated("x", &TensorType::new(F32, [4, 6]), 0).sharded(&["model", ""]);
        let n = b.argument("n", &TensorType::new(S32, [4]));
        let state = b.argument("state", &TensorType::new(U64, [2]));
        let unary = b.scope("unary", || [x.exp(), x.log(), x.rsqrt(), x.logistic(), x.floor(), -x].into_iter());
        let x = b.scope("sums", || unary.fold(x, |sum, term| sum + term));
        let x = b.scope("binary", || (x - x / 3.0).remainder(x.maximum(0.5)).minimum(x * 2.0));
        let bits = b.scope("bits", || ((n ^ 5) | (n & 3)).shift_left(2).shift_right(1) + !n);
        let holds = bits.equals(n) | bits.differs(1) & !bits.below(n) & bits.at_least(0) & n.at_most(9);
        let x = holds.like("a->ab", x).select(x, f64::NEG_INFINITY);
        let sorted = b.sort(&[x, b.iota(&TensorType::new(S32, [4, 6]), 1)], 1, |pair| pair[0].above(pair[1]));
        let (_, random) = state.random_bits(&[4, 6]);
        let x =
            sorted[0] + random.convert(F32) + sorted[1].convert(Bf16).convert(F32) + n.bitcast(F32).like("a->ab", x);
        let x = b.call("twice", &[x.barrier().constrained(&["model", ""])])[0];
        let rows = x.rows(n).concatenate(&[x.slice(&[1..3, 0..6])], 0).transpose("ab->ba");
        let total = rows.sum("ba->b") + rows.max("ba->b") + rows.min("ba->b");
        let index = rows.argmax_last();
        let grown = b.while_loop_at_most(
            3,
            &[b.integer(0), x],
            |s| s[0].below(3) & s[1].above(0.0).any("ab->") & s[1].below(9.0).all("ab->"),
            |s| vec![s[0] + 1, s[1].dynamic_update(s[1].dynamic_slice(&[s[0], s[0]], &[1, 2]), &[s[0], s[0]])],
        )[1];
        let small = grown.convert(F8E4M3FN).convert(F4E2M1FN).convert(F32);
        let wide = small.dot("ab,cb->ac", grown).dot_into(F32, "ac,ab->bc", x).reshape(&[3, 8]);
        let either = b.branch(wide.above(1.0).any("ab->"), || vec![wide], || vec![-wide])[0];
        vec![small, total, index, either]
    });
    b.finish().unwrap_or_else(|problem| panic!("{problem}"))
}

/// What only the verifier can judge: a call that no plugin knows, layouts and shardings.
fn annotations() -> Module {
    let b = Builder::new("annotations");
    b.mesh("devices", &[("row", 2), ("model", 4)]);
    b.function("twice", || vec![b.argument("x", &TensorType::new(Bf16, [8, 12])).sharded(&["", "model"]) * 2.0]);
    b.function("main", || {
        let ty = TensorType::new(Bf16, [8, 12]);
        let x = b.donated("x", &ty, 1).sharded(&["model,row", ""]).layout("{0,1}");
        let scalar = b.argument("scalar", &TensorType::new(Bf16, []));
        let x = b.call("twice", &[x])[0].constrained(&["row", "model"]) + scalar.spread("->ab", &ty.dims);
        let unknown = b.custom_call(
            "unknown",
            &[x],
            &[("scale", Attribute::Float(2.0)), ("name", Attribute::Text("a".into()))],
            &ty,
        );
        vec![scalar.constrained::<&str>(&[]), unknown]
    });
    b.finish().unwrap_or_else(|problem| panic!("{problem}"))
}

#[test]
fn the_verifier_accepts_every_module() {
    let python = python::verifier();
    let folder = tempfile::tempdir().expect("a folder");
    let annotations = annotations();
    let modules = goldens().chain(others()).chain([(annotations.name.clone(), annotations)]);
    let mut files = Vec::new();
    for (name, module) in modules {
        for (kind, text) in [("plain", module.text()), ("located", module.text_with_locations())] {
            let file = folder.path().join(format!("{name}.{kind}.mlir"));
            std::fs::write(&file, text).expect("a file");
            files.push(file);
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/verify.py");
    let output = Command::new(python).arg(script).args(&files).output().expect("the verifier runs");
    let lines: Vec<&str> = std::str::from_utf8(&output.stdout).expect("text").lines().collect();
    assert_eq!(lines.len(), files.len(), "{}", String::from_utf8_lossy(&output.stderr));
    for (file, line) in files.iter().zip(lines) {
        assert_eq!(line, "ok", "{}", file.display());
    }
}

#[test]
fn the_verifier_refuses_a_wrong_module() {
    let python = python::verifier();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("wrong.mlir");
    std::fs::write(&file, ops().text().replace("tensor<3x8xf32>", "tensor<3x9xf32>")).expect("a file");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/verify.py");
    let output = Command::new(python).arg(script).arg(&file).output().expect("the verifier runs");
    assert!(!String::from_utf8_lossy(&output.stdout).starts_with("ok"));
}

/// The goldens whose text is kept. What only has its digest kept is these with other combinations of the same parts.
fn kept() -> Vec<(String, Module, Option<Target>)> {
    let programs = tiny::programs().into_iter().enumerate().filter(|(_, (_, (_, cases)))| tiny::is_kept(&cases[0]));
    let programs = programs.map(|(place, (name, (module, cases)))| {
        let tpus: Vec<&Case> = cases.iter().filter(|case| case.target.platform == Platform::Tpu).collect();
        // Targets that share a text take turns with pairs of phases.
        let target = (!tpus.is_empty()).then(|| tpus[place / 2 % tpus.len()].target.clone());
        (name, module, target)
    });
    let single = ["v4:1x1x1", "v5e-1", "v5p:1x1x1", "v6e-1"].map(|name| Target::named(name).expect("a target"));
    let blocks = tiny::blocks().into_iter().enumerate().map(|(place, (name, module))| {
        let target = (!name.contains(".host.")).then(|| single[place % single.len()].clone());
        (name, module, target)
    });
    programs.chain(blocks).collect()
}

#[test]
fn both_cpu_plugins_compile_every_module() {
    for plugin in ["cpu", "cpu-alt"] {
        // As many devices as the widest module is divided over; others run on the first.
        let options = ClientOptions { devices: Some(8), ..ClientOptions::default() };
        let client = Plugin::load(&device::installed(plugin)).and_then(|plugin| plugin.client(&options));
        let client = client.expect("a client");
        // What is spelled for a TPU need not compile on more than one host.
        let is_for_hosts = |name: &str| plugin == "cpu" || !name.starts_with("tpu-") && !name.contains(".tpu.");
        let kept = kept().into_iter().filter(|(name, ..)| is_for_hosts(name)).map(|(_, module, _)| module);
        let modules: Vec<Module> = kept.chain(graphs()).chain([ops()]).collect();
        modules.par_iter().for_each(|module| {
            device::compile(&client, module);
        });
    }
}

#[test]
fn libtpu_compiles_every_golden_for_a_target_of_its_own() {
    let libtpu = device::installed("tpu");
    let folder = tempfile::tempdir().expect("a folder");
    let mut of_target: BTreeMap<String, (Target, Vec<Program>)> = BTreeMap::new();
    for (name, module, target) in kept() {
        let Some(target) = target else { continue };
        let signature = module.main().expect("a main function").signature.clone();
        let program = Program { name, phase: "golden".into(), rows: 1, text: module.text_with_locations(), signature };
        of_target.entry(target.name.clone()).or_insert((target, Vec::new())).1.push(program);
    }
    assert!(of_target.len() >= 7, "{:?}", of_target.keys());
    for (target, programs) in of_target.into_values() {
        let job = Job::new(&target, &libtpu);
        let log = folder.path().join("log");
        let worker = Worker::start(Path::new(env!("CARGO_BIN_EXE_precast")), &job, &log);
        let mut worker = worker.unwrap_or_else(|error| panic!("{}: {error}", target.name));
        for program in programs {
            let options = CompileOptions::for_signature(&program.signature);
            worker.compile(&program, &options).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
