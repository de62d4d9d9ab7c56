//! Rows in MXFP4 to codes of eight bits, without a detour by numbers: sixteen codes and few scales a row make tables worth while.
//! What it gives is what `codes` would give for the unpacked values, and it counts what that loses. Knows no tensor.

use std::sync::LazyLock;

use super::codes;
use super::loss::{Losses, Tally};
use super::mxfp4::{BLOCK, BLOCK_BYTES, CODES, SCALE_NAN, value};
use crate::plan::Precision;

/// Exponents of a block's scale over that of its row in FP8. Below the first, all codes of the block become zero; above the last,
/// the least code would already exceed what the row's largest can be.
const FIRST: i32 = -13;
const LAST: i32 = 9;
/// What two codes in a byte become for every exponent from [`FIRST`] on.
static FP8: LazyLock<Vec<[[u8; 2]; 256]>> = LazyLock::new(|| {
    let code = |code: usize, exponent: i32| codes::code(Precision::Fp8, CODES[code] * 2f32.powi(exponent));
    let table = |exponent| std::array::from_fn(|byte| [code(byte & 15, exponent), code(byte >> 4, exponent)]);
    (FIRST..=LAST).map(table).collect()
});

/// The largest magnitude of a row: infinite where f32 does not hold it. Scales are none that the format reserves for NaN.
pub(super) fn largest(blocks: &[[u8; BLOCK_BYTES]], scales: &[u8]) -> f32 {
    let magnitudes = &*MAGNITUDES;
    let of_block = |(block, scale): (&[u8; BLOCK_BYTES], &u8)| {
        // Codes without their sign are in the order of their values.
        let code = block.iter().fold(0, |largest, byte| largest.max(byte & 7).max(byte >> 4 & 7));
        magnitudes[usize::from(*scale)][usize::from(code)]
    };
    blocks.iter().zip(scales).map(of_block).fold(0.0, |largest, own| if own > largest { own } else { largest })
}

/// The magnitudes of a block's codes for every scale; none for the one that the format reserves for NaN.
static MAGNITUDES: LazyLock<Vec<[f32; 8]>> =
    LazyLock::new(|| (0..SCALE_NAN).map(|scale| std::array::from_fn(|code| value(code, scale) as f32)).collect());

/// How often each of the `wanted` magnitudes, a bit each, occurs in a block. Written so that a compiler compares many at once.
fn count(block: &[u8; BLOCK_BYTES], wanted: u8) -> [u32; 8] {
    let mut counts = [0; 8];
    for (code, count) in (0u8..).zip(&mut counts).filter(|(code, _)| wanted >> code & 1 == 1) {
        let mut hits = 0u8;
        for byte in block {
            hits += u8::from(byte & 7 == code) + u8::from(byte >> 4 & 7 == code);
        }
        *count = u32::from(hits);
    }
    counts
}

/// The magnitudes, a bit each, that are none of E4M3's under a scale of 2^`exponent`.
fn inexact(exponent: i32) -> u8 {
    let is_exact = |code: &usize| {
        let value = f64::from(CODES[*code]) * 2f64.powi(exponent);
        codes::value_of(Precision::Fp8, codes::code(Precision::Fp8, value as f32)) == value
    };
    (0..8).filter(|code| !is_exact(code)).fold(0, |wanted, code| wanted | 1 << code)
}

/// [`inexact`] of every exponent that a block's scale or its ratio to a row's can have, from -[`LEAST`] on.
static INEXACT: LazyLock<Vec<u8>> = LazyLock::new(|| (-LEAST..=LEAST).map(inexact).collect());
const LEAST: i32 = 256;

/// Recodes the rows of one tensor to FP8 or INT8, and counts.
pub(super) struct Recoder {
    stored: Precision,
    scaled: Tally,
    /// How often each magnitude stands in blocks of each exponent from [`FIRST`] on, where FP8 is not exact.
    by_exponent: [[u64; 8]; (LAST - FIRST + 1) as usize],
    /// The same by a block's scale, where a plain cast is not exact.
    by_scale: Box<[[u64; 8]; 256]>,
    plain_exact: u64,
    row: Row,
}

/// What INT8 makes of a row: its scale is no power of two, so that every row has tables of its own.
struct Row {
    number: u32,
    /// The row that the tables of a block's scale were made for.
    made_for: Box<[u32; 256]>,
    tables: Box<[[u8; 16]; 256]>,
    counts: Box<[[u32; 8]; 256]>,
    /// Scales of blocks that occur in the row.
    scales: Vec<u8>,
}

impl Recoder {
    /// `stored` is FP8 or INT8.
    pub fn new(stored: Precision) -> Recoder {
        let row = Row {
            number: 0,
            made_for: Box::new([0; 256]),
            tables: Box::new([[0; 16]; 256]),
            counts: Box::new([[0; 8]; 256]),
            scales: Vec::new(),
        };
        Recoder {
            stored,
            scaled: Tally::default(),
            by_exponent: Default::default(),
            by_scale: Box::new([[0; 8]; 256]),
            plain_exact: 0,
            row,
        }
    }

    /// The codes of a row under `scale`, which is that of its largest magnitude; `out` takes a byte a value.
    pub fn row(&mut self, blocks: &[[u8; BLOCK_BYTES]], scales: &[u8], scale: f32, out: &mut [u8]) {
        let outs = out.as_chunks_mut::<BLOCK>().0;
        if self.stored == Precision::Int8 {
            return self.int8_row(blocks, scales, scale, outs);
        }
        let of_row = (scale.to_bits() >> 23) as i32 - 127;
        for ((block, block_scale), out) in blocks.iter().zip(scales).zip(outs) {
            let exponent = i32::from(*block_scale) - 127 - of_row;
            let place = (exponent.clamp(FIRST, LAST) - FIRST) as usize;
            let table = &FP8[place];
            for (byte, out) in block.iter().zip(out.as_chunks_mut::<2>().0) {
                *out = table[usize::from(*byte)];
            }
            // Above, only magnitudes occur that the row's scale has room for.
            let changed = if exponent > 0 { 0 } else { INEXACT[(exponent + LEAST) as usize] };
            self.scaled.exact(add(&mut self.by_exponent[place], block, changed));
            let exponent = i32::from(*block_scale) - 127;
            let changed = INEXACT[(exponent + LEAST) as usize];
            self.plain_exact += add(&mut self.by_scale[usize::from(*block_scale)], block, changed);
        }
    }

    fn int8_row(&mut self, blocks: &[[u8; BLOCK_BYTES]], scales: &[u8], scale: f32, outs: &mut [[u8; BLOCK]]) {
        self.row.number += 1;
        for ((block, block_scale), out) in blocks.iter().zip(scales).zip(outs) {
            let at = usize::from(*block_scale);
            if self.row.made_for[at] != self.row.number {
                self.row.made_for[at] = self.row.number;
                self.row.scales.push(*block_scale);
                self.row.tables[at] = std::array::from_fn(|code| {
                    let magnitude = MAGNITUDES[at][code & 7];
                    let value = if code < 8 { magnitude } else { -magnitude };
                    codes::code(Precision::Int8, value / scale)
                });
                self.row.counts[at] = [0; 8];
            }
            let table = &self.row.tables[at];
            for (byte, out) in block.iter().zip(out.as_chunks_mut::<2>().0) {
                *out = [table[usize::from(byte & 15)], table[usize::from(byte >> 4)]];
            }
            let counts = count(block, u8::MAX);
            self.row.counts[at].iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            self.by_scale[at].iter_mut().zip(counts).for_each(|(sum, count)| *sum += u64::from(count));
        }
        for block_scale in self.row.scales.drain(..) {
            let at = usize::from(block_scale);
            for (code, found) in self.row.counts[at].iter().enumerate() {
                let value = value(code, block_scale);
                let decoded = codes::value_of(Precision::Int8, self.row.tables[at][code]) * f64::from(scale);
                self.scaled.add(value, decoded, f64::INFINITY, u64::from(*found));
            }
        }
    }

    /// What was lost in all rows.
    pub fn losses(&self) -> Losses {
        let (mut scaled, mut plain) = (self.scaled, Tally::default());
        for (counts, exponent) in self.by_exponent.iter().zip(FIRST..) {
            for (code, found) in counts.iter().enumerate() {
                // What lies below the first exponent is counted with it: it is lost likewise.
                let value = f64::from(CODES[code]) * 2f64.powi(exponent);
                let decoded = codes::value_of(Precision::Fp8, codes::code(Precision::Fp8, value as f32));
                scaled.add(value, decoded, f64::INFINITY, *found);
            }
        }
        plain.exact(self.plain_exact);
        for (scale, counts) in self.by_scale.iter().enumerate() {
            for (code, found) in counts.iter().enumerate() {
                let value = value(code, scale as u8);
                let decoded = codes::value_of(self.stored, codes::code(self.stored, value as f32));
                plain.add(value, decoded, self.stored.largest_code(), *found);
            }
        }
        Losses { scaled: scaled.loss(), plain_cast: plain.loss() }
    }
}

/// Adds how often the `changed` magnitudes occur in a block, and gives how many values are none of them.
fn add(sums: &mut [u64; 8], block: &[u8; BLOCK_BYTES], changed: u8) -> u64 {
    if changed == 0 {
        return BLOCK as u64;
    }
    let counts = count(block, changed);
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += u64::from(count));
    BLOCK as u64 - u64::from(counts.iter().sum::<u32>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::mxfp4;
    use proptest::prelude::*;

    /// Values of a row, its scale and codes by way of numbers.
    fn by_numbers(stored: Precision, blocks: &[[u8; 16]], scales: &[u8]) -> (Vec<f32>, f32, Vec<u8>) {
        let mut values = vec![0f32; blocks.len() * BLOCK];
        mxfp4::unpack_f32(blocks.as_flattened(), scales, bytemuck::cast_slice_mut(&mut values)).expect("scales");
        let scale = codes::scale(stored, &values).expect("finite values");
        let mut out = vec![0; values.len()];
        codes::encode(stored, &values, scale, &mut out);
        (values, scale, out)
    }

    fn check(rows: &[(Vec<[u8; 16]>, Vec<u8>)]) -> Result<(), TestCaseError> {
        for stored in [Precision::Fp8, Precision::Int8] {
            let mut recoder = Recoder::new(stored);
            let (mut scaled, mut plain) = (Tally::default(), Tally::default());
            for (blocks, scales) in rows {
                let (values, scale, expected) = by_numbers(stored, blocks, scales);
                let largest = largest(blocks, scales);
                prop_assert_eq!(codes::scale_for(stored, largest), scale);
                let mut out = vec![0xa5; expected.len()];
                recoder.row(blocks, scales, scale, &mut out);
                prop_assert_eq!(&out, &expected, "{} under {}", stored, scale);
                for (value, code) in values.iter().zip(&out) {
                    let value = f64::from(*value);
                    scaled.add(value, codes::value_of(stored, *code) * f64::from(scale), f64::INFINITY, 1);
                    let cast = codes::value_of(stored, codes::code(stored, value as f32));
                    plain.add(value, cast, stored.largest_code(), 1);
                }
            }
            let found = recoder.losses();
            for (found, expected) in [(found.scaled, scaled.loss()), (found.plain_cast, plain.loss())] {
                let mean = |loss: &super::super::loss::Loss| loss.mean_relative_error;
                prop_assert!((mean(&found) - mean(&expected)).abs() < 1e-12, "{found:?} for {expected:?}");
                let rest =
                    |loss: super::super::loss::Loss| super::super::loss::Loss { mean_relative_error: 0.0, ..loss };
                prop_assert_eq!(rest(found), rest(expected));
            }
        }
        Ok(())
    }

    proptest! {
        /// Rows whose scales are near to each other, far apart, and at both ends of what there is.
        #[test]
        fn tables_give_what_numbers_give(
            rows in proptest::collection::vec(
                (0u8..=252, 0u8..=40).prop_flat_map(|(first, span)| {
                    proptest::collection::vec((any::<[u8; 16]>(), first..=first.saturating_add(span).min(252)), 1..6)
                }),
                1..5,
            ),
        ) {
            let rows: Vec<(Vec<[u8; 16]>, Vec<u8>)> = rows.into_iter().map(|row| row.into_iter().unzip()).collect();
            check(&rows)?;
        }
    }

    #[test]
    fn zeros_of_both_signs_and_the_least_values() {
        let rows = vec![
            (vec![[0; 16], [0x88; 16]], vec![0, 200]),
            (vec![[0x11; 16], [0x98; 16]], vec![0, 1]),
            (vec![[0x71; 16], [0x11; 16]], vec![252, 0]),
        ];
        check(&rows).expect("the same");
        assert_eq!(largest(&[[0x70; 16]], &[254]), f32::INFINITY);
    }
}
