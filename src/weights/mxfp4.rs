//! MXFP4: blocks of 32 four-bit floats under one power of two. Unpacking is exact for every code and scale.
//!
//! Source: OCP Microscaling Formats 1.0; nibble order as in openai/gpt-oss `torch/weights.py`.

use half::bf16;

/// Values of the sixteen codes: sign, two bits of exponent, one of mantissa.
const CODES: [f32; 16] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0];

/// The scale that the format reserves for not-a-number.
pub const NAN_SCALE: u8 = 255;

/// The sixteen values under scale byte `scale` (exponent plus 127). f32 holds each exactly, subnormal ones too, and so does bf16.
fn table(scale: u8) -> [f32; 16] {
    // Two factors, so that neither is subnormal where the product is not.
    let exponent = i32::from(scale) - 127;
    let (first, second) = (exponent / 2, exponent - exponent / 2);
    CODES.map(|code| code * 2f32.powi(first) * 2f32.powi(second))
}

/// An element type that MXFP4 unpacks to.
pub trait Unpacked: Copy + bytemuck::Pod {
    fn from_f32(value: f32) -> Self;
}

impl Unpacked for f32 {
    fn from_f32(value: f32) -> f32 {
        value
    }
}

impl Unpacked for bf16 {
    fn from_f32(value: f32) -> bf16 {
        bf16::from_f32(value)
    }
}

/// Unpacks a run of blocks: 16 bytes each, two values a byte, low nibble first; one scale a block; 32 values a block into `out`.
///
/// Fails with the block's place where a scale is [`NAN_SCALE`].
pub fn unpack<T: Unpacked>(blocks: &[u8], scales: &[u8], out: &mut [T]) -> Result<(), usize> {
    for (place, ((block, scale), out)) in blocks.chunks_exact(16).zip(scales).zip(out.chunks_exact_mut(32)).enumerate()
    {
        if *scale == NAN_SCALE {
            return Err(place);
        }
        let table = table(*scale).map(T::from_f32);
        for (byte, pair) in block.iter().zip(out.chunks_exact_mut(2)) {
            pair[0] = table[usize::from(byte & 15)];
            pair[1] = table[usize::from(byte >> 4)];
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_and_scale_is_exact() {
        let block: Vec<u8> = (0..16).map(|byte: u8| (byte << 4) | (15 - byte)).collect();
        for scale in 0..NAN_SCALE {
            let (mut wide, mut narrow) = ([0f32; 32], [bf16::ZERO; 32]);
            unpack(&block, &[scale], &mut wide).expect("unpacks");
            unpack(&block, &[scale], &mut narrow).expect("unpacks");
            for place in 0..32 {
                let code = if place % 2 == 0 { 15 - place / 2 } else { place / 2 };
                let magnitude = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0][code % 8] * 2f64.powi(i32::from(scale) - 127);
                let exact = if code < 8 { magnitude } else { -magnitude };
                assert_eq!(f64::from(wide[place]).to_bits(), f64::from(exact as f32).to_bits());
                assert_eq!(
                    narrow[place].to_f64().to_bits(),
                    f64::from(wide[place]).to_bits(),
                    "scale {scale} code {code}"
                );
                assert!(
                    magnitude > f64::from(f32::MAX) || f64::from(wide[place]) == exact,
                    "scale {scale} code {code}"
                );
            }
        }
        assert_eq!(unpack(&[0; 32], &[0, NAN_SCALE], &mut [0f32; 64]), Err(1));
    }
}
