//! What precisions do to the predictions of a text, beside what bf16 itself does to them: experts and caches in codes, on the real CPU
//! plugin. The figures are printed.

#[path = "support/checkpoint.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod checkpoint;
#[path = "support/device.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod device;
mod support;

use std::ops::ControlFlow;
use std::path::Path;

use checkpoint::{Stored, Tensors, file};
use device::score;
use half::bf16;
use hlo::ElementType;
use precast::plan::{Precision, Strategy};
use precast::runner::{Comparison, Prediction, Request, Sampling, Session, Setup, TextDivergence};
use support::synthetic::{Layout, Shape};
use tempfile::TempDir;

/// Beyond the window of 128 tokens, which is also what one program scores at once, and no multiple of either.
const TOKENS: usize = 300;

/// A model, its text, and the same model with experts in bf16 as a cast to E4M3 without any scale leaves them.
struct Model {
    tokens: Vec<u32>,
    vocabulary: usize,
    published: TempDir,
    cast: TempDir,
}

impl Model {
    fn new(shape: &str) -> Model {
        let shape = Shape::named(shape);
        let tensors = tensors(&shape);
        let folder = |tensors: &Tensors| {
            let folder = tempfile::tempdir().expect("a folder");
            shape.write(Layout::HuggingFace { shards: 1 }, folder.path()).expect("a checkpoint");
            std::fs::write(folder.path().join("model.safetensors"), file(tensors)).expect("a file");
            folder
        };
        Model {
            tokens: shape.tokens("numerics", TOKENS),
            vocabulary: shape.vocabulary,
            cast: folder(&cast(&tensors)),
            published: folder(&tensors),
        }
    }

    /// The logits after every token, f32 `[tokens, vocabulary]`.
    fn logits(&self, folder: &Path, strategy: Strategy) -> Vec<f32> {
        score(&mut open(folder, strategy), &self.tokens)
    }

    fn compare(&self, reference: &[f32], judged: &[f32]) -> TextDivergence {
        let mut comparison = Comparison::new(&self.tokens, self.vocabulary);
        comparison.add(reference, judged).expect("numbers");
        comparison.of_text()
    }
}

fn open(folder: &Path, strategy: Strategy) -> Session {
    let usual = Setup::new(folder);
    let plugin = Some(device::installed("cpu"));
    let setup = Setup { plugin, strategy, context: 512, prefill: vec![128], steps: 1, ..usual };
    Session::open_to_score(&setup, &()).expect("a session")
}

/// The shape's tensors with gates and ups as small as in a model of the real width, 8 times smaller than here: what comes into them is 8
/// times as large, and what comes into the router beside them is undone there. All of it is powers of two, so that the logits stay.
fn tensors(shape: &Shape) -> Tensors {
    let mut tensors = Tensors::new();
    for tensor in shape.tensors(Layout::HuggingFace { shards: 1 }) {
        let mut bytes = tensor.data();
        let factor = match tensor.name.rsplit_once(".mlp.").map_or(tensor.name.as_str(), |(_, name)| name) {
            "router.weight" => 0.125,
            name if name.ends_with("post_attention_layernorm.weight") => 8.0,
            _ => 1.0,
        };
        if factor != 1.0 {
            for value in bytes.as_chunks_mut::<2>().0 {
                *value = bf16::from_f32(bf16::from_le_bytes(*value).to_f32() * factor).to_le_bytes();
            }
        }
        if tensor.name.ends_with(".gate_up_proj_scales") {
            // The least scales, which are of zeros and of one block next to zero, stay the least.
            bytes.iter_mut().filter(|scale| **scale > 3).for_each(|scale| *scale -= 3);
        }
        tensors.insert(tensor.name, Stored { dtype: tensor.dtype, dims: tensor.dims, bytes });
    }
    tensors
}

/// The same with unpacked experts, as transformers writes them: bf16 `[experts, inputs, outputs]`, each value the nearest of E4M3.
fn cast(published: &Tensors) -> Tensors {
    let mut tensors = published.clone();
    for (name, blocks) in published.iter().filter_map(|(name, tensor)| Some((name.strip_suffix("_blocks")?, tensor))) {
        tensors.remove(&format!("{name}_blocks"));
        let scales = tensors.remove(&format!("{name}_scales")).expect("scales beside blocks");
        let [experts, rows, width] = [blocks.dims[0], blocks.dims[1], blocks.dims[2] * 32];
        let mut values = vec![bf16::ZERO; experts * rows * width];
        for (at, place) in (0..values.len()).map(|at| (at, (at / (rows * width), at / width % rows, at % width))) {
            let (expert, row, column) = place;
            let code = blocks.bytes[at / 2] >> (4 * (at % 2)) & 15;
            let value = e2m1(code) * 2f32.powi(i32::from(scales.bytes[at / 32]) - 127);
            values[(expert * width + column) * rows + row] = bf16::from_f32(plain_e4m3(value));
        }
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensors.insert(name.to_owned(), Stored { dtype: "BF16", dims: vec![experts, width, rows], bytes });
    }
    tensors
}

fn e2m1(code: u8) -> f32 {
    let size = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0][usize::from(code & 7)];
    if code & 8 == 0 { size } else { -size }
}

/// The nearest number of E4M3: eight steps to each power of two, and down to zero below 2^-6.
fn plain_e4m3(value: f32) -> f32 {
    let step = value.abs().log2().floor().clamp(-6.0, 8.0).exp2() / 8.0;
    ((value / step).round_ties_even() * step).clamp(-448.0, 448.0)
}

fn print(shape: &str, what: &str, found: &TextDivergence) {
    println!(
        "{shape:8} {what:36} logits {:.2e} mean {:.2e} max, KL {:.2e} mean {:.2e} max, top-1 {:.1} %",
        found.mean_absolute_logit_difference,
        found.max_absolute_logit_difference,
        found.mean_kl_nats,
        found.max_kl_nats,
        found.top1_agreement_percent
    );
}

/// Experts and cache in codes beside plain bf16, and that beside f32.
fn check_codes(shape: &str) {
    use Precision::{Fp8, Int8};
    let bf16 = Strategy::plain(ElementType::Bf16);
    let model = Model::new(shape);
    let published = model.published.path();
    let plain = model.logits(published, bf16);
    let noise = model.compare(&model.logits(published, Strategy::plain(ElementType::F32)), &plain);
    print(shape, "bf16 against f32", &noise);
    let judge = |what: &str, folder: &Path, strategy: Strategy| {
        let found = model.compare(&plain, &model.logits(folder, strategy));
        print(shape, &format!("{what} against bf16"), &found);
        found
    };
    let scaled = judge("fp8 experts", published, Strategy { experts: Fp8, ..bf16 });
    let cast = judge("fp8 experts without scales", model.cast.path(), bf16);
    let int8 = judge("int8 experts", published, Strategy { experts: Int8, ..bf16 });
    let fp8_cache = judge("fp8 cache", published, Strategy { cache: Fp8, ..bf16 });
    let int8_cache = judge("int8 cache", published, Strategy { cache: Int8, ..bf16 });

    // The experts' values fit the codes of a row exactly, but for one block of each matrix that is next to nothing; and a power of two
    // over a whole product changes no rounding in it.
    assert!(scaled.mean_absolute_logit_difference <= noise.mean_absolute_logit_difference, "{shape}: {scaled:?}");
    assert!(scaled.mean_kl_nats <= noise.mean_kl_nats, "{shape}: {scaled:?}");
    // The least values at a real model's width are a half of E4M3's least code.
    assert!(scaled.mean_absolute_logit_difference < cast.mean_absolute_logit_difference, "{shape}: {cast:?}");
    assert!(scaled.mean_kl_nats < cast.mean_kl_nats, "{shape}: {cast:?}");
    // bf16 rounds whatever goes into a product to 8 bits of significand. E4M3's four are 16 times as coarse, and only keys and values
    // have them; INT8's steps are, for a value of usual size, some bits less than 8. Where logits differ little, KL goes with the square
    // of their differences.
    let rows = [("int8 experts", int8, 3.0), ("fp8 cache", fp8_cache, 12.0), ("int8 cache", int8_cache, 4.0)];
    for (what, found, coarser) in rows {
        let logits = found.mean_absolute_logit_difference / noise.mean_absolute_logit_difference;
        let kl = found.mean_kl_nats / noise.mean_kl_nats;
        assert!(0.0 < logits && logits < coarser, "{shape}, {what}: {logits} times the difference of bf16");
        assert!(0.0 < kl && kl < coarser * coarser, "{shape}, {what}: {kl} times the divergence of bf16");
    }
}

#[test]
fn codes_stay_near_bf16_in_a_model_of_odd_sizes() {
    check_codes("odd");
}

#[test]
fn codes_stay_near_bf16_in_an_ordinary_model() {
    check_codes("ordinary");
}

/// The prompt in three chunks of 128, the last one padded, then single steps, against all of it scored at once: a token has the same code
/// whichever program stored it.
#[test]
fn a_cache_in_codes_says_the_same_step_by_step() {
    let model = Model::new("ordinary");
    for cache in [Precision::Fp8, Precision::Int8] {
        let strategy = Strategy { cache, ..Strategy::plain(ElementType::F32) };
        let mut session = open(model.published.path(), strategy);
        let (prompt, sampling) = (model.tokens.clone(), Sampling::GREEDY);
        let request = Request { prompt, max_new: 40, sampling, stop: Vec::new() };
        let generation = session.generate(&request, &mut |_| ControlFlow::Continue(())).expect("a generation");
        let whole = [&model.tokens[..], &generation.tokens].concat();
        let logits = score(&mut session, &whole);
        let rows = logits.chunks(model.vocabulary).skip(TOKENS - 1);
        let said = generation.tokens.iter().zip(&generation.logprobs).zip(rows);
        let differences: Vec<f64> = said
            .map(|((token, logprob), row)| {
                let prediction = Prediction::new(row).expect("numbers");
                (prediction.logprob(*token as usize) - f64::from(*logprob)).abs()
            })
            .collect();
        let mean = differences.iter().sum::<f64>() / differences.len() as f64;
        let largest = differences.iter().fold(0f64, |largest, difference| largest.max(*difference));
        println!("{cache} cache, steps and chunks: log-probabilities differ by {mean:.1e} mean, {largest:.1e} max");
        // f32 sums in another order, which may take a number across the middle between two codes.
        assert_eq!(differences.len(), 40);
        assert!(largest < 1e-3, "{cache}: {largest}");
    }
}
