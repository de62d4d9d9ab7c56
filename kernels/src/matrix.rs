//! How a matrix is stored: rows of outputs, each of as many values as there are inputs.

use std::ops::Range;

use half::bf16;

use crate::BLOCK;

/// The values of `outputs × inputs`, output by output.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
    /// With a scale for each output.
    Int8 {
        codes: &'a [i8],
        scales: &'a [f32],
    },
    /// E4M3FN, likewise.
    Fp8 {
        codes: &'a [u8],
        scales: &'a [f32],
    },
    /// E2M1, two in a byte with the first in the low half; for every 32 of them a byte that is 127 more than the power of two by which they
    /// are multiplied. A byte of 0 stands for zeros, one of 255 for what no checkpoint may have.
    Mxfp4 {
        codes: &'a [u8],
        scales: &'a [u8],
    },
}

/// A matrix of `outputs × inputs`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    values: Values<'a>,
    outputs: usize,
    inputs: usize,
}

impl<'a> Matrix<'a> {
    /// Fails, with a sentence, if the sizes do not fit each other.
    pub fn new(values: Values<'a>, outputs: usize, inputs: usize) -> Result<Matrix<'a>, String> {
        let count = outputs * inputs;
        let expect = |what: &str, found: usize, expected: usize| match found == expected {
            true => Ok(()),
            false => Err(format!("a matrix of {outputs} × {inputs} needs {expected} {what}, and has {found}")),
        };
        match values {
            Values::F32(values) => expect("values", values.len(), count)?,
            Values::Bf16(values) => expect("values", values.len(), count)?,
            Values::Int8 { codes, scales } => {
                expect("codes", codes.len(), count)?;
                expect("scales", scales.len(), outputs)?;
            }
            Values::Fp8 { codes, scales } => {
                expect("codes", codes.len(), count)?;
                expect("scales", scales.len(), outputs)?;
            }
            Values::Mxfp4 { codes, scales } => {
                if !inputs.is_multiple_of(BLOCK) {
                    return Err(format!("rows of {inputs} values are not whole blocks of {BLOCK}, as MXFP4 has them"));
                }
                expect("bytes of codes", codes.len(), count / 2)?;
                expect("scales", scales.len(), count / BLOCK)?;
            }
        }
        Ok(Matrix { values, outputs, inputs })
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    pub fn values(&self) -> Values<'a> {
        self.values
    }

    /// The rows of some outputs.
    pub(crate) fn part(&self, outputs: Range<usize>) -> Matrix<'a> {
        let of = |count: usize| outputs.start * count..outputs.end * count;
        let values = match self.values {
            Values::F32(values) => Values::F32(&values[of(self.inputs)]),
            Values::Bf16(values) => Values::Bf16(&values[of(self.inputs)]),
            Values::Int8 { codes, scales } => {
                Values::Int8 { codes: &codes[of(self.inputs)], scales: &scales[outputs.clone()] }
            }
            Values::Fp8 { codes, scales } => {
                Values::Fp8 { codes: &codes[of(self.inputs)], scales: &scales[outputs.clone()] }
            }
            Values::Mxfp4 { codes, scales } => {
                Values::Mxfp4 { codes: &codes[of(self.inputs / 2)], scales: &scales[of(self.inputs / BLOCK)] }
            }
        };
        Matrix { values, outputs: outputs.len(), inputs: self.inputs }
    }

    /// Some values of one output: whole blocks, if they are in MXFP4.
    pub(crate) fn of_output(&self, output: usize, inputs: Range<usize>) -> Values<'a> {
        let of = |each: usize| (output * self.inputs + inputs.start) / each..(output * self.inputs + inputs.end) / each;
        match self.values {
            Values::F32(values) => Values::F32(&values[of(1)]),
            Values::Bf16(values) => Values::Bf16(&values[of(1)]),
            Values::Int8 { codes, scales } => Values::Int8 { codes: &codes[of(1)], scales: &scales[output..=output] },
            Values::Fp8 { codes, scales } => Values::Fp8 { codes: &codes[of(1)], scales: &scales[output..=output] },
            Values::Mxfp4 { codes, scales } => Values::Mxfp4 { codes: &codes[of(2)], scales: &scales[of(BLOCK)] },
        }
    }

    /// What the products of each output are multiplied with in the end.
    pub(crate) fn scales(&self) -> Option<&'a [f32]> {
        match self.values {
            Values::Int8 { scales, .. } | Values::Fp8 { scales, .. } => Some(scales),
            Values::F32(_) | Values::Bf16(_) | Values::Mxfp4 { .. } => None,
        }
    }
}
