//! The rotary tables, computed from the configuration alone.

use half::bf16;
use rayon::prelude::*;

use super::rows::Element;
use crate::config::Config;
use crate::graph::params::Source;

/// Cosines or sines of every position's angles, times the concentration, to `out` `[positions, head_dim/2]`.
///
/// The angle is rounded to f32 before the cosine is taken, and the cosine before it is multiplied: the published
/// implementation does so, and at position 5000 an exact angle would differ by 2e-3 in the logits.
pub(super) fn fill(config: &Config, source: Source, element: Element, out: &mut [u8]) {
    let frequencies = config.rope.inverse_frequencies(config.head_dim);
    let concentration = config.rope.concentration();
    out.par_chunks_exact_mut(frequencies.len() * element.bytes()).enumerate().for_each(|(position, out)| {
        for (frequency, out) in frequencies.iter().zip(out.chunks_exact_mut(element.bytes())) {
            let angle = f64::from(position as f32 * frequency);
            let turned = if source == Source::RopeCos { angle.cos() } else { angle.sin() };
            let value = turned as f32 * concentration;
            match element {
                Element::Bf16 => out.copy_from_slice(&bf16::from_f32(value).to_ne_bytes()),
                Element::F32 => out.copy_from_slice(&value.to_ne_bytes()),
            }
        }
    });
}
