//! Every conversion of weights against an independent program: numpy and ml_dtypes say in `tests/oracle/conversions.py` which bytes must
//! come out, of all bf16 there are, of all MXFP4 codes under all scales, and of rows made to be hard.

#[path = "support/checkpoint.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod checkpoint;
#[path = "support/device.rs"]
mod device;
#[path = "support/python.rs"]
mod python;
mod support;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use checkpoint::{Stored, Tensors, file};
use hlo::{Builder, ElementType, TensorType};
use precast::graph::params::{self, Form, Source, Weight};
use precast::plan::{Plan, Precision, Strategy};
use precast::weights::{Checkpoint, CheckpointError, pack};
use support::synthetic::{Layout, Shape};
use tempfile::TempDir;

/// Of the sizes that the Python program has at its head.
fn shape() -> Shape {
    Shape {
        name: "conversions".into(),
        seed: 2,
        layers: 1,
        hidden: 64,
        vocabulary: 2304,
        experts: 4,
        experts_per_token: 2,
        expert_width: 128,
        query_heads: 2,
        kv_heads: 1,
        head_dim: 32,
        sliding_window: 16,
    }
}

/// What the Python program wrote under `name`.
fn expected(name: &str) -> Vec<u8> {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/conversions.py");
        let output = Command::new(python::verifier()).arg(script).arg(folder.path()).output().expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        folder
    });
    std::fs::read(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A checkpoint of the shape whose tensors `change` has had.
struct Model {
    _folder: TempDir,
    checkpoint: Checkpoint,
}

impl Model {
    fn new(layout: Layout, change: impl FnOnce(&mut Tensors)) -> Model {
        let folder = tempfile::tempdir().expect("a folder");
        shape().write(layout, folder.path()).expect("a checkpoint");
        let tensors = shape().tensors(layout).into_iter();
        let mut tensors: Tensors = tensors
            .map(|tensor| {
                let bytes = tensor.data();
                (tensor.name, Stored { dtype: tensor.dtype, dims: tensor.dims, bytes })
            })
            .collect();
        change(&mut tensors);
        std::fs::write(folder.path().join("model.safetensors"), file(&tensors)).expect("a file");
        let checkpoint = Checkpoint::open(folder.path()).expect("a checkpoint");
        Model { _folder: folder, checkpoint }
    }

    /// The weight of `source`, or the scales of its codes, as everything in `stored` has it.
    fn weight(&self, source: Source, stored: Precision, is_scales: bool) -> Weight {
        let plain = Strategy::plain(if stored == Precision::F32 { ElementType::F32 } else { ElementType::Bf16 });
        let strategy = Strategy { experts: stored, dense: stored, ..plain };
        let mut weights = params::weights(self.checkpoint.config(), &Plan::host(strategy, 64)).into_iter();
        let is_wanted =
            |weight: &Weight| weight.source == source && matches!(weight.form, Form::Scales(_)) == is_scales;
        weights.find(is_wanted).unwrap_or_else(|| panic!("{source:?} in {stored}"))
    }

    fn fill(&self, source: Source, stored: Precision, is_scales: bool) -> Result<Vec<u8>, CheckpointError> {
        let weight = self.weight(source, stored, is_scales);
        // What stands there before must not show through.
        let mut out = vec![0xa5; weight.ty.host_bytes()];
        pack::fill(&self.checkpoint, &weight, &mut out)?;
        if let Some(mapped) = pack::mapped(&self.checkpoint, &weight) {
            assert!(mapped[..] == out, "{} is mapped otherwise", weight.name);
        }
        Ok(out)
    }

    /// Every value of `bytes` each is the expected one, bit for bit.
    fn check(&self, source: Source, stored: Precision, is_scales: bool, bytes: usize, name: &str) {
        let found = self.fill(source, stored, is_scales).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = expected(name);
        assert_eq!(found.len(), expected.len(), "{name}");
        let differing: Vec<usize> = (0..found.len() / bytes)
            .filter(|at| found[at * bytes..][..bytes] != expected[at * bytes..][..bytes])
            .collect();
        let first = differing.first().map(|at| (at, &found[at * bytes..][..bytes], &expected[at * bytes..][..bytes]));
        assert!(
            differing.is_empty(),
            "{name}: {} differ, the first at {first:02x?} (found, expected)",
            differing.len()
        );
    }

    /// Codes and scales of FP8 and INT8.
    fn check_codes(&self, source: Source, name: &str) {
        for stored in [Precision::Fp8, Precision::Int8] {
            self.check(source, stored, true, 4, &format!("{name}.{stored}.scales"));
            self.check(source, stored, false, 1, &format!("{name}.{stored}.codes"));
        }
    }

    /// Neither codes nor scales are made, and the error names tensor and place.
    fn check_refused(&self, source: Source, stored: Precision, said: &[&str]) {
        let is_scaled = stored.is_scaled();
        for is_scales in [false, true].into_iter().filter(|is_scales| is_scaled || !is_scales) {
            let error = self.fill(source, stored, is_scales).expect_err(said[0]).to_string();
            assert!(said.iter().all(|said| error.contains(said)), "{said:?} is not in: {error}");
        }
    }
}

const ORIGINAL: Layout = Layout::Original { shards: 1 };
const HUGGING_FACE: Layout = Layout::HuggingFace { shards: 1 };

fn put(tensors: &mut Tensors, name: &str, bytes: Vec<u8>) {
    let tensor = tensors.get_mut(name).unwrap_or_else(|| panic!("`{name}`"));
    assert_eq!(tensor.bytes.len(), bytes.len(), "{name}");
    tensor.bytes = bytes;
}

#[test]
fn every_bf16_stays_itself_and_widens_exactly() {
    for (layout, name) in [(ORIGINAL, "embedding.weight"), (HUGGING_FACE, "model.embed_tokens.weight")] {
        let model = Model::new(layout, |tensors| put(tensors, name, expected("every.bf16")));
        model.check(Source::Embedding, Precision::Bf16, false, 2, "every.bf16");
        model.check(Source::Embedding, Precision::F32, false, 4, "every.f32");
    }
    let model = Model::new(HUGGING_FACE, |tensors| {
        for (matrix, dims) in [("gate_up_proj", [4, 64, 256]), ("down_proj", [4, 128, 64])] {
            let name = format!("model.layers.0.mlp.experts.{matrix}");
            tensors.remove(&format!("{name}_blocks"));
            tensors.remove(&format!("{name}_scales"));
            let mut bytes = expected("transposed.stored");
            bytes.truncate(2 * dims.iter().product::<usize>());
            tensors.insert(name, Stored { dtype: "BF16", dims: dims.to_vec(), bytes });
        }
    });
    model.check(Source::GateUpWeight(0), Precision::Bf16, false, 2, "transposed.bf16");
    model.check(Source::GateUpWeight(0), Precision::F32, false, 4, "transposed.f32");
}

#[test]
fn rows_of_bf16_become_the_nearest_codes() {
    let model = Model::new(ORIGINAL, |tensors| {
        put(tensors, "embedding.weight", expected("dense.bf16"));
        put(tensors, "unembedding.weight", expected("dense.bf16"));
    });
    model.check_codes(Source::Embedding, "dense");
    model.check_codes(Source::Unembedding, "dense");
}

#[test]
fn what_is_no_number_has_no_code() {
    for (bits, place, at) in [
        (0x7f80u16, 0usize, "[0, 0]"),
        (0xff80, 64 + 63, "[1, 63]"),
        (0x7fc0, 2303 * 64 + 5, "[2303, 5]"),
        (0x7f81, 700 * 64 + 1, "[700, 1]"),
        (0xffff, 1024 * 64, "[1024, 0]"),
    ] {
        let model = Model::new(ORIGINAL, |tensors| {
            let bytes = &mut tensors.get_mut("unembedding.weight").expect("a tensor").bytes;
            bytes[2 * place..][..2].copy_from_slice(&bits.to_le_bytes());
        });
        for stored in [Precision::Fp8, Precision::Int8] {
            model.check_refused(Source::Unembedding, stored, &["`unembedding.weight`", "not a finite number", at]);
        }
        // As a value it is nobody's business here.
        let found = model.fill(Source::Unembedding, Precision::Bf16, false).expect("values");
        assert_eq!(found[2 * place..][..2], bits.to_ne_bytes());
    }
    // A weight of several tensors: it is named which.
    let model = Model::new(HUGGING_FACE, |tensors| {
        let bytes = &mut tensors.get_mut("model.layers.0.self_attn.k_proj.weight").expect("a tensor").bytes;
        bytes[2 * (3 * 64 + 7)..][..2].copy_from_slice(&0x7f80u16.to_le_bytes());
    });
    model.check_refused(Source::QkvWeight(0), Precision::Fp8, &["`model.layers.0.self_attn.k_proj.weight`", "[3, 7]"]);
}

/// Norms are f32 on the device; a checkpoint has them in f32 or bf16.
#[test]
fn vectors_are_exact_and_finite() {
    let edges =
        [0u32, 1 << 31, 1, 0x8000_0001, 0x007f_ffff, 0x0080_0000, 0x3f80_0001, 0x7f7f_ffff, 0xff7f_ffff, 0x3eaa_aaab];
    let norm: Vec<u32> = edges.into_iter().cycle().take(64).collect();
    let stored = |values: &[u32]| {
        let bytes = values.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        Stored { dtype: "F32", dims: vec![64], bytes }
    };
    let model = Model::new(ORIGINAL, |tensors| _ = tensors.insert("norm.scale".into(), stored(&norm)));
    for precision in [Precision::F32, Precision::Bf16] {
        let found = model.fill(Source::FinalNorm, precision, false).expect("a norm");
        assert_eq!(bytemuck::pod_collect_to_vec::<u8, u32>(&found), norm);
    }
    for bits in [0x7f80_0000u32, 0xff80_0000, 0x7fc0_0000, 0x7f80_0001] {
        let mut norm = norm.clone();
        norm[41] = bits;
        let model = Model::new(ORIGINAL, |tensors| _ = tensors.insert("norm.scale".into(), stored(&norm)));
        model.check_refused(Source::FinalNorm, Precision::F32, &["`norm.scale`", "[41]", "not a finite number"]);
    }
    let model = Model::new(ORIGINAL, |tensors| {
        let bytes = &mut tensors.get_mut("block.0.attn.sinks").expect("a tensor").bytes;
        bytes[2..4].copy_from_slice(&0xff80u16.to_le_bytes());
    });
    model.check_refused(Source::Sinks(0), Precision::Bf16, &["`block.0.attn.sinks`", "[1]", "not a finite number"]);
}

/// The checkpoint with these blocks and scales in the first product of its experts.
fn packed_experts(blocks: Vec<u8>, scales: Vec<u8>) -> Model {
    Model::new(ORIGINAL, |tensors| {
        put(tensors, "block.0.mlp.mlp1_weight.blocks", blocks);
        put(tensors, "block.0.mlp.mlp1_weight.scales", scales);
    })
}

#[test]
fn every_code_of_mxfp4_under_every_scale() {
    let model = packed_experts(expected("mxfp4.blocks"), expected("mxfp4.scales"));
    model.check(Source::GateUpWeight(0), Precision::F32, false, 4, "mxfp4.f32");
    model.check(Source::GateUpWeight(0), Precision::Bf16, false, 2, "mxfp4.bf16");
    // Numbers that f32 does not hold are infinite as values, and have no code: the scale that makes them so is named.
    for stored in [Precision::Fp8, Precision::Int8] {
        model.check_refused(
            Source::GateUpWeight(0),
            stored,
            &["`block.0.mlp.mlp1_weight.scales`", "not a finite number", "[0, 126, 1]"],
        );
    }
}

#[test]
fn rows_of_mxfp4_become_the_nearest_codes() {
    let model = packed_experts(expected("finite.blocks"), expected("finite.scales"));
    model.check_codes(Source::GateUpWeight(0), "finite");
}

#[test]
fn the_scale_for_nan_is_refused() {
    let mut scales = expected("finite.scales");
    // Expert 2, row 130, block 1.
    scales[(2 * 256 + 130) * 2 + 1] = 255;
    let model = packed_experts(expected("finite.blocks"), scales);
    for stored in [Precision::F32, Precision::Bf16, Precision::Fp8, Precision::Int8] {
        let said = ["`block.0.mlp.mlp1_weight.scales`", "scale 255", "[2, 130, 1]"];
        model.check_refused(Source::GateUpWeight(0), stored, &said);
    }
}

/// What a device reads of codes is what ml_dtypes reads, NaN included.
#[test]
fn codes_mean_to_the_device_what_they_mean() {
    for (element, count, name) in [(ElementType::F8E4M3FN, 256, "e4m3.f32"), (ElementType::F4E2M1FN, 16, "e2m1.f32")] {
        let b = Builder::new("decode");
        b.function("main", || vec![b.argument("codes", &TensorType::new(element, [count])).convert(ElementType::F32)]);
        let executable = device::compile(&device::client("cpu"), &b.finish().expect("a module"));
        let codes: Vec<u8> = (0..count).map(|code| code as u8).collect();
        let results = device::run(&executable, &[&codes]);
        let found: Vec<f32> = bytemuck::pod_collect_to_vec(&results[0].to_host().expect("a download"));
        let expected: Vec<f32> = bytemuck::pod_collect_to_vec(&expected(name));
        assert_eq!(found.len(), count);
        for (code, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
            assert!(same, "{element} {code:#04x} is {found}, expected {expected}");
        }
    }
}
