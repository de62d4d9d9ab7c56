//! A matrix that several threads write, each to columns of its own.

use std::marker::PhantomData;
use std::ops::Range;

/// `rows × width` numbers.
pub(crate) struct Columns<'a, T> {
    start: *mut T,
    rows: usize,
    width: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a `&mut [T]`, whose parts may be written from several threads; that they do not overlap is `part`'s condition.
unsafe impl<T: Send> Sync for Columns<'_, T> {}

impl<'a, T> Columns<'a, T> {
    pub fn new(numbers: &'a mut [T], width: usize) -> Columns<'a, T> {
        assert!(width > 0 && numbers.len().is_multiple_of(width), "{} numbers in rows of {width}", numbers.len());
        Columns { start: numbers.as_mut_ptr(), rows: numbers.len() / width, width, owner: PhantomData }
    }

    /// Columns `range` of one row.
    ///
    /// # Safety
    /// While the result lives, no other part of the same row that shares a column with it does.
    #[expect(clippy::mut_from_ref, reason = "parts of one slice, which the caller keeps apart")]
    pub unsafe fn part(&self, row: usize, range: Range<usize>) -> &mut [T] {
        assert!(row < self.rows && range.start <= range.end && range.end <= self.width, "{row}, {range:?}");
        // SAFETY: inside of the slice by the line above, and not shared by the caller's word.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.width + range.start), range.len()) }
    }
}
