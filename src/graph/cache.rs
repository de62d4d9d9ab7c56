//! The cache of keys and values. A full layer keeps every token; a sliding layer keeps its window in a ring,
//! where position `p` lies in slot `p mod window`.

use crate::config::{Config, LayerKind};
use crate::graph::Sizes;
use hlo::{Builder, ElementType, Tensor, TensorType};

/// Keys or values of one layer: `[batch, g, slots, d]`.
pub(super) fn cache_type(config: &Config, sizes: &Sizes, layer: usize) -> TensorType {
    let slots = match config.layer_kinds[layer] {
        LayerKind::Sliding => config.sliding_window,
        LayerKind::Full => sizes.slots(),
    };
    TensorType::new(sizes.compute, [sizes.batch, config.kv_heads, slots, config.head_dim])
}

/// Which tokens go through the model, and where they stand.
#[derive(Clone, Copy)]
pub(super) enum Rows<'b> {
    /// The tokens of one sequence: `start`, `count` and `sequence` s32 scalars; tokens from `count` on are padding.
    Chunk { sequence: Tensor<'b>, start: Tensor<'b>, count: Tensor<'b>, tokens: usize },
    /// One token of each sequence, at `positions` s32 `[b]`.
    Step { positions: Tensor<'b> },
}

impl<'b> Rows<'b> {
    /// The position of every row, s32 `[n]`.
    pub fn positions(&self, b: &'b Builder) -> Tensor<'b> {
        match *self {
            Rows::Chunk { start, tokens, .. } => {
                let offsets = b.iota(&TensorType::new(ElementType::S32, [tokens]), 0);
                offsets + start.like("->t", offsets)
            }
            Rows::Step { positions } => positions,
        }
    }

    /// Sequences and tokens of each: rows `[n, …]` are `[b, t, …]`.
    pub fn split(&self) -> (usize, usize) {
        match self {
            Rows::Chunk { tokens, .. } => (1, *tokens),
            Rows::Step { positions } => (positions.dim(0), 1),
        }
    }

    /// The first of the cache's sequences that the rows belong to.
    pub fn first_sequence(&self, b: &'b Builder) -> Tensor<'b> {
        match *self {
            Rows::Chunk { sequence, .. } => sequence,
            Rows::Step { .. } => b.integer(0),
        }
    }
}

/// Writes one token of each sequence: `new` `[b, g, 1, d]` at `slots` s32 `[b]` into `cache` `[b, g, s, d]`.
fn write_step<'b>(cache: Tensor<'b>, new: Tensor<'b>, slots: Tensor<'b>) -> Tensor<'b> {
    let b = cache.builder();
    let (batch, g, d) = (cache.dim(0), cache.dim(1), cache.dim(3));
    (0..batch).fold(cache, |cache, row| {
        let slot = slots.slice(std::slice::from_ref(&(row..row + 1))).reshape(&[]);
        let part = new.slice(&[row..row + 1, 0..g, 0..1, 0..d]);
        cache.dynamic_update(part, &[b.integer(row as i64), b.integer(0), slot, b.integer(0)])
    })
}

/// Writes the rows' keys or values into a full layer's cache: `new` `[b, g, t, d]` into `[batch, g, s, d]`.
pub(super) fn write_full<'b>(cache: Tensor<'b>, new: Tensor<'b>, rows: &Rows<'b>) -> Tensor<'b> {
    let b = cache.builder();
    match *rows {
        Rows::Chunk { sequence, start, .. } => {
            cache.dynamic_update(new, &[sequence, b.integer(0), start, b.integer(0)])
        }
        Rows::Step { positions } => write_step(cache, new, positions),
    }
}

/// Writes the rows' keys or values into a ring, and gives the ring and what the rows may look at:
/// the ring itself after a step; after a chunk the window before it, in order, and the chunk.
pub(super) fn write_ring<'b>(ring: Tensor<'b>, new: Tensor<'b>, rows: &Rows<'b>) -> (Tensor<'b>, Tensor<'b>) {
    let b = ring.builder();
    let (g, window, d) = (ring.dim(1), ring.dim(2), ring.dim(3));
    match *rows {
        Rows::Step { positions } => {
            let ring = write_step(ring, new, positions.remainder(window as i64));
            (ring, ring)
        }
        Rows::Chunk { sequence, start, count, .. } => {
            let zero = b.integer(0);
            let part =
                |of: Tensor<'b>, from: Tensor<'b>| of.dynamic_slice(&[zero, zero, from, zero], &[1, g, window, d]);
            let twice = |of: Tensor<'b>| of.concatenate(&[of], 2);
            let own = ring.dynamic_slice(&[sequence, zero, zero, zero], &[1, g, window, d]);
            // Slot `p mod window` holds position `p`: from slot `start mod window` on, around the ring, the oldest comes first.
            let before = part(twice(own), start.remainder(window as i64)).named("before");
            let seen = before.concatenate(&[new], 2).named("seen");
            let last = part(seen, count);
            let end = (start + count).remainder(window as i64);
            let turned = part(twice(last), -end + window as i64);
            (ring.dynamic_update(turned, &[sequence, zero, zero, zero]), seen)
        }
    }
}
