//! Packing: a weight in the form that the device wants, made from the checkpoint's bytes or the configuration.
//! What its rows are made of is `rows`, how they are told in codes `codes` and `recode`.

use rayon::prelude::*;

use super::arrangement::{Arrangement, Part, is_published};
use super::checkpoint::{Checkpoint, Tensor};
use super::codes;
use super::error::CheckpointError;
use super::layout::Recipe;
use super::loss::{Losses, Tally};
use super::map::MappedBytes;
use super::mxfp4;
use super::recode::{self, Recoder};
use super::rotary;
use super::rows::{Blocks, Element, Rows, unlike};
use crate::config::Config;
use crate::graph::params::{Form, Source, Weight, weights};
use crate::plan::{Plan, Precision};
use hlo::ElementType;

/// Values that one task converts: enough to be worth a task, few enough to share the work evenly and to stay in a cache.
pub(super) const TASK_VALUES: usize = 1 << 16;

/// Rows of a task at least: so many columns of bf16 make up a cache line.
const TASK_ROWS: usize = 32;

/// Writes `weight` to `out`, row-major in `weight.ty`; `out` has `weight.ty.host_bytes()` bytes and need not be aligned.
/// What [`Weight::source`] calls padding is zeros, of scale 1.
///
/// As values: f32 to bf16 rounds to nearest, ties to even; all other conversions are exact.
/// As FP8 or INT8: codes are nearest under the scale of their row, ties to even. FP8's scales are powers of two, so that a code is
/// exact wherever the row's exponents allow it.
/// As MXFP4: the checkpoint's own codes, a byte each, and its scales as bf16, exactly; as published, its own bytes. A release with unpacked experts is packed again
/// if that loses nothing.
///
/// Fails on an MXFP4 scale of 255, on a norm, bias or sink that is not finite and on any other value that is not, if it is to become a
/// code; matrices of values are not searched. Fails if the weight is to be in MXFP4 and its values are not.
pub fn fill(checkpoint: &Checkpoint, weight: &Weight, out: &mut [u8]) -> Result<(), CheckpointError> {
    if let Recipe::Computed = checkpoint.recipe(weight.source) {
        check_type(weight, out.len())?;
        return compute(checkpoint.config(), weight, out);
    }
    let packing = Packing::new(checkpoint, weight)?;
    check_type(weight, out.len())?;
    let (unit, width) = (packing.unit(), packing.arrangement().shape.width);
    let of_task = packing.task_rows();
    let tasks = out.par_chunks_mut(packing.bytes(of_task, width)).enumerate();
    let fill = |(at, out): (usize, &mut [u8])| {
        let rows = out.len() / packing.bytes(unit, width) * unit;
        let part = Part { rows: at * of_task..at * of_task + rows, columns: 0..width };
        packing.fill(&part, out, &mut Counter::new(weight))
    };
    // The error of the first rows that have one.
    tasks.map(fill).find_map_first(Result::err).map_or(Ok(()), Err)
}

/// A weight that the configuration alone tells: fails on any other.
pub fn compute(config: &Config, weight: &Weight, out: &mut [u8]) -> Result<(), CheckpointError> {
    let element = values_of(weight).filter(|_| weight.ty.dims.last() == Some(&(config.head_dim / 2)));
    let element = element.filter(|_| weight.source.is_computed());
    let element = element.ok_or_else(|| unlike(weight, "of the configuration"))?;
    rotary::fill(config, weight.source, element, out);
    Ok(())
}

/// The checkpoint's own bytes, where they are what `fill` would write: no copy, and the map lives as long as they do.
pub fn mapped(checkpoint: &Checkpoint, weight: &Weight) -> Option<MappedBytes> {
    let (rows, tensor) = as_wanted(checkpoint, weight)?;
    let sound = match values_of(weight) {
        Some(element) => !is_vector(weight.source) || rows.check_finite(element).is_ok(),
        // A scale for NaN is an error to whoever fills.
        None => matches!(weight.form, Form::Codes(_)) || !tensor.bytes.contains(&mxfp4::SCALE_NAN),
    };
    sound.then(|| tensor.mapped())
}

/// Bytes of the weights of `plan` that are made when they are loaded, since the checkpoint has them otherwise; and of all of them. Reads
/// no values.
pub fn made_bytes(checkpoint: &Checkpoint, plan: &Plan) -> (u64, u64) {
    let weights = weights(checkpoint.config(), plan);
    let stored = weights.iter().filter(|weight| !weight.source.is_computed());
    stored.fold((0, 0), |(made, all), weight| {
        let bytes = weight.ty.host_bytes() as u64;
        (made + if as_wanted(checkpoint, weight).is_none() { bytes } else { 0 }, all + bytes)
    })
}

/// The tensor that holds a weight as it is wanted, whatever its values are.
fn as_wanted<'a>(checkpoint: &'a Checkpoint, weight: &'a Weight) -> Option<(Rows<'a>, Tensor<'a>)> {
    if weight.source.is_computed() {
        return None;
    }
    let rows = Rows::new(checkpoint, weight, &checkpoint.recipe(weight.source)).ok()?;
    let tensor = rows.as_stored(weight.form)?;
    let is_same = match values_of(weight) {
        Some(element) => {
            let aligned = tensor.bytes.as_ptr().addr().is_multiple_of(element.bytes());
            tensor.ty.element == element.stored() && aligned && cfg!(target_endian = "little")
        }
        // The published bytes of MXFP4.
        None => is_published(weight),
    };
    is_same.then_some((rows, tensor))
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
        Form::Codes(Precision::Mxfp4) | Form::Scales(Precision::Mxfp4) if is_published(weight) => true,
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

/// A weight that is being made of the tensors of a checkpoint, any rows and columns of it at a time.
pub(super) struct Packing<'a> {
    weight: &'a Weight,
    rows: Rows<'a>,
}

/// What the codes of a weight lose, as far as it has been filled.
pub(super) struct Counter {
    recoder: Option<Recoder>,
    scaled: Tally,
    plain: Tally,
}

impl Counter {
    pub fn new(weight: &Weight) -> Counter {
        let recoder = match weight.form {
            Form::Codes(stored) if stored != Precision::Mxfp4 => Some(Recoder::new(stored)),
            _ => None,
        };
        Counter { recoder, scaled: Tally::default(), plain: Tally::default() }
    }

    /// `None` for what is no code, or a code that is exact always.
    pub fn losses(&self) -> Option<Losses> {
        let recoded = self.recoder.as_ref()?.losses();
        Some(recoded.with(&Losses { scaled: self.scaled.loss(), plain_cast: self.plain.loss() }))
    }
}

impl<'a> Packing<'a> {
    /// Fails if the weight is none of this checkpoint's, or is a vector that is not finite.
    pub fn new(checkpoint: &'a Checkpoint, weight: &'a Weight) -> Result<Packing<'a>, CheckpointError> {
        let rows = Rows::new(checkpoint, weight, &checkpoint.recipe(weight.source))?;
        if is_vector(weight.source) {
            rows.check_finite(values_of(weight).unwrap_or(Element::F32))?;
        }
        Ok(Packing { weight, rows })
    }

    pub fn arrangement(&self) -> &Arrangement {
        &self.rows.arrangement
    }

    /// Rows that can only be filled together: where the device wants outputs innermost, all rows of a matrix.
    pub fn unit(&self) -> usize {
        match self.weight.form {
            Form::Codes(Precision::Mxfp4) | Form::Scales(Precision::Mxfp4) if !is_published(self.weight) => {
                self.arrangement().shape.rows
            }
            _ => 1,
        }
    }

    /// Rows that are worth a task, in whole units.
    pub fn task_rows(&self) -> usize {
        let rows = (TASK_VALUES / self.arrangement().shape.width.max(1)).max(TASK_ROWS);
        rows.next_multiple_of(self.unit())
    }

    /// Host bytes of so many rows and columns.
    pub fn bytes(&self, rows: usize, columns: usize) -> usize {
        let element = self.weight.ty.element.host_bytes();
        rows * element
            * match self.weight.form {
                Form::Codes(Precision::Mxfp4) if is_published(self.weight) => columns / 2,
                Form::Values | Form::Codes(_) => columns,
                Form::Scales(Precision::Mxfp4) => columns / mxfp4::BLOCK,
                Form::Scales(_) => 1,
            }
    }

    /// Fills `out` with `part`, whose rows are whole units, row-major.
    pub fn fill(&self, part: &Part, out: &mut [u8], counter: &mut Counter) -> Result<(), CheckpointError> {
        debug_assert_eq!(out.len(), self.bytes(part.rows.len(), part.columns.len()), "{}", self.weight.name);
        match self.weight.form {
            Form::Values => self.values(part, out),
            Form::Codes(Precision::Mxfp4) if is_published(self.weight) => {
                self.published(part, mxfp4::BLOCK_BYTES, out, |block, out| block.write(out))
            }
            Form::Scales(Precision::Mxfp4) if is_published(self.weight) => {
                self.published(part, 1, out, |block, out| out[0] = block.scale)
            }
            Form::Codes(Precision::Mxfp4) => self.block_codes(part, out),
            Form::Scales(Precision::Mxfp4) => self.block_scales(part, out),
            Form::Codes(stored) => self.row_codes(stored, part, out, counter),
            Form::Scales(stored) => self.row_scales(stored, part, out),
        }
    }

    fn values(&self, part: &Part, out: &mut [u8]) -> Result<(), CheckpointError> {
        let element = values_of(self.weight).unwrap_or(Element::F32);
        if part.columns.len() == self.arrangement().shape.width {
            return self.rows.read(part.rows.start, element, out);
        }
        let mut whole = vec![0; self.arrangement().shape.width * element.bytes()];
        let columns = part.columns.start * element.bytes()..part.columns.end * element.bytes();
        for (row, out) in part.rows.clone().zip(out.chunks_exact_mut(columns.len())) {
            self.rows.read(row, element, &mut whole)?;
            out.copy_from_slice(&whole[columns.clone()]);
        }
        Ok(())
    }

    /// A byte a value.
    fn row_codes(
        &self,
        stored: Precision,
        part: &Part,
        out: &mut [u8],
        counter: &mut Counter,
    ) -> Result<(), CheckpointError> {
        let mut values = Vec::new();
        let all = part.columns.len() == self.arrangement().shape.width;
        for (row, out) in part.rows.clone().zip(out.chunks_exact_mut(part.columns.len())) {
            if let Some(blocks) = self.rows.blocks(row)?.filter(|_| all)
                && let Some(recoder) = &mut counter.recoder
                && let largest = recode::largest(blocks.codes, blocks.scales)
                && largest.is_finite()
            {
                let (out, padding) = out.split_at_mut(blocks.scales.len() * mxfp4::BLOCK);
                recoder.row(blocks.codes, blocks.scales, codes::scale_for(stored, largest), out);
                padding.fill(0);
                continue;
            }
            let scale = self.numbers(stored, row, &mut values)?;
            let values = &values[part.columns.clone()];
            codes::encode(stored, values, scale, out);
            for (value, code) in values.iter().zip(out) {
                let (value, plain) = (f64::from(*value), codes::code(stored, *value));
                counter.scaled.add(value, codes::value_of(stored, *code) * f64::from(scale), f64::INFINITY, 1);
                counter.plain.add(value, codes::value_of(stored, plain), stored.largest_code(), 1);
            }
        }
        Ok(())
    }

    /// An f32 a row.
    fn row_scales(&self, stored: Precision, part: &Part, out: &mut [u8]) -> Result<(), CheckpointError> {
        let mut values = Vec::new();
        for (row, out) in part.rows.clone().zip(out.as_chunks_mut().0) {
            let scale = match self.rows.blocks(row)?.map(|Blocks { codes, scales }| recode::largest(codes, scales)) {
                Some(largest) if largest.is_finite() => codes::scale_for(stored, largest),
                _ => self.numbers(stored, row, &mut values)?,
            };
            *out = scale.to_ne_bytes();
        }
        Ok(())
    }

    /// Reads all of a row to `values` and gives its scale.
    fn numbers(&self, stored: Precision, row: usize, values: &mut Vec<f32>) -> Result<f32, CheckpointError> {
        values.resize(self.arrangement().shape.width, 0.0);
        self.rows.read(row, Element::F32, bytemuck::cast_slice_mut(values))?;
        codes::scale(stored, values).map_err(|column| self.rows.not_finite(row, column))
    }

    /// `[p, e, o, b, …]`, `bytes` of them a block.
    fn published(
        &self,
        part: &Part,
        bytes: usize,
        out: &mut [u8],
        write: impl Fn(&mxfp4::Block, &mut [u8]),
    ) -> Result<(), CheckpointError> {
        let blocks = part.columns.len() / mxfp4::BLOCK;
        for (row, out) in part.rows.clone().zip(out.chunks_exact_mut(blocks * bytes)) {
            if let Some(found) = self.rows.blocks(row)?.filter(|found| found.scales.len() == blocks) {
                let stored = if bytes == 1 { found.scales } else { found.codes.as_flattened() };
                out.copy_from_slice(stored);
                continue;
            }
            for (block, out) in out.chunks_exact_mut(bytes).enumerate() {
                write(&self.rows.block(row, block)?, out);
            }
        }
        Ok(())
    }

    /// `[p, e, b, 32, o]`, a byte a code.
    fn block_codes(&self, part: &Part, out: &mut [u8]) -> Result<(), CheckpointError> {
        let outputs = self.unit();
        self.by_blocks(part, mxfp4::BLOCK, out, |output, block, out| {
            for (code, out) in block.codes.iter().zip(out.chunks_exact_mut(outputs)) {
                out[output] = *code;
            }
        })
    }

    /// `[p, e·b, o]` in bf16.
    fn block_scales(&self, part: &Part, out: &mut [u8]) -> Result<(), CheckpointError> {
        self.by_blocks(part, 2, out, |output, block, out| {
            out.as_chunks_mut().0[output] = block.scale_bits().to_ne_bytes();
        })
    }

    /// Fills the matrices of `part` in `out`, where a block of an input takes `bytes` for each of the outputs: `write` gets an output, its
    /// block and the bytes of that block of all outputs of the matrix.
    fn by_blocks(
        &self,
        part: &Part,
        bytes: usize,
        out: &mut [u8],
        write: impl Fn(usize, mxfp4::Block, &mut [u8]),
    ) -> Result<(), CheckpointError> {
        let (outputs, blocks) = (self.unit(), part.columns.len() / mxfp4::BLOCK);
        let matrices = out.chunks_exact_mut(blocks * bytes * outputs);
        for (first, out) in part.rows.clone().step_by(outputs).zip(matrices) {
            let rows = first..first + outputs;
            let stored: Vec<Option<Blocks<'_>>> = rows.map(|row| self.rows.blocks(row)).collect::<Result<_, _>>()?;
            for (block, out) in out.chunks_exact_mut(bytes * outputs).enumerate() {
                for (output, stored) in stored.iter().enumerate() {
                    let found = match stored {
                        Some(found) => found.block(block),
                        None => self.rows.block(first + output, block)?,
                    };
                    write(output, found, out);
                }
            }
        }
        Ok(())
    }
}
