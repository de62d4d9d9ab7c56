//! The rows of a weight as values: which tensor, row and columns of the checkpoint each is made of, and reading them.
//! Knows the checkpoint's own codes, and none that a device has.

use std::ops::Range;

use half::bf16;
use safetensors::Dtype;

use super::checkpoint::{Checkpoint, Tensor};
use super::error::CheckpointError;
use super::layout::{Recipe, Wanted};
use super::mxfp4;
use crate::config::Config;
use crate::graph::params::{Form, Source, Weight};
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

/// A weight as matrices: of each of `parts` devices and each of `experts` one, of `rows` rows of `width` values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub parts: usize,
    pub experts: usize,
    pub rows: usize,
    pub width: usize,
}

impl Shape {
    /// What the axes of `weight` mean. `None` if there are too many or too few of them.
    fn of(config: &Config, weight: &Weight) -> Option<Shape> {
        use Source::*;
        let dims = &weight.ty.dims[..];
        let of_experts = matches!(weight.source, GateUpWeight(_) | DownWeight(_));
        let (parts, experts, rows, width) = match (weight.form, dims) {
            (Form::Codes(Precision::Mxfp4), &[parts, experts, blocks, mxfp4::BLOCK, rows]) => {
                (parts, experts, rows, blocks * mxfp4::BLOCK)
            }
            (Form::Scales(Precision::Mxfp4), &[parts, blocks, rows]) => {
                let of_expert = blocks / config.experts;
                (parts, if blocks == of_expert * config.experts { config.experts } else { 0 }, rows, of_expert * 32)
            }
            (Form::Codes(Precision::Mxfp4) | Form::Scales(Precision::Mxfp4), _) => return None,
            (Form::Scales(_), &[parts, experts, rows]) if of_experts => (parts, experts, rows, weight.width),
            (Form::Scales(_), &[rows]) if !of_experts => (1, 1, rows, weight.width),
            (Form::Scales(_), _) => return None,
            (_, &[parts, experts, rows, width]) if of_experts => (parts, experts, rows, width),
            (_, &[parts, experts, rows]) if matches!(weight.source, GateUpBias(_)) => (parts, experts, rows, 1),
            (_, &[rows]) if matches!(weight.source, QkvBias(_)) => (1, 1, rows, 1),
            (_, &[width]) => (1, 1, 1, width),
            (_, &[rows, width]) => (1, 1, rows, width),
            _ => return None,
        };
        Some(Shape { parts, experts, rows, width })
    }
}

/// Where the rows of a weight are in the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    AsStored,
    /// Of each part the gates of its expert channels, then the ups, where the checkpoint has both by turns, of `channels` channels.
    GatesThenUps {
        channels: usize,
    },
    /// Of each part the columns of its expert channels, of `channels`. An expert has `rows` rows.
    ColumnsOfParts {
        channels: usize,
        rows: usize,
    },
    /// For each of `groups` kv heads the rows of its `queries` query heads, then its key's and its value's, `width` rows a head,
    /// where the checkpoint has all queries, then all keys, then all values.
    ByKvHead {
        groups: usize,
        queries: usize,
        width: usize,
    },
}

impl Order {
    fn of(config: &Config, source: Source) -> Order {
        match source {
            Source::GateUpWeight(_) | Source::GateUpBias(_) => Order::GatesThenUps { channels: config.expert_width },
            Source::DownWeight(_) => Order::ColumnsOfParts { channels: config.expert_width, rows: config.hidden },
            Source::QkvWeight(_) | Source::QkvBias(_) => Order::ByKvHead {
                groups: config.kv_heads,
                queries: config.query_heads_per_kv_head(),
                width: config.head_dim,
            },
            _ => Order::AsStored,
        }
    }

    fn is_by_expert(self) -> bool {
        matches!(self, Order::GatesThenUps { .. } | Order::ColumnsOfParts { .. })
    }

    /// Whether matrices of `shape` hold all of the checkpoint's `values`, and nothing else but padding.
    fn covers(self, config: &Config, shape: Shape, values: usize) -> bool {
        let Shape { parts, experts, rows, width } = shape;
        match self {
            Order::AsStored | Order::ByKvHead { .. } => (parts, experts, rows * width) == (1, 1, values),
            Order::GatesThenUps { channels } => {
                experts == config.experts
                    && rows.is_multiple_of(2)
                    && parts * rows / 2 >= channels
                    && experts * 2 * channels * width == values
            }
            Order::ColumnsOfParts { channels, rows: stored } => {
                experts == config.experts
                    && rows >= stored
                    && parts * width >= channels
                    && (parts == 1 || width.is_multiple_of(mxfp4::BLOCK))
                    && experts * stored * channels == values
            }
        }
    }
}

/// A row in the checkpoint, counted over all of a tensor's matrices, and the columns of it that are wanted; none are padding.
struct Place {
    row: usize,
    columns: Range<usize>,
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

/// The rows of one weight. Invariant, kept by `Rows::new`: every row of the shape is padding or in the tensors.
pub(super) struct Rows<'a> {
    pub shape: Shape,
    order: Order,
    stored: Stored<'a>,
}

impl<'a> Rows<'a> {
    /// Fails if the weight is none of this checkpoint's.
    pub fn new(checkpoint: &'a Checkpoint, weight: &Weight, recipe: &Recipe) -> Result<Rows<'a>, CheckpointError> {
        let config = checkpoint.config();
        // Opening checked every tensor of the configuration, so only a weight of another model comes here in vain.
        let find = |wanted: &Wanted| {
            let found = checkpoint.tensor(&wanted.name).filter(|tensor| wanted.accepts(tensor.ty));
            found.ok_or_else(|| unlike(weight, &format!("of `{}`, which it does not have", wanted.name)))
        };
        let values: usize = recipe.tensors().first().map_or(0, |wanted| wanted.dims.iter().product());
        let (order, shape) = (Order::of(config, weight.source), Shape::of(config, weight));
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
        let like_stored = |shape: &Shape| match recipe {
            Recipe::Stacked(parts) => parts
                .iter()
                .all(|part| part.dims.len() == 1 || order.is_by_expert() || part.dims.last() == Some(&shape.width)),
            _ => true,
        };
        let fits = |shape: &Shape| order.covers(config, *shape, values) && like_stored(shape);
        let shape = shape.filter(fits).ok_or_else(tensors)?;
        let stored = match recipe {
            Recipe::Stacked(parts) => {
                let rows = |part: &Wanted| part.dims.iter().product::<usize>() / shape.width;
                let dense = parts.iter().map(|part| Ok((find(part)?, rows(part))));
                Stored::Dense(dense.collect::<Result<_, CheckpointError>>()?)
            }
            Recipe::Mxfp4 { blocks, scales } => Stored::Mxfp4 { blocks: find(blocks)?, scales: find(scales)? },
            Recipe::Transposed(wanted) => Stored::Transposed(find(wanted)?),
            Recipe::Computed => return Err(unlike(weight, "of no tensor")),
        };
        Ok(Rows { shape, order, stored })
    }

    /// The only tensor, if the rows are its own, in its order.
    pub fn as_stored(&self) -> Option<Tensor<'a>> {
        match (&self.stored, self.order) {
            (Stored::Dense(tensors), Order::AsStored) if tensors.len() == 1 => Some(tensors[0].0),
            _ => None,
        }
    }

    fn place(&self, row: usize) -> Place {
        let Shape { experts, rows, width, .. } = self.shape;
        let (part, expert, own) = (row / rows / experts, row / rows % experts, row % rows);
        let found = |row, columns| Place { row, columns };
        match self.order {
            Order::AsStored => found(row, 0..width),
            Order::GatesThenUps { channels } => {
                let (half, channel) = (own / (rows / 2), part * (rows / 2) + own % (rows / 2));
                if channel < channels {
                    found((expert * channels + channel) * 2 + half, 0..width)
                } else {
                    found(0, 0..0)
                }
            }
            Order::ColumnsOfParts { channels, rows: stored } => {
                let columns = (part * width).min(channels)..((part + 1) * width).min(channels);
                if own < stored { found(expert * stored + own, columns) } else { found(0, 0..0) }
            }
            Order::ByKvHead { groups, queries, width: channels } => {
                let (group, head) = (own / channels / (queries + 2), own / channels % (queries + 2));
                let head = match head.checked_sub(queries) {
                    None => group * queries + head,
                    Some(of_keys_and_values) => groups * (queries + of_keys_and_values) + group,
                };
                found(head * channels + own % channels, 0..width)
            }
        }
    }

    /// Reads the rows from number `first` on, as many as `out` takes, which need not be aligned: f32 to bf16 rounds to nearest, ties to
    /// even; all else is exact. Fails on an MXFP4 scale of 255.
    pub fn read(&self, first: usize, element: Element, out: &mut [u8]) -> Result<(), CheckpointError> {
        let row_bytes = self.shape.width * element.bytes();
        if let Stored::Transposed(tensor) = &self.stored {
            self.gather(tensor, first, element, out);
            return Ok(());
        }
        for (row, out) in (first..).zip(out.chunks_exact_mut(row_bytes)) {
            let Place { row, columns } = self.place(row);
            let (out, padding) = out.split_at_mut(columns.len() * element.bytes());
            padding.fill(0);
            match &self.stored {
                Stored::Dense(tensors) => {
                    let (tensor, row) = of_stack(tensors, row);
                    let from = if tensor.ty.element == Dtype::F32 { Element::F32 } else { Element::Bf16 };
                    let values = row * self.shape.width + columns.start;
                    convert(from, &tensor.bytes[values * from.bytes()..], element, out);
                }
                Stored::Mxfp4 { blocks, scales } => {
                    let groups = scales.ty.dims[2];
                    let wanted = row * groups + columns.start / mxfp4::BLOCK..row * groups + columns.end / mxfp4::BLOCK;
                    let codes = &blocks.bytes[wanted.start * mxfp4::BLOCK_BYTES..wanted.end * mxfp4::BLOCK_BYTES];
                    let own_scales = &scales.bytes[wanted.clone()];
                    let unpacked = match element {
                        Element::Bf16 => mxfp4::unpack_bf16(codes, own_scales, out),
                        Element::F32 => mxfp4::unpack_f32(codes, own_scales, out),
                    };
                    unpacked.map_err(|nan| nan_scale(scales, wanted.start + nan.0))?;
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
        let (values, width) = (tensor.bytes.as_chunks::<2>().0, self.shape.width);
        let (stored_width, stored_rows) = (tensor.ty.dims[1], tensor.ty.dims[2]);
        let rows = out.len() / (width * element.bytes());
        let places: Vec<Place> = (first..first + rows).map(|row| self.place(row)).collect();
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
        let Place { row, columns } = self.place(row);
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
        let Place { row, columns } = self.place(row);
        let column = columns.start + column;
        match &self.stored {
            Stored::Dense(tensors) => {
                let (tensor, row) = of_stack(tensors, row);
                not_finite(tensor, coordinates(row * self.shape.width + column, &tensor.ty.dims))
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

/// The place of a row-major value on every axis.
fn coordinates(mut at: usize, dims: &[usize]) -> Vec<usize> {
    let mut place = vec![0; dims.len()];
    for (place, dim) in place.iter_mut().zip(dims).rev() {
        (*place, at) = (at % dim, at / dim);
    }
    place
}
