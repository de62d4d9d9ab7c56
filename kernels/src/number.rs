//! What is multiplied: f32, or bf16 where the processor multiplies it. Each does the same few things at each level.

use half::bf16;

use crate::level::Level;
use crate::matrix::{Matrix, Values};
use crate::{BLOCK, portable};

#[cfg(target_arch = "x86_64")]
use crate::{avx2, avx512};

/// The most rows whose products with codes are made at once.
pub(crate) const AT_ONCE: usize = 4;

/// Sums `[row][output]`; those of rows and outputs that were not given are 0.
pub(crate) type Sums = [[f32; 6]; 4];

/// How a product of many rows is divided.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    /// Rows that a tile of the matrix is unpacked for; their part that it meets should stay in a core's second cache.
    pub rows: usize,
    /// Rows and outputs of which products are made at once, which fill the registers.
    pub at_once: (usize, usize),
    /// Outputs and inputs of a tile, which should stay in the first.
    pub outputs: usize,
    /// Whole blocks.
    pub inputs: usize,
}

/// A type of numbers of which products are made.
pub(crate) trait Number: Copy + Send + Sync + 'static {
    const ZERO: Self;
    const TILE: Tile;

    /// `value`, rounded to bf16 if it is `narrow`.
    fn of(value: f32, narrow: bool) -> Self;

    /// The values of a matrix that is stored in this type.
    fn stored<'a>(values: Values<'a>) -> Option<&'a [Self]>;

    /// `values` without the scales of their outputs.
    fn unpack(level: Level, values: Values<'_>, into: &mut [Self]);

    /// The dot products of as many rows and outputs as are made at once, or fewer, all of one length.
    fn dots(level: Level, rows: &[&[Self]], outputs: &[&[Self]]) -> Sums;

    /// A few rows in the form in which [`Number::of_few`] reads them.
    type Few: Send + Sync;

    /// That form of rows that will be multiplied with `matrix`; they may be rounded as finely as their type allows if they are `narrow`, that
    /// is, were of bf16.
    fn few(level: Level, rows: &[&[Self]], narrow: bool, matrix: &Matrix<'_>) -> Self::Few;

    /// The products of up to four rows with a matrix whose codes are unpacked in registers, without the scales of its outputs: `sums`
    /// `[rows, outputs]`. False, and nothing done, where unpacking first is as good.
    fn of_few(level: Level, rows: &[&[Self]], few: &Self::Few, matrix: &Matrix<'_>, sums: &mut [f32]) -> bool;
}

impl Number for f32 {
    const ZERO: f32 = 0.0;
    const TILE: Tile = Tile { rows: 128, at_once: (2, 6), outputs: 6, inputs: 30 * BLOCK };

    fn of(value: f32, narrow: bool) -> f32 {
        if narrow { bf16::from_f32(value).to_f32() } else { value }
    }

    fn stored(values: Values<'_>) -> Option<&[f32]> {
        if let Values::F32(values) = values { Some(values) } else { None }
    }

    fn unpack(level: Level, values: Values<'_>, into: &mut [f32]) {
        check(values, into.len());
        #[cfg(target_arch = "x86_64")]
        if level >= Level::Avx2 {
            assert!(level.is_available());
            // SAFETY: the processor has AVX2 and FMA by the line above.
            unsafe { avx2::unpack(values, into) };
            return;
        }
        let _ = level;
        portable::unpack(values, into);
    }

    fn dots(level: Level, rows: &[&[f32]], outputs: &[&[f32]]) -> Sums {
        let length = one_length(rows, outputs, Self::TILE.at_once);
        #[cfg(target_arch = "x86_64")]
        if level >= Level::Avx2 {
            assert!(level.is_available());
            // SAFETY: the processor has AVX2 and FMA, and all slices have `length` values, by the lines above.
            return unsafe { avx2::dots(rows, outputs, length) };
        }
        let _ = (level, length);
        portable::dots(rows, outputs)
    }

    #[cfg(not(target_arch = "x86_64"))]
    type Few = ();

    #[cfg(target_arch = "x86_64")]
    type Few = Few;

    #[cfg(not(target_arch = "x86_64"))]
    fn few(_level: Level, _rows: &[&[f32]], _narrow: bool, _matrix: &Matrix<'_>) {}

    #[cfg(target_arch = "x86_64")]
    fn few(level: Level, rows: &[&[f32]], narrow: bool, matrix: &Matrix<'_>) -> Few {
        if level < Level::Avx2 {
            return Few::AsTheyAre;
        }
        assert!(level.is_available());
        let rows = rows.iter();
        match matrix.values() {
            // SAFETY: the processor has AVX2 and FMA by the line above.
            Values::Mxfp4 { .. } if narrow => Few::Planes(rows.map(|row| unsafe { avx2::Planes::new(row) }).collect()),
            // SAFETY: as above.
            Values::Int8 { .. } if narrow => Few::Words(rows.map(|row| unsafe { avx2::Words::new(row) }).collect()),
            Values::Bf16(_) => Few::Parted(rows.map(|row| avx2::Parted::new(row)).collect()),
            _ => Few::AsTheyAre,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn of_few(_level: Level, _rows: &[&[f32]], _few: &(), _matrix: &Matrix<'_>, _sums: &mut [f32]) -> bool {
        false
    }

    #[cfg(target_arch = "x86_64")]
    fn of_few(level: Level, rows: &[&[f32]], few: &Few, matrix: &Matrix<'_>, sums: &mut [f32]) -> bool {
        check_few(rows, matrix, sums.len());
        if level < Level::Avx2 {
            return false;
        }
        assert!(level.is_available());
        let (inputs, blocks) = (matrix.inputs(), matrix.inputs() / BLOCK);
        let check = |count: usize, fit: bool| assert!(count == rows.len() && fit, "{count} rows of {inputs} numbers");
        match (matrix.values(), few) {
            (Values::Mxfp4 { codes, scales }, Few::Planes(planes)) => {
                check(planes.len(), planes.iter().all(|row| row.are_of(blocks)));
                // SAFETY: the processor has AVX2 and FMA, and sizes are checked, by the lines above and by `Matrix::new`; so below.
                unsafe { avx2::few_mxfp4_of_planes(planes, codes, scales, blocks, sums) }
            }
            // SAFETY: as above.
            (Values::Mxfp4 { codes, scales }, _) => unsafe { avx2::few_mxfp4(rows, codes, scales, blocks, sums) },
            (Values::Int8 { codes, .. }, Few::Words(words)) => {
                check(words.len(), words.iter().all(|row| row.length() == inputs));
                // SAFETY: as above.
                unsafe { avx2::few_int8_of_words(words, codes, sums) }
            }
            // SAFETY: as above.
            (Values::Int8 { codes, .. }, _) => unsafe { avx2::few_int8(rows, codes, sums) },
            (Values::Bf16(values), Few::Parted(parted)) => {
                check(parted.len(), parted.iter().all(|row| row.length() == inputs));
                // SAFETY: as above.
                unsafe { avx2::few_bf16(parted, values, sums) }
            }
            _ => return false,
        }
        true
    }
}

/// A few rows as products with codes and bf16 at AVX2 read them.
#[cfg(target_arch = "x86_64")]
pub(crate) enum Few {
    AsTheyAre,
    Planes(Vec<avx2::Planes>),
    Words(Vec<avx2::Words>),
    Parted(Vec<avx2::Parted>),
}

#[cfg(target_arch = "x86_64")]
impl Number for bf16 {
    const ZERO: bf16 = bf16::ZERO;
    const TILE: Tile = Tile { rows: 512, at_once: (4, 4), outputs: 4, inputs: 128 * BLOCK };

    fn of(value: f32, _narrow: bool) -> bf16 {
        bf16::from_f32(value)
    }

    fn stored(values: Values<'_>) -> Option<&[bf16]> {
        if let Values::Bf16(values) = values { Some(values) } else { None }
    }

    fn unpack(level: Level, values: Values<'_>, into: &mut [bf16]) {
        check(values, into.len());
        assert!(level == Level::Avx512 && level.is_available());
        // SAFETY: the processor has AVX-512 by the line above.
        unsafe { avx512::unpack(values, into) };
    }

    fn dots(level: Level, rows: &[&[bf16]], outputs: &[&[bf16]]) -> Sums {
        let length = one_length(rows, outputs, Self::TILE.at_once);
        assert!(level == Level::Avx512 && level.is_available());
        // SAFETY: the processor has AVX-512, and all slices have `length` values, by the lines above.
        unsafe { avx512::dots(rows, outputs, length) }
    }

    type Few = Vec<Vec<bf16>>;

    /// For MXFP4, four blocks at once, every fourth value together, since the four codes of a word are looked up apart; what is missing to
    /// four blocks is zeros. Nothing else is arranged.
    fn few(_level: Level, rows: &[&[bf16]], _narrow: bool, matrix: &Matrix<'_>) -> Vec<Vec<bf16>> {
        const EACH: usize = avx512::GROUP * BLOCK / 4;
        let Values::Mxfp4 { .. } = matrix.values() else { return Vec::new() };
        let arranged = |row: &&[bf16]| {
            let mut into = Vec::new();
            for group in row.chunks(avx512::GROUP * BLOCK) {
                for first in 0..4 {
                    let from = into.len();
                    into.extend(group[first..].iter().step_by(4));
                    into.resize(from + EACH, bf16::ZERO);
                }
            }
            into
        };
        rows.iter().map(arranged).collect()
    }

    fn of_few(level: Level, rows: &[&[bf16]], few: &Vec<Vec<bf16>>, matrix: &Matrix<'_>, sums: &mut [f32]) -> bool {
        check_few(rows, matrix, sums.len());
        assert!(level == Level::Avx512 && level.is_available());
        let blocks = matrix.inputs() / BLOCK;
        match matrix.values() {
            Values::Mxfp4 { codes, scales } => {
                let lines: Vec<&[bf16]> = few.iter().map(|line| &line[..]).collect();
                let length = blocks.next_multiple_of(avx512::GROUP) * BLOCK;
                assert!(
                    lines.len() == rows.len() && lines.iter().all(|line| line.len() == length),
                    "rows of {length} numbers"
                );
                // SAFETY: the processor has AVX-512, and sizes are checked, by the lines above and by `Matrix::new`.
                unsafe { avx512::few_mxfp4(&lines, codes, scales, blocks, sums) }
            }
            // SAFETY: as above.
            Values::Int8 { codes, .. } => unsafe { avx512::few_int8(rows, codes, sums) },
            Values::F32(_) | Values::Bf16(_) | Values::Fp8 { .. } => return false,
        }
        true
    }
}

fn check(values: Values<'_>, room: usize) {
    let count = match values {
        Values::F32(values) => values.len(),
        Values::Bf16(values) => values.len(),
        Values::Int8 { codes, .. } => codes.len(),
        Values::Fp8 { codes, .. } => codes.len(),
        Values::Mxfp4 { codes, scales } => {
            assert_eq!(codes.len(), scales.len() * BLOCK / 2, "codes of whole blocks");
            2 * codes.len()
        }
    };
    assert_eq!(count, room, "room for what is unpacked");
}

fn one_length<T>(rows: &[&[T]], outputs: &[&[T]], at_once: (usize, usize)) -> usize {
    let length = rows.first().map_or(0, |row| row.len());
    assert!(rows.len() <= at_once.0 && outputs.len() <= at_once.1, "{} × {}", rows.len(), outputs.len());
    assert!(rows.iter().chain(outputs).all(|slice| slice.len() == length), "slices of one length");
    length
}

/// A few rows as long as the inputs of `matrix`, and room for all sums.
#[cfg(target_arch = "x86_64")]
fn check_few<T>(rows: &[&[T]], matrix: &Matrix<'_>, room: usize) {
    let (inputs, outputs) = (matrix.inputs(), matrix.outputs());
    assert!((1..=AT_ONCE).contains(&rows.len()), "{} rows", rows.len());
    assert!(rows.iter().all(|row| row.len() == inputs), "rows of {inputs} numbers");
    assert!(room == outputs * rows.len(), "{outputs} outputs, {} rows, {room} sums", rows.len());
}
