//! The functions of a level for AVX-512: products of bf16, 32 at once.

use std::arch::x86_64::*;

use half::bf16;

use crate::matrix::Values;
use crate::number::{AT_ONCE, Sums};
use crate::{BLOCK, portable};

/// bf16 numbers in a register.
const LANES: usize = 32;

/// Scales that are made numbers of at once.
const SCALES: usize = 32;

/// The values of `of` as bf16, without the scales of its outputs.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) fn unpack(of: Values<'_>, into: &mut [bf16]) {
    match of {
        Values::F32(values) => portable::each(values, into, bf16::from_f32),
        Values::Bf16(values) => into.copy_from_slice(values),
        Values::Int8 { codes, .. } => portable::each(codes, into, |code| top_half(f32::from(code))),
        Values::Fp8 { codes, .. } => portable::each(codes, into, |code| top_half(portable::fp8(code))),
        Values::Mxfp4 { codes, scales } => {
            let table = e2m1_as_f32();
            let (codes, _) = codes.as_chunks::<{ BLOCK / 2 }>();
            let (into, _) = into.as_chunks_mut::<BLOCK>();
            for ((codes, &scale), into) in codes.iter().zip(scales).zip(into) {
                let scale = _mm512_set1_ps(portable::power(scale));
                let pairs = widened(codes);
                let low = _mm512_mul_ps(_mm512_permutexvar_ps(pairs, table), scale);
                let high = _mm512_mul_ps(_mm512_permutexvar_ps(_mm512_srli_epi32(pairs, 4), table), scale);
                // The upper halves of both are the numbers, exactly.
                let low = _mm512_srli_epi32(_mm512_castps_si512(low), 16);
                let high = _mm512_and_si512(_mm512_castps_si512(high), _mm512_set1_epi32(-0x1_0000));
                // SAFETY: `into` has room for 32 numbers of 2 bytes.
                unsafe { _mm512_storeu_si512(into.as_mut_ptr().cast(), _mm512_or_si512(low, high)) };
            }
        }
    }
}

/// An f32 whose lower half is zeros as bf16.
#[inline(always)]
fn top_half(value: f32) -> bf16 {
    bf16::from_bits((value.to_bits() >> 16) as u16)
}

/// See [`crate::number::Number::dots`].
///
/// # Safety
/// Every slice has `length` numbers.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn dots(rows: &[&[bf16]], outputs: &[&[bf16]], length: usize) -> Sums {
    let mut sums = [[0.0; AT_ONCE]; AT_ONCE];
    // SAFETY: the caller's word.
    unsafe {
        match (rows, outputs) {
            ([a, b, c, d], [e, f, g, h]) => block([a, b, c, d], [e, f, g, h], length, &mut sums),
            ([a, b, c], [e, f, g, h]) => block([a, b, c], [e, f, g, h], length, &mut sums),
            ([a, b], [e, f, g, h]) => block([a, b], [e, f, g, h], length, &mut sums),
            ([a], [e, f, g, h]) => block([a], [e, f, g, h], length, &mut sums),
            _ => {
                for (place, output) in outputs.iter().enumerate() {
                    for (row, sums) in rows.iter().zip(&mut sums) {
                        let mut one = [[0.0; AT_ONCE]; AT_ONCE];
                        block([row], [output], length, &mut one);
                        sums[place] = one[0][0];
                    }
                }
            }
        }
    }
    sums
}

/// The dot products of `R` rows and `O` outputs.
///
/// # Safety
/// Every slice has `length` numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn block<const R: usize, const O: usize>(
    rows: [&[bf16]; R],
    outputs: [&[bf16]; O],
    length: usize,
    sums: &mut Sums,
) {
    let mut lanes = [[_mm512_setzero_ps(); O]; R];
    let whole = length / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        // SAFETY: `at + 32` numbers are in every slice.
        let outputs = outputs.map(|output| unsafe { _mm512_loadu_si512(output.as_ptr().add(at).cast()) });
        for (row, lanes) in rows.iter().zip(&mut lanes) {
            // SAFETY: as above.
            let row = unsafe { _mm512_loadu_si512(row.as_ptr().add(at).cast()) };
            for (output, lanes) in outputs.iter().zip(lanes) {
                *lanes = multiplied(*lanes, row, *output);
            }
        }
    }
    if whole < length {
        let mask = (1_u32 << (length - whole)) - 1;
        // SAFETY: the numbers under the mask are the last of every slice, and no other is touched.
        let rest = |of: &[bf16]| unsafe { _mm512_maskz_loadu_epi16(mask, of.as_ptr().add(whole).cast()) };
        for (row, lanes) in rows.iter().zip(&mut lanes) {
            for (output, lanes) in outputs.iter().zip(lanes) {
                *lanes = multiplied(*lanes, rest(row), rest(output));
            }
        }
    }
    for (lanes, sums) in lanes.iter().zip(sums) {
        for (lanes, sum) in lanes.iter().zip(sums) {
            *sum = _mm512_reduce_add_ps(*lanes);
        }
    }
}

/// `sum` and the products of neighbouring bf16 of `a` and `b`.
#[inline]
#[target_feature(enable = "avx512f,avx512bf16")]
fn multiplied(sum: __m512, a: __m512i, b: __m512i) -> __m512 {
    // SAFETY: registers of one size, whose bits are what the type says.
    let (a, b) = unsafe { (std::mem::transmute::<__m512i, __m512bh>(a), std::mem::transmute::<__m512i, __m512bh>(b)) };
    _mm512_dpbf16_ps(sum, a, b)
}

/// See [`crate::number::Number::dots_mxfp4`].
///
/// # Safety
/// Every row has 32 numbers, and `codes` 16 bytes, for each of `scales`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn dots_mxfp4(rows: &[&[bf16]], codes: &[u8], scales: &[u8]) -> [f32; AT_ONCE] {
    // SAFETY: the caller's word.
    unsafe {
        match rows {
            [a] => blocks([a], codes, scales),
            [a, b] => blocks([a, b], codes, scales),
            [a, b, c] => blocks([a, b, c], codes, scales),
            [a, b, c, d] => blocks([a, b, c, d], codes, scales),
            _ => [0.0; AT_ONCE],
        }
    }
}

/// # Safety
/// As [`dots_mxfp4`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn blocks<const R: usize>(rows: [&[bf16]; R], codes: &[u8], scales: &[u8]) -> [f32; AT_ONCE] {
    let table = e2m1_as_bf16();
    let (codes, _) = codes.as_chunks::<{ BLOCK / 2 }>();
    // Even and odd blocks have sums of their own, so that neither waits for the other.
    let mut lanes = [[_mm512_setzero_ps(); 2]; R];
    let mut powers = [0.0; SCALES];
    for (part, (codes, scales)) in codes.chunks(SCALES).zip(scales.chunks(SCALES)).enumerate() {
        portable::each(scales, &mut powers, portable::power);
        let first = part * SCALES;
        let (pairs, odd) = codes.as_chunks::<2>();
        for (pair, codes) in pairs.iter().enumerate() {
            for turn in 0..2 {
                let at = 2 * pair + turn;
                let (values, scale) = (e2m1(&codes[turn], table), _mm512_set1_ps(powers[at]));
                for (row, lanes) in rows.iter().zip(&mut lanes) {
                    // SAFETY: the row has as many blocks as there are scales.
                    let row = unsafe { _mm512_loadu_si512(row.as_ptr().add((first + at) * BLOCK).cast()) };
                    lanes[turn] = _mm512_fmadd_ps(multiplied(_mm512_setzero_ps(), values, row), scale, lanes[turn]);
                }
            }
        }
        if let [codes] = odd {
            let at = 2 * pairs.len();
            let (values, scale) = (e2m1(codes, table), _mm512_set1_ps(powers[at]));
            for (row, lanes) in rows.iter().zip(&mut lanes) {
                // SAFETY: as above.
                let row = unsafe { _mm512_loadu_si512(row.as_ptr().add((first + at) * BLOCK).cast()) };
                lanes[0] = _mm512_fmadd_ps(multiplied(_mm512_setzero_ps(), values, row), scale, lanes[0]);
            }
        }
    }
    let mut sums = [0.0; AT_ONCE];
    for (lanes, sum) in lanes.iter().zip(&mut sums) {
        *sum = _mm512_reduce_add_ps(_mm512_add_ps(lanes[0], lanes[1]));
    }
    sums
}

/// The values of a block, of which the table is [`e2m1_as_bf16`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn e2m1(codes: &[u8; BLOCK / 2], table: __m512i) -> __m512i {
    let pairs = widened(codes);
    // Low and high code of a byte become the two halves of a word: places in the table, of which the low five bits count.
    let mask = _mm512_set1_epi32(0x000f_000f);
    let places = _mm512_ternarylogic_epi32::<0xa8>(pairs, _mm512_slli_epi32(pairs, 12), mask);
    _mm512_permutexvar_epi16(places, table)
}

/// Sixteen bytes, each in 32 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn widened(bytes: &[u8; 16]) -> __m512i {
    // SAFETY: 16 bytes are there.
    _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

/// What the sixteen codes stand for.
#[inline]
#[target_feature(enable = "avx512f")]
fn e2m1_as_f32() -> __m512 {
    let table: [f32; 16] = std::array::from_fn(|code| portable::e2m1(code as u8));
    // SAFETY: 16 numbers are there.
    unsafe { _mm512_loadu_ps(table.as_ptr()) }
}

/// The same as bf16, twice.
#[inline]
#[target_feature(enable = "avx512f")]
fn e2m1_as_bf16() -> __m512i {
    let table: [u16; 32] = std::array::from_fn(|code| top_half(portable::e2m1(code as u8 & 15)).to_bits());
    // SAFETY: 32 numbers are there.
    unsafe { _mm512_loadu_si512(table.as_ptr().cast()) }
}
