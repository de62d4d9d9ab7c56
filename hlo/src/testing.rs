//! The one helper that knows how to build a module around a few ops.

use crate::types::TensorType;
use crate::{Builder, ElementType, Module, Problem, Tensor};

pub fn f32<const N: usize>(dims: [usize; N]) -> TensorType {
    TensorType::new(ElementType::F32, dims)
}

pub fn s32<const N: usize>(dims: [usize; N]) -> TensorType {
    TensorType::new(ElementType::S32, dims)
}

fn build(
    mesh: &[(&str, usize)],
    arguments: &[TensorType],
    body: impl for<'b> FnOnce(&'b Builder, &[Tensor<'b>]) -> Tensor<'b>,
) -> Result<Module, Problem> {
    let b = Builder::new("test");
    if !mesh.is_empty() {
        b.mesh("mesh", mesh);
    }
    b.function("main", || {
        let x: Vec<Tensor<'_>> = arguments.iter().enumerate().map(|(n, ty)| b.argument(&format!("x{n}"), ty)).collect();
        vec![b.scope("body", || body(&b, &x))]
    });
    b.finish()
}

/// The text of `body` over `arguments` contains `expected`.
pub fn check(
    arguments: &[TensorType],
    body: impl for<'b> FnOnce(&'b Builder, &[Tensor<'b>]) -> Tensor<'b>,
    expected: &str,
) {
    check_on(&[], arguments, body, expected);
}

/// As [`check`], on a mesh.
pub fn check_on(
    mesh: &[(&str, usize)],
    arguments: &[TensorType],
    body: impl for<'b> FnOnce(&'b Builder, &[Tensor<'b>]) -> Tensor<'b>,
    expected: &str,
) {
    let text = build(mesh, arguments, body).unwrap_or_else(|problem| panic!("{problem}")).text();
    assert!(text.contains(expected), "`{expected}` is not in\n{text}");
}

/// `body` over `arguments` is refused with `expected`, in the scope and file of the caller.
pub fn check_error(
    arguments: &[TensorType],
    body: impl for<'b> FnOnce(&'b Builder, &[Tensor<'b>]) -> Tensor<'b>,
    expected: &str,
) {
    check_error_on(&[], arguments, body, expected);
}

/// As [`check_error`], on a mesh.
pub fn check_error_on(
    mesh: &[(&str, usize)],
    arguments: &[TensorType],
    body: impl for<'b> FnOnce(&'b Builder, &[Tensor<'b>]) -> Tensor<'b>,
    expected: &str,
) {
    let problem = build(mesh, arguments, body).expect_err("a mistake");
    assert_eq!(problem.message, expected);
    assert_eq!(problem.scope, "body");
    assert!(problem.line > 0 && !problem.file.ends_with("builder.rs"), "{problem}");
}
