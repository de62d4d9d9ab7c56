//! Shapes of XLA's protos: as text, and the bytes that they hold.

use crate::pjrt::proto::ShapeProto;

const TUPLE: i32 = 13;

/// The device's main memory; everything else is on the chip or the host's.
const MAIN_MEMORY: i64 = 0;

/// Elements of a tuple that its text shows.
const SHOWN: usize = 3;

/// XLA's element types by their number in `xla_data.proto`: the name, and the bits of one element.
const ELEMENTS: [(i32, &str, u64); 26] = [
    (1, "pred", 8),
    (2, "s8", 8),
    (3, "s16", 16),
    (4, "s32", 32),
    (5, "s64", 64),
    (6, "u8", 8),
    (7, "u16", 16),
    (8, "u32", 32),
    (9, "u64", 64),
    (10, "f16", 16),
    (11, "f32", 32),
    (12, "f64", 64),
    (15, "c64", 64),
    (16, "bf16", 16),
    (18, "c128", 128),
    (19, "f8e5m2", 8),
    (20, "f8e4m3fn", 8),
    (21, "s4", 4),
    (22, "u4", 4),
    (23, "f8e4m3b11fnuz", 8),
    (24, "f8e5m2fnuz", 8),
    (25, "f8e4m3fnuz", 8),
    (26, "s2", 2),
    (27, "u2", 2),
    (32, "f4e2m1fn", 4),
    (33, "f8e8m0fnu", 8),
];

fn element(shape: &ShapeProto) -> Option<(&'static str, u64)> {
    ELEMENTS.iter().find(|(number, _, _)| *number == shape.element_type).map(|(_, name, bits)| (*name, *bits))
}

/// Such as `bf16[8, 2880]` or `(f32[1], s32[], s32[], … 4 more)`; a number in place of an element type that has no size.
pub(super) fn text(shape: &ShapeProto) -> String {
    if shape.element_type == TUPLE {
        let mut parts: Vec<String> = shape.tuple_shapes.iter().take(SHOWN).map(text).collect();
        if shape.tuple_shapes.len() > SHOWN {
            parts.push(format!("… {} more", shape.tuple_shapes.len() - SHOWN));
        }
        return format!("({})", parts.join(", "));
    }
    let name = element(shape).map_or_else(|| format!("type {}", shape.element_type), |(name, _)| name.to_owned());
    let dims: Vec<String> = shape.dimensions.iter().map(i64::to_string).collect();
    format!("{name}[{}]", dims.join(", "))
}

/// What a value of this shape holds, without padding; a tuple what its parts hold.
pub(super) fn bytes(shape: &ShapeProto) -> u64 {
    if shape.element_type == TUPLE {
        return shape.tuple_shapes.iter().map(bytes).fold(0, u64::saturating_add);
    }
    let Some((_, bits)) = element(shape) else { return 0 };
    // A 4-bit type may be kept in a byte each.
    let kept = shape.layout.as_ref().map_or(0, |layout| u64::try_from(layout.element_size_in_bits).unwrap_or(0));
    let bits = if kept > 0 { kept } else { bits };
    let count =
        shape.dimensions.iter().fold(1, |count: u64, dim| count.saturating_mul(u64::try_from(*dim).unwrap_or(0)));
    count.saturating_mul(bits).div_ceil(8)
}

/// The part of that which lies in the device's main memory.
pub(super) fn main_memory_bytes(shape: &ShapeProto) -> u64 {
    if shape.element_type == TUPLE {
        return shape.tuple_shapes.iter().map(main_memory_bytes).fold(0, u64::saturating_add);
    }
    match shape.layout.as_ref().map_or(MAIN_MEMORY, |layout| layout.memory_space) {
        MAIN_MEMORY => bytes(shape),
        _ => 0,
    }
}
