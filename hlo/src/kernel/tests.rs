//! What the builder of kernels refuses, and what it writes.

use super::Kernel;
use crate::testing::{f32, s32};
use crate::{Builder, ElementType::*, TensorType};

fn refused(body: impl for<'k> FnOnce(&'k super::KernelBuilder)) -> String {
    Kernel::new("test", &[2], body).expect_err("a mistake").message
}

#[test]
fn shapes_and_types_agree() {
    let cell = f32([8, 128]);
    assert_eq!(
        refused(|k| _ = k.input("x", &f32([8, 100]), &[8, 64], &[0.into(), k.place(0)])),
        "blocks [8, 64] do not divide `x`, f32[8, 100]"
    );
    assert_eq!(
        refused(|k| _ = k.scratch("x", &cell).load(&[4.into(), 0.into()], &[8, 128])),
        "a load of [8, 128] at 2 starts of a block f32[8, 128]"
    );
    let left = f32([8, 128]);
    assert_eq!(
        refused(|k| _ = k.splat(0.0, &left) + k.splat(0.0, &f32([8, 64]))),
        "`plus` of f32[8, 128] and f32[8, 64]"
    );
    assert_eq!(
        refused(|k| _ = k.splat(0.0, &left).dot(k.splat(0.0, &left))),
        "`dot` of f32[8, 128] and f32[8, 128], expected matrices of bf16"
    );
    let wide = TensorType::new(S8, [6, 128]);
    assert_eq!(refused(|k| _ = k.splat(0.0, &wide).bits(S32)), "`bits` of s8[6, 128] as s32");
}

#[test]
fn inputs_are_read_only() {
    let cell = f32([8, 128]);
    let message = refused(|k| {
        let x = k.input("x", &cell, &[8, 128], &[0.into(), 0.into()]);
        x.store(&[0.into(), 0.into()], k.splat(0.0, &cell));
    });
    assert_eq!(message, "f32[8, 128] stored into an input");
}

#[test]
fn what_a_condition_guards_stays_inside() {
    let cell = f32([8, 128]);
    let message = refused(|k| {
        let out = k.output("y", &cell, &[8, 128], &[0.into(), 0.into()]);
        let mut inner = None;
        k.when(k.place(0).equals(0), || inner = Some(k.splat(1.0, &cell)));
        out.store(&[0.into(), 0.into()], inner.expect("it ran"));
    });
    assert_eq!(message, "f32[8, 128] was made under a condition, and is used outside of it");
}

#[test]
fn operands_are_those_declared() {
    let whole = f32([2, 8, 128]);
    let kernel = Kernel::new("sum", &[2], |k| {
        let list = k.numbers(2);
        let at = list.at(k.place(0));
        let x = k.input("x", &whole, &[1, 8, 128], &[at, 0.into(), 0.into()]);
        let y = k.output("y", &whole, &[1, 8, 128], &[k.place(0), 0.into(), 0.into()]);
        y.store(&[0.into(), 0.into(), 0.into()], x.load(&[0.into(), 0.into(), 0.into()], &[8, 128]));
    })
    .expect("builds");
    assert_eq!(kernel.streamed_bytes(), 2 * 2 * 8 * 128 * 4);
    assert_eq!(kernel.held_bytes(), 2 * 2 * 8 * 128 * 4);
    let b = Builder::new("main");
    b.function("main", || kernel.call(&b, &[], &[b.argument("x", &whole)]));
    let message = b.finish().expect_err("no list").message;
    assert_eq!(message, "kernel `sum` takes s32[2], f32[2, 8, 128], given f32[2, 8, 128]");

    let b = Builder::new("main");
    b.function("main", || kernel.plain(&b, &[b.argument("list", &s32([2]))], &[b.argument("x", &whole)]));
    let text = b.finish().expect("builds").text();
    assert!(text.contains("stablehlo.while") && text.contains("dense<0x7FC00000>"), "{text}");
    let module = kernel.mosaic();
    assert!(module.contains("%t1 = \"stable_mosaic.memref.load\"(%numbers0, %t0)"), "{module}");
    assert!(module.contains("iteration_bounds = array<i64: 2>"), "{module}");
}
