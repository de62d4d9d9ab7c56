//! One call of a foreign function: its operands as slices, its attributes as numbers.

use std::marker::PhantomData;

use bytemuck::AnyBitPattern;
use hlo::{ElementType, TensorType};

use super::raw;
use super::threads::Threads;
use crate::pjrt::element;

/// More operands, or axes, than any call has; a larger number is nonsense.
const MOST: i64 = 1 << 16;

/// A call that is being executed.
pub struct Call<'a> {
    arguments: Vec<Operand<'a>>,
    results: Vec<Operand<'a>>,
    attributes: Vec<(String, f64)>,
    threads: Threads<'a>,
}

/// An argument or a result: row-major numbers in the device's memory.
#[derive(Clone, Debug)]
pub struct Operand<'a> {
    ty: TensorType,
    start: *mut u8,
    owner: PhantomData<&'a ()>,
}

impl<'a> Call<'a> {
    /// # Safety
    /// `frame` is one of an execution; what it points to lives for `'a`, and nobody else touches the results meanwhile.
    pub(super) unsafe fn read(name: &str, frame: &'a raw::CallFrame) -> Result<Call<'a>, String> {
        // SAFETY: the caller's word.
        unsafe {
            Ok(Call {
                arguments: operands(&frame.arguments).map_err(|problem| format!("argument of `{name}`: {problem}"))?,
                results: operands(&frame.results).map_err(|problem| format!("result of `{name}`: {problem}"))?,
                attributes: scalars(&frame.attributes),
                threads: Threads::of(frame)?,
            })
        }
    }

    /// The threads of the device, which would be idle meanwhile.
    pub fn threads(&self) -> Threads<'a> {
        self.threads
    }

    /// Arguments in order; fails unless there are `N`.
    pub fn arguments<const N: usize>(&self) -> Result<[Operand<'a>; N], String> {
        let found = self.arguments.len();
        self.arguments.clone().try_into().map_err(|_| format!("{found} arguments, expected {N}"))
    }

    /// All arguments in order.
    pub fn all_arguments(&self) -> &[Operand<'a>] {
        &self.arguments
    }

    /// The numbers of the only result.
    pub fn result<T: bytemuck::Pod + Numbered>(&mut self) -> Result<&'a mut [T], String> {
        let [result] = &mut self.results[..] else { return Err(format!("{} results, expected 1", self.results.len())) };
        let bytes = result.bytes_of::<T>()?;
        // SAFETY: the result's memory is this call's alone for `'a`, and is reached once, since the list is then empty.
        let bytes = unsafe { std::slice::from_raw_parts_mut(result.start, bytes) };
        self.results.clear();
        bytemuck::try_cast_slice_mut(bytes).map_err(|error| format!("a result at an odd address: {error}"))
    }

    /// The number called `name`.
    pub fn attribute(&self, name: &str) -> Result<f64, String> {
        let found = self.attributes.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| *value).ok_or_else(|| format!("no attribute `{name}`"))
    }
}

impl<'a> Operand<'a> {
    pub fn ty(&self) -> &TensorType {
        &self.ty
    }

    pub fn dims(&self) -> &[usize] {
        &self.ty.dims
    }

    /// Its numbers; fails if they are of another type.
    pub fn numbers<T: AnyBitPattern + Numbered>(&self) -> Result<&'a [T], String> {
        let bytes = self.bytes_of::<T>()?;
        // SAFETY: an argument's memory has as many bytes, and nobody writes it for `'a`: XLA lets a result take an argument's
        // memory only where a program says so, and those of this crate do not.
        let bytes = unsafe { std::slice::from_raw_parts(self.start, bytes) };
        bytemuck::try_cast_slice(bytes).map_err(|error| format!("{} at an odd address: {error}", self.ty))
    }

    fn bytes_of<T: Numbered>(&self) -> Result<usize, String> {
        if !T::TYPES.contains(&self.ty.element) {
            return Err(format!("{}, expected {}", self.ty, T::TYPES[0]));
        }
        Ok(self.ty.count() * size_of::<T>())
    }
}

/// Rust's type for the numbers of some element types.
pub trait Numbered {
    const TYPES: &'static [ElementType];
}

macro_rules! numbered {
    ($($type:ty: $($element:ident)+;)*) => { $(
        impl Numbered for $type {
            const TYPES: &'static [ElementType] = &[$(ElementType::$element),+];
        }
    )* };
}

numbered! {
    f32: F32;
    half::bf16: Bf16;
    i32: S32;
    i8: S8;
    u8: U8 F8E4M3FN;
}

/// # Safety
/// As [`Call::read`].
unsafe fn operands<'a>(list: &raw::Operands) -> Result<Vec<Operand<'a>>, String> {
    if !(0..=MOST).contains(&list.size) || (list.size > 0 && (list.types.is_null() || list.operands.is_null())) {
        return Err(format!("a list of {} operands at no address", list.size));
    }
    let one = |place: usize| {
        // SAFETY: `size` types and pointers lie there.
        let (kind, operand) = unsafe { (list.types.add(place).read(), list.operands.add(place).read()) };
        if kind != raw::BUFFER {
            return Err(format!("operand {place} is of kind {kind}, which is no buffer"));
        }
        // SAFETY: an operand of this kind is a buffer.
        let buffer = unsafe { operand.as_ref() }.ok_or_else(|| format!("operand {place} at no address"))?;
        if !(0..=MOST).contains(&buffer.rank) || (buffer.rank > 0 && buffer.dims.is_null()) {
            return Err(format!("operand {place} of {} axes", buffer.rank));
        }
        let element = element::from_xla(buffer.dtype);
        let element = element.ok_or_else(|| format!("operand {place} of element type {}", buffer.dtype))?;
        // SAFETY: a buffer of this rank has as many sizes.
        let dims = (0..buffer.rank as usize).map(|axis| unsafe { buffer.dims.add(axis).read() });
        let dims: Vec<usize> = dims
            .map(|size| usize::try_from(size).map_err(|_| format!("operand {place} has an axis of {size}")))
            .collect::<Result<_, _>>()?;
        let ty = TensorType::new(element, dims);
        // An empty buffer may lie nowhere; a slice may not.
        let start = if ty.count() == 0 { std::ptr::dangling_mut::<u64>().cast() } else { buffer.data.cast::<u8>() };
        if start.is_null() {
            return Err(format!("operand {place}, {ty}, at no address"));
        }
        Ok(Operand { ty, start, owner: PhantomData })
    };
    (0..list.size as usize).map(one).collect()
}

/// The attributes that are single numbers.
///
/// # Safety
/// As [`Call::read`].
unsafe fn scalars(list: &raw::Attributes) -> Vec<(String, f64)> {
    if !(0..=MOST).contains(&list.size) || list.types.is_null() || list.names.is_null() || list.values.is_null() {
        return Vec::new();
    }
    let one = |place: usize| {
        // SAFETY: `size` types, names and values lie there; a scalar is one number of its type.
        unsafe {
            if list.types.add(place).read() != raw::ATTRIBUTE_SCALAR {
                return None;
            }
            let name = list.names.add(place).read().as_ref()?;
            let name = std::slice::from_raw_parts(name.start, name.length);
            let scalar = list.values.add(place).read().cast::<raw::Scalar>().as_ref()?;
            let value = match element::from_xla(scalar.dtype)? {
                ElementType::F32 => f64::from(scalar.value.cast::<f32>().read()),
                ElementType::S64 => scalar.value.cast::<i64>().read() as f64,
                _ => return None,
            };
            Some((String::from_utf8_lossy(name).into_owned(), value))
        }
    };
    (0..list.size as usize).filter_map(one).collect()
}
