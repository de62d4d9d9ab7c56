//! The functions of a level for AVX2 and FMA: products of f32, 8 at once.

use std::arch::x86_64::*;

use half::bf16;

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

/// The dot products of up to two rows with up to six outputs; see [`crate::number::Number::dots`].
///
/// # Safety
/// Every slice has `length` numbers.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn dots(rows: &[&[f32]], outputs: &[&[f32]], length: usize) -> Sums {
    let mut sums = Sums::default();
    // SAFETY: the caller's word.
    unsafe {
        match rows {
            [a, b] => of_rows([a, b], outputs, length, &mut sums),
            [a] => of_rows([a], outputs, length, &mut sums),
            _ => {}
        }
    }
    sums
}

/// # Safety
/// As [`dots`].
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn of_rows<const R: usize>(rows: [&[f32]; R], outputs: &[&[f32]], length: usize, sums: &mut Sums) {
    // Two by six sums and what they are made of fill the registers.
    let mut first = 0;
    // SAFETY: the caller's word.
    unsafe {
        while let [a, b, c, d, e, f, ..] = outputs[first..] {
            block(rows, [a, b, c, d, e, f], first, length, sums);
            first += 6;
        }
        if let [a, b, c, d, ..] = outputs[first..] {
            block(rows, [a, b, c, d], first, length, sums);
            first += 4;
        }
        for (place, output) in outputs.iter().enumerate().skip(first) {
            block(rows, [output], place, length, sums);
        }
    }
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
        let load = |of: &[f32]| unsafe { _mm256_loadu_ps(of.as_ptr().add(at)) };
        let rows = rows.map(load);
        for (place, output) in outputs.into_iter().enumerate() {
            let output = load(output);
            for (row, lanes) in rows.into_iter().zip(&mut lanes) {
                lanes[place] = _mm256_fmadd_ps(row, output, lanes[place]);
            }
        }
    }
    let each = lanes.as_flattened();
    for (part, lanes) in each.chunks(4).enumerate() {
        let mut four = [_mm256_setzero_ps(); 4];
        four[..lanes.len()].copy_from_slice(lanes);
        for (at, total) in totals(four).into_iter().take(lanes.len()).enumerate() {
            let at = 4 * part + at;
            sums[at / O][first + at % O] = total;
        }
    }
    if whole < length {
        for (row, sums) in rows.iter().zip(sums) {
            for (output, sum) in outputs.iter().zip(&mut sums[first..]) {
                *sum += row[whole..].iter().zip(&output[whole..]).map(|(a, b)| a * b).sum::<f32>();
            }
        }
    }
}

/// The sums of four registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn totals([a, b, c, d]: [__m256; 4]) -> [f32; 4] {
    let pairs = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    let four = _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
    let mut totals = [0.0; 4];
    // SAFETY: there is room for four numbers.
    unsafe { _mm_storeu_ps(totals.as_mut_ptr(), four) };
    totals
}

/// See [`crate::number::Number::few`].
///
/// # Safety
/// `codes` has 16 bytes for each of `scales`, and every row 32 numbers for each of an output's `blocks`.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn few_mxfp4(rows: &[&[f32]], codes: &[u8], scales: &[u8], blocks: usize, sums: &mut [f32]) {
    let outputs = scales.len() / blocks;
    let each = codes.chunks_exact(blocks * BLOCK / 2).zip(scales.chunks_exact(blocks));
    each_output!(rows, sums, outputs, (codes, scales) in each => of_blocks(codes, scales));
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

/// See [`crate::number::Number::few`].
///
/// # Safety
/// Every row is as long as the `codes` of an output.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn few_int8(rows: &[&[f32]], codes: &[i8], sums: &mut [f32]) {
    let outputs = sums.len() / rows.len();
    each_output!(rows, sums, outputs, codes in codes.chunks_exact(codes.len() / outputs) => of_integers(codes));
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

/// Where a block's largest number is smaller, the block is as good as zeros.
const SMALLEST: f32 = 1e-33;

/// How much room a rounded row's numbers have: so that both of their bytes, as numbers with a sign, are above -128.
const PLANES: f32 = 127.0 * 256.0;

/// What is added to codes so that they are never negative: twice the largest of them.
const RAISED: i32 = 12;

/// Blocks whose scales are made numbers of at once.
const SCALES: usize = 8;

/// Bytes of a row for two blocks: the upper ones of every other number, of the rest, and the lower ones likewise.
const PAIR: usize = 4 * BLOCK;

/// A row as 16-bit integers with a scale for each block, its bytes apart, in the order in which codes of MXFP4 are unpacked. Whole groups
/// of eight blocks; what is missing is zeros.
#[derive(Debug)]
pub(crate) struct Planes {
    bytes: Vec<i8>,
    /// Half of each block's scale, blocks 0, 2, 4, 6, 1, 3, 5, 7 of each eight: the even ones lie in the lower half of a register.
    scales: Vec<f32>,
    /// What [`RAISED`] adds to each block's product, times that, with its sign turned.
    raised: Vec<f32>,
}

/// Where a block's scale is among those of its eight.
fn place(block: usize) -> usize {
    block / SCALES * SCALES + block % 2 * (SCALES / 2) + block % SCALES / 2
}

impl Planes {
    /// Whether they are of a row of so many blocks.
    pub fn are_of(&self, blocks: usize) -> bool {
        self.scales.len() == blocks.next_multiple_of(SCALES)
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn new(row: &[f32]) -> Planes {
        let (blocks, _) = row.as_chunks::<BLOCK>();
        let room = blocks.len().next_multiple_of(SCALES);
        let (mut bytes, mut scales, mut raised) = (vec![0; room / 2 * PAIR], vec![0.0; room], vec![0.0; room]);
        for (at, block) in blocks.iter().enumerate() {
            let (scale, numbers) = rounded(block, PLANES);
            let total: i32 = numbers.iter().map(|number| i32::from(*number)).sum();
            scales[place(at)] = scale * 0.5;
            raised[place(at)] = -((RAISED * total) as f32) * (scale * 0.5);
            let bytes = &mut bytes[at / 2 * PAIR + at % 2 * (BLOCK / 2)..];
            for (place, number) in numbers.into_iter().enumerate() {
                let lower = number as i8;
                let upper = ((number - i16::from(lower)) >> 8) as i8;
                let to = place % 2 * BLOCK + place / 2;
                (bytes[to], bytes[PAIR / 2 + to]) = (upper, lower);
            }
        }
        Planes { bytes, scales, raised }
    }
}

/// A row as 16-bit integers with a scale for each block, and what is left behind the last whole block.
#[derive(Debug)]
pub(crate) struct Words {
    numbers: Vec<i16>,
    scales: Vec<f32>,
    rest: Vec<f32>,
}

impl Words {
    /// How long the row was.
    pub fn length(&self) -> usize {
        self.numbers.len() + self.rest.len()
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn new(row: &[f32]) -> Words {
        let (blocks, rest) = row.as_chunks::<BLOCK>();
        let (scales, numbers): (Vec<f32>, Vec<_>) = blocks.iter().map(|block| rounded(block, 32767.0)).unzip();
        Words { numbers: numbers.concat(), scales, rest: rest.to_vec() }
    }
}

/// A block as whole numbers of at most `room`, and by what they are multiplied. What is not finite makes every number of its block so; a
/// block of numbers so small that their factor would not be finite becomes zeros.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn rounded(block: &[f32; BLOCK], room: f32) -> (f32, [i16; BLOCK]) {
    // Not `max`, which would lose what is no number.
    let largest = block.iter().map(|value| value.abs()).fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a });
    if largest < SMALLEST {
        return (0.0, [0; BLOCK]);
    }
    if !largest.is_finite() {
        return (largest, [1; BLOCK]);
    }
    let inverse = room / largest;
    (largest / room, block.map(|value| (value * inverse).round_ties_even() as i16))
}

/// The products of up to four rows with outputs in MXFP4, which have as many scales each as there are `blocks`: `sums` `[rows, outputs]`.
///
/// # Safety
/// `codes` has 16 bytes for each of `scales`, and every row was of 32 numbers for each of an output's `blocks`.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn few_mxfp4_of_planes(
    rows: &[Planes],
    codes: &[u8],
    scales: &[u8],
    blocks: usize,
    sums: &mut [f32],
) {
    let outputs = scales.len() / blocks;
    let each = codes.chunks_exact(blocks * BLOCK / 2).zip(scales.chunks_exact(blocks));
    each_output!(rows, sums, outputs, (codes, scales) in each => of_pairs(codes, scales));
}

/// # Safety
/// As [`few_mxfp4_of_planes`], of one output.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn of_pairs<const R: usize>(rows: [&Planes; R], codes: &[u8], scales: &[u8]) -> [f32; AT_ONCE] {
    // Neighbouring pairs have sums of their own, so that neither waits for the other; the third is what codes were raised by.
    let mut lanes = [[_mm256_setzero_ps(); 3]; R];
    let (whole, rest) = codes.as_chunks::<{ SCALES * BLOCK / 2 }>();
    let (each, rest_scales) = scales.as_chunks::<SCALES>();
    for (part, (codes, scales)) in whole.iter().zip(each).enumerate() {
        // SAFETY: rows have numbers for eight blocks.
        unsafe { eight_blocks(&rows, part, codes, scales, SCALES / 2, &mut lanes) };
    }
    if !rest.is_empty() {
        let (mut codes, mut scales) = ([0; SCALES * BLOCK / 2], [0; SCALES]);
        codes[..rest.len()].copy_from_slice(rest);
        scales[..rest_scales.len()].copy_from_slice(rest_scales);
        // SAFETY: rows have numbers for eight blocks, the missing ones of them zeros.
        unsafe { eight_blocks(&rows, whole.len(), &codes, &scales, rest_scales.len().div_ceil(2), &mut lanes) };
    }
    let mut sums = [0.0; AT_ONCE];
    for ([even, odd, raised], sum) in lanes.iter().zip(&mut sums) {
        *sum = total(_mm256_add_ps(_mm256_add_ps(*even, *odd), *raised));
    }
    sums
}

/// Adds the products of each row with the first `pairs` of the eight blocks that are number `part` of them.
///
/// # Safety
/// Every row has numbers and scales for these blocks.
#[inline(always)]
unsafe fn eight_blocks<const R: usize>(
    rows: &[&Planes; R],
    part: usize,
    codes: &[u8; SCALES * BLOCK / 2],
    scales: &[u8; SCALES],
    pairs: usize,
    lanes: &mut [[__m256; 3]; R],
) {
    // SAFETY: only functions that have AVX2 call this, which becomes a part of them; bytes and numbers are there by the caller's word.
    unsafe {
        let order = _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, -1, -1, -1, -1, -1, -1, -1, -1);
        let scales = _mm_shuffle_epi8(_mm_loadl_epi64(scales.as_ptr().cast()), order);
        let powers = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu8_epi32(scales), 23));
        let mut factors = [_mm256_setzero_ps(); R];
        for ((row, lanes), factors) in rows.iter().zip(&mut *lanes).zip(&mut factors) {
            lanes[2] = _mm256_fmadd_ps(powers, _mm256_loadu_ps(row.raised.as_ptr().add(part * SCALES)), lanes[2]);
            *factors = _mm256_mul_ps(powers, _mm256_loadu_ps(row.scales.as_ptr().add(part * SCALES)));
        }
        macro_rules! pair {
            ($turn:literal) => {
                if $turn < pairs {
                    let (first, second) = raised(codes.as_ptr().add($turn * BLOCK));
                    for ((row, lanes), factors) in rows.iter().zip(&mut *lanes).zip(&factors) {
                        let row = row.bytes.as_ptr().add((part * SCALES / 2 + $turn) * PAIR);
                        // Of two blocks, each in its half of a register.
                        let factors = _mm256_permute_ps(*factors, $turn * 0b0101_0101);
                        lanes[$turn % 2] = _mm256_fmadd_ps(of_bytes(row, first, second), factors, lanes[$turn % 2]);
                    }
                }
            };
        }
        pair!(0);
        pair!(1);
        pair!(2);
        pair!(3);
    }
}

/// The raised codes of two blocks that start at `codes`: every other, and the rest.
///
/// # Safety
/// 32 bytes are there.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn raised(codes: *const u8) -> (__m256i, __m256i) {
    let table = _mm256_broadcastsi128_si256(_mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    let low = _mm256_set1_epi8(15);
    // SAFETY: the caller's word.
    let codes = unsafe { _mm256_loadu_si256(codes.cast()) };
    let second = _mm256_and_si256(_mm256_srli_epi16(codes, 4), low);
    (_mm256_shuffle_epi8(table, _mm256_and_si256(codes, low)), _mm256_shuffle_epi8(table, second))
}

/// The product of a pair of blocks of a row, whose [`PAIR`] bytes start at `row`, with raised codes; each block's in its half.
///
/// # Safety
/// The bytes are there.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn of_bytes(row: *const i8, first: __m256i, second: __m256i) -> __m256 {
    // SAFETY: the caller's word.
    let times = |codes: __m256i, part: usize| unsafe {
        _mm256_maddubs_epi16(codes, _mm256_loadu_si256(row.add(part * BLOCK).cast()))
    };
    // At most 4 · 24 · 128 in 16 bits.
    let upper = _mm256_add_epi16(times(first, 0), times(second, 1));
    let lower = _mm256_add_epi16(times(first, 2), times(second, 3));
    let upper = _mm256_madd_epi16(upper, _mm256_set1_epi16(256));
    let lower = _mm256_madd_epi16(lower, _mm256_set1_epi16(1));
    _mm256_cvtepi32_ps(_mm256_add_epi32(upper, lower))
}

/// The products of up to four rows with outputs of 8-bit integers: `sums` `[rows, outputs]`.
///
/// # Safety
/// Every row was as long as the `codes` of an output.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn few_int8_of_words(rows: &[Words], codes: &[i8], sums: &mut [f32]) {
    let outputs = sums.len() / rows.len();
    each_output!(rows, sums, outputs, codes in codes.chunks_exact(codes.len() / outputs) => of_words(codes));
}

/// # Safety
/// As [`few_int8_of_words`], of one output.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn of_words<const R: usize>(rows: [&Words; R], codes: &[i8]) -> [f32; AT_ONCE] {
    let mut lanes = [_mm256_setzero_ps(); R];
    let (whole, rest) = codes.as_chunks::<BLOCK>();
    for (at, codes) in whole.iter().enumerate() {
        let (halves, _) = codes.as_chunks::<{ BLOCK / 2 }>();
        // SAFETY: 16 bytes are in each half.
        let wide = |half: usize| unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(halves[half].as_ptr().cast())) };
        let (first, second) = (wide(0), wide(1));
        for (row, lanes) in rows.iter().zip(&mut lanes) {
            // SAFETY: the row has 32 numbers and a scale for each whole block of codes.
            let (products, scale) = unsafe {
                let numbers = row.numbers.as_ptr().add(at * BLOCK).cast::<__m256i>();
                let first = _mm256_madd_epi16(first, _mm256_loadu_si256(numbers));
                let second = _mm256_madd_epi16(second, _mm256_loadu_si256(numbers.add(1)));
                (_mm256_add_epi32(first, second), _mm256_broadcast_ss(&*row.scales.as_ptr().add(at)))
            };
            *lanes = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), scale, *lanes);
        }
    }
    let mut sums = [0.0; AT_ONCE];
    for ((row, lanes), sum) in rows.iter().zip(&lanes).zip(&mut sums) {
        let rest = row.rest.iter().zip(rest);
        *sum = total(*lanes) + rest.map(|(a, b)| a * f32::from(*b)).sum::<f32>();
    }
    sums
}

/// The products of up to four rows with outputs of bf16: `sums` `[rows, outputs]`.
///
/// # Safety
/// Every row was as long as an output.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn few_bf16(rows: &[Parted], values: &[bf16], sums: &mut [f32]) {
    let outputs = sums.len() / rows.len();
    each_output!(rows, sums, outputs, values in values.chunks_exact(values.len() / outputs) => of_bf16(values));
}

/// A row in which, of each sixteen numbers, every other comes first.
#[derive(Debug)]
pub(crate) struct Parted(Vec<f32>);

impl Parted {
    pub fn length(&self) -> usize {
        self.0.len()
    }

    pub fn new(row: &[f32]) -> Parted {
        let (whole, rest) = row.as_chunks::<{ 2 * LANES }>();
        let parted = whole.iter().flat_map(|numbers| (0..2).flat_map(move |first| numbers[first..].iter().step_by(2)));
        Parted(parted.chain(rest).copied().collect())
    }
}

/// # Safety
/// As [`few_bf16`], of one output.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn of_bf16<const R: usize>(rows: [&Parted; R], values: &[bf16]) -> [f32; AT_ONCE] {
    let mut lanes = [[_mm256_setzero_ps(); 2]; R];
    let (whole, rest) = values.as_chunks::<{ 2 * LANES }>();
    for (at, values) in whole.iter().enumerate() {
        // SAFETY: 16 numbers of two bytes are there.
        let values = unsafe { _mm256_loadu_si256(values.as_ptr().cast()) };
        // The lower numbers of each pair moved up, and the upper ones where they are.
        let values = [_mm256_slli_epi32(values, 16), _mm256_and_si256(values, _mm256_set1_epi32(-0x1_0000))];
        for (row, lanes) in rows.iter().zip(&mut lanes) {
            for (turn, (lanes, values)) in lanes.iter_mut().zip(values).enumerate() {
                // SAFETY: the row is as long as the values.
                let row = unsafe { _mm256_loadu_ps(row.0.as_ptr().add((2 * at + turn) * LANES)) };
                *lanes = _mm256_fmadd_ps(_mm256_castsi256_ps(values), row, *lanes);
            }
        }
    }
    let mut sums = [0.0; AT_ONCE];
    for ((row, lanes), sum) in rows.iter().zip(&lanes).zip(&mut sums) {
        let row = row.0[whole.len() * 2 * LANES..].iter().zip(rest);
        *sum = total(_mm256_add_ps(lanes[0], lanes[1])) + row.map(|(a, b)| a * b.to_f32()).sum::<f32>();
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
