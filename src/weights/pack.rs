//! Packing: a weight in the layout and type that the device wants, made from the checkpoint's bytes or the configuration.

use half::bf16;
use rayon::prelude::*;
use safetensors::Dtype;

use super::checkpoint::{Checkpoint, Tensor};
use super::error::CheckpointError;
use super::layout::{Recipe, Wanted};
use super::map::MappedBytes;
use super::mxfp4;
use crate::config::Config;
use crate::graph::params::{Source, Weight};
use hlo::ElementType;

/// Values that one task converts: enough to be worth a task, few enough to share the work evenly.
const TASK_VALUES: usize = 1 << 16;

/// Writes `weight` to `out`, row-major in `weight.ty`, which is bf16 or f32; `out` has `weight.ty.host_bytes()` bytes and
/// need not be aligned.
///
/// Fails on an MXFP4 scale of 255 and on a norm, bias or sink that is not finite; matrices are not searched.
/// f32 to bf16 rounds to nearest, ties to even; all other conversions are exact.
pub fn fill(checkpoint: &Checkpoint, weight: &Weight, out: &mut [u8]) -> Result<(), CheckpointError> {
    let recipe = checkpoint.recipe(weight.source);
    let element = element_of(checkpoint.config(), weight, &recipe, out.len())?;
    let order = RowOrder::of(checkpoint.config(), weight.source);
    match &recipe {
        Recipe::Stacked(parts) => match order {
            RowOrder::AsStored => stack(checkpoint, weight, parts, element, out),
            RowOrder::GatesThenUps { .. } | RowOrder::ByKvHead { .. } => {
                let mut as_stored = vec![0; out.len()];
                stack(checkpoint, weight, parts, element, &mut as_stored)?;
                let row_bytes = out.len() / order.rows(&weight.ty.dims);
                out.par_chunks_exact_mut(row_bytes).enumerate().for_each(|(row, out)| {
                    out.copy_from_slice(&as_stored[order.stored(row) * row_bytes..][..row_bytes]);
                });
                Ok(())
            }
        },
        Recipe::Mxfp4 { blocks, scales } => {
            unpack(find(checkpoint, weight, blocks)?, find(checkpoint, weight, scales)?, order, element, out)
        }
        Recipe::Transposed(wanted) => {
            transpose(find(checkpoint, weight, wanted)?, order, element, out);
            Ok(())
        }
        Recipe::Computed => {
            rotary_table(checkpoint.config(), weight.source, element, out);
            Ok(())
        }
    }
}

/// The checkpoint's own bytes, where they are what `fill` would write: no copy, and the map lives as long as they do.
pub fn mapped(checkpoint: &Checkpoint, weight: &Weight) -> Option<MappedBytes> {
    let recipe = checkpoint.recipe(weight.source);
    let element = element_of(checkpoint.config(), weight, &recipe, weight.ty.host_bytes()).ok()?;
    let (Recipe::Stacked(parts), RowOrder::AsStored) = (recipe, RowOrder::of(checkpoint.config(), weight.source))
    else {
        return None;
    };
    let [part] = &parts[..] else { return None };
    let tensor = checkpoint.tensor(&part.name)?;
    let same = tensor.ty.element == element.stored() && cfg!(target_endian = "little");
    let aligned = tensor.bytes.as_ptr().addr().is_multiple_of(element.bytes());
    let sound = !is_vector(weight.source) || check_finite(tensor, element, tensor.bytes).is_ok();
    (same && aligned && sound).then(|| tensor.mapped())?
}

/// The two element types that weights have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Bf16,
    F32,
}

impl Element {
    fn bytes(self) -> usize {
        match self {
            Element::Bf16 => 2,
            Element::F32 => 4,
        }
    }

    fn stored(self) -> Dtype {
        match self {
            Element::Bf16 => Dtype::BF16,
            Element::F32 => Dtype::F32,
        }
    }
}

/// The weight's element type, once its shape and `out_bytes` are known to be those that the recipe makes.
fn element_of(config: &Config, weight: &Weight, recipe: &Recipe, out_bytes: usize) -> Result<Element, CheckpointError> {
    let values = |wanted: &Wanted| wanted.dims.iter().product::<usize>();
    let dims = &weight.ty.dims;
    let last = dims.last().copied().unwrap_or(1);
    let (made, fits) = match recipe {
        Recipe::Stacked(parts) => {
            let made: usize = parts.iter().map(values).sum();
            (format!("of {made} values"), weight.ty.count() == made)
        }
        Recipe::Mxfp4 { blocks, scales } => {
            let (made, width) = (2 * values(blocks), scales.dims[2] * mxfp4::BLOCK);
            (format!("of {made} values in rows of {width}"), weight.ty.count() == made && last == width)
        }
        Recipe::Transposed(wanted) => {
            let (made, width) = (values(wanted), wanted.dims[1]);
            (format!("of {made} values in rows of {width}"), weight.ty.count() == made && last == width)
        }
        Recipe::Computed => {
            let width = config.head_dim / 2;
            (format!("of rows of {width}"), dims.len() == 2 && last == width)
        }
    };
    let element = match weight.ty.element {
        ElementType::Bf16 => Some(Element::Bf16),
        ElementType::F32 => Some(Element::F32),
        _ => None,
    };
    element.filter(|_| fits && out_bytes == weight.ty.host_bytes()).ok_or_else(|| CheckpointError::Weight {
        weight: weight.name.clone(),
        asked: format!("{} in {out_bytes} bytes", weight.ty),
        made: format!("bf16 or f32 {made}"),
    })
}

/// Which row of the checkpoint a row of the weight is.
#[derive(Clone, Copy)]
enum RowOrder {
    AsStored,
    /// Each expert's `width` gates, then its `width` ups, where the checkpoint has them by turns.
    GatesThenUps {
        width: usize,
    },
    /// For each of `groups` kv heads the rows of its `queries` query heads, then its key's and its value's, `width` rows a head, where the
    /// checkpoint has all queries, then all keys, then all values.
    ByKvHead {
        groups: usize,
        queries: usize,
        width: usize,
    },
}

impl RowOrder {
    fn of(config: &Config, source: Source) -> RowOrder {
        match source {
            Source::GateUpWeight(_) | Source::GateUpBias(_) => RowOrder::GatesThenUps { width: config.expert_width },
            Source::QkvWeight(_) | Source::QkvBias(_) => RowOrder::ByKvHead {
                groups: config.kv_heads,
                queries: config.query_heads_per_kv_head(),
                width: config.head_dim,
            },
            _ => RowOrder::AsStored,
        }
    }

    /// Rows of a weight of these dims; a bias is a row of one value each.
    fn rows(self, dims: &[usize]) -> usize {
        match self {
            RowOrder::AsStored | RowOrder::GatesThenUps { .. } => dims.iter().product(),
            RowOrder::ByKvHead { .. } => dims[0],
        }
    }

    fn stored(self, row: usize) -> usize {
        match self {
            RowOrder::AsStored => row,
            RowOrder::GatesThenUps { width } => {
                let (expert, half, channel) = (row / (2 * width), row / width % 2, row % width);
                (expert * width + channel) * 2 + half
            }
            RowOrder::ByKvHead { groups, queries, width } => {
                let (group, head, channel) = (row / width / (queries + 2), row / width % (queries + 2), row % width);
                let head = match head.checked_sub(queries) {
                    None => group * queries + head,
                    Some(of_keys_and_values) => groups * (queries + of_keys_and_values) + group,
                };
                head * width + channel
            }
        }
    }
}

/// Whether a source is a norm, a bias or the sinks: small, and fatal to every token if not finite.
fn is_vector(source: Source) -> bool {
    use Source::*;
    matches!(
        source,
        AttentionNorm(_)
            | QkvBias(_)
            | Sinks(_)
            | OutBias(_)
            | MoeNorm(_)
            | RouterBias(_)
            | GateUpBias(_)
            | DownBias(_)
    ) || source == FinalNorm
}

fn find<'a>(checkpoint: &'a Checkpoint, weight: &Weight, wanted: &Wanted) -> Result<Tensor<'a>, CheckpointError> {
    // Opening checked every tensor of the configuration, so only a weight of another model comes here in vain.
    checkpoint.tensor(&wanted.name).filter(|tensor| wanted.accepts(tensor.ty)).ok_or_else(|| CheckpointError::Weight {
        weight: weight.name.clone(),
        asked: weight.ty.to_string(),
        made: format!("of `{}`, which it does not have", wanted.name),
    })
}

fn stack(
    checkpoint: &Checkpoint,
    weight: &Weight,
    parts: &[Wanted],
    element: Element,
    out: &mut [u8],
) -> Result<(), CheckpointError> {
    let mut rest = out;
    for part in parts {
        let tensor = find(checkpoint, weight, part)?;
        let bytes = part.dims.iter().product::<usize>() * element.bytes();
        let (head, tail) = rest.split_at_mut(bytes);
        convert(tensor, element, head);
        if is_vector(weight.source) {
            check_finite(tensor, element, head)?;
        }
        rest = tail;
    }
    Ok(())
}

/// Converts a dense tensor of bf16 or f32, value by value.
fn convert(tensor: Tensor<'_>, element: Element, out: &mut [u8]) {
    let from = if tensor.ty.element == Dtype::F32 { Element::F32 } else { Element::Bf16 };
    let chunks = tensor.bytes.par_chunks(TASK_VALUES * from.bytes());
    chunks.zip(out.par_chunks_mut(TASK_VALUES * element.bytes())).for_each(|(stored, out)| match (from, element) {
        (Element::Bf16, Element::Bf16) => map::<2, 2>(stored, out, |value| u16::from_le_bytes(value).to_ne_bytes()),
        (Element::Bf16, Element::F32) => map::<2, 4>(stored, out, |value| widened(value).to_ne_bytes()),
        (Element::F32, Element::F32) => map::<4, 4>(stored, out, |value| u32::from_le_bytes(value).to_ne_bytes()),
        (Element::F32, Element::Bf16) => {
            map::<4, 2>(stored, out, |value| bf16::from_f32(f32::from_le_bytes(value)).to_ne_bytes());
        }
    });
}

fn map<const FROM: usize, const TO: usize>(stored: &[u8], out: &mut [u8], value: impl Fn([u8; FROM]) -> [u8; TO]) {
    for (stored, out) in stored.as_chunks::<FROM>().0.iter().zip(out.as_chunks_mut::<TO>().0) {
        *out = value(*stored);
    }
}

/// The f32 of a bf16 as files have it.
fn widened(value: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes(value)) << 16)
}

fn check_finite(tensor: Tensor<'_>, element: Element, values: &[u8]) -> Result<(), CheckpointError> {
    let unsound = match element {
        Element::Bf16 => {
            let mut values = values.as_chunks::<2>().0.iter().map(|value| bf16::from_ne_bytes(*value).to_f32());
            values.position(|value| !value.is_finite())
        }
        Element::F32 => values.as_chunks::<4>().0.iter().position(|value| !f32::from_ne_bytes(*value).is_finite()),
    };
    match unsound {
        None => Ok(()),
        Some(at) => Err(CheckpointError::NotFinite {
            tensor: tensor.name.to_owned(),
            at: coordinates(at, &tensor.ty.dims),
            file: tensor.file(),
        }),
    }
}

fn unpack(
    blocks: Tensor<'_>,
    scales: Tensor<'_>,
    order: RowOrder,
    element: Element,
    out: &mut [u8],
) -> Result<(), CheckpointError> {
    let groups = scales.ty.dims[2];
    let row_bytes = groups * mxfp4::BLOCK * element.bytes();
    let nan = out.par_chunks_exact_mut(row_bytes).enumerate().find_map_first(|(row, out)| {
        let row = order.stored(row);
        let scales = &scales.bytes[row * groups..][..groups];
        let blocks = &blocks.bytes[row * groups * mxfp4::BLOCK_BYTES..][..groups * mxfp4::BLOCK_BYTES];
        let unpacked = match element {
            Element::Bf16 => mxfp4::unpack_bf16(blocks, scales, out),
            Element::F32 => mxfp4::unpack_f32(blocks, scales, out),
        };
        unpacked.err().map(|nan| row * groups + nan.0)
    });
    match nan {
        None => Ok(()),
        Some(at) => Err(CheckpointError::NanScale {
            tensor: scales.name.to_owned(),
            at: coordinates(at, &scales.ty.dims),
            file: scales.file(),
        }),
    }
}

/// Fills rows from the columns of a stack of bf16 matrices `[e, width, rows]`.
fn transpose(tensor: Tensor<'_>, order: RowOrder, element: Element, out: &mut [u8]) {
    let [_, width, rows] = tensor.ty.dims[..] else { return };
    let values = tensor.bytes.as_chunks::<2>().0;
    // A tile of so many rows and columns reads whole cache lines and keeps them until every row has had its part.
    const ROWS: usize = 16;
    const COLUMNS: usize = 64;
    let expert_bytes = rows * width * element.bytes();
    out.par_chunks_exact_mut(expert_bytes).enumerate().for_each(|(expert, out)| {
        let matrix = &values[expert * rows * width..][..rows * width];
        out.par_chunks_mut(ROWS * width * element.bytes()).enumerate().for_each(|(tile, out)| {
            for start in (0..width).step_by(COLUMNS) {
                let columns = start..(start + COLUMNS).min(width);
                for (row, out) in out.chunks_exact_mut(width * element.bytes()).enumerate() {
                    let stored = order.stored(tile * ROWS + row);
                    for column in columns.clone() {
                        let value = matrix[column * rows + stored];
                        match element {
                            Element::Bf16 => {
                                out.as_chunks_mut::<2>().0[column] = u16::from_le_bytes(value).to_ne_bytes()
                            }
                            Element::F32 => out.as_chunks_mut::<4>().0[column] = widened(value).to_ne_bytes(),
                        }
                    }
                }
            }
        });
    });
}

/// Cosines or sines of every position's angles, times the concentration.
///
/// The angle is rounded to f32 before the cosine is taken, and the cosine before it is multiplied: the published
/// implementation does so, and at position 5000 an exact angle would differ by 2e-3 in the logits.
fn rotary_table(config: &Config, source: Source, element: Element, out: &mut [u8]) {
    let frequencies = config.rope.inverse_frequencies(config.head_dim);
    let concentration = config.rope.concentration();
    out.par_chunks_exact_mut(frequencies.len() * element.bytes()).enumerate().for_each(|(position, out)| {
        for (frequency, out) in frequencies.iter().zip(out.chunks_exact_mut(element.bytes())) {
            let angle = f64::from(position as f32 * frequency);
            let turned = if source == Source::RopeCos { angle.cos() } else { angle.sin() };
            let value = turned as f32 * concentration;
            match element {
                Element::Bf16 => out.copy_from_slice(&bf16::from_f32(value).to_ne_bytes()),
                Element::F32 => out.copy_from_slice(&value.to_ne_bytes()),
            }
        }
    });
}

/// The place of a row-major value on every axis.
fn coordinates(mut at: usize, dims: &[usize]) -> Vec<usize> {
    let mut place = vec![0; dims.len()];
    for (place, dim) in place.iter_mut().zip(dims).rev() {
        (*place, at) = (at % dim, at / dim);
    }
    place
}
