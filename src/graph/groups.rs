//! Rows grouped by the expert that they chose, so that an expert's matrices are read once for all of them and never gathered.

use hlo::{Builder, ElementType, ElementType::F32, ElementType::S32, Tensor, TensorType};

use crate::graph::moe::Routing;

/// Blocks of work of one expert each: experts in order, each with as many blocks as it needs.
pub(super) struct Blocks<'b> {
    /// Blocks in all, s32.
    pub count: Tensor<'b>,
    /// Blocks of the experts up to and with each, s32 `[e]`.
    ends: Tensor<'b>,
    /// Blocks of each, s32 `[e]`.
    of_expert: Tensor<'b>,
}

impl<'b> Blocks<'b> {
    /// `of_expert` s32 `[e]`.
    pub fn new(of_expert: Tensor<'b>) -> Blocks<'b> {
        let ends = running_sum(of_expert).named("block_ends");
        Blocks { count: of_expert.sum("e->").named("blocks"), ends, of_expert }
    }

    /// The expert of block `index`, and how many of its blocks come before: s32 scalars.
    pub fn at(&self, index: Tensor<'b>) -> (Tensor<'b>, Tensor<'b>) {
        let passed = self.ends.at_most(index.like("->e", self.ends));
        let expert = passed.convert(S32).sum("e->").named("expert");
        (expert, index - passed.select(self.of_expert, 0).sum("e->"))
    }
}

/// A row's place beside the other rows of the same expert. Slots are counted through all experts in order; those of an expert begin
/// at a whole tile, so that none has to be shifted when a block of them is taken.
pub(super) struct Slots<'b> {
    /// Slots in all, whole tiles; behind the last row there is room for a block.
    pub count: usize,
    /// Slots of a tile.
    pub tile: usize,
    /// The first tile of each expert, s32 `[e]`.
    pub first_tiles: Tensor<'b>,
    /// Rows of each expert, s32 `[e]`.
    pub rows: Tensor<'b>,
    /// The slot of each row at each of its experts, -1 for a row that has none: s32 `[n]` each.
    places: Vec<Tensor<'b>>,
}

impl<'b> Slots<'b> {
    /// Slots from any of which a block of so many rows can be taken.
    pub fn new(b: &'b Builder, routing: &Routing<'b>, block: usize, tile: usize) -> Slots<'b> {
        let (n, e, chosen) = (routing.chosen.dim(0), routing.chosen.dim(1), routing.chosen);
        let count = (n * routing.picks.len() + e * (tile - 1)).next_multiple_of(tile) + block;
        let rows = chosen.sum("ne->e").convert(S32);
        let tiles = (rows + (tile as i64 - 1)) / tile as i64;
        let first_tiles = running_sum(tiles) - tiles;
        let square = TensorType::new(S32, [n, n]);
        let earlier = b.iota(&square, 1).below(b.iota(&square, 0)).convert(F32);
        let rank = earlier.dot("nm,me->ne", chosen).convert(S32);
        let slots = (first_tiles * tile as i64).like("e->ne", rank) + rank;
        let slots = chosen.above(0.0).select(slots, -1);
        let places = routing.picks.iter().map(|pick| at(slots, *pick).named("slot")).collect();
        Slots { count, tile, first_tiles, rows, places }
    }

    /// `x` `[n, c]` by slot: `[s, c]`; where no row is, the first one.
    pub fn spread(&self, x: Tensor<'b>) -> Tensor<'b> {
        let b = x.builder();
        let table = TensorType::new(S32, [self.count, x.dim(0)]);
        let (slots, rows) = (b.iota(&table, 0), b.iota(&table, 1));
        let none = b.splat_integer(0, &table);
        let here = |place: &Tensor<'b>| place.like("n->sn", slots).equals(slots);
        let source = self.places.iter().map(here).reduce(|any, here| any | here);
        let source = source.expect("a model chooses at least one expert").select(rows, none).max("sn->s");
        x.rows(source.named("source"))
    }

    /// The sum of each row's answers `[u, p, t, o]`, `t` slots of `u` tiles, weighted by its shares: f32 `[n, p, o]`.
    pub fn gather(&self, answers: Tensor<'b>, routing: &Routing<'b>) -> Tensor<'b> {
        let (b, n) = (answers.builder(), routing.share.dim(0));
        let answers = answers.transpose("upto->utpo").reshape(&[self.count, answers.dim(1), answers.dim(3)]);
        let table = TensorType::new(S32, [n, self.count]);
        let slots = b.iota(&table, 1);
        let none = b.splat(0.0, &table.with_element(F32));
        let weights = self.places.iter().zip(&routing.picks).fold(none, |weights, (place, pick)| {
            let share = at(routing.share, *pick);
            place.like("n->ns", slots).equals(slots).select(share.like("n->ns", slots), weights)
        });
        weights.convert(answers.ty().element).dot_into(F32, "ns,spo->npo", answers)
    }
}

/// Column `index` of `table` `[n, e]`: `[n]`.
pub(super) fn column<'b>(table: Tensor<'b>, index: Tensor<'b>) -> Tensor<'b> {
    let n = table.dim(0);
    table.dynamic_slice(&[index.builder().integer(0), index], &[n, 1]).reshape(&[n])
}

/// What `table` `[n, e]` holds for each row at the expert `pick` s32 `[n]`: `[n]`.
fn at<'b>(table: Tensor<'b>, pick: Tensor<'b>) -> Tensor<'b> {
    let experts = table.builder().iota(&table.ty().with_element(S32), 1);
    let here = experts.equals(pick.like("n->ne", experts));
    let none = |ty: &TensorType| match ty.element {
        ElementType::S32 => table.builder().splat_integer(0, ty),
        _ => table.builder().splat(0.0, ty),
    };
    here.select(table, none(&table.ty())).sum("ne->n")
}

/// The sums of `of` s32 `[e]` up to and with each.
fn running_sum(of: Tensor<'_>) -> Tensor<'_> {
    let e = of.dim(0);
    let (b, square) = (of.builder(), TensorType::new(S32, [e, e]));
    let up_to = b.iota(&square, 1).at_most(b.iota(&square, 0));
    up_to.select(of.spread("x->ex", &[e, e]), 0).sum("ex->e")
}
