//! The product of rows with a matrix, by parts of its outputs.

use std::borrow::Cow;
use std::ops::Range;

use half::bf16;

use crate::columns::Columns;
use crate::level::Level;
use crate::lines::Lines;
use crate::matrix::Matrix;
use crate::number::Number;
use crate::workers::{Workers, share};

/// Rows that are multiplied, one after another.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

impl<'a> Rows<'a> {
    /// How many numbers there are.
    pub fn numbers(&self) -> usize {
        match self {
            Rows::F32(rows) => rows.len(),
            Rows::Bf16(rows) => rows.len(),
        }
    }

    /// The same numbers as f32.
    pub(crate) fn to_f32(self) -> Cow<'a, [f32]> {
        match self {
            Rows::F32(rows) => Cow::Borrowed(rows),
            Rows::Bf16(rows) => rows.iter().map(|value| value.to_f32()).collect(),
        }
    }
}

/// The product of `rows` `[n, inputs]` with the transposed `matrix`: `sums` f32 `[n, outputs]`.
///
/// With rows of bf16, a matrix in anything but f32 is one of bf16 too, as are the codes that it may be stored in.
/// Fails, with a sentence, if sizes do not fit each other.
pub fn product(
    level: Level,
    rows: Rows<'_>,
    matrix: &Matrix<'_>,
    sums: &mut [f32],
    workers: &dyn Workers,
) -> Result<(), String> {
    let (inputs, outputs) = (matrix.inputs(), matrix.outputs());
    if inputs == 0 || outputs == 0 {
        return Err(format!("a matrix of {outputs} × {inputs} has no values"));
    }
    let n = rows.numbers() / inputs;
    if n * inputs != rows.numbers() {
        return Err(format!("{} numbers are no whole rows of {inputs}", rows.numbers()));
    }
    if sums.len() != n * outputs {
        return Err(format!("{n} rows times {outputs} outputs do not fit into {} numbers", sums.len()));
    }
    match rows {
        #[cfg(target_arch = "x86_64")]
        Rows::Bf16(rows) if level == Level::Avx512 => by_parts(level, rows.into(), true, matrix, sums, workers),
        _ => by_parts(level, rows.to_f32(), matches!(rows, Rows::Bf16(_)), matrix, sums, workers),
    }
    Ok(())
}

fn by_parts<T: Number>(
    level: Level,
    rows: Cow<'_, [T]>,
    narrow: bool,
    matrix: &Matrix<'_>,
    sums: &mut [f32],
    workers: &dyn Workers,
) {
    let outputs = matrix.outputs();
    let lines = Lines::new(level, rows, narrow, matrix);
    let sums = Columns::new(sums, outputs);
    let own = share(outputs, workers);
    workers.each(outputs.div_ceil(own), &|task| {
        let range = task * own..((task + 1) * own).min(outputs);
        let mut part = vec![0.0; lines.count() * range.len()];
        of_part(level, &lines, matrix, range.clone(), &mut part);
        for (row, part) in part.chunks_exact(range.len()).enumerate() {
            // SAFETY: no other task has these outputs, and nothing else of them is borrowed here.
            unsafe { sums.part(row, range.clone()) }.copy_from_slice(part);
        }
    });
}

/// The product of `lines` with some outputs of `matrix`: `sums` `[rows, outputs]`.
pub(crate) fn of_part<T: Number>(
    level: Level,
    lines: &Lines<'_, T>,
    matrix: &Matrix<'_>,
    outputs: Range<usize>,
    sums: &mut [f32],
) {
    let width = outputs.len();
    let (matrix, rows) = (matrix.part(outputs), lines.rows());
    if !lines.few().is_some_and(|few| T::of_few(level, &rows, few, &matrix, sums)) {
        unpacking(level, &rows, &matrix, sums);
    }
    if let Some(scales) = matrix.scales() {
        for sums in sums.chunks_exact_mut(width) {
            sums.iter_mut().zip(scales).for_each(|(sum, scale)| *sum *= scale);
        }
    }
}

/// A tile of the matrix at a time, unpacked for all rows, in the core's nearest cache; the rows' part that it meets stays in the next one.
fn unpacking<T: Number>(level: Level, rows: &[&[T]], matrix: &Matrix<'_>, sums: &mut [f32]) {
    let (inputs, outputs, tile) = (matrix.inputs(), matrix.outputs(), T::TILE);
    let (rows_at_once, outputs_at_once) = tile.at_once;
    let width = tile.inputs.min(inputs);
    let (mut tile_room, mut rows_room) = (Vec::new(), Vec::new());
    let unpacked = aligned(&mut tile_room, tile.outputs * width);
    let together = aligned(&mut rows_room, if width < inputs { tile.rows.min(rows.len()) * width } else { 0 });
    sums.fill(0.0);
    for (rows, sums) in rows.chunks(tile.rows).zip(sums.chunks_mut(tile.rows * outputs)) {
        for first in (0..inputs).step_by(width) {
            let panel = first..(first + width).min(inputs);
            let lines = if width < inputs { copied(rows, &panel, together) } else { rows.to_vec() };
            for first in (0..outputs).step_by(tile.outputs) {
                let few = first..(first + tile.outputs).min(outputs);
                let columns = columns(level, matrix, few.clone(), &panel, unpacked);
                for (lines, sums) in lines.chunks(rows_at_once).zip(sums.chunks_mut(rows_at_once * outputs)) {
                    for (first, columns) in few.clone().step_by(outputs_at_once).zip(columns.chunks(outputs_at_once)) {
                        let found = T::dots(level, lines, columns);
                        for (found, sums) in found.iter().zip(sums.chunks_exact_mut(outputs)) {
                            let sums = sums[first..].iter_mut().zip(&found[..columns.len()]);
                            sums.for_each(|(sum, found)| *sum += found);
                        }
                    }
                }
            }
        }
    }
}

/// The part `panel` of each row, one beside the other in `room`.
fn copied<'a, T: Number>(rows: &[&[T]], panel: &Range<usize>, room: &'a mut [T]) -> Vec<&'a [T]> {
    let copy = |(row, room): (&&[T], &'a mut [T])| {
        room.copy_from_slice(&row[panel.clone()]);
        &*room
    };
    rows.iter().zip(room.chunks_exact_mut(panel.len())).map(copy).collect()
}

/// The part `panel` of some outputs of `matrix`, unpacked in `room` unless it is stored as it is multiplied.
fn columns<'a, T: Number>(
    level: Level,
    matrix: &Matrix<'a>,
    outputs: Range<usize>,
    panel: &Range<usize>,
    room: &'a mut [T],
) -> Vec<&'a [T]> {
    let rooms = room.chunks_exact_mut(panel.len());
    let column = |(output, room): (usize, &'a mut [T])| {
        let values = matrix.of_output(output, panel.clone());
        T::stored(values).unwrap_or_else(|| {
            T::unpack(level, values, room);
            room
        })
    };
    outputs.zip(rooms).map(column).collect()
}

/// Room for so many numbers, from the start of a cache line on.
fn aligned<T: Number>(room: &mut Vec<T>, count: usize) -> &mut [T] {
    const LINE: usize = 64;
    room.resize(count + LINE / size_of::<T>(), T::ZERO);
    let first = room.as_ptr().align_offset(LINE);
    &mut room[first..first + count]
}
