//! The functions of a level for AVX2 and FMA: products of f32, 8 at once.

use std::arch::x86_64::*;

use crate::matrix::Values;
use crate::number::{AT_ONCE, Sums};
use crate::{BLOCK, portable};

/// f32 numbers in a register.
const LANES: usize = 8;

/// The values of `of`, without the scales of its outputs.
#[target_feature(enable = "avx2,fma")]
pub(crate) fn unpack(of: Values<'_>, into: &mut [f32]) {
    let Values::Mxfp4 { codes, scales } = of else { return portable::unpack(of, into) };
    let (codes, _) = codes.as_chunks::<{ BLOCK / 2 }>();
    let (into, _) = into.as_chunks_mut::<BLOCK>();
    for ((codes, &scale), into) in codes.iter().zip(scales).zip(into) {
        let scale = _mm256_set1_ps(portable::power(scale));
        for (values, into) in doubled(codes).into_iter().zip(into.as_chunks_mut::<LANES>().0) {
            // Halved first: half of the smallest scale is subnormal.
            let values = _mm256_mul_ps(_mm256_mul_ps(values, _mm256_set1_ps(0.5)), scale);
            // SAFETY: `into` has room for 8 numbers.
            unsafe { _mm256_storeu_ps(into.as_mut_ptr(), values) };
        }
    }
}

/// See [`crate::number::Number::dots`].
///
/// # Safety
/// Every slice has `length` numbers.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn dots(rows: &[&[f32]], outputs: &[&[f32]], length: usize) -> Sums {
    let mut sums = [[0.0; AT_ONCE]; AT_ONCE];
    // SAFETY: the caller's word.
    unsafe {
        match (rows, outputs) {
            // Sums of four by four would not fit into the registers.
            ([a, b, c, d], [e, f, g, h]) => {
                block([a, b, c, d], [e, f], 0, length, &mut sums);
                block([a, b, c, d], [g, h], 2, length, &mut sums);
            }
            ([a, b, c], [e, f, g, h]) => {
                block([a, b, c], [e, f], 0, length, &mut sums);
                block([a, b, c], [g, h], 2, length, &mut sums);
            }
            ([a, b], [e, f, g, h]) => block([a, b], [e, f, g, h], 0, length, &mut sums),
            ([a], [e, f, g, h]) => block([a], [e, f, g, h], 0, length, &mut sums),
            _ => {
                for (place, output) in outputs.iter().enumerate() {
                    for (row, sums) in rows.iter().zip(&mut sums) {
                        let mut one = [[0.0; AT_ONCE]; AT_ONCE];
                        block([row], [output], 0, length, &mut one);
                        sums[place] = one[0][0];
                    }
                }
            }
        }
    }
    sums
}

/// The dot products of `R` rows and `O` outputs, the first of which is output `first` of the sums.
///
/// # Safety
/// Every slice has `length` numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn block<const R: usize, const O: usize>(
    rows: [&[f32]; R],
    outputs: [&[f32]; O],
    first: usize,
    length: usize,
    sums: &mut Sums,
) {
    let mut lanes = [[_mm256_setzero_ps(); O]; R];
    let whole = length / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        // SAFETY: `at + 8` numbers are in every slice.
        let outputs = outputs.map(|output| unsafe { _mm256_loadu_ps(output.as_ptr().add(at)) });
        for (row, lanes) in rows.iter().zip(&mut lanes) {
            // SAFETY: as above.
            let row = unsafe { _mm256_loadu_ps(row.as_ptr().add(at)) };
            for (output, lanes) in outputs.iter().zip(lanes) {
                *lanes = _mm256_fmadd_ps(row, *output, *lanes);
            }
        }
    }
    for ((row, lanes), sums) in rows.iter().zip(&lanes).zip(sums) {
        for ((output, lanes), sum) in outputs.iter().zip(lanes).zip(&mut sums[first..]) {
            let rest: f32 = row[whole..].iter().zip(&output[whole..]).map(|(a, b)| a * b).sum();
            *sum = total(*lanes) + rest;
        }
    }
}

/// See [`crate::number::Number::few_mxfp4`].
///
/// # Safety
/// `codes` has 16 bytes for each of `scales`, and every row 32 numbers for each of an output's `blocks`.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn few_mxfp4(rows: &[&[f32]], codes: &[u8], scales: &[u8], blocks: usize, sums: &mut [f32]) {
    let outputs = scales.len() / blocks;
    let each = codes.chunks_exact(blocks * BLOCK / 2).zip(scales.chunks_exact(blocks)).enumerate();
    for (output, (codes, scales)) in each {
        // SAFETY: the caller's word.
        let found = unsafe {
            match rows {
                [a] => of_blocks([a], codes, scales),
                [a, b] => of_blocks([a, b], codes, scales),
                [a, b, c] => of_blocks([a, b, c], codes, scales),
                [a, b, c, d] => of_blocks([a, b, c, d], codes, scales),
                _ => [0.0; AT_ONCE],
            }
        };
        sums.chunks_exact_mut(outputs).zip(found).for_each(|(sums, found)| sums[output] = found);
    }
}

/// # Safety
/// As [`few_mxfp4`], of one output.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn of_blocks<const R: usize>(rows: [&[f32]; R], codes: &[u8], scales: &[u8]) -> [f32; AT_ONCE] {
    let (codes, _) = codes.as_chunks::<{ BLOCK / 2 }>();
    let mut lanes = [_mm256_setzero_ps(); R];
    for (at, (codes, &scale)) in codes.iter().zip(scales).enumerate() {
        let scale = _mm256_set1_ps(portable::power(scale));
        let values = doubled(codes);
        for (row, lanes) in rows.iter().zip(&mut lanes) {
            // SAFETY: the row has as many blocks as there are scales.
            let load = |part: usize| unsafe { _mm256_loadu_ps(row.as_ptr().add(at * BLOCK + part * LANES)) };
            let first = _mm256_fmadd_ps(values[1], load(1), _mm256_mul_ps(values[0], load(0)));
            let second = _mm256_fmadd_ps(values[3], load(3), _mm256_mul_ps(values[2], load(2)));
            *lanes = _mm256_fmadd_ps(_mm256_add_ps(first, second), scale, *lanes);
        }
    }
    let mut sums = [0.0; AT_ONCE];
    for (lanes, sum) in lanes.iter().zip(&mut sums) {
        *sum = total(*lanes) * 0.5;
    }
    sums
}

/// See [`crate::number::Number::few_int8`].
///
/// # Safety
/// Every row is as long as the `codes` of an output.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn few_int8(rows: &[&[f32]], codes: &[i8], sums: &mut [f32]) {
    let outputs = sums.len() / rows.len();
    for (output, codes) in codes.chunks_exact(codes.len() / outputs).enumerate() {
        // SAFETY: the caller's word.
        let found = unsafe {
            match rows {
                [a] => of_integers([a], codes),
                [a, b] => of_integers([a, b], codes),
                [a, b, c] => of_integers([a, b, c], codes),
                [a, b, c, d] => of_integers([a, b, c, d], codes),
                _ => [0.0; AT_ONCE],
            }
        };
        sums.chunks_exact_mut(outputs).zip(found).for_each(|(sums, found)| sums[output] = found);
    }
}

/// # Safety
/// As [`few_int8`], of one output.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn of_integers<const R: usize>(rows: [&[f32]; R], codes: &[i8]) -> [f32; AT_ONCE] {
    // Two sums, so that neither waits for the other.
    let mut lanes = [[_mm256_setzero_ps(); 2]; R];
    let (whole, rest) = codes.as_chunks::<{ 2 * LANES }>();
    for (part, codes) in whole.iter().enumerate() {
        // SAFETY: 16 bytes are there.
        let codes = unsafe { _mm_loadu_si128(codes.as_ptr().cast()) };
        let wide = |half: __m128i| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(half));
        let values = [wide(codes), wide(_mm_srli_si128(codes, 8))];
        for (row, lanes) in rows.iter().zip(&mut lanes) {
            for (turn, (lanes, values)) in lanes.iter_mut().zip(values).enumerate() {
                // SAFETY: the row is as long as the codes.
                let row = unsafe { _mm256_loadu_ps(row.as_ptr().add((2 * part + turn) * LANES)) };
                *lanes = _mm256_fmadd_ps(values, row, *lanes);
            }
        }
    }
    let mut sums = [0.0; AT_ONCE];
    for ((row, lanes), sum) in rows.iter().zip(&lanes).zip(&mut sums) {
        let row = row[whole.len() * 2 * LANES..].iter().zip(rest);
        *sum = total(_mm256_add_ps(lanes[0], lanes[1])) + row.map(|(a, b)| a * f32::from(*b)).sum::<f32>();
    }
    sums
}

/// Twice what the codes of a block stand for, which are whole numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn doubled(codes: &[u8; BLOCK / 2]) -> [__m256; 4] {
    let table = _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
    // SAFETY: 16 bytes are there.
    let pairs = unsafe { _mm_loadu_si128(codes.as_ptr().cast()) };
    let low = _mm_and_si128(pairs, _mm_set1_epi8(15));
    let high = _mm_and_si128(_mm_srli_epi16(pairs, 4), _mm_set1_epi8(15));
    let (low, high) = (_mm_shuffle_epi8(table, low), _mm_shuffle_epi8(table, high));
    let (first, second) = (_mm_unpacklo_epi8(low, high), _mm_unpackhi_epi8(low, high));
    let wide = |bytes: __m128i| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
    [wide(first), wide(_mm_srli_si128(first, 8)), wide(second), wide(_mm_srli_si128(second, 8))]
}

/// The sum of a register.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn total(lanes: __m256) -> f32 {
    let half = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
    let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
    _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)))
}
