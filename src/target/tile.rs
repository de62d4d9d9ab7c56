//! How tensors lie in a TPU's memory: tiles of sublanes by lanes, and what they pad. It knows no generation's speed.
//!
//! The minor dimension runs along 128 lanes, the one before it along sublanes; the compiler chooses which two they are, and the
//! size of the tile, so that least is padded. The rules were read off libtpu 0.0.52 on 64 types and every generation, and
//! `tests/pjrt/targets.rs` compares them with it again.

use hlo::TensorType;

use super::chip::Chip;

const LANES: usize = 128;
const SUBLANES: usize = 8;

/// The tile of a tensor whose two minor dimensions are multiples of it. Smaller tensors get smaller tiles of the same lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    pub element_bits: usize,
    pub sublanes: usize,
    pub lanes: usize,
}

/// The tiles of a family of generations.
pub(super) struct Tiles {
    pub tiles: &'static [Tile],
    pub smallest_bytes: usize,
}

const fn tile(element_bits: usize, sublanes: usize) -> Tile {
    Tile { element_bits, sublanes, lanes: LANES }
}

/// Elements of 4 bits are stored in 8 there, so they have no tile of their own.
pub(super) const UP_TO_V3: Tiles = Tiles { tiles: &[tile(32, 8), tile(16, 8), tile(8, 8)], smallest_bytes: 1024 };
pub(super) const FROM_V4: Tiles =
    Tiles { tiles: &[tile(32, 8), tile(16, 8), tile(8, 32), tile(4, 64)], smallest_bytes: 512 };

impl Chip {
    /// Bytes that an argument of this type takes, padding included, in the layout that the compiler chooses by itself.
    pub fn padded_bytes(&self, ty: &TensorType) -> u64 {
        self.bytes(ty, padded_elements)
    }

    /// The same in a layout that was asked for: its axes, the minor one first, such as `[1, 0]` of a row-major matrix.
    pub fn padded_bytes_in(&self, ty: &TensorType, minor_to_major: &[usize]) -> u64 {
        match *minor_to_major {
            [minor, second, ..] if ty.count() > 0 => {
                self.bytes(ty, |dims, fewest_rows| padded_in_order(dims, minor, second, fewest_rows))
            }
            _ => self.padded_bytes(ty),
        }
    }

    /// `padded` gives the elements with padding of dimensions, where a smallest tile has so many rows.
    fn bytes(&self, ty: &TensorType, padded: impl Fn(&[usize], usize) -> usize) -> u64 {
        let stored_bits = match ty.element.bits() {
            4 if !self.stores_4_bit => 8,
            bits => bits,
        };
        // Elements of 64 bits are two planes of 32.
        let (bits, planes) = (stored_bits.min(32), stored_bits.div_ceil(32));
        let fewest_rows = self.smallest_tile_bytes * 8 / (LANES * bits);
        (padded(&ty.dims, fewest_rows) * bits / 8 * planes) as u64
    }
}

/// Elements with padding; `fewest_rows` are the sublanes of the smallest tile.
fn padded_elements(dims: &[usize], fewest_rows: usize) -> usize {
    let count = dims.iter().product::<usize>();
    if count == 0 {
        return 0;
    }
    // A vector is folded into rows of all lanes.
    if dims.len() < 2 {
        return padded_rows(count.div_ceil(LANES), fewest_rows) * LANES;
    }
    let axes = || 0..dims.len();
    let orders =
        axes().flat_map(|minor| axes().map(move |second| (minor, second))).filter(|(minor, second)| minor != second);
    orders.map(|(minor, second)| padded_in_order(dims, minor, second, fewest_rows)).min().unwrap_or(0)
}

/// Elements with padding where axis `minor` runs along lanes and axis `second` along sublanes. No dimension is 0.
fn padded_in_order(dims: &[usize], minor: usize, second: usize, fewest_rows: usize) -> usize {
    let others = dims.iter().product::<usize>() / (dims[minor] * dims[second]);
    dims[minor].next_multiple_of(LANES) * padded_rows(dims[second], fewest_rows) * others
}

/// Fewer rows than sublanes get the next tile of a power of two; a taller tile is chosen only where it pads nothing more.
fn padded_rows(rows: usize, fewest: usize) -> usize {
    if rows < SUBLANES { rows.next_power_of_two().max(fewest) } else { rows.next_multiple_of(SUBLANES) }
}

#[cfg(test)]
mod tests {
    use hlo::ElementType::{self, *};

    use super::*;

    #[test]
    fn padding_is_the_least_of_all_orders() {
        // Bytes on v5e and on v2, as libtpu 0.0.52 takes them.
        let rows: [(ElementType, &[usize], u64, u64); 16] = [
            (Bf16, &[512, 2880], 2_949_120, 2_949_120),
            (Bf16, &[8, 4224, 64], 4_325_376, 4_325_376),
            (Bf16, &[32, 90, 5760], 33_177_600, 33_177_600),
            (Bf16, &[1, 2880], 11_776, 23_552),
            (Bf16, &[9, 130], 8192, 8192),
            (Bf16, &[300], 1024, 1024),
            (F32, &[], 512, 1024),
            (F32, &[2880], 12_288, 12_288),
            (F32, &[5, 2880], 94_208, 94_208),
            (F32, &[3, 1, 5, 64], 7680, 10_240),
            (F8E4M3FN, &[5, 200, 300], 384_000, 384_000),
            (S8, &[3, 500], 2048, 4096),
            (F4E2M1FN, &[32, 90, 32, 5760], 265_420_800, 530_841_600),
            (F4E2M1FN, &[2880], 1536, 3072),
            (U64, &[100], 1024, 2048),
            (F32, &[0, 128], 0, 0),
        ];
        for (element, dims, v5e, v2) in rows {
            let ty = TensorType::new(element, dims);
            assert_eq!((Chip::V5E.padded_bytes(&ty), Chip::V2.padded_bytes(&ty)), (v5e, v2), "{ty}");
        }
    }

    #[test]
    fn a_layout_that_is_asked_for_pads_its_own_minor_axis() {
        let table = TensorType::new(Bf16, [201_088, 2880]);
        assert_eq!(Chip::V5E.padded_bytes(&table), 201_088 * 2880 * 2);
        assert_eq!(Chip::V5E.padded_bytes_in(&table, &[0, 1]), 201_088 * 2880 * 2);
        assert_eq!(Chip::V5E.padded_bytes_in(&table, &[1, 0]), 201_088 * 2944 * 2);
        assert_eq!(Chip::V5E.padded_bytes_in(&TensorType::new(F32, [0, 128]), &[1, 0]), 0);
    }

    #[test]
    fn a_full_tile_pads_nothing() {
        for chip in Chip::ALL {
            let elements = ElementType::ALL.into_iter().filter(|element| element.bits() <= 32);
            for tile in chip.tiles {
                for element in elements.clone().filter(|element| element.bits() == tile.element_bits) {
                    let ty = TensorType::new(element, [tile.sublanes * 3, tile.lanes * 5]);
                    assert_eq!(
                        chip.padded_bytes(&ty),
                        (ty.count() * element.bits() / 8) as u64,
                        "{ty} on {}",
                        chip.name
                    );
                }
            }
            assert_eq!(chip.tiles.iter().any(|tile| tile.element_bits == 4), chip.stores_4_bit);
        }
    }
}
