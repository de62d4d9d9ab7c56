//! How the rows of a weight stand to those of the checkpoint: the matrices that it is, the order of their rows, and what part of
//! them a device holds. Reads no bytes; packing goes one way through it, unpacking the other.

use std::ops::Range;

use super::mxfp4;
use crate::config::Config;
use crate::graph::params::{Form, Source, Weight};
use crate::plan::Precision;
use hlo::{Division, ElementType};

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
            (Form::Codes(Precision::Mxfp4), &[parts, experts, rows, blocks, mxfp4::BLOCK_BYTES])
                if is_published(weight) =>
            {
                (parts, experts, rows, blocks * mxfp4::BLOCK)
            }
            (Form::Scales(Precision::Mxfp4), &[parts, experts, rows, blocks]) if is_published(weight) => {
                (parts, experts, rows, blocks * mxfp4::BLOCK)
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

/// Whether MXFP4 is in the bytes that checkpoints have.
pub(super) fn is_published(weight: &Weight) -> bool {
    weight.ty.element == ElementType::U8
}

/// Where the rows of a weight are in the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    AsStored,
    /// Of each part the gates of its expert channels, then the ups, where the checkpoint has both by turns, of `channels` channels.
    GatesThenUps {
        channels: usize,
    },
    /// Of each part the gate and the up of each of its expert channels, of `channels`, by turns as in the checkpoint.
    GatesAndUps {
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
    fn of(config: &Config, weight: &Weight) -> Order {
        match weight.source {
            Source::GateUpWeight(_) | Source::GateUpBias(_) => match weight.interleaved {
                true => Order::GatesAndUps { channels: config.expert_width },
                false => Order::GatesThenUps { channels: config.expert_width },
            },
            Source::DownWeight(_) => Order::ColumnsOfParts { channels: config.expert_width, rows: config.hidden },
            Source::QkvWeight(_) | Source::QkvBias(_) => Order::ByKvHead {
                groups: config.kv_heads,
                queries: config.query_heads_per_kv_head(),
                width: config.head_dim,
            },
            _ => Order::AsStored,
        }
    }

    pub fn is_by_expert(self) -> bool {
        !matches!(self, Order::AsStored | Order::ByKvHead { .. })
    }

    /// Whether matrices of `shape` hold all of the checkpoint's `values`, and nothing else but padding.
    fn covers(self, config: &Config, shape: Shape, values: usize) -> bool {
        let Shape { parts, experts, rows, width } = shape;
        match self {
            Order::AsStored | Order::ByKvHead { .. } => (parts, experts, rows * width) == (1, 1, values),
            Order::GatesThenUps { channels } | Order::GatesAndUps { channels } => {
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
pub(super) struct Place {
    pub row: usize,
    pub columns: Range<usize>,
}

/// A part of a weight's rows and of their columns: what one device holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

/// The matrices of a weight and the order of their rows. Invariant: every row is padding or in the checkpoint's tensors, which hold
/// nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrangement {
    pub shape: Shape,
    pub order: Order,
}

impl Arrangement {
    /// `None` if `weight` does not hold exactly the `values` of the checkpoint and padding.
    pub fn new(config: &Config, weight: &Weight, values: usize) -> Option<Arrangement> {
        let (shape, order) = (Shape::of(config, weight)?, Order::of(config, weight));
        order.covers(config, shape, values).then_some(Arrangement { shape, order })
    }

    /// Rows of all matrices.
    pub fn rows(&self) -> usize {
        self.shape.parts * self.shape.experts * self.shape.rows
    }

    /// Whether rows and columns are the checkpoint's, in its order and without padding.
    pub fn is_as_stored(&self) -> bool {
        let Shape { parts, rows, width, .. } = self.shape;
        match self.order {
            Order::AsStored => true,
            Order::GatesAndUps { channels } => (parts, rows) == (1, 2 * channels),
            Order::ColumnsOfParts { channels, rows: stored } => (parts, rows, width) == (1, stored, channels),
            Order::GatesThenUps { .. } | Order::ByKvHead { .. } => false,
        }
    }

    /// All of it.
    pub fn whole(&self) -> Part {
        Part { rows: 0..self.rows(), columns: 0..self.shape.width }
    }

    /// The part of device number `device`. `None` if it is neither whole rows nor columns of a matrix.
    pub fn part(&self, division: &Division, device: usize) -> Option<Part> {
        let (dims, local, place) = (&division.ty.dims, &division.local.dims, division.place(device));
        let divided: Vec<usize> = (0..dims.len()).filter(|&axis| dims[axis] != local[axis]).collect();
        let whole = self.whole();
        let columns = |axis: usize| Part { columns: place[axis]..place[axis] + local[axis], ..whole.clone() };
        match divided[..] {
            [] => Some(whole),
            [0] if dims.len() == 1 && self.rows() == 1 => Some(columns(0)),
            [0] => {
                let rows = self.rows() / dims[0];
                Some(Part { rows: place[0] * rows..(place[0] + local[0]) * rows, columns: whole.columns })
            }
            [1] if dims.len() == 2 && dims[1] == self.shape.width => Some(columns(1)),
            _ => None,
        }
    }

    /// Where packed row `row` is.
    pub fn place(&self, row: usize) -> Place {
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
            Order::GatesAndUps { channels } => {
                let channel = part * (rows / 2) + own / 2;
                let columns = if channel < channels { 0..width } else { 0..0 };
                found(if channel < channels { (expert * channels + channel) * 2 + own % 2 } else { 0 }, columns)
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

    /// The other way: the packed rows that hold row `stored` of the checkpoint, counted over all of a tensor's matrices, and which of
    /// its columns each begins with.
    pub fn packed(&self, stored: usize) -> Vec<(usize, Range<usize>)> {
        let Shape { parts, experts, rows, width } = self.shape;
        match self.order {
            Order::AsStored => vec![(stored, 0..width)],
            Order::GatesThenUps { channels } => {
                let (expert, channel, half) = (stored / 2 / channels, stored / 2 % channels, stored % 2);
                let (part, own) = (channel / (rows / 2), channel % (rows / 2));
                vec![((part * experts + expert) * rows + half * (rows / 2) + own, 0..width)]
            }
            Order::GatesAndUps { channels } => {
                let (expert, channel, turn) = (stored / 2 / channels, stored / 2 % channels, stored % 2);
                let (part, own) = (channel / (rows / 2), channel % (rows / 2));
                vec![((part * experts + expert) * rows + 2 * own + turn, 0..width)]
            }
            Order::ColumnsOfParts { channels, rows: of_matrix } => {
                let (expert, own) = (stored / of_matrix, stored % of_matrix);
                let columns = |part: usize| (part * width).min(channels)..((part + 1) * width).min(channels);
                let held = (0..parts).map(|part| ((part * experts + expert) * rows + own, columns(part)));
                held.filter(|(_, columns)| !columns.is_empty()).collect()
            }
            Order::ByKvHead { groups, queries, width: channels } => {
                let (head, own) = (stored / channels, stored % channels);
                let (group, place) = match head.checked_sub(groups * queries) {
                    None => (head / queries, head % queries),
                    Some(beyond) => (beyond % groups, queries + beyond / groups),
                };
                vec![((group * (queries + 2) + place) * channels + own, 0..width)]
            }
        }
    }

    /// Columns of a row of the checkpoint.
    pub fn stored_width(&self) -> usize {
        match self.order {
            Order::ColumnsOfParts { channels, .. } => channels,
            _ => self.shape.width,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::params::weights;
    use crate::plan::{Plan, Spelling, Strategy};
    use proptest::prelude::*;

    proptest! {
        /// Every row of the checkpoint is found where packing puts it, all of its columns once, and no two in one place.
        #[test]
        fn unpacking_is_the_way_back(
            (experts, blocks, kv_heads, queries, devices) in (1usize..4, 1usize..4, 1usize..4, 1usize..4, 1usize..5),
            is_tpu in any::<bool>(), precision in 0usize..5,
        ) {
            let config = Config {
                layers: 1, hidden: 32, vocabulary: 12, experts, experts_per_token: 1, expert_width: 32 * blocks, kv_heads,
                query_heads: kv_heads * queries, head_dim: 2, ..Config::gpt_oss_20b()
            };
            let spelling = if is_tpu { Spelling::TPU } else { Spelling::HOST };
            let strategy = Strategy::new(Precision::ALL[precision]);
            let plan = Plan { spelling, devices, ..Plan::host(strategy, 1) };
            for weight in weights(&config, &plan).iter().filter(|weight| !weight.source.is_computed()) {
                let e = config.experts;
                let (rows, width) = match weight.source {
                    Source::GateUpWeight(_) => (e * 2 * config.expert_width, config.hidden),
                    Source::DownWeight(_) => (e * config.hidden, config.expert_width),
                    Source::GateUpBias(_) => (e * 2 * config.expert_width, 1),
                    _ => {
                        let shape = Shape::of(&config, weight).expect("a shape");
                        (shape.rows, shape.width)
                    }
                };
                let arrangement = Arrangement::new(&config, weight, rows * width);
                let arrangement = arrangement.unwrap_or_else(|| panic!("{} {}", weight.name, weight.ty));
                prop_assert_eq!(arrangement.stored_width(), width);
                let mut used = std::collections::HashSet::new();
                for stored in 0..rows {
                    let mut next = 0;
                    for (row, columns) in arrangement.packed(stored) {
                        let Place { row: back, columns: there } = arrangement.place(row);
                        prop_assert_eq!((back, there), (stored, columns.clone()), "{}", weight.name);
                        prop_assert!(used.insert(row));
                        prop_assert_eq!(columns.start, next);
                        next = columns.end;
                    }
                    prop_assert_eq!(next, width, "{} row {}", weight.name, stored);
                }
                let padding = (0..arrangement.rows()).filter(|row| !used.contains(row));
                for row in padding {
                    prop_assert!(arrangement.place(row).columns.is_empty(), "{} {row}", weight.name);
                }
            }
        }
    }
}
