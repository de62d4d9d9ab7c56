//! What numbers lose when they become codes: how many change, and by how much. Knows no tensor.

use serde::{Deserialize, Serialize};

/// Counts and relative errors of the values of one tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Values in all; padding is none.
    pub values: u64,
    /// Those whose code does not stand for exactly them.
    pub inexact: u64,
    /// Those that are not zero and whose code is.
    pub flushed_to_zero: u64,
    /// Those beyond the largest code.
    pub saturated: u64,
    /// The largest of |code's value - value| / |value|, over values that are not zero.
    pub worst_relative_error: f64,
    /// The mean of it over all values; a zero, which is always exact, has none.
    pub mean_relative_error: f64,
}

/// What the codes of a tensor lose under the scales of its rows, and what a cast of the values without any scale would have lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    pub scaled: Loss,
    pub plain_cast: Loss,
}

/// A loss that is being counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    values: u64,
    inexact: u64,
    flushed: u64,
    saturated: u64,
    worst: f64,
    /// Of all relative errors.
    sum: f64,
}

impl Tally {
    /// Counts `count` values of which nothing is lost.
    pub fn exact(&mut self, count: u64) {
        self.values += count;
    }

    /// Counts `count` values equal to `value` whose code stands for `decoded`; `largest` is the largest that a code can stand for.
    pub fn add(&mut self, value: f64, decoded: f64, largest: f64, count: u64) {
        self.values += count;
        if decoded == value || count == 0 {
            return;
        }
        self.inexact += count;
        if decoded == 0.0 {
            self.flushed += count;
        }
        if value.abs() > largest {
            self.saturated += count;
        }
        let error = ((decoded - value) / value).abs();
        self.worst = self.worst.max(error);
        self.sum += error * count as f64;
    }

    pub fn loss(&self) -> Loss {
        Loss {
            values: self.values,
            inexact: self.inexact,
            flushed_to_zero: self.flushed,
            saturated: self.saturated,
            worst_relative_error: self.worst,
            mean_relative_error: if self.values == 0 { 0.0 } else { self.sum / self.values as f64 },
        }
    }
}

impl Loss {
    /// Both together.
    pub fn with(&self, other: &Loss) -> Loss {
        let values = self.values + other.values;
        let sum = |loss: &Loss| loss.mean_relative_error * loss.values as f64;
        Loss {
            values,
            inexact: self.inexact + other.inexact,
            flushed_to_zero: self.flushed_to_zero + other.flushed_to_zero,
            saturated: self.saturated + other.saturated,
            worst_relative_error: self.worst_relative_error.max(other.worst_relative_error),
            mean_relative_error: if values == 0 { 0.0 } else { (sum(self) + sum(other)) / values as f64 },
        }
    }

    /// The share of values that change, of 1.
    pub fn inexact_share(&self) -> f64 {
        if self.values == 0 { 0.0 } else { self.inexact as f64 / self.values as f64 }
    }
}

impl Losses {
    /// Both together.
    pub fn with(&self, other: &Losses) -> Losses {
        Losses { scaled: self.scaled.with(&other.scaled), plain_cast: self.plain_cast.with(&other.plain_cast) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_loss_is_counted_once() {
        let mut tally = Tally::default();
        tally.exact(4);
        tally.add(0.0, 0.0, 448.0, 1);
        tally.add(-0.0, 0.0, 448.0, 1);
        tally.add(3.0, 3.0, 448.0, 2);
        tally.add(10.0, 9.0, 448.0, 5);
        tally.add(-0.001, 0.0, 448.0, 3);
        tally.add(896.0, 448.0, 448.0, 1);
        let loss = tally.loss();
        assert_eq!((loss.values, loss.inexact, loss.flushed_to_zero, loss.saturated), (17, 9, 3, 1));
        assert_eq!(loss.worst_relative_error, 1.0);
        assert!((loss.mean_relative_error - (5.0 * 0.1 + 3.0 + 0.5) / 17.0).abs() < 1e-15);
        let twice = loss.with(&loss);
        assert_eq!((twice.values, twice.worst_relative_error), (34, 1.0));
        assert!((twice.mean_relative_error - loss.mean_relative_error).abs() < 1e-15);
        assert_eq!(Loss::default().with(&Loss::default()), Loss::default());
    }
}
