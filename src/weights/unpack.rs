//! Unpacking: the published tensors again, from a packed file. The way back through `arrangement`, for what is packed exactly.

use std::ops::Range;
use std::path::Path;

use half::bf16;
use hlo::ElementType;
use rayon::prelude::*;
use safetensors::Dtype;

use super::arrangement::{Arrangement, Part};
use super::header::StoredType;
use super::layout::{Layout, Recipe, Wanted};
use super::map::MappedBytes;
use super::mxfp4::{BLOCK, BLOCK_BYTES, Block};
use super::packed::{Fitted, Packed, PackedError, Slot};
use super::published::{self, Published, Unpacked};
use crate::config::Config;
use crate::graph::params::{Form, weights};
use crate::plan::{Plan, Precision};
use crate::progress::Progress;

/// Bytes that are made at a time, by all threads together.
const PIECE_BYTES: usize = 16 << 20;

/// Rows that one thread makes at a time. Where they are columns of what is packed, so many share its cache lines.
const TASK_ROWS: usize = 32;

/// Writes the packed weights as a checkpoint into `folder`: `config.json` and `model.safetensors`, of which it must hold neither, or a
/// checkpoint of Orbax with `config.json`, beside which it must hold nothing. Every tensor has the bytes that it was packed from; experts that were packed as values become MXFP4 again under
/// the published names, with the same values, and bf16 under Hugging Face's.
///
/// Fails if something is in codes that do not hold the published values, whether these codes lost anything or not.
pub fn unpack(
    packed: &Packed,
    layout: Published,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Unpacked, PackedError> {
    let plan = packed.plan()?;
    let inexact = [("the experts", plan.strategy.experts), ("attention, embedding and head", plan.strategy.dense)];
    if let Some((what, stored)) =
        inexact.into_iter().find(|(_, stored)| matches!(stored, Precision::Fp8 | Precision::Int8))
    {
        return Err(PackedError::Inexact { file: packed.file().to_owned(), what, stored });
    }
    let text = layout.config(packed.config(), packed.file())?;
    let fitted = packed.fitted(&plan)?;
    let tensors = tensors(&fitted, packed.config(), &plan, layout)?;
    layout.write(&text, tensors, folder, progress)
}

/// One tensor to be written, row by row.
struct Tensor<'a> {
    name: String,
    ty: StoredType,
    rows: usize,
    row_bytes: usize,
    /// Which row of the weight its first one is.
    first: usize,
    weight: Weight<'a>,
    content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Bf16,
    F32,
    Blocks,
    Scales,
    /// Row `r` of matrix `e` has value `r` of each of the rows of that matrix.
    Transposed {
        rows: usize,
        width: usize,
    },
}

/// A packed weight, codes and scales together.
#[derive(Clone)]
struct Weight<'a> {
    arrangement: Arrangement,
    codes: Packing<'a>,
    scales: Option<Packing<'a>>,
}

/// The bytes of one parameter.
#[derive(Clone)]
struct Packing<'a> {
    slot: &'a Slot,
    parts: Vec<(Part, MappedBytes)>,
    file: &'a Path,
}

/// The tensors of a layout, and which rows of which weights they are.
fn tensors<'a>(
    fitted: &'a Fitted<'a>,
    config: &Config,
    plan: &Plan,
    layout: Published,
) -> Result<Vec<Tensor<'a>>, PackedError> {
    let layout = match layout {
        Published::Original | Published::Orbax => Layout::Original,
        Published::HuggingFace => Layout::HuggingFace,
    };
    let as_values = plan.strategy.experts != Precision::Mxfp4;
    let mut tensors = Vec::new();
    for weight in weights(config, plan) {
        if weight.source.is_computed() || matches!(weight.form, Form::Scales(_)) {
            continue;
        }
        // A name without an ending is that of a release with unpacked experts.
        let recipe = layout.recipe(config, weight.source, |name| as_values && !name.ends_with("_blocks"));
        let values = recipe_values(&recipe);
        let arrangement = Arrangement::new(config, &weight, values).ok_or_else(|| PackedError::Division {
            weight: weight.name.clone(),
            problem: format!("{} is not what {values} values make", weight.ty),
        })?;
        let codes = Packing::of(fitted, &weight.name, &arrangement)?;
        let scales = weight.name.strip_suffix(".weight").filter(|_| weight.form != Form::Values);
        let scales = scales.map(|name| Packing::of(fitted, &format!("{name}.scales"), &arrangement)).transpose()?;
        let content = match codes.slot.weight.ty.element {
            ElementType::F32 if !codes.is_bf16() && accepts_f32(&recipe) => Content::F32,
            _ => Content::Bf16,
        };
        let whole = Weight { arrangement, codes, scales };
        let mut add = |wanted: &Wanted, content: Content, first: usize, row_values: usize| {
            let element = match content {
                Content::F32 => Dtype::F32,
                Content::Bf16 | Content::Transposed { .. } => Dtype::BF16,
                Content::Blocks | Content::Scales => Dtype::U8,
            };
            let ty = StoredType { element, dims: wanted.dims.clone() };
            let values: usize = wanted.dims.iter().product();
            tensors.push(Tensor {
                name: wanted.name.clone(),
                rows: values / row_values,
                row_bytes: row_values * element.bitsize() / 8,
                ty,
                first,
                weight: whole.clone(),
                content,
            });
            first + values / row_values
        };
        match &recipe {
            Recipe::Stacked(parts) => {
                // Rows of one value each where the weight has them so, as the biases of experts.
                let width = arrangement.stored_width();
                parts.iter().fold(0, |first, part| add(part, content, first, width));
            }
            Recipe::Mxfp4 { blocks, scales } => {
                let groups = scales.dims[2];
                add(blocks, Content::Blocks, 0, groups * BLOCK_BYTES);
                add(scales, Content::Scales, 0, groups);
            }
            Recipe::Transposed(dense) => {
                let (width, rows) = (dense.dims[1], dense.dims[2]);
                add(dense, Content::Transposed { rows, width }, 0, rows);
            }
            Recipe::Computed => {}
        }
    }
    Ok(tensors)
}

/// Values that the tensors of a recipe hold.
fn recipe_values(recipe: &Recipe) -> usize {
    let count = |wanted: &Wanted| wanted.dims.iter().product::<usize>();
    match recipe {
        Recipe::Stacked(parts) => parts.iter().map(count).sum(),
        Recipe::Mxfp4 { blocks, .. } => 2 * count(blocks),
        Recipe::Transposed(dense) => count(dense),
        Recipe::Computed => 0,
    }
}

fn accepts_f32(recipe: &Recipe) -> bool {
    recipe.tensors().iter().all(|wanted| wanted.elements.contains(&Dtype::F32))
}

impl published::Content for Tensor<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn ty(&self) -> &StoredType {
        &self.ty
    }

    fn tell(&self, take: &mut dyn FnMut(&[u8]) -> Result<(), PackedError>) -> Result<(), PackedError> {
        let mut piece = Vec::new();
        let rows = (PIECE_BYTES / self.row_bytes.max(1)).max(1).next_multiple_of(TASK_ROWS);
        for first in (0..self.rows).step_by(rows) {
            piece.resize(rows.min(self.rows - first) * self.row_bytes, 0);
            let made = piece.par_chunks_mut(TASK_ROWS * self.row_bytes).enumerate();
            let made = made.map(|(task, out)| self.fill(first + task * TASK_ROWS, out));
            made.find_map_first(Result::err).map_or(Ok(()), Err)?;
            take(&piece)?;
        }
        Ok(())
    }
}

impl Tensor<'_> {
    /// Writes the rows from number `first` on, as many as `out` takes, [`TASK_ROWS`] at most.
    fn fill(&self, first: usize, out: &mut [u8]) -> Result<(), PackedError> {
        if let Content::Transposed { rows, width } = self.content {
            return self.transpose(first / width * rows..(first / width + 1) * rows, first % width, out);
        }
        let mut values = vec![0f32; self.row_bytes * 8 / self.ty.element.bitsize()];
        for (stored, out) in (self.first + first..).zip(out.chunks_exact_mut(self.row_bytes)) {
            match self.content {
                Content::Blocks => {
                    self.weight.blocks(stored, |block, found| found.write(&mut out[block * BLOCK_BYTES..]))?
                }
                Content::Scales => self.weight.blocks(stored, |block, found| out[block] = found.scale)?,
                _ => {
                    self.weight.values(stored, 0, &mut values);
                    self.write(&values, out)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the columns from `first` on of the rows `stored` as rows.
    fn transpose(&self, stored: Range<usize>, first: usize, out: &mut [u8]) -> Result<(), PackedError> {
        let columns = out.len() / self.row_bytes;
        let mut values = vec![0f32; columns];
        for (own, stored) in stored.enumerate() {
            self.weight.values(stored, first, &mut values);
            for (value, out) in values.iter().zip(out.chunks_exact_mut(self.row_bytes)) {
                self.write(std::slice::from_ref(value), &mut out[2 * own..2 * own + 2])?;
            }
        }
        Ok(())
    }

    /// Writes values in the tensor's type, which has all of them.
    fn write(&self, values: &[f32], out: &mut [u8]) -> Result<(), PackedError> {
        if self.content == Content::F32 {
            out.as_chunks_mut().0.iter_mut().zip(values).for_each(|(out, value)| *out = value.to_le_bytes());
            return Ok(());
        }
        for (value, out) in values.iter().zip(out.as_chunks_mut::<2>().0) {
            let bits = value.to_bits();
            if bits & 0xffff != 0 {
                let (tensor, file) = (self.name.clone(), self.weight.codes.file.to_owned());
                return Err(PackedError::NotBf16 { tensor, value: *value, file });
            }
            *out = ((bits >> 16) as u16).to_le_bytes();
        }
        Ok(())
    }
}

impl Weight<'_> {
    /// The values of a row of the checkpoint from column `first` on.
    fn values(&self, stored: usize, first: usize, out: &mut [f32]) {
        for (row, columns) in self.arrangement.packed(stored) {
            let wanted = columns.start.max(first)..columns.end.min(first + out.len());
            if !wanted.is_empty() {
                self.codes.numbers(
                    row,
                    wanted.start - columns.start,
                    &mut out[wanted.start - first..wanted.end - first],
                );
            }
        }
    }

    /// The blocks of a row of the checkpoint, in order. Fails where values make none.
    fn blocks(&self, stored: usize, mut take: impl FnMut(usize, Block)) -> Result<(), PackedError> {
        for (row, columns) in self.arrangement.packed(stored) {
            for (own, block) in (columns.start / BLOCK..columns.end / BLOCK).enumerate() {
                take(block, self.block(stored, row, own)?);
            }
        }
        Ok(())
    }

    /// Block `block` of packed row `row`.
    fn block(&self, stored: usize, row: usize, block: usize) -> Result<Block, PackedError> {
        let Some(scales) = &self.scales else {
            let mut values = [0.0; BLOCK];
            self.codes.numbers(row, block * BLOCK, &mut values);
            return Block::exact(&values).ok_or_else(|| PackedError::NotMxfp4 {
                weight: self.codes.slot.weight.name.clone(),
                row: stored,
                block,
                file: self.codes.file.to_owned(),
            });
        };
        let shape = self.arrangement.shape;
        let blocks = shape.width / BLOCK;
        if self.codes.slot.weight.ty.element == ElementType::U8 {
            // As they were published.
            let codes = self.codes.bytes((row * blocks + block) * BLOCK_BYTES, BLOCK_BYTES);
            let codes = std::array::from_fn(|at| codes[at / 2] >> (4 * (at % 2)) & 15);
            return Ok(Block { codes, scale: scales.bytes(row * blocks + block, 1)[0] });
        }
        // Outputs innermost.
        let (matrix, output) = (row / shape.rows, row % shape.rows);
        let at = matrix * blocks + block;
        let codes = std::array::from_fn(|own| self.codes.code((at * BLOCK + own) * shape.rows + output));
        let bits = u16::from_le_bytes(scales.bytes((at * shape.rows + output) * 2, 2).try_into().unwrap_or_default());
        // The least scale is a subnormal, all others are their exponent.
        Ok(Block { codes, scale: (bits >> 7) as u8 })
    }
}

impl<'a> Packing<'a> {
    fn of(fitted: &'a Fitted<'a>, name: &str, arrangement: &Arrangement) -> Result<Packing<'a>, PackedError> {
        let missing = || PackedError::Division { weight: name.to_owned(), problem: "it has no place".to_owned() };
        let slot = fitted.slots.get(name).ok_or_else(missing)?;
        let part = |(number, device): (usize, &usize)| {
            let part = arrangement.part(&slot.division, *device).ok_or_else(missing)?;
            Ok((part, fitted.part(slot, number).ok_or_else(missing)?))
        };
        let parts = slot.devices.iter().enumerate().map(part).collect::<Result<_, PackedError>>()?;
        Ok(Packing { slot, parts, file: fitted.file() })
    }

    /// `count` bytes from byte `at` on, counted over all parts; they lie in one.
    fn bytes(&self, at: usize, count: usize) -> &[u8] {
        let of_part = self.slot.part_bytes();
        &self.parts[at / of_part].1[at % of_part..][..count]
    }

    /// The numbers of a packed row from column `first` on.
    fn numbers(&self, row: usize, first: usize, out: &mut [f32]) {
        for (part, bytes) in self.parts.iter().filter(|(part, _)| part.rows.contains(&row)) {
            let wanted = part.columns.start.max(first)..part.columns.end.min(first + out.len());
            if wanted.is_empty() {
                continue;
            }
            let at = (row - part.rows.start) * part.columns.len() + wanted.start - part.columns.start;
            let out = &mut out[wanted.start - first..wanted.end - first];
            match self.slot.weight.ty.element {
                ElementType::F32 => {
                    let numbers = bytes.as_chunks().0[at..].iter().map(|bytes| f32::from_le_bytes(*bytes));
                    out.iter_mut().zip(numbers).for_each(|(out, number)| *out = number);
                }
                _ => {
                    let numbers = bytes.as_chunks().0[at..].iter().map(|bytes| bf16::from_le_bytes(*bytes).to_f32());
                    out.iter_mut().zip(numbers).for_each(|(out, number)| *out = number);
                }
            }
        }
    }

    /// A code of four bits, of which a byte has two.
    fn code(&self, index: usize) -> u8 {
        self.bytes(index / 2, 1)[0] >> (4 * (index % 2)) & 15
    }

    /// Whether every number is one of bf16's.
    fn is_bf16(&self) -> bool {
        let mut numbers = self.parts.iter().flat_map(|(_, bytes)| bytes.as_chunks::<4>().0);
        numbers.all(|bytes| u32::from_le_bytes(*bytes) & 0xffff == 0)
    }
}
