//! The C API of typed foreign functions as plain declarations. Knows nothing about ownership.
//!
//! Source: `xla/ffi/api/c_api.h` of XLA at version 0.3 of that API. Names are the header's, without the `XLA_FFI_` prefix.

#![allow(non_camel_case_types)]

use std::ffi::{c_char, c_void};
use std::mem::offset_of;

/// The version that these declarations are of.
pub const VERSION: (i32, i32) = (0, 3);

pub const EXTENSION_METADATA: i32 = 1;
pub const STAGE_EXECUTE: i32 = 3;
pub const BUFFER: i32 = 1;
pub const ATTRIBUTE_SCALAR: i32 = 3;
pub const INVALID_ARGUMENT: i32 = 3;
pub const INTERNAL: i32 = 13;

/// What may run on the threads of a device.
pub type Task = unsafe extern "C" fn(*mut c_void);

#[repr(C)]
pub struct Error {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ExecutionContext {
    _private: [u8; 0],
}

#[repr(C)]
pub struct ExtensionBase {
    pub struct_size: usize,
    pub kind: i32,
    pub next: *mut ExtensionBase,
}

#[repr(C)]
pub struct ApiVersion {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub major: i32,
    pub minor: i32,
}

/// What a function says of itself when it is asked with this extension.
#[repr(C)]
pub struct MetadataExtension {
    pub base: ExtensionBase,
    pub metadata: *mut Metadata,
}

#[repr(C)]
pub struct Metadata {
    pub struct_size: usize,
    pub version: ApiVersion,
    pub traits: u32,
}

/// The head of the table, and the functions of it that precast calls.
#[repr(C)]
pub struct Api {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub version: ApiVersion,
    pub internal: *const c_void,
    pub error_create: Option<unsafe extern "C" fn(*mut ErrorCreate) -> *mut Error>,
    _error_get_message: *const c_void,
    pub error_destroy: Option<unsafe extern "C" fn(*mut ErrorDestroy)>,
    _between: [*const c_void; 8],
    pub schedule: Option<unsafe extern "C" fn(*mut Schedule) -> *mut Error>,
    pub count_threads: Option<unsafe extern "C" fn(*mut CountThreads) -> *mut Error>,
}

#[repr(C)]
pub struct ErrorCreate {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub message: *const c_char,
    pub code: i32,
}

#[repr(C)]
pub struct ErrorDestroy {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub error: *mut Error,
}

#[repr(C)]
pub struct Schedule {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub context: *mut ExecutionContext,
    pub task: Option<Task>,
    pub data: *mut c_void,
}

#[repr(C)]
pub struct CountThreads {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub context: *mut ExecutionContext,
    pub count: *mut i64,
}

/// Arguments, and results likewise.
#[repr(C)]
pub struct Operands {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub size: i64,
    pub types: *const i32,
    pub operands: *const *const Buffer,
}

#[repr(C)]
pub struct Attributes {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub size: i64,
    pub types: *const i32,
    pub names: *const *const ByteSpan,
    pub values: *const *const c_void,
}

#[repr(C)]
pub struct ByteSpan {
    pub start: *const u8,
    pub length: usize,
}

#[repr(C)]
pub struct Scalar {
    pub dtype: i32,
    pub value: *const c_void,
}

#[repr(C)]
pub struct Buffer {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub dtype: i32,
    pub data: *mut c_void,
    pub rank: i64,
    pub dims: *const i64,
}

#[repr(C)]
pub struct CallFrame {
    pub struct_size: usize,
    pub extension_start: *mut ExtensionBase,
    pub api: *const Api,
    pub context: *mut ExecutionContext,
    pub stage: i32,
    pub arguments: Operands,
    pub results: Operands,
    pub attributes: Attributes,
}

const _: () = {
    assert!(offset_of!(MetadataExtension, metadata) == 24);
    assert!(offset_of!(Metadata, traits) == 32);
    assert!(offset_of!(Api, error_create) == 48 && offset_of!(Api, error_destroy) == 64);
    assert!(offset_of!(Api, schedule) == 136 && offset_of!(Api, count_threads) == 144);
    assert!(size_of::<Operands>() == 40 && size_of::<Attributes>() == 48 && size_of::<Buffer>() == 48);
    assert!(offset_of!(CallFrame, stage) == 32 && offset_of!(CallFrame, arguments) == 40);
    assert!(offset_of!(CallFrame, results) == 80 && offset_of!(CallFrame, attributes) == 120);
};
