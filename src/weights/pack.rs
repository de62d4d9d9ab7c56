//! Packing: a weight in the form that the device wants, made from the checkpoint's bytes or the configuration.
//! What its rows are made of is `rows`, how they are told in codes `codes`.

use rayon::prelude::*;

use super::checkpoint::Checkpoint;
use super::codes;
use super::error::CheckpointError;
use super::layout::Recipe;
use super::map::MappedBytes;
use super::mxfp4;
use super::rotary;
use super::rows::{Element, Rows, unlike};
use crate::graph::params::{Form, Source, Weight};
use crate::plan::Precision;
use hlo::ElementType;

/// Values that one task converts: enough to be worth a task, few enough to share the work evenly and to stay in a cache.
const TASK_VALUES: usize = 1 << 16;

/// Rows of a task at least: so many columns of bf16 make up a cache line.
const TASK_ROWS: usize = 32;

/// Writes `weight` to `out`, row-major in `weight.ty`; `out` has `weight.ty.host_bytes()` bytes and need not be aligned.
/// What [`Weight::source`] calls padding is zeros, of scale 1.
///
/// As values: f32 to bf16 rounds to nearest, ties to even; all other conversions are exact.
/// As FP8 or INT8: codes are nearest under the scale of their row, ties to even. FP8's scales are powers of two, so that a code is
/// exact wherever the row's exponents allow it.
/// As MXFP4: the checkpoint's own codes, a byte each, and its scales as bf16, exactly. A release with unpacked experts is packed again
/// if that loses nothing.
///
/// Fails on an MXFP4 scale of 255, on a norm, bias or sink that is not finite and on any other value that is not, if it is to become a
/// code; matrices of values are not searched. Fails if the weight is to be in MXFP4 and its values are not.
pub fn fill(checkpoint: &Checkpoint, weight: &Weight, out: &mut [u8]) -> Result<(), CheckpointError> {
    let recipe = checkpoint.recipe(weight.source);
    check_type(weight, out.len())?;
    if let Recipe::Computed = recipe {
        let element = values_of(weight).filter(|_| weight.ty.dims.last() == Some(&(checkpoint.config().head_dim / 2)));
        let element = element.ok_or_else(|| unlike(weight, "of the configuration"))?;
        rotary::fill(checkpoint.config(), weight.source, element, out);
        return Ok(());
    }
    let rows = Rows::new(checkpoint, weight, &recipe)?;
    match weight.form {
        Form::Values => values(&rows, weight, out),
        Form::Codes(Precision::Mxfp4) => block_codes(&rows, out),
        Form::Scales(Precision::Mxfp4) => block_scales(&rows, out),
        Form::Codes(stored) => row_codes(&rows, stored, out),
        Form::Scales(stored) => row_scales(&rows, stored, out),
    }
}

/// The checkpoint's own bytes, where they are what `fill` would write: no copy, and the map lives as long as they do.
pub fn mapped(checkpoint: &Checkpoint, weight: &Weight) -> Option<MappedBytes> {
    let element = values_of(weight)?;
    let recipe = checkpoint.recipe(weight.source);
    if let Recipe::Computed = recipe {
        return None;
    }
    let rows = Rows::new(checkpoint, weight, &recipe).ok()?;
    let tensor = rows.as_stored()?;
    let same = tensor.ty.element == element.stored() && cfg!(target_endian = "little");
    let aligned = tensor.bytes.as_ptr().addr().is_multiple_of(element.bytes());
    let sound = !is_vector(weight.source) || rows.check_finite(element).is_ok();
    (same && aligned && sound).then(|| tensor.mapped())?
}

/// The element type of a weight that is values.
fn values_of(weight: &Weight) -> Option<Element> {
    match (weight.form, weight.ty.element) {
        (Form::Values, ElementType::Bf16) => Some(Element::Bf16),
        (Form::Values, ElementType::F32) => Some(Element::F32),
        _ => None,
    }
}

/// The type is one that the form has, and there are as many bytes as it takes.
fn check_type(weight: &Weight, out_bytes: usize) -> Result<(), CheckpointError> {
    let element = weight.ty.element;
    let fits = match weight.form {
        Form::Values => values_of(weight).is_some(),
        Form::Codes(stored) => stored.is_scaled() && stored.element() == element,
        Form::Scales(Precision::Mxfp4) => element == ElementType::Bf16,
        Form::Scales(stored) => stored.is_scaled() && element == ElementType::F32,
    };
    if fits && out_bytes == weight.ty.host_bytes() {
        return Ok(());
    }
    let asked = format!("{} in {out_bytes} bytes", weight.ty);
    let made = format!("as {:?} in {} bytes", weight.form, weight.ty.host_bytes());
    Err(CheckpointError::Weight { weight: weight.name.clone(), asked, made })
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

/// Fills `out`, in which a row takes `row_bytes`, by tasks of many rows; `task` gets the number of its first one. The error is that
/// of the first rows that have one.
fn by_rows(
    rows: &Rows<'_>,
    row_bytes: usize,
    out: &mut [u8],
    task: impl Fn(usize, &mut [u8]) -> Result<(), CheckpointError> + Sync,
) -> Result<(), CheckpointError> {
    let of_task = (TASK_VALUES / rows.shape.width.max(1)).max(TASK_ROWS);
    let tasks = out.par_chunks_mut(of_task * row_bytes).enumerate();
    tasks.map(|(at, out)| task(at * of_task, out)).find_map_first(Result::err).map_or(Ok(()), Err)
}

fn values(rows: &Rows<'_>, weight: &Weight, out: &mut [u8]) -> Result<(), CheckpointError> {
    let element = if weight.ty.element == ElementType::F32 { Element::F32 } else { Element::Bf16 };
    if is_vector(weight.source) {
        rows.check_finite(element)?;
    }
    by_rows(rows, rows.shape.width * element.bytes(), out, |first, out| rows.read(first, element, out))
}

/// A byte a value.
fn row_codes(rows: &Rows<'_>, stored: Precision, out: &mut [u8]) -> Result<(), CheckpointError> {
    let width = rows.shape.width;
    by_rows(rows, width, out, |first, out| {
        let mut values = vec![0f32; out.len()];
        rows.read(first, Element::F32, bytemuck::cast_slice_mut(&mut values))?;
        for (row, (values, out)) in (first..).zip(values.chunks_exact(width).zip(out.chunks_exact_mut(width))) {
            let scale = codes::scale(stored, values).map_err(|column| rows.not_finite(row, column))?;
            codes::encode(stored, values, scale, out);
        }
        Ok(())
    })
}

/// An f32 a row.
fn row_scales(rows: &Rows<'_>, stored: Precision, out: &mut [u8]) -> Result<(), CheckpointError> {
    let width = rows.shape.width;
    by_rows(rows, size_of::<f32>(), out, |first, out| {
        let out = out.as_chunks_mut().0;
        let mut values = vec![0f32; out.len() * width];
        rows.read(first, Element::F32, bytemuck::cast_slice_mut(&mut values))?;
        for (row, (values, out)) in (first..).zip(values.chunks_exact(width).zip(out)) {
            let scale = codes::scale(stored, values).map_err(|column| rows.not_finite(row, column))?;
            *out = scale.to_ne_bytes();
        }
        Ok(())
    })
}

/// `[p, e, b, 32, o]`, a byte a code.
fn block_codes(rows: &Rows<'_>, out: &mut [u8]) -> Result<(), CheckpointError> {
    let outputs = rows.shape.rows;
    by_blocks(rows, mxfp4::BLOCK, out, |first, row, block, out| {
        let found = rows.block(first + row, block)?;
        for (code, out) in found.codes.iter().zip(out.chunks_exact_mut(outputs)) {
            out[row] = *code;
        }
        Ok(())
    })
}

/// `[p, e·b, o]` in bf16.
fn block_scales(rows: &Rows<'_>, out: &mut [u8]) -> Result<(), CheckpointError> {
    by_blocks(rows, 2, out, |first, row, block, out| {
        out.as_chunks_mut().0[row] = rows.block(first + row, block)?.scale_bits().to_ne_bytes();
        Ok(())
    })
}

/// Fills `out`, in which a block of an input takes `bytes` for each of the outputs, by tasks of one block of all outputs. `take`
/// gets the first row of the matrix, an output, the block and the bytes of all outputs.
fn by_blocks(
    rows: &Rows<'_>,
    bytes: usize,
    out: &mut [u8],
    take: impl Fn(usize, usize, usize, &mut [u8]) -> Result<(), CheckpointError> + Sync,
) -> Result<(), CheckpointError> {
    let (outputs, blocks) = (rows.shape.rows, rows.shape.width / mxfp4::BLOCK);
    let tasks = out.par_chunks_exact_mut(bytes * outputs).enumerate();
    let done =
        tasks.map(|(at, out)| (0..outputs).try_for_each(|row| take(at / blocks * outputs, row, at % blocks, out)));
    done.find_map_first(Result::err).map_or(Ok(()), Err)
}
