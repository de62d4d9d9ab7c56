//! Rows in the forms in which products read them.

use std::borrow::Cow;
use std::ops::Range;

use crate::level::Level;
use crate::matrix::Matrix;
use crate::number::Number;

/// Rows of one length, each also as products of a few rows with a matrix's codes want it.
pub(crate) struct Lines<'a, T: Number> {
    numbers: Cow<'a, [T]>,
    length: usize,
    arranged: Vec<T::Line>,
}

impl<'a, T: Number> Lines<'a, T> {
    /// Rows that will be multiplied with `matrix`, whose inputs are their length; `narrow` if they are of bf16.
    pub fn new(level: Level, numbers: Cow<'a, [T]>, narrow: bool, matrix: &Matrix<'_>) -> Lines<'a, T> {
        let length = matrix.inputs();
        let arranged = numbers.chunks_exact(length).map(|row| T::line(level, row, narrow, matrix)).collect();
        Lines { numbers, length, arranged }
    }

    /// Rows that are never multiplied a few at a time.
    pub fn plain(numbers: Cow<'a, [T]>, matrix: &Matrix<'_>) -> Lines<'a, T> {
        Lines { numbers, length: matrix.inputs(), arranged: Vec::new() }
    }

    pub fn count(&self) -> usize {
        self.numbers.len() / self.length
    }

    /// Some of the rows.
    pub fn natural(&self, rows: Range<usize>) -> Vec<&[T]> {
        rows.map(|row| &self.numbers[row * self.length..(row + 1) * self.length]).collect()
    }

    /// The same as [`Number::line`] made them.
    pub fn arranged(&self, rows: Range<usize>) -> &[T::Line] {
        &self.arranged[rows]
    }
}
