//! Products over axis letters, in terms of `dot_general`.

use crate::axes;
use crate::builder::{Draft, Tensor};
use crate::types::{ElementType, TensorType};

/// How the axes of a product fall apart.
struct Parts {
    batch: String,
    contracted: String,
    /// The order of the axes in which `dot_general` gives its result: batch, then left, then right.
    natural: String,
}

fn parts(spec: &str, left: &TensorType, right: &TensorType) -> Result<(Parts, String), String> {
    let axes = axes::parse(spec, 2)?;
    let (a, b, result) = (axes.operands[0], axes.operands[1], axes.result);
    axes::check_rank(a, left)?;
    axes::check_rank(b, right)?;
    let mut batch = String::new();
    let mut contracted = String::new();
    let mut left_free = String::new();
    for letter in a.chars() {
        match (b.contains(letter), result.contains(letter)) {
            (true, true) => batch.push(letter),
            (true, false) => contracted.push(letter),
            (false, true) => left_free.push(letter),
            (false, false) => return Err(format!("axis `{letter}` of `{spec}` stands in one operand only")),
        }
    }
    let mut right_free = String::new();
    for letter in b.chars().filter(|letter| !a.contains(*letter)) {
        if !result.contains(letter) {
            return Err(format!("axis `{letter}` of `{spec}` stands in one operand only"));
        }
        right_free.push(letter);
    }
    if let Some(letter) = result.chars().find(|letter| !a.contains(*letter) && !b.contains(*letter)) {
        return Err(format!("axis `{letter}` of `{spec}` stands in no operand"));
    }
    for letter in batch.chars().chain(contracted.chars()) {
        let (x, y) = (axes::size(a, left, letter), axes::size(b, right, letter));
        if x != y {
            return Err(format!("axis `{letter}` is {} in {left} but {} in {right}", x.unwrap_or(0), y.unwrap_or(0))); // dot_general C9, C10
        }
    }
    let natural = format!("{batch}{left_free}{right_free}");
    Ok((Parts { batch, contracted, natural }, result.to_owned()))
}

impl<'b> Tensor<'b> {
    /// The product of `self` and `other`: letters in both operands and the result are batch axes, letters in both operands
    /// only are summed over. The result has the operands' element type.
    #[track_caller]
    pub fn dot(self, spec: &str, other: Tensor<'b>) -> Tensor<'b> {
        let element = self.ty().element;
        self.dot_into(element, spec, other)
    }

    /// The same with `element` as type of the sum and the result.
    #[track_caller]
    pub fn dot_into(self, element: ElementType, spec: &str, other: Tensor<'b>) -> Tensor<'b> {
        let (left, right) = (self.ty(), other.ty());
        if left.element != right.element {
            return self.builder.fail(format!("a product of {left} and {right}")); // dot_general C13
        }
        let (parts, result) = match parts(spec, &left, &right) {
            Ok(found) => found,
            Err(message) => return self.builder.fail(message),
        };
        let letters: Vec<&str> = spec.split("->").next().unwrap_or_default().split(',').collect();
        let (a, b) = (letters[0], letters[1]);
        let dims: Vec<usize> = parts
            .natural
            .chars()
            .filter_map(|letter| axes::size(a, &left, letter).or_else(|| axes::size(b, &right, letter)))
            .collect();
        let to = TensorType::new(element, dims);
        let mut template = "stablehlo.dot_general $0, $1".to_owned();
        if !parts.batch.is_empty() {
            let (x, y) = (axes::positions(a, &parts.batch), axes::positions(b, &parts.batch));
            template += &format!(", batching_dims = {x:?} x {y:?}");
        }
        let (x, y) = (axes::positions(a, &parts.contracted), axes::positions(b, &parts.contracted));
        // By default a TPU multiplies f32 as bf16.
        let precision = if left.element == ElementType::F32 { ", precision = [HIGHEST, HIGHEST]" } else { "" };
        let types = format!("({}, {}) -> {}", left.mlir(), right.mlir(), to.mlir());
        template += &format!(", contracting_dims = {x:?} x {y:?}{precision} : {types}");
        let operands = vec![self, other];
        let draft = Draft { mnemonic: "stablehlo.dot_general", template, operands, regions: Vec::new() };
        let product = self.builder.push(Ok((draft, to)));
        if parts.natural == result { product } else { product.transpose(&format!("{}->{result}", parts.natural)) }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, check_error, f32, s32};

    #[test]
    fn letters_decide_the_axes() {
        check(
            &[f32([2, 3, 5, 7]), f32([11, 3, 7])],
            |_, x| x[0].dot("tgmd,sgd->gtms", x[1]),
            "batching_dims = [1] x [1], contracting_dims = [3] x [2], precision = [HIGHEST, HIGHEST] : (tensor<2x3x5x7xf32>, tensor<11x3x7xf32>) -> tensor<3x2x5x11xf32>",
        );
        check(&[f32([2, 4]), f32([6, 4])], |_, x| x[0].dot("tc,oc->ot", x[1]), "stablehlo.transpose");
    }

    #[test]
    fn contracted_axes_agree() {
        let shapes = [f32([2, 4]), f32([6, 5])];
        check_error(&shapes, |_, x| x[0].dot("td,sd->ts", x[1]), "axis `d` is 4 in f32[2, 4] but 5 in f32[6, 5]");
        check_error(&shapes, |_, x| x[0].dot("td,sc->ts", x[1]), "axis `d` of `td,sc->ts` stands in one operand only");
        check_error(&shapes, |_, x| x[0].dot("tdx,sd->ts", x[1]), "`tdx` names 3 axes, but the operand is f32[2, 4]");
        check_error(&shapes, |_, x| x[0].dot("tt,sd->ts", x[1]), "axis `t` stands twice in `tt` of `tt,sd->ts`");
        check_error(&[f32([2]), s32([2])], |_, x| x[0].dot("t,t->", x[1]), "a product of f32[2] and s32[2]");
    }
}
