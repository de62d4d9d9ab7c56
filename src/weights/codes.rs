//! Rows of values in codes of eight bits: the scale of a row, and the code of each value. Knows no tensor.

use std::sync::LazyLock;

use crate::plan::Precision;

/// The scale of a row in codes of `stored`, FP8 or INT8; the place of a value that is not finite otherwise.
pub(super) fn scale(stored: Precision, row: &[f32]) -> Result<f32, usize> {
    // Magnitudes are in the order of their bits, and what is not finite comes last.
    let largest = row.iter().fold(0, |largest, value| largest.max(value.abs().to_bits()));
    let largest = f32::from_bits(largest);
    if !largest.is_finite() {
        return Err(row.iter().position(|value| !value.is_finite()).unwrap_or(0));
    }
    Ok(scale_for(stored, largest))
}

/// The scale of a row whose `largest` magnitude is this finite one.
///
/// FP8's is the smallest power of two with which no code exceeds the largest, 448: dividing by it is exact, so that a value is
/// rounded only if its own exponent is too far below the row's, or its significand has more than four bits. INT8's gives the
/// largest value the code 127. Both are normal f32, since devices take smaller numbers for zero. A row of zeros has scale 1.
pub(super) fn scale_for(stored: Precision, largest: f32) -> f32 {
    if largest == 0.0 {
        return 1.0;
    }
    match stored {
        Precision::Int8 => (largest / 127.0).max(f32::MIN_POSITIVE),
        _ => {
            let top = exponent(largest);
            // 448 is 1.75 times 2^8.
            let fits = largest <= 1.75 * power_of_two(top);
            power_of_two((top - if fits { 8 } else { 7 }).max(-126))
        }
    }
}

/// The codes of a row under its scale, a byte each: `out` is as long as `row`.
pub(super) fn encode(stored: Precision, row: &[f32], scale: f32, out: &mut [u8]) {
    match stored {
        Precision::Int8 => row.iter().zip(out).for_each(|(value, out)| *out = int8(value / scale)),
        _ => {
            let inverse = 1.0 / scale;
            row.iter().zip(out).for_each(|(value, out)| *out = e4m3(value * inverse));
        }
    }
}

/// The code next to a finite `value`, ties to even; what lies beyond the largest code becomes it.
pub(super) fn code(stored: Precision, value: f32) -> u8 {
    if stored == Precision::Int8 { int8(value) } else { e4m3(value) }
}

/// The number that a code stands for under scale 1.
pub(super) fn value_of(stored: Precision, code: u8) -> f64 {
    static E4M3: LazyLock<[f64; 256]> = LazyLock::new(|| std::array::from_fn(|code| value_of_e4m3(code as u8)));
    if stored == Precision::Int8 { f64::from(code.cast_signed()) } else { E4M3[usize::from(code)] }
}

fn value_of_e4m3(code: u8) -> f64 {
    let mantissa = f64::from(code & 7) / 8.0;
    let magnitude = match i32::from(code >> 3 & 15) {
        0 => mantissa * 2f64.powi(-6),
        exponent => (1.0 + mantissa) * 2f64.powi(exponent - 7),
    };
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

/// The integer next to `value`, ties to even, of magnitude 127 at most: a quotient may be rounded up past it.
fn int8(value: f32) -> u8 {
    (nearest(value.clamp(-127.0, 127.0)) as i8).cast_unsigned()
}

/// The E4M3FN code next to a finite `value`, ties to even; what lies beyond 448 becomes 448.
///
/// Source: FP8 Formats for Deep Learning (2022), E4M3: bias 7, subnormals in steps of 2^-9, no infinities.
fn e4m3(value: f32) -> u8 {
    let sign = ((value.to_bits() >> 24) & 0x80) as u8;
    let magnitude = value.abs().min(448.0);
    let exponent = exponent(magnitude).max(-6);
    // In steps of this exponent a normal number counts 8 to 16, a subnormal one less. Exponent and count add up to the code, also where
    // rounding has reached the next exponent's first.
    let steps = nearest(magnitude * power_of_two(3 - exponent));
    sign | ((exponent + 6) * 8 + steps as i32) as u8
}

/// The exponent of a normal `value` > 0; -127 for smaller ones.
fn exponent(value: f32) -> i32 {
    (value.to_bits() >> 23) as i32 - 127
}

/// 2^`exponent`, for the exponents of normal numbers.
fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}

/// The integer next to `value`, whose magnitude is below 2^22, ties to even: where this sum lies, neighbours are 1 apart.
/// The method of f32 would be a call into the C library on processors before SSE4.1, which are those that are built for.
fn nearest(value: f32) -> f32 {
    const ONES: f32 = 1.5 * (1 << 23) as f32;
    (value + ONES) - ONES
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::bf16;
    use proptest::prelude::*;

    fn value_of(code: u8) -> f64 {
        super::value_of(Precision::Fp8, code)
    }

    /// The nearest code by trying all of them; of two that are as near the even one.
    fn by_search(value: f64) -> u8 {
        let sign = if value.is_sign_negative() { 0x80 } else { 0 };
        // The largest code is next to all that exceed it; of far larger ones an f64 could not tell the codes' distances apart.
        let magnitude = value.abs().min(1e6);
        let distance = |code: u8| (value_of(code) - magnitude).abs();
        let closer = |a: u8, b: u8| {
            let order = distance(a).total_cmp(&distance(b)).then((a & 1).cmp(&(b & 1)));
            if order.is_gt() { b } else { a }
        };
        sign | (0..0x7f).reduce(closer).expect("there are codes")
    }

    #[test]
    fn every_bf16_becomes_the_nearest_code() {
        for bits in 0..=u16::MAX {
            let value = bf16::from_bits(bits);
            if value.is_finite() {
                assert_eq!(e4m3(value.to_f32()), by_search(value.to_f64()), "{value:e}");
            }
        }
    }

    #[test]
    fn every_code_is_its_own_and_the_middle_is_even() {
        for code in 0..0x7eu8 {
            let (own, next) = (value_of(code), value_of(code + 1));
            assert_eq!(e4m3(own as f32), code);
            assert_eq!(e4m3(-own as f32), code | 0x80);
            let even = if code % 2 == 0 { code } else { code + 1 };
            let middle = ((own + next) / 2.0) as f32;
            assert_eq!([e4m3(middle.next_down()), e4m3(middle), e4m3(middle.next_up())], [code, even, code + 1]);
        }
        assert_eq!([e4m3(448.0), e4m3(464.0), e4m3(f32::MAX), e4m3(-1e9)], [0x7e, 0x7e, 0x7e, 0xfe]);
    }

    #[test]
    fn scales_are_as_small_as_the_largest_code_allows() {
        let fp8 = |row: &[f32]| scale(Precision::Fp8, row);
        let rows = [
            (0.0, 1.0),
            (448.0, 1.0),
            (-448.0, 1.0),
            (450.0, 2.0),
            (256.0, 1.0),
            (225.0, 1.0),
            (224.0, 0.5),
            (1.0, 1.0 / 256.0),
            (1.75, 1.0 / 256.0),
            (1.76, 1.0 / 128.0),
            (f32::MIN_POSITIVE / 4.0, f32::MIN_POSITIVE),
        ];
        for (largest, expected) in rows {
            assert_eq!(fp8(&[0.0, largest, 0.0]), Ok(expected), "{largest}");
        }
        assert_eq!(fp8(&[1.0, f32::NAN, f32::INFINITY]), Err(1));
        assert_eq!(scale(Precision::Int8, &[-254.0, 3.0]), Ok(2.0));
        assert_eq!(scale(Precision::Int8, &[0.0, f32::NEG_INFINITY]), Err(1));
    }

    proptest! {
        /// No value is further from its code than half a step, and none gets the code for NaN.
        #[test]
        fn codes_are_near(row in proptest::collection::vec(-3e4f32..3e4, 1..40), shift in -40i32..40) {
            let row: Vec<f32> = row.iter().map(|value| value * 2f32.powi(shift)).collect();
            let largest = row.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            for stored in [Precision::Fp8, Precision::Int8] {
                let scale = scale(stored, &row).unwrap();
                let mut codes = vec![0; row.len()];
                encode(stored, &row, scale, &mut codes);
                for (code, value) in codes.iter().zip(&row) {
                    let (code, step) = match stored {
                        Precision::Int8 => (f64::from(code.cast_signed()), 1.0),
                        // A sixteenth of its own power of two at most, or of the smallest normal one.
                        _ => (value_of(*code), (f64::from(value / scale).abs() / 8.0).max(2f64.powi(-9))),
                    };
                    prop_assert!(code.abs() <= stored.largest_code());
                    let error = (code * f64::from(scale) - f64::from(*value)).abs();
                    prop_assert!(error <= step * f64::from(scale) * 0.500_01, "{stored}: {value} as {code}");
                }
                prop_assert!(scale <= largest / 127.0 * 1.000_001 || stored == Precision::Fp8);
            }
        }
    }
}
