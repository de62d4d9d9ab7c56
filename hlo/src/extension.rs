//! Ops that reach beyond arithmetic: custom calls, the random bit generator, barriers.

use std::fmt;

use crate::builder::{Builder, Draft, Tensor};
use crate::elementwise::float_literal;
use crate::types::{ElementType, TensorType};

/// An attribute of a typed custom call.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    Integer(i64),
    Float(f32),
    Text(String),
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attribute::Integer(value) => write!(f, "{value} : i64"),
            Attribute::Float(value) => write!(f, "{} : f32", float_literal(f64::from(*value), ElementType::F32)),
            Attribute::Text(value) => write!(f, "{value:?}"),
        }
    }
}

impl Builder {
    /// A call of the typed foreign function `target`, which must be registered with the plugin that runs it.
    #[track_caller]
    pub fn custom_call<'b>(
        &'b self,
        target: &str,
        operands: &[Tensor<'b>],
        attributes: &[(&str, Attribute)],
        result: &TensorType,
    ) -> Tensor<'b> {
        let places: Vec<String> = (0..operands.len()).map(|place| format!("${place}")).collect();
        let types: Vec<String> = operands.iter().map(|operand| operand.ty().mlir()).collect();
        let attributes: Vec<String> = attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let template = format!(
            "stablehlo.custom_call @{target}({}) {{api_version = 4 : i32, backend_config = {{{}}}}} : ({}) -> {}",
            places.join(", "),
            attributes.join(", "),
            types.join(", "),
            result.mlir()
        );
        let operands = operands.to_vec();
        let draft = Draft { mnemonic: "stablehlo.custom_call", template, operands, regions: Vec::new() };
        self.push(Ok((draft, result.clone())))
    }
}

impl<'b> Tensor<'b> {
    /// From a Threefry state u64 `[2]`: the next state, and random bits u32 of shape `dims`.
    #[track_caller]
    pub fn random_bits(self, dims: &[usize]) -> (Tensor<'b>, Tensor<'b>) {
        let state = self.ty();
        let bits = TensorType::new(ElementType::U32, dims);
        if state != TensorType::new(ElementType::U64, [2]) {
            let mistake = self.builder.fail(format!("a random state is {state}, expected u64[2]"));
            return (mistake, mistake);
        }
        let template = format!(
            "stablehlo.rng_bit_generator $0, algorithm = THREE_FRY : ({}) -> ({}, {})",
            state.mlir(),
            state.mlir(),
            bits.mlir()
        );
        let mnemonic = "stablehlo.rng_bit_generator";
        let draft = Draft { mnemonic, template, operands: vec![self], regions: Vec::new() };
        let results = self.builder.push_many(Ok((draft, vec![state, bits])));
        (results[0], results[1])
    }

    /// The same value, which the compiler must lay out with its axes in this order where it stands, the innermost first.
    #[track_caller]
    pub fn laid_out(self, order: &[usize]) -> Tensor<'b> {
        let ty = self.ty();
        if order.len() != ty.rank() || (0..ty.rank()).any(|axis| !order.contains(&axis)) {
            return self.builder.fail(format!("{order:?} is no order of the axes of {ty}"));
        }
        let layouts = format!("[dense<{order:?}> : tensor<{}xindex>]", ty.rank());
        let template = format!(
            "stablehlo.custom_call @LayoutConstraint($0) {{operand_layouts = {layouts}, result_layouts = {layouts}}} : ({0}) -> {0}",
            ty.mlir()
        );
        let mnemonic = "stablehlo.custom_call";
        self.builder.push(Ok((Draft { mnemonic, template, operands: vec![self], regions: Vec::new() }, ty)))
    }

    /// The same value, across which the compiler moves nothing.
    #[track_caller]
    pub fn barrier(self) -> Tensor<'b> {
        let ty = self.ty();
        let template = format!("stablehlo.optimization_barrier $0 : {}", ty.mlir());
        let mnemonic = "stablehlo.optimization_barrier";
        self.builder.push(Ok((Draft { mnemonic, template, operands: vec![self], regions: Vec::new() }, ty)))
    }
}

#[cfg(test)]
mod tests {
    use super::Attribute;
    use crate::testing::{check, check_error, f32};
    use crate::{ElementType::U64, TensorType};

    #[test]
    fn calls_carry_typed_attributes() {
        check(
            &[f32([2])],
            |b, x| {
                b.custom_call(
                    "scale",
                    &[x[0]],
                    &[("by", Attribute::Float(2.5)), ("n", Attribute::Integer(3))],
                    &f32([2]),
                )
            },
            "backend_config = {by = 2.5 : f32, n = 3 : i64}",
        );
    }

    #[test]
    fn states_and_layouts_are_written_out() {
        check(&[TensorType::new(U64, [2])], |_, x| x[0].random_bits(&[3]).1, "algorithm = THREE_FRY");
        check_error(&[f32([2])], |_, x| x[0].random_bits(&[3]).0, "a random state is f32[2], expected u64[2]");
        let layout = "operand_layouts = [dense<[1, 0]> : tensor<2xindex>]";
        check(&[f32([2, 3])], |_, x| x[0].laid_out(&[1, 0]), layout);
        check_error(&[f32([2, 3])], |_, x| x[0].laid_out(&[1, 1]), "[1, 1] is no order of the axes of f32[2, 3]");
        check(&[f32([2])], |_, x| x[0].barrier(), "stablehlo.optimization_barrier %x0 : tensor<2xf32>");
    }
}
