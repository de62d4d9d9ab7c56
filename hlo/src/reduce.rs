//! Reductions over axis letters.

use crate::axes;
use crate::builder::{Draft, Tensor};
use crate::types::{ElementType, TensorType};

fn reduce_axes(spec: &str, operand: &TensorType) -> Result<Vec<usize>, String> {
    let axes = axes::parse(spec, 1)?;
    axes::check_rank(axes.operands[0], operand)?;
    let kept: String = axes.operands[0].chars().filter(|letter| axes.result.contains(*letter)).collect();
    if kept != axes.result {
        return Err(format!("`{spec}` must keep axes in their order"));
    }
    let letters = axes.operands[0].char_indices();
    Ok(letters.filter(|(_, letter)| !axes.result.contains(*letter)).map(|(axis, _)| axis).collect())
}

impl<'b> Tensor<'b> {
    /// The sum over the letters that the result lacks: `x.sum("tc->t")`.
    #[track_caller]
    pub fn sum(self, spec: &str) -> Tensor<'b> {
        let start = self.builder.splat_integer(0, &TensorType::new(self.ty().element, []));
        self.reduce("stablehlo.add", start, spec)
    }

    /// The largest over the letters that the result lacks.
    #[track_caller]
    pub fn max(self, spec: &str) -> Tensor<'b> {
        let scalar = TensorType::new(self.ty().element, []);
        let start = match scalar.element {
            ElementType::S32 => self.builder.splat_integer(i32::MIN.into(), &scalar),
            element if element.is_unsigned() => self.builder.splat_integer(0, &scalar),
            _ => self.builder.splat(f64::NEG_INFINITY, &scalar),
        };
        self.reduce("stablehlo.maximum", start, spec)
    }

    /// The smallest over the letters that the result lacks.
    #[track_caller]
    pub fn min(self, spec: &str) -> Tensor<'b> {
        let scalar = TensorType::new(self.ty().element, []);
        let start = match scalar.element {
            ElementType::S32 => self.builder.splat_integer(i32::MAX.into(), &scalar),
            element if element.is_unsigned() => self.builder.splat_integer(-1, &scalar),
            _ => self.builder.splat(f64::INFINITY, &scalar),
        };
        self.reduce("stablehlo.minimum", start, spec)
    }

    /// Whether any holds over the letters that the result lacks.
    #[track_caller]
    pub fn any(self, spec: &str) -> Tensor<'b> {
        let start = self.builder.splat_integer(0, &TensorType::new(ElementType::Pred, []));
        self.reduce("stablehlo.or", start, spec)
    }

    /// Whether all hold over the letters that the result lacks.
    #[track_caller]
    pub fn all(self, spec: &str) -> Tensor<'b> {
        let start = self.builder.splat_integer(1, &TensorType::new(ElementType::Pred, []));
        self.reduce("stablehlo.and", start, spec)
    }

    #[track_caller]
    fn reduce(self, by: &str, start: Tensor<'b>, spec: &str) -> Tensor<'b> {
        let from = self.ty();
        let draft = || {
            if start.ty().element != from.element {
                return Err(format!("`{by}` over {from}: expected {}", start.ty().element));
            }
            let axes = reduce_axes(spec, &from)?;
            let kept: Vec<usize> =
                (0..from.rank()).filter(|axis| !axes.contains(axis)).map(|axis| from.dims[axis]).collect();
            let to = from.with_dims(kept);
            let template = format!(
                "stablehlo.reduce($0 init: $1) applies {by} across dimensions = {axes:?} : ({}, {}) -> {}",
                from.mlir(),
                start.ty().mlir(),
                to.mlir()
            );
            let operands = vec![self, start];
            Ok((Draft { mnemonic: "stablehlo.reduce", template, operands, regions: Vec::new() }, to))
        };
        self.builder.push(draft())
    }

    /// The index of the largest along the last axis, the first of equals: s32 without that axis; the axis' size if there is none (NaN).
    #[track_caller]
    pub fn argmax_last(self) -> Tensor<'b> {
        let ty = self.ty();
        let Some(last) = ty.rank().checked_sub(1) else {
            return self.builder.fail(format!("`argmax_last` of {ty}"));
        };
        let letters: String = ('a'..).take(ty.rank()).collect();
        let kept = &letters[..last];
        let peak = self.max(&format!("{letters}->{kept}")).like(&format!("{kept}->{letters}"), self);
        let index = self.builder.iota(&ty.with_element(ElementType::S32), last);
        let candidates = self.equals(peak).select(index, ty.dims[last] as i64);
        candidates.min(&format!("{letters}->{kept}")).minimum(ty.dims[last] as i64)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error, f32, s32};

    #[test]
    fn letters_that_lack_are_reduced() {
        check(&[f32([2, 3, 4])], |_, x| x[0].max("abc->ac"), "applies stablehlo.maximum across dimensions = [1]");
        check(&[f32([2, 3])], |_, x| x[0].argmax_last(), "-> tensor<2xi32>");
    }

    #[test]
    fn reductions_keep_order_and_type() {
        check_error(&[f32([2, 3])], |_, x| x[0].sum("ab->ba"), "`ab->ba` must keep axes in their order");
        check_error(&[s32([2])], |_, x| x[0].any("a->"), "`stablehlo.or` over s32[2]: expected pred");
    }
}
