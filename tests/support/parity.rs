//! What the reference programs said about the synthetic checkpoints, read from `tests/fixtures/parity/`.
//! Knows nothing of precast. `tests/oracle/README.md` says how the fixtures are made.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use super::synthetic::Shape;
use safetensors::{Dtype, SafeTensors};
use std::fs;
use std::path::PathBuf;

/// One token sequence through OpenAI's program in f32.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name of the checkpoint's shape.
    pub shape: String,
    pub tokens: Vec<u32>,
    /// The positions, rising, whose logits are kept.
    pub positions: Vec<usize>,
    /// The vocabulary ids, rising, whose logits are kept: all of them but for the `wide` shape.
    pub columns: Vec<usize>,
    /// A row for each of `positions`, a value for each of `columns`.
    pub logits: Vec<Vec<f32>>,
    /// The five likeliest ids at each of `positions`, best first.
    pub top5: Vec<[u32; 5]>,
    /// The likeliest id at every position.
    pub top1: Vec<u32>,
    /// By how much its logit passes the second's, at every position.
    pub gap: Vec<f32>,
    /// Over the whole vocabulary, at every position.
    pub logsumexp: Vec<f32>,
    /// Mean absolute difference of the same program's bf16 logits, over every position and column.
    pub bf16_mean_difference: f64,
    /// The same of Hugging Face's bf16 logits.
    pub hf_bf16_mean_difference: f64,
    /// Largest absolute difference of Hugging Face's f32 logits: what two right programs differ by.
    pub f32_max_difference: f64,
}

/// A prompt and how both programs continue it greedily in f32.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Greedy {
    pub shape: String,
    pub prompt: Vec<u32>,
    pub continuation: Vec<u32>,
    /// The closest call between the first two candidates along the way.
    pub smallest_gap: f32,
}

#[derive(serde::Deserialize)]
struct Report {
    cases: Vec<Figures>,
    greedy: Vec<Greedy>,
}

#[derive(serde::Deserialize)]
struct Figures {
    shape: String,
    length: usize,
    bf16_mean_difference: f64,
    hf_bf16_mean_difference: f64,
    f32_max_difference: f64,
}

/// Every case, in the order of the report: the shapes `odd`, `ordinary`, `wide`, short sequences first.
pub fn cases() -> Vec<Case> {
    report().cases.into_iter().map(Case::read).collect()
}

/// Every greedy continuation.
pub fn greedy() -> Vec<Greedy> {
    report().greedy
}

impl Case {
    fn read(figures: Figures) -> Case {
        let bytes = fs::read(folder().join(format!("{}.safetensors", figures.shape))).expect("the fixture is there");
        let file = SafeTensors::deserialize(&bytes).expect("the fixture is well-formed");
        let ids = |name: &str| -> Vec<u32> { words(&file, name, Dtype::I32).map(u32::from_le_bytes).collect() };
        let floats = |name: &str| -> Vec<f32> { words(&file, name, Dtype::F32).map(f32::from_le_bytes).collect() };
        let own = |name: &str| format!("{}.{name}", figures.length);
        let places = |name: &str| -> Vec<usize> { ids(name).into_iter().map(|id| id as usize).collect() };
        let columns = places("columns");
        let case = Case {
            tokens: ids(&own("tokens")),
            positions: places(&own("positions")),
            logits: floats(&own("logits")).chunks_exact(columns.len()).map(<[f32]>::to_vec).collect(),
            top5: ids(&own("top5")).as_chunks::<5>().0.to_vec(),
            top1: ids(&own("top1")),
            gap: floats(&own("gap")),
            logsumexp: floats(&own("logsumexp")),
            columns,
            bf16_mean_difference: figures.bf16_mean_difference,
            hf_bf16_mean_difference: figures.hf_bf16_mean_difference,
            f32_max_difference: figures.f32_max_difference,
            shape: figures.shape,
        };
        case.check();
        case
    }

    /// The kept rows and what is said of whole rows agree, so rows and columns are where they claim to be.
    fn check(&self) {
        let whole = self.columns.len() == Shape::named(&self.shape).vocabulary;
        assert_eq!(self.logits.len(), self.positions.len());
        for ((row, &position), top5) in self.logits.iter().zip(&self.positions).zip(&self.top5) {
            let place = format!("shape `{}`, {} tokens, position {position}", self.shape, self.tokens.len());
            assert_eq!(top5[0], self.top1[position], "{place}");
            let sum: f64 = row.iter().map(|&logit| f64::from(logit).exp()).sum();
            let whole_sum = f64::from(self.logsumexp[position]);
            let best = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).expect("a row has values");
            if whole {
                assert!((sum.ln() - whole_sum).abs() < 1e-5, "{place}: {} is not {whole_sum}", sum.ln());
                assert_eq!(self.columns[best], self.top1[position] as usize, "{place}");
            } else {
                assert!(sum.ln() < whole_sum, "{place}");
            }
        }
    }
}

fn report() -> Report {
    let text = fs::read_to_string(folder().join("parity.json")).expect("the fixture is there");
    serde_json::from_str(&text).expect("the fixture is well-formed")
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parity")
}

fn words<'a>(file: &SafeTensors<'a>, name: &str, dtype: Dtype) -> impl Iterator<Item = [u8; 4]> + use<'a> {
    let view = file.tensor(name).unwrap_or_else(|error| panic!("fixture tensor `{name}`: {error}"));
    assert_eq!(view.dtype(), dtype, "fixture tensor `{name}`");
    view.data().as_chunks::<4>().0.iter().copied()
}
