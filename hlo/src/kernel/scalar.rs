//! Whole numbers that a kernel computes with before it touches a vector: which block, which row, whether at all. They are expressions
//! over the place in the grid and the numbers that were handed over first, and know no vector.

use std::ops;

use crate::elementwise::Direction;

/// An s32 number, 0 or more.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Constant(i64),
    /// The step along this axis of the grid.
    Place(usize),
    /// The element at this place of a list that was handed over first.
    Number(usize, Box<Scalar>),
    Plus(Box<Scalar>, Box<Scalar>),
    Times(Box<Scalar>, i64),
    /// Divided, rounded down.
    Over(Box<Scalar>, i64),
    Remainder(Box<Scalar>, i64),
    Least(Box<Scalar>, Box<Scalar>),
}

/// What a part of a kernel depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub(super) left: Scalar,
    pub(super) direction: Direction,
    pub(super) right: Scalar,
}

impl Scalar {
    pub fn over(self, by: usize) -> Scalar {
        Scalar::Over(Box::new(self), by.max(1) as i64)
    }

    pub fn remainder(self, by: usize) -> Scalar {
        Scalar::Remainder(Box::new(self), by.max(1) as i64)
    }

    /// The smaller of the two.
    pub fn least(self, other: impl Into<Scalar>) -> Scalar {
        Scalar::Least(Box::new(self), Box::new(other.into()))
    }

    pub fn equals(self, other: impl Into<Scalar>) -> Condition {
        Condition { left: self, direction: Direction::Equal, right: other.into() }
    }

    pub fn at_most(self, other: impl Into<Scalar>) -> Condition {
        Condition { left: self, direction: Direction::LessOrEqual, right: other.into() }
    }

    pub(super) fn depends_on_numbers(&self) -> bool {
        match self {
            Scalar::Constant(_) | Scalar::Place(_) => false,
            Scalar::Number(..) => true,
            Scalar::Plus(left, right) | Scalar::Least(left, right) => {
                left.depends_on_numbers() || right.depends_on_numbers()
            }
            Scalar::Times(of, _) | Scalar::Over(of, _) | Scalar::Remainder(of, _) => of.depends_on_numbers(),
        }
    }

    /// The innermost axis of the grid that it depends on; those further in leave it as it is.
    pub(super) fn innermost(&self) -> Option<usize> {
        match self {
            Scalar::Constant(_) => None,
            Scalar::Place(axis) => Some(*axis),
            Scalar::Number(_, at) => at.innermost(),
            Scalar::Plus(left, right) | Scalar::Least(left, right) => left.innermost().max(right.innermost()),
            Scalar::Times(of, _) | Scalar::Over(of, _) | Scalar::Remainder(of, _) => of.innermost(),
        }
    }
}

impl From<usize> for Scalar {
    fn from(value: usize) -> Scalar {
        Scalar::Constant(value as i64)
    }
}

impl<S: Into<Scalar>> ops::Add<S> for Scalar {
    type Output = Scalar;
    fn add(self, other: S) -> Scalar {
        match (self, other.into()) {
            (Scalar::Constant(left), Scalar::Constant(right)) => Scalar::Constant(left + right),
            (of, Scalar::Constant(0)) | (Scalar::Constant(0), of) => of,
            (left, right) => Scalar::Plus(Box::new(left), Box::new(right)),
        }
    }
}

impl ops::Mul<usize> for Scalar {
    type Output = Scalar;
    fn mul(self, by: usize) -> Scalar {
        Scalar::Times(Box::new(self), by as i64)
    }
}
