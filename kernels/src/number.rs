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

    /// Appends a row of whole blocks in the order in which [`Number::few_mxfp4`] reads it.
    fn arrange(row: &[Self], into: &mut Vec<Self>) {
        into.extend_from_slice(row);
    }

    /// The products of up to four arranged rows with outputs in MXFP4, which have as many scales each as there are `blocks`: `sums`
    /// `[rows, outputs]`. False, and nothing done, where unpacking first is as good.
    fn few_mxfp4(level: Level, rows: &[&[Self]], codes: &[u8], scales: &[u8], blocks: usize, sums: &mut [f32]) -> bool;

    /// The same for up to four rows as they are, with outputs of 8-bit integers.
    fn few_int8(level: Level, rows: &[&[Self]], codes: &[i8], sums: &mut [f32]) -> bool;
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

    fn few_int8(level: Level, rows: &[&[f32]], codes: &[i8], sums: &mut [f32]) -> bool {
        let length = rows.first().map_or(0, |row| row.len());
        check_few(rows, length, codes.len(), length, sums.len());
        #[cfg(target_arch = "x86_64")]
        if level >= Level::Avx2 {
            assert!(level.is_available());
            // SAFETY: the processor has AVX2 and FMA, and sizes are checked, by the lines above.
            unsafe { avx2::few_int8(rows, codes, sums) };
            return true;
        }
        let _ = level;
        false
    }

    fn few_mxfp4(level: Level, rows: &[&[f32]], codes: &[u8], scales: &[u8], blocks: usize, sums: &mut [f32]) -> bool {
        check_blocks(codes, scales);
        check_few(rows, blocks * BLOCK, scales.len(), blocks, sums.len());
        #[cfg(target_arch = "x86_64")]
        if level >= Level::Avx2 {
            assert!(level.is_available());
            // SAFETY: the processor has AVX2 and FMA, and sizes are checked, by the lines above.
            unsafe { avx2::few_mxfp4(rows, codes, scales, blocks, sums) };
            return true;
        }
        let _ = level;
        false
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

    /// Four blocks at once, every fourth value together, since the four codes of a word are looked up apart. What is missing to four
    /// blocks is zeros.
    fn arrange(row: &[bf16], into: &mut Vec<bf16>) {
        const EACH: usize = avx512::GROUP * BLOCK / 4;
        for group in row.chunks(avx512::GROUP * BLOCK) {
            for first in 0..4 {
                let from = into.len();
                into.extend(group[first..].iter().step_by(4));
                into.resize(from + EACH, bf16::ZERO);
            }
        }
    }

    fn few_int8(level: Level, rows: &[&[bf16]], codes: &[i8], sums: &mut [f32]) -> bool {
        let length = rows.first().map_or(0, |row| row.len());
        check_few(rows, length, codes.len(), length, sums.len());
        assert!(level == Level::Avx512 && level.is_available());
        // SAFETY: the processor has AVX-512, and sizes are checked, by the lines above.
        unsafe { avx512::few_int8(rows, codes, sums) };
        true
    }

    fn few_mxfp4(level: Level, rows: &[&[bf16]], codes: &[u8], scales: &[u8], blocks: usize, sums: &mut [f32]) -> bool {
        check_blocks(codes, scales);
        check_few(rows, blocks.next_multiple_of(avx512::GROUP) * BLOCK, scales.len(), blocks, sums.len());
        assert!(level == Level::Avx512 && level.is_available());
        // SAFETY: the processor has AVX-512, and sizes are checked, by the lines above.
        unsafe { avx512::few_mxfp4(rows, codes, scales, blocks, sums) };
        true
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

/// Rows of `length` numbers, `count` codes or scales in outputs of `each`, and room for all sums.
fn check_few<T>(rows: &[&[T]], length: usize, count: usize, each: usize, room: usize) {
    assert!((1..=AT_ONCE).contains(&rows.len()) && each > 0, "{} rows, outputs of {each}", rows.len());
    assert!(rows.iter().all(|row| row.len() == length), "rows of {length} numbers");
    assert!(
        count.is_multiple_of(each) && room == count / each * rows.len(),
        "{count} in outputs of {each}, {room} sums"
    );
}

fn check_blocks(codes: &[u8], scales: &[u8]) {
    assert_eq!(codes.len(), scales.len() * BLOCK / 2, "codes of whole blocks");
}
