//! MXFP4: 32 values of four bits that share an exponent, unpacked exactly. Knows no tensor's name and no layout but a row's.
//!
//! Source: OCP Microscaling Formats 1.0; nibble order as in openai/gpt-oss `torch/weights.py`.

use std::sync::LazyLock;

/// The values of the sixteen codes: sign, two bits of exponent, one of mantissa.
pub const CODES: [f32; 16] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0];
/// Values of a block.
pub const BLOCK: usize = 32;
/// Bytes of a block's codes, its scale apart.
pub const BLOCK_BYTES: usize = 16;
/// The scale that the format reserves for NaN.
pub const SCALE_NAN: u8 = 255;

/// What a code stands for under the byte of its block's scale: exact.
pub(super) fn value(code: usize, scale: u8) -> f64 {
    f64::from(CODES[code]) * 2f64.powi(i32::from(scale) - 127)
}

/// A block: its codes one a byte, and its scale's byte, which is not [`SCALE_NAN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub codes: [u8; BLOCK],
    pub scale: u8,
}

impl Block {
    /// Zeros, of scale 1.
    pub const ZEROS: Block = Block { codes: [0; BLOCK], scale: 127 };

    /// The block of `bytes`, two codes each, the low nibble first. `None` if its scale is [`SCALE_NAN`].
    pub fn stored(bytes: &[u8; BLOCK_BYTES], scale: u8) -> Option<Block> {
        let codes = std::array::from_fn(|at| bytes[at / 2] >> (4 * (at % 2)) & 15);
        (scale != SCALE_NAN).then_some(Block { codes, scale })
    }

    /// Writes the codes as files have them, to [`BLOCK_BYTES`].
    pub fn write(&self, out: &mut [u8]) {
        halve(&self.codes, out);
    }

    /// The block of exactly these `values`, if there is one.
    pub fn exact(values: &[f32; BLOCK]) -> Option<Block> {
        let largest = values.iter().fold(0, |largest, value| largest.max(value.abs().to_bits()));
        if largest == 0 {
            let codes = values.map(|value| if value.is_sign_negative() { 8 } else { 0 });
            return Some(Block { codes, ..Block::ZEROS });
        }
        let largest = f32::from_bits(largest);
        if !largest.is_finite() {
            return None;
        }
        // The largest value gets one of the largest codes, 4 or 6, where a scale is so small: whatever a larger scale could hold,
        // this one holds too.
        let exponent = (f64::from(largest).to_bits() >> 52) as i32 - 1023;
        let scale = (exponent - 2).max(-127);
        let inverse = 2f64.powi(-scale);
        let mut codes = [0; BLOCK];
        for (value, code) in values.iter().zip(&mut codes) {
            let magnitude = (f64::from(value.abs()) * inverse) as f32;
            let found = CODES[..8].iter().position(|code| *code == magnitude)?;
            *code = found as u8 | if value.is_sign_negative() { 8 } else { 0 };
        }
        Some(Block { codes, scale: (scale + 127) as u8 })
    }

    /// The scale in the bits of a bf16: exact, that of byte 0 as the subnormal 2^-127, which a device may take for zero.
    pub fn scale_bits(self) -> u16 {
        match self.scale {
            0 => 1 << 6,
            scale => u16::from(scale) << 7,
        }
    }
}

/// Two codes a byte, the first in the low half, from a byte each: `out` takes one byte for each two of `codes`.
pub(super) fn halve(codes: &[u8], out: &mut [u8]) {
    for (out, [low, high]) in out.iter_mut().zip(codes.as_chunks::<2>().0) {
        *out = low | high << 4;
    }
}

/// The reverse: `out` takes two bytes for each of `halved`.
pub(super) fn spread(halved: &[u8], out: &mut [u8]) {
    for (byte, out) in halved.iter().zip(out.as_chunks_mut::<2>().0) {
        *out = [byte & 15, byte >> 4];
    }
}

/// A row has a block whose scale is [`SCALE_NAN`], here counted in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NanScale(pub usize);

/// Unpacks a row of blocks to bf16 in the machine's byte order.
///
/// `blocks` has two values a byte, low nibble first; `scales` one byte a block, the exponent plus 127.
/// `out` takes two bytes a value and need not be aligned. Every code and scale is exact, subnormals too, except that scales
/// 253 and 254 with the largest codes exceed what bf16 and f32 hold and become infinite, as in the published loader.
/// Panics if the lengths disagree.
pub fn unpack_bf16(blocks: &[u8], scales: &[u8], out: &mut [u8]) -> Result<(), NanScale> {
    static PAIRS: LazyLock<Vec<[[u8; 4]; 256]>> = LazyLock::new(|| {
        pair_tables(|low, high| {
            let ([a, b], [c, d]) = (half::bf16::from_f32(low).to_ne_bytes(), half::bf16::from_f32(high).to_ne_bytes());
            [a, b, c, d]
        })
    });
    unpack(&PAIRS, blocks, scales, out)
}

/// Unpacks a row of blocks to f32 in the machine's byte order; `out` takes four bytes a value. All else as [`unpack_bf16`].
pub fn unpack_f32(blocks: &[u8], scales: &[u8], out: &mut [u8]) -> Result<(), NanScale> {
    static PAIRS: LazyLock<Vec<[[u8; 8]; 256]>> = LazyLock::new(|| {
        pair_tables(|low, high| {
            let ([a, b, c, d], [e, f, g, h]) = (low.to_ne_bytes(), high.to_ne_bytes());
            [a, b, c, d, e, f, g, h]
        })
    });
    unpack(&PAIRS, blocks, scales, out)
}

/// For every scale what each byte of codes unpacks to: a row uses few scales, so that its tables stay in the first cache.
fn pair_tables<const PAIR: usize>(pair: impl Fn(f32, f32) -> [u8; PAIR]) -> Vec<[[u8; PAIR]; 256]> {
    let number = |code: usize, scale: u8| value(code, scale) as f32;
    (0..SCALE_NAN)
        .map(|scale| std::array::from_fn(|byte| pair(number(byte & 15, scale), number(byte >> 4, scale))))
        .collect()
}

fn unpack<const PAIR: usize>(
    tables: &[[[u8; PAIR]; 256]],
    blocks: &[u8],
    scales: &[u8],
    out: &mut [u8],
) -> Result<(), NanScale> {
    let (blocks, rest) = blocks.as_chunks::<BLOCK_BYTES>();
    let (pairs, odd) = out.as_chunks_mut::<PAIR>();
    assert!(rest.is_empty() && odd.is_empty(), "rows of whole blocks");
    assert_eq!((blocks.len(), pairs.len()), (scales.len(), scales.len() * BLOCK_BYTES), "one scale a block");
    for (at, ((block, scale), pairs)) in blocks.iter().zip(scales).zip(pairs.chunks_exact_mut(BLOCK_BYTES)).enumerate()
    {
        let Some(table) = tables.get(usize::from(*scale)) else { return Err(NanScale(at)) };
        for (byte, pair) in block.iter().zip(pairs) {
            *pair = table[usize::from(*byte)];
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::bf16;
    use proptest::prelude::*;

    /// The value as sign, significand and exponent, put together bit by bit and without any floating-point operation.
    /// `None` where it is too large for f32.
    fn oracle_bits(code: u8, scale: u8) -> Option<u32> {
        let sign = u32::from(code >> 3) << 31;
        // The value is halves * 2^(scale - 128).
        let halves: u32 = [0, 1, 2, 3, 4, 6, 8, 12][usize::from(code & 7)];
        if halves == 0 {
            return Some(sign);
        }
        let top = halves.ilog2();
        let exponent = i32::from(scale) - 128 + top as i32;
        if exponent > 127 {
            return None;
        }
        let significand = halves << (23 - top);
        Some(match exponent + 127 {
            biased @ 1.. => sign | (biased as u32) << 23 | (significand & 0x7f_ffff),
            subnormal => sign | significand >> (1 - subnormal),
        })
    }

    #[test]
    fn every_code_and_scale_is_exact() {
        for scale in 0..255u8 {
            for code in 0..16u8 {
                let blocks = [code | (15 - code) << 4; BLOCK_BYTES];
                let mut wide = [0; BLOCK * 4];
                let mut narrow = [0; BLOCK * 2];
                unpack_f32(&blocks, &[scale], &mut wide).unwrap();
                unpack_bf16(&blocks, &[scale], &mut narrow).unwrap();
                for at in 0..BLOCK {
                    let code = if at % 2 == 0 { code } else { 15 - code };
                    let sign = u32::from(code >> 3) << 31;
                    let expected = oracle_bits(code, scale).unwrap_or(sign | 0x7f80_0000);
                    let found = u32::from_ne_bytes(wide[at * 4..][..4].try_into().unwrap());
                    assert_eq!(found, expected, "code {code} scale {scale} as f32");
                    // Exact in bf16 as well: the lower half of the f32 is empty, down to the smallest subnormals.
                    assert_eq!(expected & 0xffff, 0);
                    let found = u16::from_ne_bytes(narrow[at * 2..][..2].try_into().unwrap());
                    assert_eq!(u32::from(found) << 16, expected, "code {code} scale {scale} as bf16");
                }
            }
        }
    }

    proptest! {
        /// Rows of any length against the formula, value by value.
        #[test]
        fn rows_follow_the_formula(row in proptest::collection::vec((any::<[u8; 16]>(), 0u8..=252), 0..9)) {
            let blocks: Vec<u8> = row.iter().flat_map(|(block, _)| *block).collect();
            let scales: Vec<u8> = row.iter().map(|(_, scale)| *scale).collect();
            let mut out = vec![0; row.len() * BLOCK * 2];
            unpack_bf16(&blocks, &scales, &mut out).unwrap();
            for (at, value) in out.chunks_exact(2).enumerate() {
                let byte = blocks[at / 2];
                let code = if at % 2 == 0 { byte & 15 } else { byte >> 4 };
                let expected = f64::from(CODES[usize::from(code)]) * 2f64.powi(i32::from(scales[at / BLOCK]) - 127);
                prop_assert_eq!(f64::from(bf16::from_ne_bytes([value[0], value[1]])), expected);
            }
        }
    }

    #[test]
    fn scales_are_exact_in_bf16() {
        for scale in 0..SCALE_NAN {
            let bits = Block { scale, ..Block::ZEROS }.scale_bits();
            assert_eq!(bf16::from_bits(bits).to_f64(), 2f64.powi(i32::from(scale) - 127));
        }
    }

    proptest! {
        /// What a block unpacks to is found to be a block again, of the same values.
        #[test]
        fn unpacked_blocks_are_found_again(bytes in any::<[u8; 16]>(), scale in 0u8..=252) {
            let mut out = [0; BLOCK * 4];
            unpack_f32(&bytes, &[scale], &mut out).unwrap();
            let values = std::array::from_fn(|at| f32::from_ne_bytes(out[at * 4..][..4].try_into().unwrap()));
            let stored = Block::stored(&bytes, scale).unwrap();
            let found = Block::exact(&values).unwrap();
            let value = |block: &Block, at: usize| {
                f64::from(CODES[usize::from(block.codes[at])]) * 2f64.powi(i32::from(block.scale) - 127)
            };
            for at in 0..BLOCK {
                prop_assert_eq!(value(&found, at).to_bits(), value(&stored, at).to_bits());
            }
        }
    }

    #[test]
    fn values_that_no_block_holds_are_found_out() {
        let block = |values: &[f32]| Block::exact(&std::array::from_fn(|at| values.get(at).copied().unwrap_or(0.0)));
        assert_eq!(block(&[]), Some(Block::ZEROS));
        assert_eq!(block(&[6.0, -0.5]).map(|block| (block.scale, block.codes[0], block.codes[1])), Some((127, 7, 9)));
        for values in [[5.0, 0.0], [6.0, 0.25], [f32::NAN, 0.0], [1.0, f32::INFINITY], [6.0, 1.25]] {
            assert_eq!(block(&values), None, "{values:?}");
        }
    }

    #[test]
    fn the_scale_for_nan_is_refused_where_it_stands() {
        let mut out = [0; 3 * BLOCK * 4];
        assert_eq!(unpack_f32(&[0; 48], &[1, 2, 255], &mut out), Err(NanScale(2)));
        assert_eq!(unpack_bf16(&[0; 48], &[255, 2, 255], &mut out[..3 * BLOCK * 2]), Err(NanScale(0)));
    }
}
