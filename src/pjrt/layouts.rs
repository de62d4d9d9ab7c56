//! How a compiled program wants its arguments to lie in memory, by the extension for layouts. Knows no buffer.

use super::api::{args, array, malformed, object, text};
use super::error::PjrtError;
use super::executable::Executable;
use super::raw::{self, Args};

impl Executable {
    /// The layout of each parameter on a device, in XLA's words: its axes from minor to major and then, where the device
    /// has them, tiles, such as `{1,0:T(8,128)(2,1)}`. Of a parameter that is divided it is the layout of each part.
    ///
    /// `None` where the plugin has no such function, which is optional. Fails if the plugin does, or tells another number
    /// of layouts than the signature has parameters.
    pub fn parameter_layouts(&self) -> Result<Option<Vec<String>>, PjrtError> {
        let function = raw::Layouts_PJRT_Executable_GetParameterLayouts::FUNCTION;
        if !self.plugin().has(&function) {
            return Ok(None);
        }
        let mut args = args::<raw::Layouts_PJRT_Executable_GetParameterLayouts>();
        args.executable = self.raw().as_ptr();
        // SAFETY: `self` keeps the executable alive, which owns the array and the layouts: none of them is destroyed here.
        let layouts = unsafe {
            self.plugin().call(&mut args)?;
            array(function, args.layouts, args.num_parameters)?
        };
        let expected = self.signature().parameters.len();
        if layouts.len() != expected {
            return Err(malformed(function, format!("{} layouts of {expected} parameters", layouts.len())));
        }
        // SAFETY: these are layouts of the executable, and alive like it.
        layouts.iter().map(|&layout| unsafe { self.written(layout) }).collect::<Result<_, _>>().map(Some)
    }

    /// # Safety
    /// `layout` is null or a living layout of this executable's plugin.
    unsafe fn written(&self, layout: *mut raw::Layouts_MemoryLayout) -> Result<String, PjrtError> {
        let parameters = raw::Layouts_PJRT_Executable_GetParameterLayouts::FUNCTION;
        let function = raw::Layouts_MemoryLayout_Serialize::FUNCTION;
        let mut args = args::<raw::Layouts_MemoryLayout_Serialize>();
        args.layout = object(parameters, layout)?.as_ptr();
        // SAFETY: the layout is alive; the text is borrowed from the holder until its deleter runs, once.
        unsafe {
            self.plugin().call(&mut args)?;
            let copy = text(function, args.serialized_bytes, args.serialized_bytes_size);
            if let Some(delete) = args.serialized_layout_deleter {
                delete(args.serialized_layout);
            }
            copy
        }
    }
}
