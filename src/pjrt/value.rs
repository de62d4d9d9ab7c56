//! Named values: the attributes that a plugin reports and the options that it takes. Knows no object of a plugin.

use std::fmt;
use std::ptr;

use serde::{Deserialize, Serialize};

use super::api::{array, malformed, text};
use super::error::PjrtError;
use super::raw::{self, Function, NamedValue, NamedValueUnion};

/// A value of a plugin's attribute or option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Text(String),
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Bool(bool),
}

impl Value {
    /// The number, if it is an integer.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => f.write_str(text),
            Value::Int(int) => write!(f, "{int}"),
            Value::Ints(ints) => write!(f, "{ints:?}"),
            Value::Float(float) => write!(f, "{float}"),
            Value::Bool(flag) => write!(f, "{flag}"),
        }
    }
}

/// Copies what a plugin reports, sorted by name, since plugins report in random order.
///
/// # Safety
/// If `pointer` is not null, `count` values lie there, with whatever they point to.
pub(super) unsafe fn read(
    function: Function,
    pointer: *const NamedValue,
    count: usize,
) -> Result<Vec<(String, Value)>, PjrtError> {
    // SAFETY: the caller's word.
    let values = unsafe { array(function, pointer, count) }?;
    let mut read = Vec::with_capacity(count);
    for value in values {
        // The stride of the array is the size that the plugin was built with.
        if value.struct_size != size_of::<NamedValue>() {
            return Err(malformed(function, format!("named values of {} bytes", value.struct_size)));
        }
        // SAFETY: the name belongs to the value.
        let name = unsafe { text(function, value.name, value.name_size) }?;
        // SAFETY: `kind` says which member of the union was written.
        let content = unsafe {
            match value.kind {
                raw::KIND_STRING => Value::Text(text(function, value.value.string, value.value_size)?),
                raw::KIND_INT => Value::Int(value.value.int),
                raw::KIND_INTS => Value::Ints(array(function, value.value.ints, value.value_size)?.to_vec()),
                raw::KIND_FLOAT => Value::Float(value.value.float),
                raw::KIND_BOOL => Value::Bool(value.value.boolean != 0),
                kind => return Err(malformed(function, format!("`{name}` is of kind {kind}"))),
            }
        };
        read.push((name, content));
    }
    read.sort_by(|left, right| left.0.cmp(&right.0));
    Ok(read)
}

/// Options in the form that a plugin takes. The result points into `options` and lives no longer.
pub(super) fn write(options: &[(String, Value)]) -> Vec<NamedValue> {
    let named = |(name, value): &(String, Value)| {
        let (kind, union, value_size) = match value {
            Value::Text(text) => (raw::KIND_STRING, NamedValueUnion { string: text.as_ptr() }, text.len()),
            Value::Int(int) => (raw::KIND_INT, NamedValueUnion { int: *int }, 1),
            Value::Ints(ints) => (raw::KIND_INTS, NamedValueUnion { ints: ints.as_ptr() }, ints.len()),
            Value::Float(float) => (raw::KIND_FLOAT, NamedValueUnion { float: *float }, 1),
            Value::Bool(flag) => (raw::KIND_BOOL, NamedValueUnion { boolean: u8::from(*flag) }, 1),
        };
        NamedValue {
            struct_size: size_of::<NamedValue>(),
            extension_start: ptr::null_mut(),
            name: name.as_ptr(),
            name_size: name.len(),
            kind,
            value: union,
            value_size,
        }
    };
    options.iter().map(named).collect()
}
