//! Rows in the forms in which products read them.

use std::borrow::Cow;

use crate::level::Level;
use crate::matrix::Matrix;
use crate::number::{AT_ONCE, Number};

/// Rows of one length; a few of them also as products of a few rows with a matrix's codes want them.
pub(crate) struct Lines<'a, T: Number> {
    numbers: Cow<'a, [T]>,
    length: usize,
    few: Option<T::Few>,
}

impl<'a, T: Number> Lines<'a, T> {
    /// Rows that will be multiplied with `matrix`, whose inputs are their length; `narrow` if they are of bf16.
    pub fn new(level: Level, numbers: Cow<'a, [T]>, narrow: bool, matrix: &Matrix<'_>) -> Lines<'a, T> {
        let mut lines = Lines { numbers, length: matrix.inputs(), few: None };
        if lines.count() <= AT_ONCE {
            lines.few = Some(T::few(level, &lines.rows(), narrow, matrix));
        }
        lines
    }

    pub fn count(&self) -> usize {
        self.numbers.len() / self.length
    }

    pub fn rows(&self) -> Vec<&[T]> {
        self.numbers.chunks_exact(self.length).collect()
    }

    /// As [`Number::few`] made them; none if they are many.
    pub fn few(&self) -> Option<&T::Few> {
        self.few.as_ref()
    }
}
