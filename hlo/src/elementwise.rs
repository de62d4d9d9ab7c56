//! Elementwise ops: one row each in the tables below, plus compare, select, convert, constants and the operators.
//! Rule of all (StableHLO spec, `SameOperandsAndResultType`): operands and result have one type.

use std::cmp::Ordering;
use std::ops;

use crate::builder::{Builder, Draft, Tensor};
use crate::types::{ElementType, TensorType};

/// Which element types an op takes.
#[derive(Clone, Copy)]
enum Class {
    Float,
    Number,
    Integer,
    /// Integers and predicates.
    Bits,
}

impl Class {
    fn check(self, op: &str, element: ElementType) -> Result<(), String> {
        let (fits, expected) = match self {
            Class::Float => (element.is_float(), "floating-point"),
            Class::Number => (element != ElementType::Pred, "numeric"),
            Class::Integer => (element.is_integer(), "integer"),
            Class::Bits => (element.is_integer() || element == ElementType::Pred, "integer or predicate"),
        };
        if fits { Ok(()) } else { Err(format!("`{op}` takes {expected} elements, not {element}")) }
    }
}

fn same<'b>(mnemonic: &'static str, class: Class, operands: &[Tensor<'b>]) -> Result<(Draft<'b>, TensorType), String> {
    let ty = operands[0].ty();
    for operand in operands {
        if operand.ty() != ty {
            return Err(format!("`{mnemonic}` of {ty} and {}", operand.ty()));
        }
    }
    class.check(mnemonic, ty.element)?;
    let places = if operands.len() == 1 { "$0" } else { "$0, $1" };
    let template = format!("{mnemonic} {places} : {}", ty.mlir());
    Ok((Draft { mnemonic, template, operands: operands.to_vec(), regions: Vec::new() }, ty))
}

macro_rules! unary {
    ($($(#[$doc:meta])* $method:ident: $op:literal($class:ident);)*) => {
        impl<'b> Tensor<'b> {
            $($(#[$doc])* #[track_caller] pub fn $method(self) -> Tensor<'b> {
                self.builder.push(same(concat!("stablehlo.", $op), Class::$class, &[self]))
            })*
        }
    };
}

macro_rules! binary {
    ($($(#[$doc:meta])* $method:ident: $op:literal($class:ident);)*) => {
        impl<'b> Tensor<'b> {
            $($(#[$doc])* #[track_caller] pub fn $method(self, other: impl Operand<'b>) -> Tensor<'b> {
                let other = other.beside(self);
                self.builder.push(same(concat!("stablehlo.", $op), Class::$class, &[self, other]))
            })*
        }
    };
}

unary! {
    exp: "exponential"(Float);
    log: "log"(Float);
    rsqrt: "rsqrt"(Float);
    logistic: "logistic"(Float);
    floor: "floor"(Float);
    /// Negation.
    minus: "negate"(Number);
    /// Bitwise or logical complement.
    complement: "not"(Bits);
}

binary! {
    plus: "add"(Number);
    less: "subtract"(Number);
    times: "multiply"(Number);
    over: "divide"(Number);
    /// The remainder, with the sign of `self`.
    remainder: "remainder"(Number);
    maximum: "maximum"(Number);
    minimum: "minimum"(Number);
    both: "and"(Bits);
    either: "or"(Bits);
    exclusive_or: "xor"(Bits);
    shift_left: "shift_left"(Integer);
    shift_right: "shift_right_logical"(Integer);
}

/// The other side of a binary op: a tensor of the same type, or a number that is spread over it.
pub trait Operand<'b> {
    #[doc(hidden)]
    fn beside(self, other: Tensor<'b>) -> Tensor<'b>;
}

impl<'b> Operand<'b> for Tensor<'b> {
    fn beside(self, _: Tensor<'b>) -> Tensor<'b> {
        self
    }
}

impl<'b> Operand<'b> for f64 {
    #[track_caller]
    fn beside(self, other: Tensor<'b>) -> Tensor<'b> {
        other.builder.splat(self, &other.ty())
    }
}

impl<'b> Operand<'b> for i64 {
    #[track_caller]
    fn beside(self, other: Tensor<'b>) -> Tensor<'b> {
        other.builder.splat_integer(self, &other.ty())
    }
}

macro_rules! operator {
    ($($trait:ident $function:ident $method:ident;)*) => {
        $(impl<'b, O: Operand<'b>> ops::$trait<O> for Tensor<'b> {
            type Output = Tensor<'b>;
            #[track_caller]
            fn $function(self, other: O) -> Tensor<'b> {
                self.$method(other)
            }
        })*
    };
}

operator! {
    Add add plus;
    Sub sub less;
    Mul mul times;
    Div div over;
    BitAnd bitand both;
    BitOr bitor either;
    BitXor bitxor exclusive_or;
}

impl ops::Neg for Tensor<'_> {
    type Output = Self;
    #[track_caller]
    fn neg(self) -> Self {
        self.minus()
    }
}

impl ops::Not for Tensor<'_> {
    type Output = Self;
    #[track_caller]
    fn not(self) -> Self {
        self.complement()
    }
}

/// How a comparison goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

macro_rules! comparison {
    ($($method:ident $direction:ident;)*) => {
        impl<'b> Tensor<'b> {
            $(#[track_caller] pub fn $method(self, other: impl Operand<'b>) -> Tensor<'b> {
                let other = other.beside(self);
                self.compare(other, Direction::$direction)
            })*
        }
    };
}

comparison! {
    equals Equal;
    differs NotEqual;
    below Less;
    at_most LessOrEqual;
    above Greater;
    at_least GreaterOrEqual;
}

impl<'b> Tensor<'b> {
    /// Compares element by element; gives predicates.
    #[track_caller]
    pub fn compare(self, other: Tensor<'b>, direction: Direction) -> Tensor<'b> {
        let name = match direction {
            Direction::Equal => "EQ",
            Direction::NotEqual => "NE",
            Direction::Less => "LT",
            Direction::LessOrEqual => "LE",
            Direction::Greater => "GT",
            Direction::GreaterOrEqual => "GE",
        };
        let draft = || {
            let (left, right) = (self.ty(), other.ty());
            if left != right {
                return Err(format!("`stablehlo.compare` of {left} and {right}"));
            }
            let kind = match left.element {
                element if element.is_float() => "FLOAT",
                element if element.is_unsigned() || element == ElementType::Pred => "UNSIGNED",
                _ => "SIGNED",
            };
            let result = left.with_element(ElementType::Pred);
            let template =
                format!("stablehlo.compare {name}, $0, $1, {kind} : ({0}, {0}) -> {1}", left.mlir(), result.mlir());
            let operands = vec![self, other];
            Ok((Draft { mnemonic: "stablehlo.compare", template, operands, regions: Vec::new() }, result))
        };
        self.builder.push(draft())
    }

    /// Where this predicate holds `yes`, elsewhere `no`. The predicate is a scalar or has their shape.
    #[track_caller]
    pub fn select(self, yes: Tensor<'b>, no: impl Operand<'b>) -> Tensor<'b> {
        let no = no.beside(yes);
        let draft = || {
            let (predicate, left, right) = (self.ty(), yes.ty(), no.ty());
            if left != right {
                return Err(format!("`stablehlo.select` between {left} and {right}"));
            }
            if predicate.element != ElementType::Pred || (predicate.rank() > 0 && predicate.dims != left.dims) {
                return Err(format!("`stablehlo.select` of {left} by {predicate}"));
            }
            let template = format!("stablehlo.select $0, $1, $2 : {}, {}", predicate.mlir(), left.mlir());
            let operands = vec![self, yes, no];
            Ok((Draft { mnemonic: "stablehlo.select", template, operands, regions: Vec::new() }, left))
        };
        self.builder.push(draft())
    }

    /// The same values as another element type. Nothing is added when it is the type already.
    #[track_caller]
    pub fn convert(self, element: ElementType) -> Tensor<'b> {
        let from = self.ty();
        if from.element == element {
            return self;
        }
        let to = from.with_element(element);
        let template = format!("stablehlo.convert $0 : ({}) -> {}", from.mlir(), to.mlir());
        let draft = Draft { mnemonic: "stablehlo.convert", template, operands: vec![self], regions: Vec::new() };
        self.builder.push(Ok((draft, to)))
    }

    /// The same bits as another element type. A wider one takes the last axis together, which must hold as many elements as make one
    /// of it; a narrower one gives such an axis. The first of them holds the lowest bits.
    #[track_caller]
    pub fn bitcast(self, element: ElementType) -> Tensor<'b> {
        let from = self.ty();
        let (own, other) = (from.element.bits(), element.bits());
        let mut dims = from.dims.clone();
        let fits = match own.cmp(&other) {
            Ordering::Equal => true,
            Ordering::Less => dims.pop() == Some(other / own) && other % own == 0,
            Ordering::Greater => {
                dims.push(own / other);
                own % other == 0
            }
        };
        if !fits {
            return self.builder.fail(format!("`bitcast` of {from} to {element}: the widths do not fit")); // C1, C2
        }
        let to = TensorType::new(element, dims);
        let template = format!("stablehlo.bitcast_convert $0 : ({}) -> {}", from.mlir(), to.mlir());
        let draft =
            Draft { mnemonic: "stablehlo.bitcast_convert", template, operands: vec![self], regions: Vec::new() };
        self.builder.push(Ok((draft, to)))
    }
}

impl Builder {
    /// `value` in every element.
    #[track_caller]
    pub fn splat(&self, value: f64, ty: &TensorType) -> Tensor<'_> {
        if !ty.element.is_float() {
            return self.fail(format!("{value} is no value of {ty}"));
        }
        self.constant(float_literal(value, ty.element), ty)
    }

    /// `value` in every element, of an integer or predicate type or as a whole float.
    #[track_caller]
    pub fn splat_integer(&self, value: i64, ty: &TensorType) -> Tensor<'_> {
        match ty.element {
            element if element.is_float() => self.splat(value as f64, ty),
            ElementType::Pred => self.constant((value != 0).to_string(), ty),
            element if element.is_unsigned() => {
                let mask = if element.bits() == 64 { u64::MAX } else { (1 << element.bits()) - 1 };
                self.constant((value as u64 & mask).to_string(), ty)
            }
            _ => self.constant(value.to_string(), ty),
        }
    }

    /// An integer scalar of type s32.
    #[track_caller]
    pub fn integer(&self, value: i64) -> Tensor<'_> {
        self.splat_integer(value, &TensorType::new(ElementType::S32, []))
    }

    #[track_caller]
    fn constant(&self, literal: String, ty: &TensorType) -> Tensor<'_> {
        let template = format!("stablehlo.constant dense<{literal}> : {}", ty.mlir());
        let draft = Draft { mnemonic: "stablehlo.constant", template, operands: Vec::new(), regions: Vec::new() };
        self.push(Ok((draft, ty.clone())))
    }

    /// 0, 1, 2 … along `axis`.
    #[track_caller]
    pub fn iota(&self, ty: &TensorType, axis: usize) -> Tensor<'_> {
        if axis >= ty.rank() {
            return self.fail(format!("`iota` along axis {axis} of {ty}"));
        }
        let template = format!("stablehlo.iota dim = {axis} : {}", ty.mlir());
        let draft = Draft { mnemonic: "stablehlo.iota", template, operands: Vec::new(), regions: Vec::new() };
        self.push(Ok((draft, ty.clone())))
    }
}

/// MLIR wants a decimal point, and bit patterns for what decimals cannot say.
pub(crate) fn float_literal(value: f64, element: ElementType) -> String {
    if !value.is_finite() {
        let (digits, infinity, nan) = match element {
            ElementType::F64 => (16, 0x7ff0_0000_0000_0000u64, 0x7ff8_0000_0000_0000),
            ElementType::F32 => (8, 0x7f80_0000, 0x7fc0_0000),
            ElementType::Bf16 => (4, 0x7f80, 0x7fc0),
            ElementType::F16 => (4, 0x7c00, 0x7e00),
            // E4M3FN and E2M1FN have no infinity; the caller's number is then written as NaN of E4M3FN.
            _ => (2, 0x7f, 0x7f),
        };
        let sign = if value == f64::NEG_INFINITY { 1u64 << (digits * 4 - 1) } else { 0 };
        let bits = if value.is_nan() { nan } else { infinity | sign };
        return format!("0x{bits:0width$X}", width = digits as usize);
    }
    let text = if element == ElementType::F64 { format!("{value:e}") } else { format!("{:e}", value as f32) };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = if mantissa.contains('.') { "" } else { ".0" };
    if exponent == "0" { format!("{mantissa}{point}") } else { format!("{mantissa}{point}e{exponent}") }
}

#[cfg(test)]
mod tests {
    use super::float_literal;
    use crate::ElementType::*;
    use crate::TensorType;
    use crate::testing::{check, check_error, f32, s32};

    #[test]
    fn numbers_spread_over_the_other_side() {
        check(&[f32([2, 3])], |_, x| x[0] * 2.0 + x[0], "stablehlo.constant dense<2.0> : tensor<2x3xf32>");
        check(&[s32([4])], |_, x| x[0] - 1, "stablehlo.constant dense<1> : tensor<4xi32>");
    }

    #[test]
    fn types_agree() {
        check_error(&[f32([2]), f32([3])], |_, x| x[0] + x[1], "`stablehlo.add` of f32[2] and f32[3]");
        check_error(&[s32([2])], |_, x| x[0].exp(), "`stablehlo.exponential` takes floating-point elements, not s32");
        check_error(&[f32([2])], |_, x| x[0] & x[0], "`stablehlo.and` takes integer or predicate elements, not f32");
        check_error(&[f32([2]), s32([2])], |_, x| x[1].select(x[0], x[0]), "`stablehlo.select` of f32[2] by s32[2]");
        check_error(
            &[TensorType::new(Bf16, [3])],
            |_, x| x[0].bitcast(F32),
            "`bitcast` of bf16[3] to f32: the widths do not fit",
        );
    }

    #[test]
    fn literals_are_what_mlir_reads() {
        let rows = [(1e-5, F32, "1.0e-5"), (0.5, F32, "5.0e-1"), (-3.0, Bf16, "-3.0"), (1.25, F64, "1.25")];
        for (value, element, text) in rows {
            assert_eq!(float_literal(value, element), text);
        }
        assert_eq!(float_literal(f64::NEG_INFINITY, F32), "0xFF800000");
        assert_eq!(float_literal(f64::INFINITY, Bf16), "0x7F80");
    }
}
