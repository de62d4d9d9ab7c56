//! The cache of keys and values. A full layer keeps every token; a sliding layer keeps its window in a ring,
//! where position `p` lies in slot `p mod window`. In codes, every head and token has a scale of its own.

use crate::config::{Config, LayerKind};
use crate::graph::params::HEADS;
use crate::plan::{Plan, Precision};
use hlo::{Builder, ElementType, ElementType::F32, Sharding, Tensor, TensorType};

/// One tensor of the cache, an argument that every program takes over and gives back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheTensor {
    /// Such as `cache.3.keys`.
    pub name: String,
    pub layer: usize,
    /// Keys or values `[batch, kv_heads, slots, head_dim]`, or the scales of such `[batch, kv_heads, slots]`.
    pub ty: TensorType,
    pub sharding: Sharding,
}

/// Every tensor of the cache in order: layer by layer keys, then values, each followed by its scales if it is stored in codes.
pub fn cache(config: &Config, plan: &Plan) -> Vec<CacheTensor> {
    let tensors = (0..config.layers).flat_map(|layer| {
        let slots = match config.layer_kinds[layer] {
            LayerKind::Sliding => config.sliding_window,
            LayerKind::Full => plan.slots(),
        };
        let stored = plan.strategy.cache;
        ["keys", "values"].into_iter().flat_map(move |name| {
            let dims = [plan.batch, config.kv_heads, slots, config.head_dim];
            let sharding = Sharding::new(&["", HEADS]);
            let tensor = |name: String, ty| CacheTensor { name, layer, ty, sharding: sharding.clone() };
            let values = tensor(format!("cache.{layer}.{name}"), TensorType::new(stored.element(), dims));
            let scales = tensor(format!("cache.{layer}.{name}.scales"), TensorType::new(F32, &dims[..3]));
            [Some(values), stored.is_scaled().then_some(scales)].into_iter().flatten()
        })
    });
    tensors.collect()
}

/// Keys or values of one layer, or of a part of its slots: `[b, g, s, d]`, and scales `[b, g, s]` if they are codes.
#[derive(Clone, Copy)]
pub(super) struct Stored<'b> {
    pub values: Tensor<'b>,
    pub scales: Option<Tensor<'b>>,
}

/// Keys and values of one layer.
#[derive(Clone, Copy)]
pub(super) struct KvCache<'b> {
    pub keys: Stored<'b>,
    pub values: Stored<'b>,
}

impl<'b> Stored<'b> {
    /// Stores `x` f32 `[b, g, t, d]`. The largest magnitude of a head and token gets the largest code.
    pub fn new(x: Tensor<'b>, precision: Precision) -> Stored<'b> {
        if !precision.is_scaled() {
            return Stored { values: x.convert(precision.element()), scales: None };
        }
        let largest = x.maximum(-x).max("bgtd->bgt");
        // A token of zeros has codes of zero whatever the scale is; the smallest normal number keeps the division sound.
        let scales = (largest / precision.largest_code()).maximum(f64::from(f32::MIN_POSITIVE)).named("scales");
        let codes = x / scales.like("bgt->bgtd", x);
        let codes = if precision.element().is_integer() { (codes + 0.5).floor() } else { codes };
        Stored { values: codes.convert(precision.element()), scales: Some(scales) }
    }

    /// Applies `part` to values and scales alike.
    pub fn map(self, part: impl Fn(Tensor<'b>) -> Tensor<'b>) -> Stored<'b> {
        Stored { values: part(self.values), scales: self.scales.map(part) }
    }

    /// The same for two that are stored alike.
    fn zip(self, other: Stored<'b>, both: impl Fn(Tensor<'b>, Tensor<'b>) -> Tensor<'b>) -> Stored<'b> {
        let scales = self.scales.zip(other.scales).map(|(own, other)| both(own, other));
        Stored { values: both(self.values, other.values), scales }
    }

    /// Its values in `element`, scales multiplied in.
    pub fn in_full(self, element: ElementType) -> Stored<'b> {
        let Some(scales) = self.scales else { return self };
        let values = self.values.convert(F32);
        Stored { values: (values * scales.like("bgs->bgsd", values)).convert(element), scales: None }
    }

    pub fn slots(self) -> usize {
        self.values.dim(2)
    }

    /// `count` slots from `first` on of the sequences from `sequence` on, as many as `sequences`.
    pub fn part(self, sequence: Tensor<'b>, sequences: usize, first: Tensor<'b>, count: usize) -> Stored<'b> {
        self.map(|of| part(of, sequence, sequences, first, count))
    }
}

/// What the flattened cache is made of, in the order of [`cache`].
impl<'b> KvCache<'b> {
    /// Takes one layer's tensors off the front of a list.
    pub fn take(tensors: &mut impl Iterator<Item = Tensor<'b>>, precision: Precision) -> Option<KvCache<'b>> {
        let mut stored = || {
            let values = tensors.next()?;
            let scales = if precision.is_scaled() { Some(tensors.next()?) } else { None };
            Some(Stored { values, scales })
        };
        Some(KvCache { keys: stored()?, values: stored()? })
    }

    /// Applies `part` to keys and values alike.
    pub fn map(self, part: impl Fn(Stored<'b>) -> Stored<'b>) -> KvCache<'b> {
        KvCache { keys: part(self.keys), values: part(self.values) }
    }

    pub fn tensors(self) -> impl Iterator<Item = Tensor<'b>> {
        [self.keys, self.values].into_iter().flat_map(|stored| [Some(stored.values), stored.scales]).flatten()
    }
}

/// Where a part of a cache tensor begins: sequence, kv head 0, slot, and channel 0 if it has channels.
fn starts<'b>(of: Tensor<'b>, sequence: Tensor<'b>, slot: Tensor<'b>) -> Vec<Tensor<'b>> {
    let zero = of.builder().integer(0);
    [sequence, zero, slot, zero][..of.ty().rank()].to_vec()
}

fn part<'b>(of: Tensor<'b>, sequence: Tensor<'b>, sequences: usize, first: Tensor<'b>, count: usize) -> Tensor<'b> {
    let mut sizes = of.ty().dims;
    (sizes[0], sizes[2]) = (sequences, count);
    of.dynamic_slice(&starts(of, sequence, first), &sizes)
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

    /// How many they are.
    pub fn count(&self) -> usize {
        let (sequences, tokens) = self.split();
        sequences * tokens
    }

    /// Which rows are tokens and no padding, pred `[n]`; `None` if all are.
    pub fn tokens(&self, b: &'b Builder) -> Option<Tensor<'b>> {
        match *self {
            Rows::Chunk { count, tokens, .. } => {
                let offsets = b.iota(&TensorType::new(ElementType::S32, [tokens]), 0);
                Some(offsets.below(count.like("->t", offsets)))
            }
            Rows::Step { .. } => None,
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

/// Writes one token of each sequence: `new` `[b, g, 1, …]` at `slots` s32 `[b]` into `cache` `[b, g, s, …]`.
fn write_step<'b>(cache: Tensor<'b>, new: Tensor<'b>, slots: Tensor<'b>) -> Tensor<'b> {
    let b = cache.builder();
    (0..cache.dim(0)).fold(cache, |cache, row| {
        let slot = slots.slice(std::slice::from_ref(&(row..row + 1))).reshape(&[]);
        let mut ranges: Vec<_> = new.ty().dims.into_iter().map(|dim| 0..dim).collect();
        ranges[0] = row..row + 1;
        cache.dynamic_update(new.slice(&ranges), &starts(cache, b.integer(row as i64), slot))
    })
}

/// Writes the rows' keys or values into a full layer's cache: `new` `[b, g, t, d]` into `[batch, g, s, d]`.
pub(super) fn write_full<'b>(cache: Stored<'b>, new: Stored<'b>, rows: &Rows<'b>) -> Stored<'b> {
    cache.zip(new, |cache, new| match *rows {
        Rows::Chunk { sequence, start, .. } => cache.dynamic_update(new, &starts(cache, sequence, start)),
        Rows::Step { positions } => write_step(cache, new, positions),
    })
}

/// Writes the rows' keys or values into a ring, and gives the ring and what the rows may look at:
/// the ring itself after a step; after a chunk the window before it, in order, and the chunk.
pub(super) fn write_ring<'b>(ring: Stored<'b>, new: Stored<'b>, rows: &Rows<'b>) -> (Stored<'b>, Stored<'b>) {
    let b = ring.values.builder();
    let window = ring.slots();
    match *rows {
        Rows::Step { positions } => {
            let slots = positions.remainder(window as i64);
            let ring = ring.zip(new, |ring, new| write_step(ring, new, slots));
            (ring, ring)
        }
        Rows::Chunk { sequence, start, count, .. } => {
            let zero = b.integer(0);
            let window_of = |of: Stored<'b>, first: Tensor<'b>| of.part(zero, 1, first, window);
            let twice = |of: Stored<'b>| of.map(|of| of.concatenate(&[of], 2));
            let own = ring.part(sequence, 1, zero, window);
            // Slot `p mod window` holds position `p`: from slot `start mod window` on, around the ring, the oldest comes first.
            let before = window_of(twice(own), start.remainder(window as i64));
            let seen = before.zip(new, |before, new| before.concatenate(&[new], 2).named("seen"));
            let last = window_of(seen, count);
            let end = (start + count).remainder(window as i64);
            let turned = window_of(twice(last), -end + window as i64);
            (ring.zip(turned, |ring, turned| ring.dynamic_update(turned, &starts(ring, sequence, zero))), seen)
        }
    }
}
