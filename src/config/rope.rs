//! YaRN's frequencies and concentration, from the configuration alone.

use super::Rope;

impl Rope {
    /// Radians that each pair of channels turns per position, `head_dim / 2` of them.
    ///
    /// Computed in f32 step by step, as the published implementation does: a difference in the last bit of a frequency
    /// is one of 2e-4 radians after 5000 positions, far more than a rounding of the logits.
    /// Source: openai/gpt-oss `torch/model.py`, `RotaryEmbedding`; where that refuses a configuration (a correction range
    /// that leaves the channels), the clamps of transformers' `_compute_yarn_parameters`.
    pub fn inverse_frequencies(&self, head_dim: usize) -> Vec<f32> {
        let wavelengths = (0..head_dim / 2).map(|i| {
            let exponent = (2 * i) as f32 / head_dim as f32;
            self.theta.powf(f64::from(exponent)) as f32
        });
        if self.factor <= 1.0 {
            return wavelengths.map(|wavelength| 1.0 / wavelength).collect();
        }
        let (low, high) = self.correction_range(head_dim);
        let factor = self.factor as f32;
        wavelengths
            .enumerate()
            .map(|(i, wavelength)| {
                let ramp = ((i as f32 - low as f32) / (high - low) as f32).clamp(0.0, 1.0);
                let kept = 1.0 - ramp;
                1.0 / (factor * wavelength) * (1.0 - kept) + 1.0 / wavelength * kept
            })
            .collect()
    }

    /// What cosines and sines are multiplied by: `0.1 ln(factor) + 1`, or 1 for plain rotary positions.
    pub fn concentration(&self) -> f32 {
        if self.factor <= 1.0 { 1.0 } else { (0.1 * self.factor.ln() + 1.0) as f32 }
    }

    /// The channel pairs between which frequencies pass from kept to divided.
    fn correction_range(&self, head_dim: usize) -> (f64, f64) {
        let pair_that_turns = |times: f64| {
            let turns = self.original_context as f64 / (times * 2.0 * std::f64::consts::PI);
            head_dim as f64 * turns.ln() / (2.0 * self.theta.ln())
        };
        let (mut low, mut high) = (pair_that_turns(self.beta_fast), pair_that_turns(self.beta_slow));
        if self.truncate {
            (low, high) = (low.floor(), high.ceil());
        }
        low = low.max(0.0);
        high = high.min(head_dim as f64 - 1.0);
        if low == high { (low, high + 0.001) } else { (low, high) }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn frequencies_are_those_of_the_published_model() {
        let listed = [
            1.0,
            0.689044306,
            0.474782055,
            0.327145872,
            0.225418,
            0.155322989,
            0.107024421,
            0.0737445682,
            0.0508132748,
            0.0317056962,
            0.0193350011,
            0.0115920493,
            0.00679495949,
            0.00386035932,
            0.00209379238,
            0.0010526021,
            0.000456483919,
            0.000129318701,
            3.83088124e-05,
            2.6396469e-05,
            1.81883367e-05,
            1.25325698e-05,
            8.63549588e-06,
            5.95023926e-06,
            4.09997848e-06,
            2.82506683e-06,
            1.94659621e-06,
            1.34129104e-06,
            9.2420895e-07,
            6.36820915e-07,
            4.38797825e-07,
            3.02351143e-07f64,
        ];
        let rope = Config::gpt_oss_20b().rope;
        let found = rope.inverse_frequencies(64);
        assert_eq!(found.len(), listed.len());
        for (found, listed) in found.iter().zip(listed) {
            // The list has nine digits of a computation in f64, ours rounds to f32 at every step.
            assert!((f64::from(*found) / listed - 1.0).abs() < 2e-7, "{found} against {listed}");
        }
        let (low, high) = rope.correction_range(64);
        assert!((low - 8.092779115512402).abs() < 1e-12 && (high - 17.39802450158856).abs() < 1e-12, "{low} {high}");
        assert_eq!(rope.concentration(), 1.346_573_6);
    }

    #[test]
    fn truncation_rounds_the_range_outwards() {
        let mut rope = Config::gpt_oss_20b().rope;
        rope.truncate = true;
        assert_eq!(rope.correction_range(64), (8.0, 18.0));
    }

    #[test]
    fn without_stretching_positions_are_plain() {
        let mut rope = Config::gpt_oss_20b().rope;
        rope.factor = 1.0;
        assert_eq!(rope.concentration(), 1.0);
        assert_eq!(rope.inverse_frequencies(4), [1.0, 1.0 / 150_000f32.sqrt()]);
    }
}
