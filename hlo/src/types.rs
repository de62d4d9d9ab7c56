//! Element types and tensor types: what a value is, how it is written in StableHLO, how many bytes it takes.

use std::fmt;

use crate::sharding::{Mesh, Sharding};

/// The element types that gpt-oss graphs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ElementType {
    Pred,
    S8,
    S32,
    S64,
    U8,
    U16,
    U32,
    U64,
    Bf16,
    F16,
    F32,
    F64,
    F8E4M3FN,
    F8E5M2,
    F4E2M1FN,
}

impl ElementType {
    /// Every element type, for tables and tests.
    pub const ALL: [ElementType; 15] = {
        use ElementType::*;
        [Pred, S8, S32, S64, U8, U16, U32, U64, Bf16, F16, F32, F64, F8E4M3FN, F8E5M2, F4E2M1FN]
    };

    /// The name in MLIR text.
    pub fn mlir(self) -> &'static str {
        match self {
            ElementType::Pred => "i1",
            ElementType::S8 => "i8",
            ElementType::S32 => "i32",
            ElementType::S64 => "i64",
            ElementType::U8 => "ui8",
            ElementType::U16 => "ui16",
            ElementType::U32 => "ui32",
            ElementType::U64 => "ui64",
            ElementType::Bf16 => "bf16",
            ElementType::F16 => "f16",
            ElementType::F32 => "f32",
            ElementType::F64 => "f64",
            ElementType::F8E4M3FN => "f8E4M3FN",
            ElementType::F8E5M2 => "f8E5M2",
            ElementType::F4E2M1FN => "f4E2M1FN",
        }
    }

    /// Bits of one element as the device counts them; `Pred` takes a byte.
    pub fn bits(self) -> usize {
        match self {
            ElementType::F4E2M1FN => 4,
            ElementType::Pred | ElementType::S8 | ElementType::U8 | ElementType::F8E4M3FN | ElementType::F8E5M2 => 8,
            ElementType::U16 | ElementType::Bf16 | ElementType::F16 => 16,
            ElementType::S32 | ElementType::U32 | ElementType::F32 => 32,
            ElementType::S64 | ElementType::U64 | ElementType::F64 => 64,
        }
    }

    /// Bytes of one element in a host buffer, where a 4-bit element takes a whole byte.
    pub fn host_bytes(self) -> usize {
        self.bits().div_ceil(8)
    }

    pub fn is_float(self) -> bool {
        use ElementType::*;
        matches!(self, Bf16 | F16 | F32 | F64 | F8E4M3FN | F8E5M2 | F4E2M1FN)
    }

    pub fn is_integer(self) -> bool {
        !self.is_float() && self != ElementType::Pred
    }

    pub fn is_unsigned(self) -> bool {
        matches!(self, ElementType::U8 | ElementType::U16 | ElementType::U32 | ElementType::U64)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ElementType::Pred => "pred",
            ElementType::S8 => "s8",
            ElementType::S32 => "s32",
            ElementType::S64 => "s64",
            ElementType::U8 => "u8",
            ElementType::U16 => "u16",
            ElementType::U32 => "u32",
            ElementType::U64 => "u64",
            ElementType::Bf16 => "bf16",
            ElementType::F16 => "f16",
            ElementType::F32 => "f32",
            ElementType::F64 => "f64",
            ElementType::F8E4M3FN => "f8e4m3fn",
            ElementType::F8E5M2 => "f8e5m2",
            ElementType::F4E2M1FN => "f4e2m1fn",
        })
    }
}

/// An element type and the size of every axis, row-major. Shown as `f32[2, 4]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    pub element: ElementType,
    pub dims: Vec<usize>,
}

impl TensorType {
    pub fn new(element: ElementType, dims: impl Into<Vec<usize>>) -> TensorType {
        TensorType { element, dims: dims.into() }
    }

    pub fn rank(&self) -> usize {
        self.dims.len()
    }

    /// Number of elements; 1 for a scalar.
    pub fn count(&self) -> usize {
        self.dims.iter().product()
    }

    /// Bytes of a dense row-major host buffer.
    pub fn host_bytes(&self) -> usize {
        self.count() * self.element.host_bytes()
    }

    pub fn with_dims(&self, dims: impl Into<Vec<usize>>) -> TensorType {
        TensorType::new(self.element, dims)
    }

    pub fn with_element(&self, element: ElementType) -> TensorType {
        TensorType::new(element, self.dims.clone())
    }

    /// The type in MLIR text, such as `tensor<2x4xf32>`.
    pub fn mlir(&self) -> String {
        let dims: String = self.dims.iter().map(|dim| format!("{dim}x")).collect();
        format!("tensor<{dims}{}>", self.element.mlir())
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.element, self.dims)
    }
}

/// What a function takes and gives: the contract between a module and whoever executes it. Types are of whole tensors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// The devices that run the function together; one device without it.
    pub mesh: Option<Mesh>,
    pub parameters: Vec<Parameter>,
    pub results: Vec<TensorType>,
}

/// One argument of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub ty: TensorType,
    /// The result that takes over this argument's memory, if the argument is donated.
    pub donated_to: Option<usize>,
    /// How the mesh divides it; whole without a mesh.
    pub sharding: Sharding,
}

impl Signature {
    /// The number of devices that run the function together.
    pub fn devices(&self) -> usize {
        self.mesh.as_ref().map_or(1, Mesh::devices)
    }

    /// How result number `result` is divided: as the argument whose memory it takes over; else not at all.
    pub fn result_sharding(&self, result: usize) -> Sharding {
        let donor = self.parameters.iter().find(|parameter| parameter.donated_to == Some(result));
        donor.map(|parameter| parameter.sharding.clone()).unwrap_or_default()
    }

    /// What one device holds of every parameter. Fails as [`Sharding::local`] does; not on a signature from a builder.
    pub fn local_parameters(&self) -> Result<Vec<TensorType>, String> {
        self.parameters.iter().map(|parameter| self.local(&parameter.sharding, &parameter.ty)).collect()
    }

    /// What one device holds of every result. Fails as [`Signature::local_parameters`] does.
    pub fn local_results(&self) -> Result<Vec<TensorType>, String> {
        self.results.iter().enumerate().map(|(place, ty)| self.local(&self.result_sharding(place), ty)).collect()
    }

    fn local(&self, sharding: &Sharding, ty: &TensorType) -> Result<TensorType, String> {
        match &self.mesh {
            Some(mesh) => sharding.local(mesh, ty),
            None => Ok(ty.clone()),
        }
    }
}
