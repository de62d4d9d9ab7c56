//! The rows of a weight as values: which tensor, row and columns of the checkpoint each is made of, and reading them.
//! Knows the checkpoint's own codes, and none that a device has.

use half::bf16;
use safetensors::Dtype;

use super::arrangement::{Arrangement, Place};
use super::checkpoint::{Checkpoint, Tensor};
use super::error::CheckpointError;
use super::header::coordinates;
use super::layout::{Recipe, Wanted};
use super::mxfp4;
use crate::graph::params::{Form, Weight};
use crate::plan::Precision;

/// The two element types that values are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Bf16,
    F32,
}

impl Element {
    pub fn bytes(self) -> usize {
        match self {
            Element::Bf16 => 2,
            Element::F32 => 4,
        }
    }

    pub fn stored(self) -> Dtype {
        match self {
            Element::Bf16 => Dtype::BF16,
            Element::F32 => Dtype::F32,
        }
    }
}

/// The tensors that hold the values.
enum Stored<'a> {
    /// bf16 or f32, one after another; with the rows of each.
    Dense(Vec<(Tensor<'a>, usize)>),
    Mxfp4 {
        blocks: Tensor<'a>,
        scales: Tensor<'a>,
    },
    /// bf16, the last two axes swapped.
    Transposed(Tensor<'a>),
}

/// Codes and scales of a row in MXFP4.
#[derive(Clone, Copy)]
pub(super) struct Blocks<'a> {
    pub codes: &'a [[u8; mxfp4::BLOCK_BYTES]],
    pub scales: &'a [u8],
}

impl Blocks<'_> {
    /// Block `at`; padding is zeros of scale 1.
    pub fn block(&self, at: usize) -> mxfp4::Block {
        let stored = self.codes.get(at).zip(self.scales.get(at));
        stored.and_then(|(codes, scale)| mxfp4::Block::stored(codes, *scale)).unwrap_or(mxfp4::Block::ZEROS)
    }
}

/// The rows of one weight. Invariant, kept by `Rows::new`: every row of the arrangement is padding or in the tensors.
pub(super) struct Rows<'a> {
    pub arrangement: Arrangement,
    stored: Stored<'a>,
}

impl<'a> Rows<'a> {
    /// Fails if the weight is none of this checkpoint's.
    pub fn new(checkpoint: &'a Checkpoint, weight: &Weight, recipe: &Recipe) -> Result<Rows<'a>, CheckpointError> {
        // Opening checked every tensor of the configuration, so only a weight of another model comes here in vain.
        let find = |wanted: &Wanted| {
            let found = checkpoint.tensor(&wanted.name)?.filter(|tensor| wanted.accepts(tensor.ty));
            found.ok_or_else(|| unlike(weight, &format!("of `{}`, which it does not have", wanted.name)))
        };
        let values: usize = recipe.tensors().first().map_or(0, |wanted| wanted.dims.iter().product());
        let values = match recipe {
            Recipe::Mxfp4 { .. } => 2 * values,
            Recipe::Stacked(parts) => parts.iter().map(|part| part.dims.iter().product::<usize>()).sum(),
            _ => values,
        };
        let tensors = || {
            let tensors: Vec<String> =
                recipe.tensors().iter().map(|wanted| format!("`{}` {wanted}", wanted.name)).collect();
            unlike(weight, &format!("of {}", tensors.join(", ")))
        };
        let like_stored = |arrangement: &Arrangement| match recipe {
            Recipe::Stacked(parts) => parts.iter().all(|part| {
                let width = part.dims.last() == Some(&arrangement.shape.width);
                part.dims.len() == 1 || arrangement.order.is_by_expert() || width
            }),
            _ => true,
        };
        let arrangement = Arrangement::new(checkpoint.config(), weight, values).filter(like_stored);
        let arrangement = arrangement.ok_or_else(tensors)?;
        let stored = match recipe {
            Recipe::Stacked(parts) => {
                let rows = |part: &Wanted| part.dims.iter().product::<usize>() / arrangement.shape.width;
                let dense = parts.iter().map(|part| Ok((find(part)?, rows(part))));
                Stored::Dense(dense.collect::<Result<_, CheckpointError>>()?)
            }
            Recipe::Mxfp4 { blocks, scales } => Stored::Mxfp4 { blocks: find(blocks)?, scales: find(scales)? },
            Recipe::Transposed(wanted) => Stored::Transposed(find(wanted)?),
            Recipe::Computed => return Err(unlike(weight, "of no tensor")),
        };
        Ok(Rows { arrangement, stored })
    }

    /// The tensor whose bytes are those of `form` for all rows, in their order, if there is one.
    pub fn as_stored(&self, form: Form) -> Option<Tensor<'a>> {
        match (&self.stored, form) {
            _ if !self.arrangement.is_as_stored() => None,
            (Stored::Dense(tensors), Form::Values) if tensors.len() == 1 => Some(tensors[0].0),
            (Stored::Mxfp4 { blocks, .. }, Form::Codes(Precision::Mxfp4)) => Some(*blocks),
            (Stored::Mxfp4 { scales, .. }, Form::Scales(Precision::Mxfp4)) => Some(*scales),
            _ => None,
        }
    }

    /// The codes and scales of row `row`, if the checkpoint has it in MXFP4; none of them where it is padding. Fails on a scale of 255.
    pub fn blocks(&self, row: usize) -> Result<Option<Blocks<'a>>, CheckpointError> {
        let Stored::Mxfp4 { blocks, scales } = &self.stored else { return Ok(None) };
        let Place { row, columns } = self.arrangement.place(row);
        let first = row * scales.ty.dims[2];
        let wanted = first + columns.start / mxfp4::BLOCK..first + columns.end / mxfp4::BLOCK;
        let found =
            Blocks { codes: &blocks.bytes.as_chunks().0[wanted.clone()], scales: &scales.bytes[wanted.clone()] };
        match found.scales.iter().position(|scale| *scale == mxfp4::SCALE_NAN) {
            Some(at) => Err(nan_scale(scales, wanted.start + at)),
            None => Ok(Some(found)),
        }
    }

    /// Reads the rows from number `first` on, as many as `out` takes, which need not be aligned: f32 to bf16 rounds to nearest, ties to
    /// even; all else is exact. Fails on an MXFP4 scale of 255.
    pub fn read(&self, first: usize, element: Element, out: &mut [u8]) -> Result<(), CheckpointError> {
        let row_bytes = self.arrangement.shape.width * element.bytes();
        if let Stored::Transposed(tensor) = &self.stored {
            self.gather(tensor, first, element, out);
            return Ok(());
        }
        for (row_number, out) in (first..).zip(out.chunks_exact_mut(row_bytes)) {
            let Place { row, columns } = self.arrangement.place(row_number);
            let (out, padding) = out.split_at_mut(columns.len() * element.bytes());
            padding.fill(0);
            match &self.stored {
                Stored::Dense(tensors) => {
                    let (tensor, row) = of_stack(tensors, row);
                    let from = if tensor.ty.element == Dtype::F32 { Element::F32 } else { Element::Bf16 };
                    let values = row * self.arrangement.shape.width + columns.start;
                    convert(from, &tensor.bytes[values * from.bytes()..], element, out);
                }
                Stored::Mxfp4 { .. } => {
                    let Some(Blocks { codes, scales }) = self.blocks(row_number)? else { continue };
                    let unpacked = match element {
                        Element::Bf16 => mxfp4::unpack_bf16(codes.as_flattened(), scales, out),
                        Element::F32 => mxfp4::unpack_f32(codes.as_flattened(), scales, out),
                    };
                    debug_assert_eq!(unpacked, Ok(()), "`blocks` has refused the scale for NaN");
                }
                Stored::Transposed(_) => {}
            }
        }
        Ok(())
    }

    /// Fills rows from the columns of a stack of bf16 matrices `[e, columns, rows]`.
    fn gather(&self, tensor: &Tensor<'_>, first: usize, element: Element, out: &mut [u8]) {
        // So many columns read whole cache lines and keep them until every row has had its part.
        const COLUMNS: usize = 64;
        let (values, width) = (tensor.bytes.as_chunks::<2>().0, self.arrangement.shape.width);
        let (stored_width, stored_rows) = (tensor.ty.dims[1], tensor.ty.dims[2]);
        let rows = out.len() / (width * element.bytes());
        let places: Vec<Place> = (first..first + rows).map(|row| self.arrangement.place(row)).collect();
        out.fill(0);
        for start in (0..width).step_by(COLUMNS) {
            for (Place { row, columns }, out) in places.iter().zip(out.chunks_exact_mut(width * element.bytes())) {
                let base = row / stored_rows * stored_width * stored_rows + row % stored_rows;
                for column in start..(start + COLUMNS).min(columns.len()) {
                    let value = values[base + (columns.start + column) * stored_rows];
                    match element {
                        Element::Bf16 => out.as_chunks_mut::<2>().0[column] = u16::from_le_bytes(value).to_ne_bytes(),
                        Element::F32 => out.as_chunks_mut::<4>().0[column] = widened(value).to_ne_bytes(),
                    }
                }
            }
        }
    }

    /// Block `block` of row `row` in MXFP4: codes, one a byte, and the scale's byte. Fails on a scale of 255, and where values were
    /// stored otherwise and no block holds them exactly. Padding is zeros of scale 1.
    pub fn block(&self, row: usize, block: usize) -> Result<mxfp4::Block, CheckpointError> {
        let Place { row, columns } = self.arrangement.place(row);
        let column = columns.start + block * mxfp4::BLOCK;
        if column >= columns.end {
            return Ok(mxfp4::Block::ZEROS);
        }
        match &self.stored {
            Stored::Mxfp4 { blocks, scales } => {
                let at = row * scales.ty.dims[2] + column / mxfp4::BLOCK;
                let codes = &blocks.bytes.as_chunks().0[at];
                mxfp4::Block::stored(codes, scales.bytes[at]).ok_or_else(|| nan_scale(scales, at))
            }
            Stored::Transposed(tensor) => {
                let (width, rows) = (tensor.ty.dims[1], tensor.ty.dims[2]);
                let (expert, own) = (row / rows, row % rows);
                let all = tensor.bytes.as_chunks::<2>().0;
                let values = std::array::from_fn(|at| widened(all[(expert * width + column + at) * rows + own]));
                mxfp4::Block::exact(&values).ok_or_else(|| CheckpointError::NotMxfp4 {
                    tensor: tensor.name.to_owned(),
                    at: vec![expert, column, own],
                    file: tensor.file(),
                })
            }
            Stored::Dense(tensors) => {
                let (tensor, row) = of_stack(tensors, row);
                let (tensor, file) = (tensor.name.to_owned(), tensor.file());
                Err(CheckpointError::NotMxfp4 { tensor, at: vec![row, column], file })
            }
        }
    }

    /// The first stored value that is not a finite number as `element`.
    pub fn check_finite(&self, element: Element) -> Result<(), CheckpointError> {
        let Stored::Dense(tensors) = &self.stored else { return Ok(()) };
        for (tensor, _) in tensors {
            let unsound = match (tensor.ty.element, element) {
                (Dtype::F32, Element::Bf16) => {
                    let infinite = |value: &[u8; 4]| !bf16::from_f32(f32::from_le_bytes(*value)).is_finite();
                    tensor.bytes.as_chunks().0.iter().position(infinite)
                }
                (Dtype::F32, Element::F32) => {
                    tensor.bytes.as_chunks().0.iter().position(|value| !f32::from_le_bytes(*value).is_finite())
                }
                _ => tensor.bytes.as_chunks().0.iter().position(|value| !widened(*value).is_finite()),
            };
            if let Some(at) = unsound {
                return Err(not_finite(tensor, coordinates(at, &tensor.ty.dims)));
            }
        }
        Ok(())
    }

    /// The error that value `column` of row `row` is not a finite number.
    pub fn not_finite(&self, row: usize, column: usize) -> CheckpointError {
        let Place { row, columns } = self.arrangement.place(row);
        let column = columns.start + column;
        match &self.stored {
            Stored::Dense(tensors) => {
                let (tensor, row) = of_stack(tensors, row);
                not_finite(tensor, coordinates(row * self.arrangement.shape.width + column, &tensor.ty.dims))
            }
            // Codes are finite: it is the scale that takes one beyond what f32 holds.
            Stored::Mxfp4 { scales, .. } => {
                not_finite(scales, coordinates(row * scales.ty.dims[2] + column / mxfp4::BLOCK, &scales.ty.dims))
            }
            Stored::Transposed(tensor) => {
                let rows = tensor.ty.dims[2];
                not_finite(tensor, vec![row / rows, column, row % rows])
            }
        }
    }
}

/// The error that `weight` is not what the checkpoint `made`.
pub(super) fn unlike(weight: &Weight, made: &str) -> CheckpointError {
    CheckpointError::Weight { weight: weight.name.clone(), asked: weight.ty.to_string(), made: made.to_owned() }
}

fn nan_scale(scales: &Tensor<'_>, at: usize) -> CheckpointError {
    let (tensor, at) = (scales.name.to_owned(), coordinates(at, &scales.ty.dims));
    CheckpointError::NanScale { tensor, at, file: scales.file() }
}

fn not_finite(tensor: &Tensor<'_>, at: Vec<usize>) -> CheckpointError {
    CheckpointError::NotFinite { tensor: tensor.name.to_owned(), at, file: tensor.file() }
}

/// The tensor that holds row `row` of a stack, and which of its rows that is.
fn of_stack<'s, 'a>(tensors: &'s [(Tensor<'a>, usize)], mut row: usize) -> (&'s Tensor<'a>, usize) {
    for (tensor, rows) in &tensors[..tensors.len() - 1] {
        if row < *rows {
            return (tensor, row);
        }
        row -= rows;
    }
    (&tensors[tensors.len() - 1].0, row)
}

/// Converts as many values as `out` takes.
fn convert(from: Element, stored: &[u8], element: Element, out: &mut [u8]) {
    match (from, element) {
        (Element::Bf16, Element::Bf16) => map::<2, 2>(stored, out, |value| u16::from_le_bytes(value).to_ne_bytes()),
        (Element::Bf16, Element::F32) => map::<2, 4>(stored, out, |value| widened(value).to_ne_bytes()),
        (Element::F32, Element::F32) => map::<4, 4>(stored, out, |value| u32::from_le_bytes(value).to_ne_bytes()),
        (Element::F32, Element::Bf16) => {
            map::<4, 2>(stored, out, |value| bf16::from_f32(f32::from_le_bytes(value)).to_ne_bytes());
        }
    }
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
