//! How far predictions of next tokens are from others: two rows of logits, and all rows of a text. Knows no session and no device.

use rayon::prelude::*;
use serde::Serialize;

use crate::runner::RunError;

/// A distribution over the vocabulary: a row of logits and what normalises it. All of it is computed in f64.
#[derive(Clone, Copy, Debug)]
pub struct Prediction<'a> {
    /// Finite, at least one.
    logits: &'a [f32],
    /// Natural logarithm of the sum of all exponentials.
    normalizer: f64,
}

impl<'a> Prediction<'a> {
    /// None if there is no logit, or one is not a finite number.
    pub fn new(logits: &'a [f32]) -> Option<Prediction<'a>> {
        let peak = f64::from(logits.iter().copied().reduce(f32::max)?);
        if !logits.iter().all(|logit| logit.is_finite()) {
            return None;
        }
        let total: f64 = logits.iter().map(|logit| (f64::from(*logit) - peak).exp()).sum();
        Some(Prediction { logits, normalizer: peak + total.ln() })
    }

    /// Natural logarithm of the probability of `token`, which is one of the vocabulary.
    pub fn logprob(&self, token: usize) -> f64 {
        f64::from(self.logits[token]) - self.normalizer
    }

    fn peak(&self) -> f32 {
        self.logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

/// How far a prediction is from the one that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divergence {
    /// Kullback-Leibler divergence KL(reference || judged), in nats: 0 for equal distributions, never negative.
    pub kl_nats: f64,
    /// Whether a likeliest token of the reference is a likeliest of the judged one.
    pub same_top: bool,
    /// Of the logits as they are, not as probabilities.
    pub mean_difference: f64,
    pub largest_difference: f64,
}

impl Divergence {
    /// Panics if the vocabularies are not of one size.
    pub fn between(reference: &Prediction<'_>, judged: &Prediction<'_>) -> Divergence {
        assert_eq!(reference.logits.len(), judged.logits.len(), "predictions over one vocabulary");
        let peaks = (reference.peak(), judged.peak());
        let (mut kl, mut same_top, mut sum, mut largest) = (0.0, false, 0.0, 0f64);
        for (token, (a, b)) in reference.logits.iter().zip(judged.logits).enumerate() {
            let difference = (f64::from(*a) - f64::from(*b)).abs();
            sum += difference;
            largest = largest.max(difference);
            same_top |= (*a, *b) == peaks;
            kl += kl_term(reference.logprob(token), judged.logprob(token));
        }
        Divergence {
            kl_nats: kl,
            same_top,
            mean_difference: sum / judged.logits.len() as f64,
            largest_difference: largest,
        }
    }
}

/// `p ln(p/q) + q - p` of two logarithms of probabilities. The two last terms add up to nothing over a vocabulary, and with them no
/// term is negative, so that nearly equal distributions do not drown in the rounding of terms of both signs.
fn kl_term(log_p: f64, log_q: f64) -> f64 {
    let (p, log_ratio) = (log_p.exp(), log_q - log_p);
    let term = match log_ratio.abs() < 1.0 {
        true => p * (log_ratio.exp_m1() - log_ratio),
        false => log_q.exp() - p - p * log_ratio,
    };
    term.max(0.0)
}

/// How far the predictions along a text are from those of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TextDivergence {
    pub mean_kl_nats: f64,
    pub max_kl_nats: f64,
    /// The token, counted from 0, after which it is the largest.
    pub max_kl_position: usize,
    /// Positions with the same likeliest token, of all.
    pub top1_agreement_percent: f64,
    pub mean_absolute_logit_difference: f64,
    pub max_absolute_logit_difference: f64,
    /// Exponential of the mean of -ln p over the tokens after the first.
    pub perplexity: f64,
    pub reference_perplexity: f64,
}

/// Compares the predictions after each token of a text, as rows of logits come in.
pub struct Comparison<'a> {
    tokens: &'a [u32],
    vocabulary: usize,
    rows: Vec<Row>,
}

struct Row {
    divergence: Divergence,
    /// Of the next token; none after the last.
    logprobs: Option<[f64; 2]>,
}

impl<'a> Comparison<'a> {
    /// `tokens` are of the vocabulary, and at least two: without a next token there is no perplexity.
    pub fn new(tokens: &'a [u32], vocabulary: usize) -> Comparison<'a> {
        Comparison { tokens, vocabulary, rows: Vec::with_capacity(tokens.len()) }
    }

    /// Takes the next rows of both, f32 `[rows, vocabulary]`. Fails if a logit is not a number.
    pub fn add(&mut self, reference: &[f32], judged: &[f32]) -> Result<(), RunError> {
        assert_eq!(reference.len(), judged.len(), "rows of the same tokens");
        let first = self.rows.len();
        let pairs = reference.par_chunks_exact(self.vocabulary).zip(judged.par_chunks_exact(self.vocabulary));
        let rows = pairs.enumerate().map(|(at, (reference, judged))| {
            let position = first + at;
            let prediction = |logits| Prediction::new(logits).ok_or(RunError::NotANumber { position });
            let (reference, judged) = (prediction(reference)?, prediction(judged)?);
            let next = self.tokens.get(position + 1).map(|token| *token as usize);
            let logprobs = next.map(|token| [&reference, &judged].map(|prediction| prediction.logprob(token)));
            Ok(Row { divergence: Divergence::between(&reference, &judged), logprobs })
        });
        let rows: Vec<Row> = rows.collect::<Result<_, RunError>>()?;
        self.rows.extend(rows);
        Ok(())
    }

    /// What all rows together say.
    pub fn of_text(&self) -> TextDivergence {
        let of_rows = |value: fn(&Divergence) -> f64| self.rows.iter().map(move |row| value(&row.divergence));
        let mean = |value| of_rows(value).sum::<f64>() / self.rows.len() as f64;
        let largest = |value| of_rows(value).fold(0.0, f64::max);
        let max_kl_nats = largest(|row| row.kl_nats);
        let logprobs: Vec<[f64; 2]> = self.rows.iter().filter_map(|row| row.logprobs).collect();
        let perplexity = |of: usize| (-logprobs.iter().map(|both| both[of]).sum::<f64>() / logprobs.len() as f64).exp();
        TextDivergence {
            mean_kl_nats: mean(|row| row.kl_nats),
            max_kl_nats,
            max_kl_position: of_rows(|row| row.kl_nats).position(|kl| kl == max_kl_nats).unwrap_or(0),
            top1_agreement_percent: mean(|row| if row.same_top { 100.0 } else { 0.0 }),
            mean_absolute_logit_difference: mean(|row| row.mean_difference),
            max_absolute_logit_difference: largest(|row| row.largest_difference),
            perplexity: perplexity(1),
            reference_perplexity: perplexity(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn between(reference: &[f32], judged: &[f32]) -> Divergence {
        let [reference, judged] = [reference, judged].map(|logits| Prediction::new(logits).expect("finite logits"));
        Divergence::between(&reference, &judged)
    }

    /// The definition, without a thought for rounding.
    fn naive_kl(reference: &[f32], judged: &[f32]) -> f64 {
        let probabilities = |logits: &[f32]| {
            let powers: Vec<f64> = logits.iter().map(|logit| f64::from(*logit).exp()).collect();
            let total: f64 = powers.iter().sum();
            powers.into_iter().map(|power| power / total).collect::<Vec<f64>>()
        };
        let (p, q) = (probabilities(reference), probabilities(judged));
        p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum()
    }

    prop_compose! {
        /// Two rows, and an order in which to read both.
        fn rows()(size in 1usize..40)(
            reference in proptest::collection::vec(-30f32..30.0, size),
            judged in proptest::collection::vec(-30f32..30.0, size),
            order in Just((0..size).collect::<Vec<usize>>()).prop_shuffle(),
        ) -> (Vec<f32>, Vec<f32>, Vec<usize>) {
            (reference, judged, order)
        }
    }

    proptest! {
        #[test]
        fn kl_is_that_of_the_definition((reference, judged, _) in rows(), share in 0f32..1.0) {
            let near: Vec<f32> = reference.iter().zip(&judged).map(|(a, b)| a + share * share * (b - a)).collect();
            for judged in [judged, near] {
                let (found, expected) = (between(&reference, &judged).kl_nats, naive_kl(&reference, &judged));
                prop_assert!(found >= 0.0 && (found - expected).abs() < 1e-13 + 1e-12 * expected, "{found}, expected {expected}");
            }
        }

        #[test]
        fn equal_rows_differ_in_nothing((reference, ..) in rows()) {
            let nothing = Divergence { kl_nats: 0.0, same_top: true, mean_difference: 0.0, largest_difference: 0.0 };
            prop_assert_eq!(between(&reference, &reference), nothing);
        }

        /// Which token has which number does not matter.
        #[test]
        fn the_order_of_the_vocabulary_changes_nothing((reference, judged, order) in rows()) {
            let turned = |row: &[f32]| order.iter().map(|at| row[*at]).collect::<Vec<f32>>();
            let (found, expected) = (between(&turned(&reference), &turned(&judged)), between(&reference, &judged));
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * (1.0 + b);
            prop_assert!(near(found.kl_nats, expected.kl_nats) && near(found.mean_difference, expected.mean_difference));
            prop_assert_eq!((found.same_top, found.largest_difference), (expected.same_top, expected.largest_difference));
        }

        /// A constant over all logits is no change of the prediction, and a change of the logits.
        #[test]
        fn a_shift_changes_the_logits_alone((reference, ..) in rows(), shift in -8i8..8) {
            let shifted: Vec<f32> = reference.iter().map(|logit| (logit * 64.0).round() / 64.0 + f32::from(shift)).collect();
            let reference: Vec<f32> = reference.iter().map(|logit| (logit * 64.0).round() / 64.0).collect();
            let found = between(&reference, &shifted);
            prop_assert!(found.same_top && found.kl_nats < 1e-25, "{}", found.kl_nats);
            prop_assert_eq!(found.largest_difference, f64::from(shift).abs());
        }
    }

    #[test]
    fn the_likeliest_tokens_are_compared() {
        let rows: [(&[f32], &[f32], bool); 4] = [
            (&[1.0, 2.0, 0.0], &[0.0, 9.0, 8.0], true),
            (&[1.0, 2.0, 0.0], &[2.5, 2.0, 0.0], false),
            (&[2.0, 2.0, 0.0], &[0.0, 1.0, 0.0], true),
            (&[2.0, 1.0, 0.0], &[3.0, 0.0, 3.0], true),
        ];
        for (reference, judged, expected) in rows {
            assert_eq!(between(reference, judged).same_top, expected, "{reference:?} and {judged:?}");
        }
    }

    #[test]
    fn far_logits_neither_overflow_nor_vanish() {
        let far = between(&[0.0, -3e38], &[-3e38, 0.0]);
        assert!(far.kl_nats > 2.9e38 && far.kl_nats.is_finite(), "{}", far.kl_nats);
        let unlikely = between(&[0.0, -2000.0], &[0.0, -1000.0]);
        assert_eq!(unlikely.kl_nats, 0.0);
        for row in [&[1.0, f32::NAN][..], &[f32::INFINITY], &[0.0, f32::NEG_INFINITY], &[]] {
            assert!(Prediction::new(row).is_none(), "{row:?}");
        }
    }

    #[test]
    fn a_text_is_compared_row_by_row() {
        let tokens = [1, 0, 2];
        let third = [0f32, 0.0, 0.0];
        // Of the token that comes next, a half in the reference after the first token.
        let half = [(2f32).ln(), 0.0, 0.0];
        let mut comparison = Comparison::new(&tokens, 3);
        comparison.add(&[half, third].concat(), &[third, third].concat()).expect("numbers");
        comparison.add(&third, &half).expect("numbers");
        let found = comparison.of_text();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-7, "{a}, expected {b}");
        near(found.perplexity, 3.0);
        near(found.reference_perplexity, (2f64 * 3.0).sqrt());
        let first = 0.5 * 1.5f64.ln() + 0.5 * 0.75f64.ln();
        let last = (3f64.ln() * -3.0 - (0.5f64.ln() + 2.0 * 0.25f64.ln())) / 3.0;
        near(found.mean_kl_nats, (first + last) / 3.0);
        near(found.max_kl_nats, first.max(last));
        assert_eq!((first > last, found.max_kl_position), (true, 0));
        assert_eq!(found.top1_agreement_percent, 100.0);
        near(found.max_absolute_logit_difference, 2f64.ln());
        near(found.mean_absolute_logit_difference, 2f64.ln() * 2.0 / 9.0);
        let error = comparison.add(&[f32::NAN, 0.0, 0.0], &third).expect_err("no number");
        assert!(matches!(error, RunError::NotANumber { position: 3 }), "{error}");
    }
}
