//! The functions of a level in plain loops, of which a compiler makes what the processor has.

use half::bf16;

use crate::BLOCK;
use crate::matrix::Values;
use crate::number::Sums;

/// Sums that are kept apart, so that none waits for another.
const LANES: usize = 16;

/// The values of `of`, without the scales of its outputs.
#[inline(always)]
pub(crate) fn unpack(of: Values<'_>, into: &mut [f32]) {
    match of {
        Values::F32(values) => into.copy_from_slice(values),
        Values::Bf16(values) => each(values, into, bf16_to_f32),
        Values::Int8 { codes, .. } => each(codes, into, f32::from),
        Values::Fp8 { codes, .. } => each(codes, into, fp8),
        Values::Mxfp4 { codes, scales } => {
            let blocks = codes.chunks_exact(BLOCK / 2).zip(scales).zip(into.chunks_exact_mut(BLOCK));
            for ((codes, &scale), into) in blocks {
                let scale = power(scale);
                for (&pair, into) in codes.iter().zip(into.chunks_exact_mut(2)) {
                    into[0] = e2m1(pair & 15) * scale;
                    into[1] = e2m1(pair >> 4) * scale;
                }
            }
        }
    }
}

#[inline(always)]
pub(crate) fn each<A: Copy, B>(from: &[A], into: &mut [B], of: impl Fn(A) -> B) {
    from.iter().zip(into).for_each(|(&from, into)| *into = of(from));
}

/// See [`crate::number::Number::dots`].
pub(crate) fn dots(rows: &[&[f32]], outputs: &[&[f32]]) -> Sums {
    let mut sums = Sums::default();
    for (row, sums) in rows.iter().zip(&mut sums) {
        for (output, sum) in outputs.iter().zip(sums) {
            *sum = dot(row, output);
        }
    }
    sums
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a, rest_a) = a.as_chunks::<LANES>();
    let (b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f32>() + rest
}

#[inline(always)]
fn bf16_to_f32(value: bf16) -> f32 {
    f32::from_bits(u32::from(value.to_bits()) << 16)
}

/// What an E4M3FN code stands for. Put together from bits: threads of XLA read subnormal f32 as zero.
#[inline(always)]
pub(crate) fn fp8(code: u8) -> f32 {
    let (sign, magnitude) = (u32::from(code & 0x80) << 24, u32::from(code & 0x7f));
    let normal = f32::from_bits((magnitude << 20) + ((127 - 7) << 23));
    let subnormal = magnitude as f32 * (1.0 / 512.0);
    let value = if magnitude < 8 { subnormal } else { normal };
    let value = if magnitude == 0x7f { f32::NAN } else { value };
    f32::from_bits(value.to_bits() | sign)
}

/// What an E2M1 code, below 16, stands for.
#[inline(always)]
pub(crate) fn e2m1(code: u8) -> f32 {
    let (sign, magnitude) = (u32::from(code & 8) << 28, u32::from(code & 7));
    let normal = (magnitude + (126 << 1)) << 22;
    let half = if magnitude == 0 { 0 } else { 126 << 23 };
    let bits = if magnitude < 2 { half } else { normal };
    f32::from_bits(bits | sign)
}

/// Two to the power of `scale − 127`; 0 for the byte 0, whose power would be subnormal.
#[inline(always)]
pub(crate) fn power(scale: u8) -> f32 {
    f32::from_bits(u32::from(scale) << 23)
}
