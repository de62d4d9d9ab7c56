//! Typed foreign functions: custom calls of a program that run in this process, on the memory of the device. CPU plugins have them.

mod call;
mod raw;
mod threads;

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::api::{Plugin, args};
use super::error::PjrtError;
use super::raw::FFI_Register_Handler;
pub use call::{Call, Numbered, Operand};
pub use threads::Threads;

/// The platform that XLA's CPU plugins look functions up for.
const PLATFORM: &str = "Host";

/// A function that programs may call.
pub trait Foreign {
    /// What a program calls it by. Executables are kept by it: whoever changes what it takes gives it another name.
    const NAME: &'static str;

    /// Computes the call's results. An error is a sentence, and fails the execution.
    fn call(call: &mut Call<'_>) -> Result<(), String>;
}

impl Plugin {
    /// Makes `F` known to all programs of this plugin, before any that calls it is compiled or loaded. Twice is harmless.
    ///
    /// Fails where the plugin has no foreign functions.
    pub fn register<F: Foreign>(&self) -> Result<(), PjrtError> {
        let mut args = args::<FFI_Register_Handler>();
        args.target_name = F::NAME.as_ptr();
        args.target_name_size = F::NAME.len();
        args.handler = entry::<F> as *const () as *mut std::ffi::c_void;
        args.platform_name = PLATFORM.as_ptr();
        args.platform_name_size = PLATFORM.len();
        // SAFETY: names are copied during the call; the handler is a function of this program, which is never unloaded.
        unsafe { self.call(&mut args) }
    }
}

/// What the plugin calls: with an extension that asks for metadata, or to execute.
///
/// # Safety
/// `frame` is null or a call frame that lives during the call.
unsafe extern "C" fn entry<F: Foreign>(frame: *mut raw::CallFrame) -> *mut raw::Error {
    // SAFETY: the plugin's word, by the header's description of a handler.
    let Some(frame) = (unsafe { frame.as_ref() }) else { return ptr::null_mut() };
    // SAFETY: an extension of this kind is a `MetadataExtension`, whose metadata the handler fills in.
    unsafe {
        if let Some(extension) = frame.extension_start.as_ref()
            && extension.kind == raw::EXTENSION_METADATA
        {
            let metadata = (*frame.extension_start.cast::<raw::MetadataExtension>()).metadata;
            if let Some(metadata) = metadata.as_mut() {
                (metadata.version.major, metadata.version.minor) = raw::VERSION;
            }
            return ptr::null_mut();
        }
    }
    if frame.stage != raw::STAGE_EXECUTE {
        return ptr::null_mut();
    }
    // Unwinding must not cross into the plugin.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the frame is one of an execution, whose operands live until the handler returns.
        let mut call = unsafe { Call::read(F::NAME, frame) }?;
        F::call(&mut call)
    }));
    match outcome {
        Ok(Ok(())) => ptr::null_mut(),
        // SAFETY: the frame is alive, and with it its table of functions.
        Ok(Err(problem)) => unsafe { error(frame, raw::INVALID_ARGUMENT, &format!("{}: {problem}", F::NAME)) },
        // SAFETY: as above.
        Err(_) => unsafe { error(frame, raw::INTERNAL, &format!("{} panicked", F::NAME)) },
    }
}

/// # Safety
/// `frame` is alive.
unsafe fn error(frame: &raw::CallFrame, code: i32, message: &str) -> *mut raw::Error {
    let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
    let mut args = raw::ErrorCreate {
        struct_size: size_of::<raw::ErrorCreate>(),
        extension_start: ptr::null_mut(),
        message: message.as_ptr(),
        code,
    };
    // SAFETY: the caller's word; the message is copied during the call.
    let created = unsafe { frame.api.as_ref().and_then(|api| api.error_create).map(|create| create(&mut args)) };
    match created {
        Some(error) if !error.is_null() => error,
        // No error can be told, and results that were not computed must not be used.
        _ => std::process::abort(),
    }
}
