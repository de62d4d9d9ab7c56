//! Rows in the order in which products read them.

use std::borrow::Cow;
use std::ops::Range;

use crate::matrix::{Matrix, Values};
use crate::number::Number;

/// Rows of one length, and the same in the order that suits codes of MXFP4.
pub(crate) struct Lines<'a, T: Clone> {
    numbers: Cow<'a, [T]>,
    length: usize,
    arranged: Vec<T>,
    arranged_length: usize,
}

impl<'a, T: Number> Lines<'a, T> {
    /// Rows that will be multiplied with `matrix`, whose inputs are their length.
    pub fn new(numbers: Cow<'a, [T]>, matrix: &Matrix<'_>) -> Lines<'a, T> {
        let length = matrix.inputs();
        let mut arranged = Vec::new();
        if let Values::Mxfp4 { .. } = matrix.values() {
            numbers.chunks_exact(length).for_each(|row| T::arrange(row, &mut arranged));
        }
        let arranged_length = arranged.len() / (numbers.len() / length).max(1);
        Lines { numbers, length, arranged, arranged_length }
    }

    pub fn count(&self) -> usize {
        self.numbers.len() / self.length
    }

    /// Some of the rows.
    pub fn natural(&self, rows: Range<usize>) -> Vec<&[T]> {
        rows.map(|row| &self.numbers[row * self.length..(row + 1) * self.length]).collect()
    }

    /// The same as [`Number::arrange`] made them.
    pub fn arranged(&self, rows: Range<usize>) -> Vec<&[T]> {
        rows.map(|row| &self.arranged[row * self.arranged_length..(row + 1) * self.arranged_length]).collect()
    }
}
