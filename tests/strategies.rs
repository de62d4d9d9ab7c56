//! Every way to store a model, on the real CPU plugin: exact ones give the logits of f32, the others stay near, and so do several
//! devices and the spelling for TPUs.

#[path = "support/checkpoint.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod checkpoint;
#[path = "support/device.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod device;
mod support;

use std::ops::ControlFlow;
use std::path::Path;

use hlo::{Builder, ElementType, TensorType};
use precast::plan::{Precision, Spelling, Strategy};
use precast::runner::{Generation, Request, Sampling, Session, Setup};
use support::synthetic::{Layout, Shape};
use tempfile::TempDir;

/// Fewer kv heads than devices; experts that 4 and 8 devices divide with padding, which is all that some of 8 hold; a stream that is
/// no multiple of a TPU's lanes.
fn shape() -> Shape {
    Shape {
        name: "strategies".into(),
        seed: 5,
        layers: 2,
        hidden: 64,
        vocabulary: 97,
        experts: 5,
        experts_per_token: 2,
        expert_width: 96,
        query_heads: 6,
        kv_heads: 2,
        head_dim: 32,
        sliding_window: 16,
    }
}

fn write(shape: &Shape) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    shape.write(Layout::Original { shards: 1 }, folder.path()).expect("a checkpoint");
    folder
}

fn setup(folder: &Path, strategy: Strategy) -> Setup {
    Setup { plugin: Some(device::installed("cpu")), strategy, context: 400, prefill: vec![16], ..Setup::new(folder) }
}

const F32: Strategy =
    Strategy { experts: Precision::F32, dense: Precision::F32, cache: Precision::F32, compute: ElementType::F32 };

/// What a session says of one text: the logits of every position, in two chunks, and a continuation of a prompt that is taken in
/// chunks of 16, the last of them padded, step by step beyond the window.
struct Said {
    logits: Vec<f32>,
    generation: Generation,
}

fn say(setup: &Setup) -> Said {
    let mut session = Session::open(setup, &()).expect("a session");
    let tokens = shape().tokens("strategies", 150);
    let logits = device::score(&mut session, &tokens);
    let request = Request { prompt: tokens[..37].to_vec(), max_new: 24, sampling: Sampling::GREEDY, stop: Vec::new() };
    let generation = session.generate(&request, &mut |_| ControlFlow::Continue(())).expect("a generation");
    Said { logits, generation }
}

/// The largest and the mean difference of logits.
fn differences(a: &[f32], b: &[f32]) -> (f64, f64) {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
    assert!(differences.clone().all(f64::is_finite), "a logit is no number");
    (differences.clone().fold(0.0, f64::max), differences.sum::<f64>() / a.len() as f64)
}

/// The same logits and tokens but for the order of f32 sums: of a few hundred values of about 1, through two layers.
fn check_same(name: &str, found: &Said, expected: &Said) {
    const TOLERANCE: f64 = 1e-4;
    let (largest, mean) = differences(&found.logits, &expected.logits);
    println!("{name}: largest difference {largest:.1e}, mean {mean:.1e}");
    assert!(largest < TOLERANCE, "{name}: {largest}");
    assert_eq!(found.generation.tokens, expected.generation.tokens, "{name}");
    let (largest, _) = differences(&found.generation.logprobs, &expected.generation.logprobs);
    assert!(largest < TOLERANCE, "{name}: {largest}");
}

#[test]
fn exact_strategies_give_the_logits_of_f32() {
    let folder = write(&shape());
    let expected = say(&setup(folder.path(), F32));
    let spread = expected.logits.iter().fold(0f32, |largest, logit| largest.max(logit.abs()));
    assert!(spread > 1.0, "the model says something: {spread}");
    // Matrices of 192 and 64 outputs in tiles of 16 and 8.
    let by_tiles = Spelling { unpacked_at_once: 1 << 10, ..Spelling::HOST };
    let rows = [
        (1, Precision::Mxfp4, Spelling::HOST),
        (1, Precision::Mxfp4, by_tiles),
        (4, Precision::Mxfp4, by_tiles),
        (1, Precision::Mxfp4, Spelling::TPU),
        (2, Precision::Mxfp4, Spelling::TPU),
        (4, Precision::Mxfp4, Spelling::HOST),
        // Prompts by 16 tokens ask all experts at once, if these are not MXFP4.
        (1, Precision::Bf16, Spelling::TPU),
        (8, Precision::Bf16, Spelling::TPU),
    ];
    for (devices, experts, spelling) in rows {
        let setup = Setup { spelling, devices, ..setup(folder.path(), Strategy { experts, ..F32 }) };
        let written = match spelling {
            Spelling::TPU => "a TPU",
            Spelling::HOST => "hosts",
            _ => "hosts by tiles",
        };
        check_same(&format!("{experts} experts on {devices}, as for {written}"), &say(&setup), &expected);
    }
}

#[test]
fn many_sequences_draw_the_same_tokens_on_any_number_of_devices() {
    // Of a vocabulary that 4 devices divide, where each has less than a whole line.
    let shape = Shape { vocabulary: 2200, ..shape() };
    let folder = write(&shape);
    let request = |number: u64| {
        let prompt = shape.tokens(&number.to_string(), 3 + number as usize);
        let (temperature, top_p) = if number.is_multiple_of(3) { (0.0, 1.0) } else { (1.5, 0.9) };
        let top_k = if number.is_multiple_of(2) { 0 } else { 40 };
        let sampling = Sampling { temperature, top_p, top_k, min_p: 0.01, seed: number };
        Request { prompt, max_new: 8, sampling, stop: Vec::new() }
    };
    let requests: Vec<Request> = (0..12).map(request).collect();
    let say = |devices, spelling| {
        let setup = Setup { spelling, devices, batch: requests.len(), ..setup(folder.path(), F32) };
        let mut session = Session::open(&setup, &()).expect("a session");
        session.generate_batch(&requests, &mut |_, _| ControlFlow::Continue(())).expect("generations")
    };
    let expected = say(1, Spelling::HOST);
    let different: std::collections::BTreeSet<_> = expected.iter().flat_map(|generation| &generation.tokens).collect();
    assert!(different.len() > 20, "{different:?}");
    for (devices, spelling) in [(1, Spelling::TPU), (4, Spelling::TPU)] {
        let found = say(devices, spelling);
        for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found.tokens, expected.tokens, "sequence {number} on {devices}");
            let (largest, _) = differences(&found.logprobs, &expected.logprobs);
            assert!(largest < 1e-4, "sequence {number} on {devices}: {largest}");
        }
    }
}

#[test]
fn strategies_that_round_stay_near() {
    use Precision::{Fp8, Int8};
    let folder = write(&shape());
    let exact = say(&setup(folder.path(), F32));
    let mean = |setup: &Setup| differences(&say(setup).logits, &exact.logits).1;
    let by = |strategy| mean(&setup(folder.path(), strategy));

    // `parity` holds this one to what the published program differs by from itself.
    let bf16 = by(Strategy::plain(ElementType::Bf16));
    println!("bf16: {bf16:.4}");
    assert!(bf16 > 0.0);
    let mxfp4 = by(Strategy { experts: Precision::Mxfp4, ..Strategy::plain(ElementType::Bf16) });
    // The same numbers, multiplied in another order: rounding may fall otherwise here and there, not worse.
    println!("mxfp4 experts in bf16: {mxfp4:.4}");
    assert!(0.0 < mxfp4 && mxfp4 < 1.25 * bf16, "{mxfp4} beside {bf16} of bf16");
    // A step's experts see a single row there, which products in f32 never widen.
    for devices in [1, 4] {
        let narrow = setup(folder.path(), Strategy::plain(ElementType::Bf16));
        let by_vector = mean(&Setup { spelling: Spelling::TPU_BY_VECTOR, devices, ..narrow });
        println!("bf16 as for v2 on {devices}: {by_vector:.4}");
        assert!(0.0 < by_vector && by_vector < 1.25 * bf16, "{by_vector} beside {bf16} of bf16");
    }
    let rows = [
        ("fp8 weights", 24.0, Strategy { experts: Fp8, dense: Fp8, ..F32 }),
        ("int8 weights", 8.0, Strategy { experts: Int8, dense: Int8, ..F32 }),
        ("fp8 cache", 16.0, Strategy { cache: Fp8, ..F32 }),
        ("int8 cache", 8.0, Strategy { cache: Int8, ..F32 }),
    ];
    // bf16 rounds every operand of a product, to eight bits of significand. These round one of the two: E4M3 to four bits, 16 times as
    // coarsely, INT8 to a 254th of the largest of the row, which for one of usual size is some 8 times as coarse.
    // Where an error is shared by both sides of a quotient, as that of rounded weights of attention is, bf16 loses less than that.
    let found = rows.map(|(name, coarser, strategy)| {
        let mean = by(strategy);
        println!("{name}: {mean:.4}");
        assert!(0.0 < mean && mean < coarser * bf16, "{name}: {mean} beside {bf16} of bf16");
        mean
    });

    let plain = tempfile::tempdir().expect("a folder");
    cast(&shape(), folder.path(), plain.path());
    let plain = mean(&setup(plain.path(), F32));
    println!("fp8 without scales: {plain:.4}");
    assert!(found[0] < plain, "{} with scales, {plain} without", found[0]);
}

/// The checkpoint with every matrix outside of the experts as E4M3 without scales has it; the router, which is in no code, stays.
fn cast(shape: &Shape, folder: &Path, out: &Path) {
    let tensors = shape.tensors(Layout::Original { shards: 1 }).into_iter().map(|tensor| {
        let mut bytes = tensor.data();
        let is_matrix = tensor.dtype == "BF16" && tensor.dims.len() == 2;
        if is_matrix && !tensor.name.contains(".mlp.") {
            for value in bytes.as_chunks_mut::<2>().0 {
                *value = half::bf16::from_f32(plain_e4m3(half::bf16::from_le_bytes(*value).to_f32())).to_le_bytes();
            }
        }
        (tensor.name, checkpoint::Stored { dtype: tensor.dtype, dims: tensor.dims, bytes })
    });
    std::fs::write(out.join("model.safetensors"), checkpoint::file(&tensors.collect())).expect("a file");
    std::fs::copy(folder.join("config.json"), out.join("config.json")).expect("a file");
}

/// The nearest number of E4M3: eight steps to each power of two, and down to zero below 2^-6.
fn plain_e4m3(value: f32) -> f32 {
    let step = value.abs().log2().floor().clamp(-6.0, 8.0).exp2() / 8.0;
    ((value / step).round_ties_even() * step).clamp(-448.0, 448.0)
}

#[test]
fn codes_are_the_same_on_several_devices() {
    use Precision::{Fp8, Int8};
    let folder = write(&shape());
    // The values of a row fit its codes without loss whether the row is whole or divided, the experts' having come from MXFP4.
    let weights = Strategy { experts: Fp8, dense: Fp8, ..F32 };
    let expected = say(&setup(folder.path(), weights));
    let setup = |devices, spelling, strategy| Setup { devices, spelling, ..setup(folder.path(), strategy) };
    check_same("fp8 weights on 4, as for a TPU", &say(&setup(4, Spelling::TPU, weights)), &expected);

    // A sum in another order may become the next code, so that these are as near to f32 and not the same.
    let exact = say(&setup(1, Spelling::HOST, F32)).logits;
    let cache = Strategy { cache: Int8, ..F32 };
    let [alone, together] =
        [1, 2].map(|devices| differences(&say(&setup(devices, Spelling::HOST, cache)).logits, &exact).1);
    println!("int8 cache: {alone:.5} on one device, {together:.5} on two");
    assert!(together > 0.0 && (together / alone - 1.0).abs() < 0.5, "{alone} and {together}");
}

/// The least scale of MXFP4, 2^-127, is a subnormal of bf16. The host's buffer has it exactly; the CPU's programs take it for zero, and
/// with it values of 2^-124 and less, that no sum of a model can tell from zero.
#[test]
fn the_least_scale_is_zero_to_the_cpu() {
    let b = Builder::new("least");
    b.function("main", || {
        let codes = b.argument("codes", &TensorType::new(ElementType::F4E2M1FN, [3]));
        let scales = b.argument("scales", &TensorType::new(ElementType::Bf16, [3]));
        vec![codes.convert(ElementType::F32) * scales.convert(ElementType::F32)]
    });
    let executable = device::compile(&device::client("cpu"), &b.finish().expect("a module"));
    // The code of 6, a byte; the scales of bytes 0, 1 and 130.
    let scales: Vec<u8> = [1u16 << 6, 1 << 7, 130 << 7].iter().flat_map(|bits| bits.to_ne_bytes()).collect();
    let results = device::run(&executable, &[&[7; 3], &scales]);
    let found: Vec<f32> = bytemuck::pod_collect_to_vec(&results[0].to_host().expect("a download"));
    assert_eq!(found, [0.0, 6.0 * 2f32.powi(-126), 48.0]);
}

fn precast(arguments: &[&str], folder: &Path) -> std::process::Output {
    let mut command = assert_cmd::Command::cargo_bin("precast").expect("the program");
    command.args(arguments).arg("--model").arg(folder).output().expect("it runs")
}

/// The command itself: the same greedy tokens on one device and two.
#[test]
fn the_command_gives_the_same_tokens_on_two_devices() {
    let folder = write(&shape());
    let bundles = tempfile::tempdir().expect("a folder");
    let tokens = ["cpu", "cpu-2"].map(|target| {
        let bundle = bundles.path().join(target).display().to_string();
        let sizes = ["--compute", "f32", "--context", "400", "--prefill", "16"];
        let compiled =
            precast(&[&["compile", "--target", target, "--out", &bundle], &sizes[..]].concat(), folder.path());
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        let usual = ["run", &bundle, "--tokens", "3,1,4,1,5,9,2,6,5,3,5,8,9,7,9,3,2,3", "--max-new", "12", "--json"];
        let ran = precast(&[&usual[..], &["--ignore-stop"]].concat(), folder.path());
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let refused = precast(&[&usual[..], &["--weights", "mxfp4"]].concat(), folder.path());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains("`--weights mxfp4` beside a bundle that was compiled for f32"), "{said}");
        let report: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        report["tokens"].clone()
    });
    assert_eq!(tokens[0].as_array().map(Vec::len), Some(12), "{tokens:?}");
    assert_eq!(tokens[0], tokens[1]);
}
