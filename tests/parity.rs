//! precast against two independent programs, on synthetic checkpoints: logits, chunks, continuations, batches, both layouts.
//! What the other programs said is committed; `tests/oracle/README.md` says how it was made.

#[path = "support/device.rs"]
mod device;
mod support;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

use device::score;
use hlo::ElementType;
use precast::plan::Strategy;
use precast::runner::{Generation, Request, Sampling, Session, Setup};
use support::parity::{Case, cases, greedy};
use support::synthetic::{Layout, Shape};
use tempfile::TempDir;

const ORIGINAL: Layout = Layout::Original { shards: 1 };

fn folder(shape: &str, layout: Layout) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    Shape::named(shape).write(layout, folder.path()).expect("a checkpoint");
    folder
}

/// Enough context for the longest case; every way of cutting a prompt into chunks comes up among the cases.
fn setup(folder: &Path, compute: ElementType) -> Setup {
    Setup {
        plugin: Some(device::installed("cpu")),
        strategy: Strategy::plain(compute),
        context: 4600,
        prefill: vec![16, 128],
        ..Setup::new(folder)
    }
}

fn generate(session: &mut Session, prompt: &[u32], max_new: usize) -> Generation {
    let request = Request { prompt: prompt.to_vec(), max_new, sampling: Sampling::GREEDY, stop: Vec::new() };
    session.generate(&request, &mut |_| ControlFlow::Continue(())).expect("a generation")
}

/// The largest and the mean difference from the reference over the kept positions and columns.
fn differences(case: &Case, logits: &[f32], vocabulary: usize) -> (f64, f64) {
    let (mut largest, mut sum, mut count) = (0.0f64, 0.0, 0usize);
    for (position, row) in case.positions.iter().zip(&case.logits) {
        for (column, expected) in case.columns.iter().zip(row) {
            let found = logits[position * vocabulary + column];
            let difference = f64::from((found - expected).abs());
            assert!(difference.is_finite(), "{} {}: a logit is {found}", case.shape, case.tokens.len());
            largest = largest.max(difference);
            sum += difference;
            count += 1;
        }
    }
    (largest, sum / count as f64)
}

#[test]
fn f32_logits_are_the_references() {
    // f32 sums in another order; the longest case adds f32 angles at positions beyond 4096.
    const TOLERANCE: f64 = 1e-3;
    let mut folders = HashMap::new();
    for case in cases() {
        let folder = folders.entry(case.shape.clone()).or_insert_with(|| folder(&case.shape, ORIGINAL));
        let mut session = Session::open_to_score(&setup(folder.path(), ElementType::F32), &()).expect("a session");
        let vocabulary = session.config().vocabulary;
        let logits = score(&mut session, &case.tokens);
        let (largest, _) = differences(&case, &logits, vocabulary);
        println!("{} {}: largest difference {largest:.1e}", case.shape, case.tokens.len());
        assert!(largest < TOLERANCE, "{} {}: {largest}", case.shape, case.tokens.len());
        for (position, row) in logits.chunks(vocabulary).enumerate() {
            let best = (0..vocabulary).fold(0, |best, token| if row[token] > row[best] { token } else { best });
            let clear = f64::from(case.gap[position]) > TOLERANCE;
            assert!(!clear || best == case.top1[position] as usize, "{} position {position}", case.shape);
            let peak = f64::from(row[best]);
            let sum = peak + row.iter().map(|logit| (f64::from(*logit) - peak).exp()).sum::<f64>().ln();
            assert!(
                (sum - f64::from(case.logsumexp[position])).abs() < TOLERANCE,
                "{} position {position}",
                case.shape
            );
        }
    }
}

#[test]
fn bf16_logits_are_as_close_as_the_references_own() {
    let mut folders = HashMap::new();
    let (mut ours, mut theirs) = (0.0, 0.0);
    for case in cases() {
        let folder = folders.entry(case.shape.clone()).or_insert_with(|| folder(&case.shape, ORIGINAL));
        let mut session = Session::open_to_score(&setup(folder.path(), ElementType::Bf16), &()).expect("a session");
        let vocabulary = session.config().vocabulary;
        let (_, mean) = differences(&case, &score(&mut session, &case.tokens), vocabulary);
        println!(
            "{} {}: mean difference {mean:.4}, the reference's own {:.4}",
            case.shape,
            case.tokens.len(),
            case.bf16_mean_difference
        );
        ours += mean;
        theirs += case.bf16_mean_difference;
        // In a short case one row whose router chose another expert outweighs all else, in either program.
        if case.tokens.len() > 1000 {
            assert!(mean < 1.5 * case.bf16_mean_difference, "{} {}: {mean}", case.shape, case.tokens.len());
        }
    }
    println!("all: {ours:.4} against {theirs:.4}");
    assert!(ours < 1.5 * theirs, "{ours} against {theirs}");
}

#[test]
fn greedy_continuations_are_the_references_in_either_layout() {
    let layouts = [ORIGINAL, Layout::HuggingFace { shards: 1 }, Layout::HuggingFace { shards: 3 }];
    for case in greedy() {
        for layout in layouts {
            let folder = folder(&case.shape, layout);
            let mut session = Session::open(&setup(folder.path(), ElementType::F32), &()).expect("a session");
            let generation = generate(&mut session, &case.prompt, case.continuation.len());
            assert_eq!(generation.tokens, case.continuation, "{} after {} tokens", case.shape, case.prompt.len());
        }
    }
}

/// The cases on which chunks, steps, turns and batches must agree: a prompt beyond the window, a continuation beyond it again.
fn long_prompt() -> (TempDir, Vec<u32>) {
    (folder("odd", ORIGINAL), Shape::named("odd").tokens("chunks", 200))
}

#[test]
fn chunks_of_any_size_and_single_steps_agree() {
    let (folder, prompt) = long_prompt();
    let mut expected: Option<Generation> = None;
    for buckets in [vec![512], vec![128], vec![16, 128], vec![7], vec![1]] {
        let setup =
            Setup { prefill: buckets.clone(), steps: buckets[0].min(16), ..setup(folder.path(), ElementType::F32) };
        let mut session = Session::open(&setup, &()).expect("a session");
        let generation = generate(&mut session, &prompt, 150);
        let expected = expected.get_or_insert_with(|| generation.clone());
        assert_eq!(generation.tokens, expected.tokens, "{buckets:?}");
        for (a, b) in generation.logprobs.iter().zip(&expected.logprobs) {
            assert!((a - b).abs() < 1e-4, "{buckets:?}: {a} against {b}");
        }
    }
    // What decoding said of each token is what scoring the whole sequence says.
    let generation = expected.expect("a generation");
    let mut session = Session::open_to_score(&setup(folder.path(), ElementType::F32), &()).expect("a session");
    let vocabulary = session.config().vocabulary;
    let whole = [prompt.as_slice(), &generation.tokens].concat();
    let logits = score(&mut session, &whole);
    for (step, (token, logprob)) in generation.tokens.iter().zip(&generation.logprobs).enumerate() {
        let row = &logits[(prompt.len() - 1 + step) * vocabulary..][..vocabulary];
        let peak = row.iter().copied().fold(f32::MIN, f32::max);
        let total = peak + row.iter().map(|logit| (logit - peak).exp()).sum::<f32>().ln();
        assert!((row[*token as usize] - total - logprob).abs() < 1e-4, "step {step}");
    }
}

#[test]
fn later_turns_reuse_the_cache_and_change_nothing() {
    let (folder, prompt) = long_prompt();
    let mut session = Session::open(&setup(folder.path(), ElementType::F32), &()).expect("a session");
    let first = generate(&mut session, &prompt, 30);
    let rows = [
        // The whole answer is kept; it is dropped as thoughts are; half of the prompt is another.
        ([prompt.as_slice(), &first.tokens, &[3, 4, 5]].concat(), prompt.len() + first.tokens.len() - 1),
        ([prompt.as_slice(), &[6, 7, 8]].concat(), prompt.len()),
        ([&prompt[..100], &[9, 10]].concat(), 0),
    ];
    for (next, reused) in rows {
        let generation = generate(&mut session, &next, 20);
        assert_eq!(generation.reused_tokens, reused);
        let mut fresh = Session::open(&setup(folder.path(), ElementType::F32), &()).expect("a session");
        assert_eq!(generation.tokens, generate(&mut fresh, &next, 20).tokens);
        generate(&mut session, &prompt, 30);
    }
}

#[test]
fn sequences_of_a_batch_do_not_see_each_other() {
    let (folder, prompt) = long_prompt();
    let setup = Setup { batch: 3, ..setup(folder.path(), ElementType::F32) };
    let prompts = [prompt[..150].to_vec(), prompt[20..29].to_vec(), prompt[40..41].to_vec()];
    let request = |prompt: &Vec<u32>| Request {
        prompt: prompt.clone(),
        max_new: 30,
        sampling: Sampling { temperature: 0.8, seed: prompt.len() as u64, ..Sampling::GREEDY },
        stop: Vec::new(),
    };
    let requests: Vec<Request> = prompts.iter().map(request).collect();
    let mut together = Session::open(&setup, &()).expect("a session");
    let streamed = Mutex::new(vec![Vec::new(); 3]);
    let found = together
        .generate_batch(&requests, &mut |place, tokens| {
            streamed.lock().expect("no panic")[place].extend_from_slice(tokens);
            ControlFlow::Continue(())
        })
        .expect("generations");
    let mut alone = Session::open(&Setup { batch: 1, ..setup }, &()).expect("a session");
    for (place, request) in requests.iter().enumerate() {
        let single = alone.generate(request, &mut |_| ControlFlow::Continue(())).expect("a generation");
        assert_eq!(found[place].tokens, single.tokens, "sequence {place}");
        assert_eq!(streamed.lock().expect("no panic")[place], single.tokens);
    }
}
