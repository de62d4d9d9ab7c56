//! Packing: each weight of the programs made of the checkpoint's tensors, row-major, in the wanted type.

use half::bf16;
use rayon::prelude::*;
use safetensors::Dtype;

use crate::graph::params::{Source, Weight};
use crate::weights::checkpoint::{Checkpoint, CheckpointError, Found, Layout};
use crate::weights::map::MappedBytes;
use crate::weights::mxfp4::{self, Unpacked};
use hlo::ElementType;

/// Writes `weight` into `out`, which has `weight.ty.host_bytes()` bytes, aligned for its elements.
///
/// Fails on a scale that means not-a-number.
pub fn fill(checkpoint: &Checkpoint, weight: &Weight, out: &mut [u8]) -> Result<(), CheckpointError> {
    let wanted = weight.ty.host_bytes();
    let room = CheckpointError::Room { weight: weight.name.clone(), wanted, found: out.len() };
    if out.len() != wanted {
        return Err(room);
    }
    match weight.ty.element {
        ElementType::F32 => fill_as::<f32>(checkpoint, weight, bytemuck::try_cast_slice_mut(out).map_err(|_| room)?),
        ElementType::Bf16 => fill_as::<bf16>(checkpoint, weight, bytemuck::try_cast_slice_mut(out).map_err(|_| room)?),
        _ => Err(room),
    }
}

/// The checkpoint's own bytes, where they are what `weight` wants: the same type, in the same order.
pub fn mapped(checkpoint: &Checkpoint, weight: &Weight) -> Option<MappedBytes> {
    let names = names(checkpoint.layout(), weight.source);
    let ([name], None) = (names.dense.as_slice(), names.experts) else { return None };
    let found = checkpoint.tensor(name);
    let same =
        matches!((found.dtype, weight.ty.element), (Dtype::BF16, ElementType::Bf16) | (Dtype::F32, ElementType::F32));
    let ordered = !matches!(weight.source, Source::GateUpBias(_));
    (same && ordered).then(|| found.bytes.clone())
}

/// Which tensors a weight is made of: dense ones whose rows follow each other, or an expert matrix.
struct Names {
    dense: Vec<String>,
    experts: Option<String>,
}

fn names(layout: Layout, source: Source) -> Names {
    let original = layout == Layout::Original;
    let block = |layer: usize, published: &str, hugging_face: &str| {
        if original { format!("block.{layer}.{published}") } else { format!("model.layers.{layer}.{hugging_face}") }
    };
    let one = |name: String| Names { dense: vec![name], experts: None };
    let outer = |published: &str, hugging_face: &str| one(if original { published } else { hugging_face }.to_owned());
    let qkv = |layer: usize, what: &str| {
        if original {
            return one(format!("block.{layer}.attn.qkv.{what}"));
        }
        let dense = ["q", "k", "v"].map(|part| format!("model.layers.{layer}.self_attn.{part}_proj.{what}"));
        Names { dense: dense.to_vec(), experts: None }
    };
    let experts = |name: String| Names { dense: Vec::new(), experts: Some(name) };
    match source {
        Source::Embedding => outer("embedding.weight", "model.embed_tokens.weight"),
        Source::FinalNorm => outer("norm.scale", "model.norm.weight"),
        Source::Unembedding => outer("unembedding.weight", "lm_head.weight"),
        Source::AttentionNorm(n) => one(block(n, "attn.norm.scale", "input_layernorm.weight")),
        Source::QkvWeight(n) => qkv(n, "weight"),
        Source::QkvBias(n) => qkv(n, "bias"),
        Source::Sinks(n) => one(block(n, "attn.sinks", "self_attn.sinks")),
        Source::OutWeight(n) => one(block(n, "attn.out.weight", "self_attn.o_proj.weight")),
        Source::OutBias(n) => one(block(n, "attn.out.bias", "self_attn.o_proj.bias")),
        Source::MoeNorm(n) => one(block(n, "mlp.norm.scale", "post_attention_layernorm.weight")),
        Source::RouterWeight(n) => one(block(n, "mlp.gate.weight", "mlp.router.weight")),
        Source::RouterBias(n) => one(block(n, "mlp.gate.bias", "mlp.router.bias")),
        Source::GateUpBias(n) => one(block(n, "mlp.mlp1_bias", "mlp.experts.gate_up_proj_bias")),
        Source::DownBias(n) => one(block(n, "mlp.mlp2_bias", "mlp.experts.down_proj_bias")),
        Source::GateUpWeight(n) => experts(block(n, "mlp.mlp1_weight", "mlp.experts.gate_up_proj")),
        Source::DownWeight(n) => experts(block(n, "mlp.mlp2_weight", "mlp.experts.down_proj")),
        Source::RopeCos | Source::RopeSin => Names { dense: Vec::new(), experts: None },
    }
}

fn fill_as<T: Unpacked + Send + Sync>(
    checkpoint: &Checkpoint,
    weight: &Weight,
    out: &mut [T],
) -> Result<(), CheckpointError> {
    let names = names(checkpoint.layout(), weight.source);
    if let Some(name) = names.experts {
        let interleaved = matches!(weight.source, Source::GateUpWeight(_));
        return fill_experts(checkpoint, &name, weight, interleaved, out);
    }
    match weight.source {
        Source::RopeCos => rope(checkpoint, out, f64::cos),
        Source::RopeSin => rope(checkpoint, out, f64::sin),
        Source::GateUpBias(_) => {
            let mut flat = vec![T::from_f32(0.0); out.len()];
            convert(checkpoint.tensor(&names.dense[0]), &mut flat);
            let f = weight.ty.dims[2];
            for (from, to) in flat.chunks(2 * f).zip(out.chunks_mut(2 * f)) {
                for channel in 0..f {
                    to[channel] = from[2 * channel];
                    to[f + channel] = from[2 * channel + 1];
                }
            }
        }
        _ => {
            let mut rest = out;
            for name in &names.dense {
                let found = checkpoint.tensor(name);
                let (own, later) = rest.split_at_mut(found.shape.iter().product());
                convert(found, own);
                rest = later;
            }
        }
    }
    Ok(())
}

/// Angles as the published program computes them: position times frequency in f32, and the table in f32.
fn rope<T: Unpacked>(checkpoint: &Checkpoint, out: &mut [T], function: fn(f64) -> f64) {
    let config = checkpoint.config();
    let frequencies = config.rope.inverse_frequencies(config.head_dim);
    let concentration = config.rope.concentration() as f32;
    for (position, row) in out.chunks_mut(frequencies.len()).enumerate() {
        for (value, frequency) in row.iter_mut().zip(&frequencies) {
            let angle = position as f32 * frequency;
            *value = T::from_f32(function(f64::from(angle)) as f32 * concentration);
        }
    }
}

/// Copies a bf16 or f32 tensor, converting.
fn convert<T: Unpacked + Send + Sync>(found: &Found, out: &mut [T]) {
    const PIECE: usize = 1 << 16;
    let size = if found.dtype == Dtype::F32 { 4 } else { 2 };
    out.par_chunks_mut(PIECE).zip(found.bytes.par_chunks(PIECE * size)).for_each(|(out, bytes)| {
        for (value, raw) in out.iter_mut().zip(bytes.chunks_exact(size)) {
            *value = T::from_f32(match *raw {
                [a, b] => bf16::from_le_bytes([a, b]).to_f32(),
                [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
                _ => unreachable!("a chunk has two bytes or four"),
            });
        }
    });
}

/// Unpacks an expert matrix `[e, rows, columns]`, row by row; `interleaved` rows are set apart, the even ones first.
fn fill_experts<T: Unpacked + Send + Sync>(
    checkpoint: &Checkpoint,
    name: &str,
    weight: &Weight,
    interleaved: bool,
    out: &mut [T],
) -> Result<(), CheckpointError> {
    let dims = &weight.ty.dims;
    let columns = dims[dims.len() - 1];
    let rows = dims[1..dims.len() - 1].iter().product::<usize>();
    // Row `row` of the result is this row of the checkpoint's matrix.
    let place = |row: usize| match interleaved {
        true => (row % (rows / 2)) * 2 + row / (rows / 2),
        false => row,
    };
    if checkpoint.layout() == Layout::HuggingFaceBf16 {
        let found = checkpoint.tensor(name);
        let mut dense = vec![T::from_f32(0.0); out.len()];
        convert(found, &mut dense);
        out.par_chunks_mut(columns).enumerate().for_each(|(index, out)| {
            let (expert, row) = (index / rows, place(index % rows));
            let matrix = &dense[expert * rows * columns..][..rows * columns];
            out.iter_mut().enumerate().for_each(|(column, value)| *value = matrix[column * rows + row]);
        });
        return Ok(());
    }
    let separator = if checkpoint.layout() == Layout::Original { '.' } else { '_' };
    let scales_name = format!("{name}{separator}scales");
    let (blocks, scales) = (checkpoint.tensor(&format!("{name}{separator}blocks")), checkpoint.tensor(&scales_name));
    let groups = columns / 32;
    out.par_chunks_mut(columns).enumerate().try_for_each(|(index, out)| {
        let row = index / rows * rows + place(index % rows);
        let (blocks, scales) =
            (&blocks.bytes[row * groups * 16..][..groups * 16], &scales.bytes[row * groups..][..groups]);
        mxfp4::unpack(blocks, scales, out).map_err(|block| CheckpointError::NanScale {
            tensor: scales_name.clone(),
            block: row * groups + block,
            file: checkpoint.file_of(&scales_name),
        })
    })
}
