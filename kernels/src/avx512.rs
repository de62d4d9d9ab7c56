//! The functions of a level for AVX-512: products of bf16, 32 at once.

use std::arch::x86_64::*;

use half::bf16;

use crate::matrix::Values;
use crate::number::{AT_ONCE, Sums};
use crate::{BLOCK, portable};

/// bf16 numbers in a register.
const LANES: usize = 32;

/// Blocks of MXFP4 whose codes fill a register.
pub(crate) const GROUP: usize = 4;

/// Scales that are made numbers of at once.
const SCALES: usize = 16;

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
    let mut sums = Sums::default();
    // SAFETY: the caller's word.
    unsafe {
        match (rows, outputs) {
            ([a, b, c, d], [e, f, g, h]) => block([a, b, c, d], [e, f, g, h], length, &mut sums),
            ([a, b, c], [e, f, g, h]) => block([a, b, c], [e, f, g, h], length, &mut sums),
            ([a, b], [e, f, g, h]) => block([a, b], [e, f, g, h], length, &mut sums),
            // Memory is read faster in one stretch than in four.
            ([a], outputs) => {
                for (output, sum) in outputs.iter().zip(&mut sums[0]) {
                    *sum = dot(a, output, length);
                }
            }
            _ => {
                for (place, output) in outputs.iter().enumerate() {
                    for (row, sums) in rows.iter().zip(&mut sums) {
                        let mut one = Sums::default();
                        block([row], [output], length, &mut one);
                        sums[place] = one[0][0];
                    }
                }
            }
        }
    }
    sums
}

/// The dot product of one row and one output.
///
/// # Safety
/// Both have `length` numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn dot(row: &[bf16], output: &[bf16], length: usize) -> f32 {
    // Sums that do not wait for each other.
    let mut lanes = [_mm512_setzero_ps(); AT_ONCE];
    let whole = length / (AT_ONCE * LANES) * AT_ONCE * LANES;
    // SAFETY: `at + 32` numbers are in both, wherever this is called.
    let load = |of: &[bf16], at: usize| unsafe { _mm512_loadu_si512(of.as_ptr().add(at).cast()) };
    for at in (0..whole).step_by(AT_ONCE * LANES) {
        for (turn, lanes) in lanes.iter_mut().enumerate() {
            *lanes = multiplied(*lanes, load(row, at + turn * LANES), load(output, at + turn * LANES));
        }
    }
    let mut rest = Sums::default();
    // SAFETY: both have as many numbers behind the first `whole`.
    unsafe { block([&row[whole..]], [&output[whole..]], length - whole, &mut rest) };
    let pairs = _mm512_add_ps(_mm512_add_ps(lanes[0], lanes[1]), _mm512_add_ps(lanes[2], lanes[3]));
    _mm512_reduce_add_ps(pairs) + rest[0][0]
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

/// See [`crate::number::Number::few`].
///
/// # Safety
/// `codes` has 16 bytes for each of `scales`, and every row 128 numbers for each four of an output's `blocks`, begun or whole.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn few_mxfp4(rows: &[&[bf16]], codes: &[u8], scales: &[u8], blocks: usize, sums: &mut [f32]) {
    let outputs = scales.len() / blocks;
    let each = codes.chunks_exact(blocks * BLOCK / 2).zip(scales.chunks_exact(blocks));
    each_output!(rows, sums, outputs, (codes, scales) in each => of_blocks(codes, scales));
}

/// # Safety
/// As [`few_mxfp4`], of one output.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn of_blocks<const R: usize>(rows: [&[bf16]; R], codes: &[u8], scales: &[u8]) -> [f32; AT_ONCE] {
    let table = e2m1_as_bf16();
    // Neighbouring groups have sums of their own, so that neither waits for the other.
    let mut lanes = [[_mm512_setzero_ps(); R]; 2];
    let (whole, rest) = codes.as_chunks::<{ SCALES * BLOCK / 2 }>();
    for (part, (codes, scales)) in whole.iter().zip(scales.chunks(SCALES)).enumerate() {
        let powers = powers(scales);
        for group in 0..SCALES / GROUP {
            // SAFETY: 64 bytes of 256 are there.
            let codes = unsafe { _mm512_loadu_si512(codes.as_ptr().add(group * 2 * LANES).cast()) };
            let at = (part * SCALES + group * GROUP) * BLOCK;
            // SAFETY: every row has 128 numbers for these blocks.
            unsafe { four_blocks(&rows, at, codes, powers, group, table, &mut lanes[group % 2]) };
        }
    }
    let powers = powers(&scales[whole.len() * SCALES..]);
    for (group, codes) in rest.chunks(2 * LANES).enumerate() {
        let mask = u64::MAX >> (2 * LANES - codes.len());
        // SAFETY: as many bytes are there as the mask has bits, and no other is touched. A code of 0 stands for 0.
        let codes = unsafe { _mm512_maskz_loadu_epi8(mask, codes.as_ptr().cast()) };
        let at = (whole.len() * SCALES + group * GROUP) * BLOCK;
        // SAFETY: as above.
        unsafe { four_blocks(&rows, at, codes, powers, group, table, &mut lanes[0]) };
    }
    let mut sums = [0.0; AT_ONCE];
    for ((even, odd), sum) in lanes[0].iter().zip(&lanes[1]).zip(&mut sums) {
        *sum = _mm512_reduce_add_ps(_mm512_add_ps(*even, *odd));
    }
    sums
}

/// Adds the products of each row from `at` on with four blocks, group number `group` of those with these `powers`.
///
/// # Safety
/// Every row has 128 numbers from `at` on.
#[inline(always)]
unsafe fn four_blocks<const R: usize>(
    rows: &[&[bf16]; R],
    at: usize,
    codes: __m512i,
    powers: __m512,
    group: usize,
    table: __m512i,
    lanes: &mut [__m512; R],
) {
    // SAFETY: only functions that have AVX-512 call this, which becomes a part of them.
    unsafe {
        // A word holds four codes. Of a place in the table the low five bits count, of which the table does not mind the highest.
        let values = [
            _mm512_permutexvar_epi16(codes, table),
            _mm512_permutexvar_epi16(_mm512_srli_epi16(codes, 4), table),
            _mm512_permutexvar_epi16(_mm512_srli_epi16(codes, 8), table),
            _mm512_permutexvar_epi16(_mm512_srli_epi16(codes, 12), table),
        ];
        // Each block's scale in the quarter of a register where its products are.
        let quarters = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
        let which = _mm512_add_epi32(quarters, _mm512_set1_epi32((GROUP * group) as i32));
        let scale = _mm512_permutexvar_ps(which, powers);
        for (row, lanes) in rows.iter().zip(lanes) {
            let mut product = _mm512_setzero_ps();
            for (turn, values) in values.into_iter().enumerate() {
                let row = _mm512_loadu_si512(row.as_ptr().add(at + turn * LANES).cast());
                product = multiplied(product, values, row);
            }
            *lanes = _mm512_fmadd_ps(product, scale, *lanes);
        }
    }
}

/// What up to sixteen scales stand for; zeros behind them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn powers(scales: &[u8]) -> __m512 {
    let mask = ((1_u32 << scales.len().min(SCALES)) - 1) as u16;
    // SAFETY: as many bytes are there as the mask has bits, and no other is touched.
    let scales = unsafe { _mm_maskz_loadu_epi8(mask, scales.as_ptr().cast()) };
    _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu8_epi32(scales), 23))
}

/// See [`crate::number::Number::few`].
///
/// # Safety
/// Every row is as long as the `codes` of an output.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(crate) unsafe fn few_int8(rows: &[&[bf16]], codes: &[i8], sums: &mut [f32]) {
    let outputs = sums.len() / rows.len();
    each_output!(rows, sums, outputs, codes in codes.chunks_exact(codes.len() / outputs) => of_integers(codes));
}

/// # Safety
/// As [`few_int8`], of one output.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn of_integers<const R: usize>(rows: [&[bf16]; R], codes: &[i8]) -> [f32; AT_ONCE] {
    // The upper halves of two registers of f32, one after the other.
    let halves: [u16; LANES] = std::array::from_fn(|place| 2 * place as u16 + 1);
    // SAFETY: 32 numbers are there.
    let halves = unsafe { _mm512_loadu_si512(halves.as_ptr().cast()) };
    let mut lanes = [_mm512_setzero_ps(); R];
    let (whole, rest) = codes.as_chunks::<LANES>();
    let wide = |half: __m128i| _mm512_castps_si512(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(half)));
    for (part, codes) in whole.iter().enumerate() {
        // SAFETY: 32 bytes are there.
        let (first, second) =
            unsafe { (_mm_loadu_si128(codes.as_ptr().cast()), _mm_loadu_si128(codes.as_ptr().add(LANES / 2).cast())) };
        let values = _mm512_permutex2var_epi16(wide(first), halves, wide(second));
        for (row, lanes) in rows.iter().zip(&mut lanes) {
            // SAFETY: the row is as long as the codes.
            let row = unsafe { _mm512_loadu_si512(row.as_ptr().add(part * LANES).cast()) };
            *lanes = multiplied(*lanes, values, row);
        }
    }
    let mut sums = [0.0; AT_ONCE];
    for ((row, lanes), sum) in rows.iter().zip(&lanes).zip(&mut sums) {
        let row = row[whole.len() * LANES..].iter().zip(rest);
        *sum = _mm512_reduce_add_ps(*lanes) + row.map(|(a, b)| a.to_f32() * f32::from(*b)).sum::<f32>();
    }
    sums
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

/// The same as bf16, twice: once for either value of a bit that is not the code's.
#[inline]
#[target_feature(enable = "avx512f")]
fn e2m1_as_bf16() -> __m512i {
    let table: [u16; 32] = std::array::from_fn(|code| top_half(portable::e2m1(code as u8 & 15)).to_bits());
    // SAFETY: 32 numbers are there.
    unsafe { _mm512_loadu_si512(table.as_ptr().cast()) }
}
