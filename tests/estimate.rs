//! What is estimated before compiling is what libtpu says after it: memory of weights and cache to a fraction, temporaries roughly.

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "support/device.rs"]
mod device;

use std::path::Path;
use std::time::Instant;

use precast::bundle::{Job, Worker, program};
use precast::config::{Config, LayerKind};
use precast::estimate::{Candidate, Memory, Sizes, WEIGHTS, choose, moved_bytes, reason, roofline_cycles};
use precast::graph::Phase;
use precast::pjrt::{CompileOptions, Value};
use precast::plan::{Plan, Precision, Strategy};
use precast::target::Target;

/// gpt-oss-20b with a layer of each kind.
fn two_layers() -> Config {
    let layer_kinds = vec![LayerKind::Sliding, LayerKind::Full];
    Config { name: "two-layers".into(), layers: 2, layer_kinds, ..Config::gpt_oss_20b() }
}

fn named(target: &str) -> Target {
    Target::named(target).expect("a target")
}

fn usual(context: usize) -> Sizes {
    Sizes { context, batch: 1, prefill: vec![512] }
}

fn worker(target: &Target, log: &Path) -> Worker {
    let topology = target.topology.as_ref().expect("a topology");
    let option = |(name, value): &(&str, &str)| ((*name).to_string(), Value::Text((*value).into()));
    let job = Job {
        plugin: device::installed("tpu"),
        platform: "tpu".into(),
        target: target.name.clone(),
        topology: Some(topology.name.clone()),
        topology_options: topology.options.iter().map(option).collect(),
        devices: target.devices,
    };
    Worker::start(Path::new(env!("CARGO_BIN_EXE_precast")), &job, log).expect("a worker")
}

#[test]
fn memory_is_what_the_compiler_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let (config, kept) = (two_layers(), Strategy::new);
    let small = Strategy { dense: Precision::Int8, cache: Precision::Int8, ..kept(Precision::Fp8) };
    let step = Phase::Decode { steps: 16 };
    let rows: [(&str, Strategy, usize, &[Phase]); 4] = [
        ("v5e-1", kept(Precision::Mxfp4), 1, &[step, Phase::Prefill { tokens: 128 }]),
        ("v2-8", kept(Precision::Mxfp4), 1, &[step]),
        ("v4-8", kept(Precision::Bf16), 1, &[step]),
        ("v6e-4", small, 4, &[step]),
    ];
    for (target, strategy, batch, phases) in rows {
        let target = named(target);
        let mut worker = worker(&target, &folder.path().join("compiler.log"));
        let plan = Plan::new(&target, strategy, 4096).sized(batch, &[512]);
        for phase in phases {
            let program = program(&config, &plan, *phase).expect("a program");
            let options = CompileOptions::for_signature(&program.signature);
            let found = worker.compile(&program, &options).expect("it compiles").memory;
            let memory = Memory::of(&config, &target, &plan, &[*phase]);
            let expected = memory.weights() + memory.cache;
            let what = format!("{} {} {strategy}: {memory:?}, compiled {found:?}", target.name, program.name);
            println!("{what}");
            let off = found.argument_bytes as f64 / expected as f64 - 1.0;
            assert!(off.abs() < 0.005, "{expected} estimated, {} compiled: {what}", found.argument_bytes);
            // Half as much again or half of it, and a little for what a program of two layers has beside its layers.
            let (temporaries, slack) = (memory.temporaries as f64, 24e6);
            let range = temporaries / 2.0 - slack..temporaries * 1.5 + slack;
            assert!(range.contains(&(found.temp_bytes as f64)), "{what}");
        }
    }
}

#[test]
fn weights_and_cache_are_counted_by_what_they_are() {
    let (config, target) = (Config::gpt_oss_20b(), named("v6e-1"));
    let strategy = Strategy { cache: Precision::Int8, ..Strategy::new(Precision::Mxfp4) };
    let memory = |context| Candidate::new(&config, &target, strategy, &usual(context)).memory;
    let short = memory(4096);
    assert_eq!(short.parts()[0].name, "the experts");
    assert_eq!(short.head, 201_088 * 2880 * 2);
    // Row-major, so that a row is read at once: 2880 channels in lanes of 128.
    assert_eq!(short.embedding, 201_088 * 2944 * 2);
    // Twelve full layers of keys and values, 8 heads of 64 codes and a scale; sliding layers keep their window whatever comes.
    let grown = memory(8192).cache - short.cache;
    let slots = |context| Plan::new(&target, strategy, context).slots() as u64;
    assert_eq!(grown, 12 * 2 * (slots(8192) - slots(4096)) * 8 * (64 + 4));
    assert_eq!(memory(8192).weights() - memory(8192).other, short.weights() - short.other);
}

#[test]
fn a_step_moves_the_chosen_experts_and_the_context() {
    let (config, target) = (Config::gpt_oss_20b(), named("v6e-1"));
    let moved = |experts, context, batch, phase| {
        let plan = Plan::new(&target, Strategy::new(experts), context).sized(batch, &[512]);
        moved_bytes(&config, &target, &plan, phase)
    };
    let step = Phase::Decode { steps: 16 };
    // By hand: 24 layers of 4 experts of 2880 inputs and 5760 outputs, and 2880 by 2880, in bf16 against one byte, and scales f32.
    let experts = 24 * 4 * (2880 * 5760 + 2880 * 2880);
    let scales = 24 * 4 * (5760 + 2880) * 4;
    let (bf16, fp8) = (moved(Precision::Bf16, 4096, 1, step), moved(Precision::Fp8, 4096, 1, step));
    assert_eq!(bf16 - fp8, experts - scales);
    // A longer context: keys and values of twelve full layers, 8 heads of 64 in bf16.
    assert_eq!(moved(Precision::Fp8, 8192, 1, step) - fp8, 12 * 4096 * 2 * 8 * 64 * 2);
    // Four experts of 32 each: eight rows may choose all of them, and more rows choose no more.
    let all = |batch| moved(Precision::Bf16, 4096, batch, step) - moved(Precision::Fp8, 4096, batch, step);
    assert_eq!((all(2), all(8), all(16)), (2 * (experts - scales), 8 * (experts - scales), 8 * (experts - scales)));
    let prefill = |tokens| moved(Precision::Bf16, 4096, 1, Phase::Prefill { tokens });
    // All 32 experts in two bytes, and what is dense.
    assert!(prefill(512) > 16 * experts && prefill(512) < 18 * experts, "{}", prefill(512));
    // At 1640 GB/s and 1.75 GHz.
    assert_eq!(roofline_cycles(&target, 1_640_000_000), Some(1_750_000));
    assert_eq!(roofline_cycles(&named("cpu"), 1), None);
}

#[test]
fn devices_divide_what_moves() {
    let config = Config::gpt_oss_20b();
    let moved = |target: &str| {
        let target = named(target);
        let plan = Plan::new(&target, Strategy::new(Precision::Bf16), 4096);
        moved_bytes(&config, &target, &plan, Phase::Decode { steps: 16 }) as f64
    };
    let share = moved("v6e-4") / moved("v6e-1");
    // A little more than a quarter: experts are padded, biases, norms and routers are everywhere.
    assert!((0.25..0.27).contains(&share), "{share}");
}

#[test]
fn what_is_asked_often_is_answered_at_once() {
    let began = Instant::now();
    let mut fitting = 0;
    for target in Target::all() {
        for experts in WEIGHTS {
            let candidate = Candidate::new(&Config::gpt_oss_120b(), &target, Strategy::new(experts), &usual(131_072));
            fitting += usize::from(candidate.fits());
        }
    }
    println!("{fitting} fit, found in {:.3} s", began.elapsed().as_secs_f64());
    assert!(fitting > 10);
}

#[test]
fn the_choice_fits_is_exact_and_is_fast() {
    let config = Config::gpt_oss_20b();
    let chosen = |target: &str, weights: &[Precision]| {
        let of = |&experts: &Precision| Candidate::new(&config, &named(target), Strategy::new(experts), &usual(4096));
        let candidates: Vec<Candidate> = weights.iter().map(of).collect();
        choose(&candidates).map(|place| reason(&candidates, place))
    };
    use Precision::{Bf16, Fp8, Int8};
    let rows: [(&str, &[Precision], Option<&str>); 5] = [
        ("v5e-1", &WEIGHTS, Some("mxfp4 is exact and fits with room to spare; bf16, fp8 and int8 do not fit")),
        (
            "v6e-1",
            &[Bf16, Int8, Fp8],
            Some(
                "int8 moves what a step needs in least time and fits with room to spare; bf16 does not fit, fp8 takes no less",
            ),
        ),
        ("v6e-4", &[Bf16, Fp8], Some("bf16 is exact; fp8 is not exact")),
        ("v5e-1", &[Bf16, Fp8, Int8], None),
        ("cpu", &WEIGHTS, Some("bf16 is exact; fp8 and int8 are not exact")),
    ];
    for (target, weights, expected) in rows {
        assert_eq!(chosen(target, weights).as_deref(), expected, "{target}");
    }
}
