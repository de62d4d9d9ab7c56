//! Ops that take or replace a part: slice, dynamic slice and update, rows by index.

use std::ops::Range;

use crate::builder::{Draft, Tensor};
use crate::types::{ElementType, TensorType};

fn slice_type(operand: &TensorType, ranges: &[Range<usize>]) -> Result<TensorType, String> {
    if ranges.len() != operand.rank() {
        return Err(format!("{} ranges for {operand}", ranges.len())); // slice C2
    }
    for (range, dim) in ranges.iter().zip(&operand.dims) {
        if range.start > range.end || range.end > *dim {
            return Err(format!("{range:?} leaves {operand}")); // slice C3
        }
    }
    Ok(operand.with_dims(ranges.iter().map(Range::len).collect::<Vec<_>>()))
}

fn dynamic_type(operand: &TensorType, starts: &[Tensor<'_>], sizes: &[usize]) -> Result<TensorType, String> {
    if starts.len() != operand.rank() || sizes.len() != operand.rank() {
        return Err(format!("{} starts and {} sizes for {operand}", starts.len(), sizes.len())); // dynamic_slice C2
    }
    for start in starts {
        if start.ty() != TensorType::new(ElementType::S32, []) {
            return Err(format!("a start is {}, expected s32[]", start.ty())); // dynamic_slice C3
        }
    }
    if sizes.iter().zip(&operand.dims).any(|(size, dim)| size > dim) {
        return Err(format!("a part of {sizes:?} is larger than {operand}")); // dynamic_slice C4
    }
    Ok(operand.with_dims(sizes))
}

fn start_places(first: usize, count: usize) -> String {
    (0..count).map(|place| format!(", ${}", first + place)).collect()
}

fn start_types(count: usize) -> String {
    ", tensor<i32>".repeat(count)
}

impl<'b> Tensor<'b> {
    /// The part inside `ranges`, one an axis.
    #[track_caller]
    pub fn slice(self, ranges: &[Range<usize>]) -> Tensor<'b> {
        let from = self.ty();
        self.builder.push(slice_type(&from, ranges).map(|to| {
            let places: Vec<String> = ranges.iter().map(|range| format!("{}:{}", range.start, range.end)).collect();
            let template = format!("stablehlo.slice $0 [{}] : ({}) -> {}", places.join(", "), from.mlir(), to.mlir());
            (Draft { mnemonic: "stablehlo.slice", template, operands: vec![self], regions: Vec::new() }, to)
        }))
    }

    /// The part of `sizes` that begins at `starts` (s32 scalars). A start that would leave the tensor is moved back.
    #[track_caller]
    pub fn dynamic_slice(self, starts: &[Tensor<'b>], sizes: &[usize]) -> Tensor<'b> {
        let from = self.ty();
        self.builder.push(dynamic_type(&from, starts, sizes).map(|to| {
            let template = format!(
                "stablehlo.dynamic_slice $0{}, sizes = {sizes:?} : ({}{}) -> {}",
                start_places(1, starts.len()),
                from.mlir(),
                start_types(starts.len()),
                to.mlir()
            );
            let mut operands = vec![self];
            operands.extend_from_slice(starts);
            (Draft { mnemonic: "stablehlo.dynamic_slice", template, operands, regions: Vec::new() }, to)
        }))
    }

    /// `self` with `part` written at `starts` (s32 scalars). A start that would leave the tensor is moved back.
    #[track_caller]
    pub fn dynamic_update(self, part: Tensor<'b>, starts: &[Tensor<'b>]) -> Tensor<'b> {
        let (from, piece) = (self.ty(), part.ty());
        let draft = || {
            if piece.element != from.element {
                return Err(format!("{piece} written into {from}")); // dynamic_update_slice C2
            }
            dynamic_type(&from, starts, &piece.dims)?;
            let template = format!(
                "stablehlo.dynamic_update_slice $0, $1{} : ({}, {}{}) -> {}",
                start_places(2, starts.len()),
                from.mlir(),
                piece.mlir(),
                start_types(starts.len()),
                from.mlir()
            );
            let mut operands = vec![self, part];
            operands.extend_from_slice(starts);
            let mnemonic = "stablehlo.dynamic_update_slice";
            Ok((Draft { mnemonic, template, operands, regions: Vec::new() }, from.clone()))
        };
        self.builder.push(draft())
    }

    /// Rows of a table: `[v, …]` at `indices` s32 `[n]` gives `[n, …]`. An index outside is moved to the nearest row.
    #[track_caller]
    pub fn rows(self, indices: Tensor<'b>) -> Tensor<'b> {
        let (table, places) = (self.ty(), indices.ty());
        if table.rank() == 0 || places.rank() != 1 || places.element != ElementType::S32 {
            return self.builder.fail(format!("rows {places} of {table}; expected s32[n] of a table"));
        }
        let mut dims = table.dims.clone();
        dims[0] = places.dims[0];
        let to = table.with_dims(dims);
        let mut sizes: Vec<String> = table.dims.iter().map(usize::to_string).collect();
        sizes[0] = "1".to_owned();
        let offsets: Vec<usize> = (1..table.rank()).collect();
        let template = format!(
            "\"stablehlo.gather\"($0, $1) <{{dimension_numbers = #stablehlo.gather<offset_dims = {offsets:?}, \
             collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, \
             slice_sizes = array<i64: {}>}}> : ({}, {}) -> {}",
            sizes.join(", "),
            table.mlir(),
            places.mlir(),
            to.mlir()
        );
        let operands = vec![self, indices];
        self.builder.push(Ok((Draft { mnemonic: "stablehlo.gather", template, operands, regions: Vec::new() }, to)))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error, f32, s32};

    #[test]
    fn parts_are_taken_and_written() {
        check(&[f32([4, 6])], |_, x| x[0].slice(&[1..3, 0..6]), "[1:3, 0:6]");
        check(
            &[f32([4, 6]), s32([])],
            |_, x| x[0].dynamic_update(x[0].dynamic_slice(&[x[1], x[1]], &[1, 6]), &[x[1], x[1]]),
            "sizes = [1, 6]",
        );
        check(&[f32([9, 4]), s32([2])], |_, x| x[0].rows(x[1]), "-> tensor<2x4xf32>");
    }

    #[test]
    fn parts_stay_inside() {
        check_error(&[f32([4, 1])], |_, x| x[0].slice(&[2..5, 0..1]), "2..5 leaves f32[4, 1]");
        check_error(&[f32([4])], |_, x| x[0].slice(&[0..1, 0..1]), "2 ranges for f32[4]");
        check_error(
            &[f32([4]), s32([])],
            |_, x| x[0].dynamic_slice(&[x[1]], &[5]),
            "a part of [5] is larger than f32[4]",
        );
        check_error(
            &[f32([4]), s32([1])],
            |_, x| x[0].dynamic_slice(&[x[1]], &[2]),
            "a start is s32[1], expected s32[]",
        );
        check_error(&[f32([4]), f32([2])], |_, x| x[0].rows(x[1]), "rows f32[2] of f32[4]; expected s32[n] of a table");
    }
}
