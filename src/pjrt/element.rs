//! Element types as PJRT numbers them (`PJRT_Buffer_Type`), and as XLA does (`PrimitiveType`), for foreign functions too. Knows no buffer.

use hlo::ElementType::{self, *};

/// PJRT's number and XLA's.
const NUMBERS: [(ElementType, i32, i32); ElementType::ALL.len()] = [
    (Pred, 1, 1),
    (S8, 2, 2),
    (S32, 4, 4),
    (S64, 5, 5),
    (U8, 6, 6),
    (U16, 7, 7),
    (U32, 8, 8),
    (U64, 9, 9),
    (F16, 10, 10),
    (F32, 11, 11),
    (F64, 12, 12),
    (Bf16, 13, 16),
    (F8E5M2, 16, 19),
    (F8E4M3FN, 17, 20),
    (F4E2M1FN, 29, 32),
];

/// `None` for a type that precast does not know.
pub(super) fn from_pjrt(number: i32) -> Option<ElementType> {
    NUMBERS.iter().find(|row| row.1 == number).map(|row| row.0)
}

/// The same for XLA's number.
pub(super) fn from_xla(number: i32) -> Option<ElementType> {
    NUMBERS.iter().find(|row| row.2 == number).map(|row| row.0)
}

pub(super) fn to_pjrt(element: ElementType) -> i32 {
    // Every type has its row: the array is as long as `ALL`, and the test below looks each one up.
    NUMBERS.iter().find(|row| row.0 == element).map_or(0, |row| row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_type_has_a_number() {
        for element in ElementType::ALL {
            assert_eq!(from_pjrt(to_pjrt(element)), Some(element));
        }
        assert_eq!(from_pjrt(0), None);
    }
}
