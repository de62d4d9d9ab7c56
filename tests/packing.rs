//! What is packed is what the checkpoint says: random experts in random sizes, taken apart for any number of devices in every
//! precision, put together again by the parameters' contract alone.

#[path = "support/checkpoint.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod checkpoint;
#[path = "support/shapes.rs"]
mod shapes;
mod support;

use std::collections::HashMap;

use checkpoint::{Noise, Stored, Tensors, file};
use half::bf16;
use hlo::{ElementType, TensorType};
use precast::graph::params::{self, Form, Source};
use precast::plan::{Plan, Precision, Spelling, Strategy};
use precast::weights::{Checkpoint, pack};
use proptest::prelude::*;
use shapes::shapes;
use support::synthetic::{Layout, Shape};
use tempfile::TempDir;

const CODES: [f64; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];

/// The values of a stack of matrices `[e, rows, columns]` in MXFP4.
struct Experts {
    blocks: Stored,
    scales: Stored,
}

impl Experts {
    fn value(&self, expert: usize, row: usize, column: usize) -> f64 {
        let (rows, width) = (self.blocks.dims[1], self.blocks.dims[2] * 32);
        let at = (expert * rows + row) * width + column;
        e2m1(self.blocks.bytes[at / 2] >> (4 * (at % 2)) & 15) * 2f64.powi(i32::from(self.scales.bytes[at / 32]) - 127)
    }
}

fn e2m1(code: u8) -> f64 {
    assert!(code < 16, "a code has four bits");
    if code & 8 == 0 { CODES[usize::from(code)] } else { -CODES[usize::from(code & 7)] }
}

fn e4m3(code: u8) -> f64 {
    assert!(code & 0x7f != 0x7f, "a code is a number");
    let (exponent, mantissa) = (i32::from(code >> 3 & 15), f64::from(code & 7) / 8.0);
    let size = if exponent == 0 { mantissa * 2f64.powi(-6) } else { (1.0 + mantissa) * 2f64.powi(exponent - 7) };
    if code & 0x80 == 0 { size } else { -size }
}

/// A checkpoint whose experts' codes are random and whose scales are `lowest` to `highest`.
fn checkpoint(shape: &Shape, seed: u64, lowest: u8, highest: u8) -> (TempDir, Tensors) {
    let layout = Layout::Original { shards: 1 };
    let folder = tempfile::tempdir().expect("a folder");
    shape.write(layout, folder.path()).expect("a checkpoint");
    let mut noise = Noise::new(seed);
    let tensors = shape.tensors(layout).into_iter().map(|tensor| {
        let mut bytes = tensor.data();
        for byte in bytes.iter_mut().filter(|_| tensor.name.ends_with(".scales")) {
            *byte = lowest + noise.below(usize::from(highest - lowest) + 1) as u8;
        }
        for byte in bytes.iter_mut().filter(|_| tensor.name.ends_with(".blocks")) {
            *byte = noise.below(256) as u8;
        }
        (tensor.name, Stored { dtype: tensor.dtype, dims: tensor.dims, bytes })
    });
    let tensors: Tensors = tensors.collect();
    std::fs::write(folder.path().join("model.safetensors"), file(&tensors)).expect("a file");
    (folder, tensors)
}

/// Every parameter of a plan, filled.
struct Packed {
    parameters: HashMap<(Source, bool), (TensorType, Vec<u8>)>,
}

impl Packed {
    fn new(checkpoint: &Checkpoint, plan: &Plan) -> Packed {
        let filled = params::weights(checkpoint.config(), plan).into_iter().map(|weight| {
            // What stands there before must not show through.
            let mut bytes = vec![0xa5; weight.ty.host_bytes()];
            pack::fill(checkpoint, &weight, &mut bytes).unwrap_or_else(|error| panic!("{}: {error}", weight.name));
            if let Some(mapped) = pack::mapped(checkpoint, &weight) {
                assert!(mapped[..] == bytes, "{}", weight.name);
            }
            let is_scales = matches!(weight.form, Form::Scales(_));
            ((weight.source, is_scales), (weight.ty, bytes))
        });
        Packed { parameters: filled.collect() }
    }

    fn dims(&self, source: Source) -> &[usize] {
        &self.parameters[&(source, false)].0.dims
    }

    /// The number or code at a place.
    fn at(&self, source: Source, is_scales: bool, place: &[usize]) -> f64 {
        let (TensorType { dims, element }, bytes) = &self.parameters[&(source, is_scales)];
        assert_eq!(dims.len(), place.len(), "{dims:?} at {place:?}");
        let at = dims.iter().zip(place).fold(0, |at, (dim, place)| {
            assert!(place < dim, "{dims:?} at {place:?}");
            at * dim + place
        });
        let bytes = &bytes[at * element.host_bytes()..][..element.host_bytes()];
        match element {
            ElementType::F32 => f64::from(f32::from_ne_bytes(bytes.try_into().unwrap())),
            ElementType::Bf16 => bf16::from_ne_bytes(bytes.try_into().unwrap()).to_f64(),
            ElementType::S8 => f64::from(bytes[0].cast_signed()),
            ElementType::U8 => f64::from(bytes[0]),
            ElementType::F8E4M3FN => e4m3(bytes[0]),
            ElementType::F4E2M1FN => e2m1(bytes[0]),
            other => panic!("no weight is {other}"),
        }
    }

    /// Of a part of an expert's matrix, the value at an output and an input, with the scale of its code if it has one.
    fn expert(&self, source: Source, part: usize, expert: usize, output: usize, input: usize) -> (f64, f64) {
        let dims = self.dims(source);
        let code = |place: &[usize]| self.at(source, false, place);
        if dims[..].last() == Some(&16) && dims.len() == 5 {
            // As published: two codes a byte, and the scale's exponent.
            let (block, own) = (input / 32, input % 32);
            let byte = code(&[part, expert, output, block, own / 2]) as u8;
            let scale = 2f64.powi(self.at(source, true, &[part, expert, output, block]) as i32 - 127);
            return (e2m1(byte >> (4 * (own % 2)) & 15) * scale, scale);
        }
        if dims.len() == 5 {
            let block = input / 32;
            let scale = self.at(source, true, &[part, expert * dims[2] + block, output]);
            return (code(&[part, expert, block, input % 32, output]) * scale, scale);
        }
        let scaled = self.parameters.contains_key(&(source, true));
        let scale = if scaled { self.at(source, true, &[part, expert, output]) } else { 1.0 };
        (code(&[part, expert, output, input]) * scale, scale)
    }
}

fn strategy(experts: Precision) -> Strategy {
    Strategy {
        experts,
        dense: if experts == Precision::Mxfp4 { Precision::Bf16 } else { experts },
        ..Strategy::new(experts)
    }
}

/// Every value of every part is the checkpoint's, or padding; `near` judges value, expected and scale.
fn check_experts(
    folder: &TempDir,
    tensors: &Tensors,
    plan: &Plan,
    near: impl Fn(f64, f64, f64) -> bool,
) -> Result<(), TestCaseError> {
    let checkpoint = Checkpoint::open(folder.path()).expect("a checkpoint");
    let config = checkpoint.config().clone();
    let packed = Packed::new(&checkpoint, plan);
    for layer in 0..config.layers {
        let matrix = |name: &str| Experts {
            blocks: tensors[&format!("block.{layer}.mlp.{name}.blocks")].clone(),
            scales: tensors[&format!("block.{layer}.mlp.{name}.scales")].clone(),
        };
        let (gate_up, down) = (matrix("mlp1_weight"), matrix("mlp2_weight"));
        let bias = &tensors[&format!("block.{layer}.mlp.mlp1_bias")].bytes;
        let width = plan.expert_width(&config);
        let check = |source, part, expert, output, input, expected: f64| {
            let (found, scale) = packed.expert(source, part, expert, output, input);
            let place = format!("{source:?} {part} {expert} {output} {input}");
            prop_assert!(near(found, expected, scale), "{place}: {found} of scale {scale}, expected {expected}");
            Ok(())
        };
        for (part, expert) in (0..plan.devices).flat_map(|part| (0..config.experts).map(move |expert| (part, expert))) {
            for own in 0..width {
                let channel = part * width + own;
                let is_there = channel < config.expert_width;
                for half in 0..2 {
                    let output = if plan.spelling.experts_as_published { 2 * own + half } else { half * width + own };
                    for input in 0..config.hidden {
                        let expected = if is_there { gate_up.value(expert, 2 * channel + half, input) } else { 0.0 };
                        check(Source::GateUpWeight(layer), part, expert, output, input, expected)?;
                    }
                    let at = (expert * config.expert_width + channel) * 2 + half;
                    let stored = || bf16::from_le_bytes(bias[2 * at..][..2].try_into().unwrap()).to_f64();
                    let expected = if is_there { stored() } else { 0.0 };
                    prop_assert_eq!(packed.at(Source::GateUpBias(layer), false, &[part, expert, output]), expected);
                }
                for output in 0..plan.down_outputs(&config) {
                    let is_there = is_there && output < config.hidden;
                    let expected = if is_there { down.value(expert, output, channel) } else { 0.0 };
                    check(Source::DownWeight(layer), part, expert, output, own, expected)?;
                }
            }
        }
    }
    Ok(())
}

prop_compose! {
    fn plans()(devices in 1usize..6, is_tpu in any::<bool>()) -> Plan {
        let spelling = if is_tpu { Spelling::TPU } else { Spelling::HOST };
        Plan { devices, spelling, ..Plan::host(Strategy::new(Precision::Bf16), 1) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// MXFP4 as it is, and as values; those that exceed floats are infinite, as in the published loader.
    #[test]
    fn every_block_and_scale_comes_back(shape in shapes("packing", 7), plan in plans(), seed in any::<u64>()) {
        let (folder, tensors) = checkpoint(&shape, seed, 0, 254);
        for experts in [Precision::Mxfp4, Precision::F32, Precision::Bf16] {
            let plan = Plan { strategy: Strategy::new(experts), ..plan.clone() };
            check_experts(&folder, &tensors, &plan, |found, expected, _| match experts {
                Precision::Mxfp4 => found == expected,
                _ => found == f64::from(expected as f32),
            })?;
        }
    }

    /// Where the exponents of a row are near to each other, FP8 loses nothing; INT8 at most half a step.
    #[test]
    fn codes_are_as_near_as_they_can_be(shape in shapes("packing", 7), plan in plans(), seed in any::<u64>(), lowest in 0u8..240) {
        // Codes and scales span 3.6 and 12 octaves; a row has 17 above the half of the least code.
        let (folder, tensors) = checkpoint(&shape, seed, lowest.max(10), lowest.max(10) + 12);
        for experts in [Precision::Fp8, Precision::Int8] {
            let plan = Plan { strategy: strategy(experts), ..plan.clone() };
            check_experts(&folder, &tensors, &plan, |found, expected, scale| match experts {
                Precision::Fp8 => found == expected,
                _ => (found - expected).abs() <= scale * 0.500_01,
            })?;
        }
    }

    /// Matrices outside of the experts in codes are near to the same in values, row by row.
    #[test]
    fn dense_codes_are_near(shape in shapes("packing", 7)) {
        let (folder, _) = checkpoint(&shape, 1, 120, 130);
        let checkpoint = Checkpoint::open(folder.path()).expect("a checkpoint");
        let packed = |experts| Packed::new(&checkpoint, &Plan::host(strategy(experts), 1));
        let exact = packed(Precision::F32);
        let sources = [Source::Embedding, Source::QkvWeight(0), Source::OutWeight(0), Source::Unembedding];
        for stored in [Precision::Fp8, Precision::Int8] {
            let packed = packed(stored);
            for source in sources {
                let [rows, width] = *packed.dims(source) else { panic!("a matrix") };
                prop_assert_eq!(exact.dims(source), [rows, width]);
                for row in 0..rows {
                    let scale = packed.at(source, true, &[row]);
                    let values: Vec<f64> = (0..width).map(|column| exact.at(source, false, &[row, column])).collect();
                    let largest = values.iter().fold(0f64, |largest, value| largest.max(value.abs()));
                    prop_assert!(largest <= scale * stored.largest_code() * 1.000_001, "{largest} of scale {scale}");
                    prop_assert!(stored == Precision::Int8 || largest == 0.0 || largest > scale * 224.0);
                    for (column, value) in values.iter().enumerate() {
                        let found = packed.at(source, false, &[row, column]) * scale;
                        let step = match stored {
                            Precision::Fp8 => (value.abs() / 8.0).max(scale / 512.0),
                            _ => scale,
                        };
                        prop_assert!((found - value).abs() <= step * 0.500_01, "{source:?}: {found} for {value}");
                    }
                }
            }
        }
    }
}
