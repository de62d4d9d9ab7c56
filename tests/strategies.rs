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

use hlo::ElementType;
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
    Setup {
        plugin: Some(device::installed("cpu")),
        strategy,
        context: 400,
        prefill: vec![16],
        steps: 4,
        ..Setup::new(folder)
    }
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
    let mut logits = Vec::new();
    let mut take = |rows: &[f32]| {
        logits.extend_from_slice(rows);
        Ok(())
    };
    session.score(&tokens, &mut take, &()).expect("scores");
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
    for (name, spelling) in [("host", Spelling::HOST), ("tpu", Spelling::TPU)] {
        for experts in [Precision::F32, Precision::Bf16, Precision::Mxfp4, Precision::Fp8] {
            let setup = Setup { spelling, ..setup(folder.path(), Strategy { experts, ..F32 }) };
            check_same(&format!("{experts} experts as for {name}"), &say(&setup), &expected);
        }
    }
}
