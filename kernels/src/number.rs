//! What is multiplied: f32, or bf16 where the processor multiplies it. Each does the same few things at each level.

use half::bf16;

use crate::level::Level;
use crate::matrix::{Matrix, Values};
use crate::{BLOCK, portable};

#[cfg(target_arch = "x86_64")]
use crate::{avx2, avx512};

/// The most rows, and the most outputs, of which products are made at once.
pub(crate) const AT_ONCE: usize = 4;

/// Sums `[row][output]`; those of rows and outputs that were not given are 0.
pub(crate) type Sums = [[f32; AT_ONCE]; AT_ONCE];

/// A type of numbers of which products are made.
pub(crate) trait Number: Copy + Send + Sync + 'static {
    const ZERO: Self;

    /// `value`, rounded to bf16 if it is `narrow`.
    fn of(value: f32, narrow: bool) -> Self;

    /// The values of a matrix that is stored in this type.
    fn stored<'a>(values: Values<'a>) -> Option<&'a [Self]>;

    /// The values of a small matrix, without the scales of its outputs.
    fn unpack(level: Level, matrix: &Matrix<'_>, into: &mut [Self]);

    /// The dot products of up to four rows with the values of up to four outputs, all of one length.
    fn dots(level: Level, rows: &[&[Self]], outputs: &[&[Self]]) -> Sums;

    /// Appends a row of whole blocks in the order in which [`Number::dots_mxfp4`] reads it.
    fn arrange(row: &[Self], into: &mut Vec<Self>) {
        into.extend_from_slice(row);
    }

    /// The dot products of up to four arranged rows with one output in MXFP4; `None` where unpacking first is as good.
    fn dots_mxfp4(level: Level, rows: &[&[Self]], codes: &[u8], scales: &[u8]) -> Option<[f32; AT_ONCE]>;

    /// The dot products of up to four rows with one output of 8-bit integers, likewise.
    fn dots_int8(level: Level, rows: &[&[Self]], codes: &[i8]) -> Option<[f32; AT_ONCE]>;
}

impl Number for f32 {
    const ZERO: f32 = 0.0;

    fn of(value: f32, narrow: bool) -> f32 {
        if narrow { bf16::from_f32(value).to_f32() } else { value }
    }

    fn stored(values: Values<'_>) -> Option<&[f32]> {
        if let Values::F32(values) = values { Some(values) } else { None }
    }

    fn unpack(level: Level, matrix: &Matrix<'_>, into: &mut [f32]) {
        check(matrix, into.len());
        #[cfg(target_arch = "x86_64")]
        if level >= Level::Avx2 {
            assert!(level.is_available());
            // SAFETY: the processor has AVX2 and FMA by the line above.
            unsafe { avx2::unpack(matrix.values(), into) };
            return;
        }
        let _ = level;
        portable::unpack(matrix.values(), into);
    }

    fn dots(level: Level, rows: &[&[f32]], outputs: &[&[f32]]) -> Sums {
        let length = one_length(rows, outputs);
        #[cfg(target_arch = "x86_64")]
        if level >= Level::Avx2 {
            assert!(level.is_available());
            // SAFETY: the processor has AVX2 and FMA, and all slices have `length` values, by the lines above.
            return unsafe { avx2::dots(rows, outputs, length) };
        }
        let _ = (level, length);
        portable::dots(rows, outputs)
    }

    fn dots_int8(level: Level, rows: &[&[f32]], codes: &[i8]) -> Option<[f32; AT_ONCE]> {
        check_rows(rows, codes.len());
        #[cfg(target_arch = "x86_64")]
        if level >= Level::Avx2 {
            assert!(level.is_available());
            // SAFETY: the processor has AVX2 and FMA, and rows are as long as `codes`, by the lines above.
            return Some(unsafe { avx2::dots_int8(rows, codes) });
        }
        let _ = level;
        None
    }

    fn dots_mxfp4(level: Level, rows: &[&[f32]], codes: &[u8], scales: &[u8]) -> Option<[f32; AT_ONCE]> {
        check_blocks(codes, scales);
        check_rows(rows, scales.len() * BLOCK);
        #[cfg(target_arch = "x86_64")]
        if level >= Level::Avx2 {
            assert!(level.is_available());
            // SAFETY: the processor has AVX2 and FMA, and the slices have one number of blocks, by the lines above.
            return Some(unsafe { avx2::dots_mxfp4(rows, codes, scales) });
        }
        let _ = level;
        None
    }
}

#[cfg(target_arch = "x86_64")]
impl Number for bf16 {
    const ZERO: bf16 = bf16::ZERO;

    fn of(value: f32, _narrow: bool) -> bf16 {
        bf16::from_f32(value)
    }

    fn stored(values: Values<'_>) -> Option<&[bf16]> {
        if let Values::Bf16(values) = values { Some(values) } else { None }
    }

    fn unpack(level: Level, matrix: &Matrix<'_>, into: &mut [bf16]) {
        check(matrix, into.len());
        assert!(level == Level::Avx512 && level.is_available());
        // SAFETY: the processor has AVX-512 by the line above.
        unsafe { avx512::unpack(matrix.values(), into) };
    }

    fn dots(level: Level, rows: &[&[bf16]], outputs: &[&[bf16]]) -> Sums {
        let length = one_length(rows, outputs);
        assert!(level == Level::Avx512 && level.is_available());
        // SAFETY: the processor has AVX-512, and all slices have `length` values, by the lines above.
        unsafe { avx512::dots(rows, outputs, length) }
    }

    /// Two blocks at once: the values with even places of both, then those with odd places, since low and high codes of their bytes
    /// are looked up apart. What is missing to a second block is zeros.
    fn arrange(row: &[bf16], into: &mut Vec<bf16>) {
        for two in row.chunks(2 * BLOCK) {
            for first in 0..2 {
                into.extend(two[first..].iter().step_by(2));
                into.extend(std::iter::repeat_n(bf16::ZERO, BLOCK - two.len() / 2));
            }
        }
    }

    fn dots_int8(level: Level, rows: &[&[bf16]], codes: &[i8]) -> Option<[f32; AT_ONCE]> {
        check_rows(rows, codes.len());
        assert!(level == Level::Avx512 && level.is_available());
        // SAFETY: the processor has AVX-512, and rows are as long as `codes`, by the lines above.
        Some(unsafe { avx512::dots_int8(rows, codes) })
    }

    fn dots_mxfp4(level: Level, rows: &[&[bf16]], codes: &[u8], scales: &[u8]) -> Option<[f32; AT_ONCE]> {
        check_blocks(codes, scales);
        check_rows(rows, scales.len().next_multiple_of(2) * BLOCK);
        assert!(level == Level::Avx512 && level.is_available());
        // SAFETY: the processor has AVX-512, and the slices have one number of blocks, by the lines above.
        Some(unsafe { avx512::dots_mxfp4(rows, codes, scales) })
    }
}

fn check(matrix: &Matrix<'_>, room: usize) {
    assert_eq!(matrix.outputs() * matrix.inputs(), room, "room for what is unpacked");
}

fn one_length<T>(rows: &[&[T]], outputs: &[&[T]]) -> usize {
    let length = rows.first().map_or(0, |row| row.len());
    assert!(rows.len() <= AT_ONCE && outputs.len() <= AT_ONCE, "{} × {}", rows.len(), outputs.len());
    assert!(rows.iter().chain(outputs).all(|slice| slice.len() == length), "slices of one length");
    length
}

fn check_rows<T>(rows: &[&[T]], length: usize) {
    assert!(rows.len() <= AT_ONCE, "{} rows", rows.len());
    assert!(rows.iter().all(|row| row.len() == length), "rows of {length} numbers");
}

fn check_blocks(codes: &[u8], scales: &[u8]) {
    assert_eq!(codes.len(), scales.len() * BLOCK / 2, "codes of whole blocks");
}
