//! An event of the plugin: something that will have happened. Knows not what.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::api::{Plugin, args};
use super::error::PjrtError;
use super::raw;

/// Owns an event. It may be dropped before it is ready: the plugin goes on by itself.
pub(super) struct Event {
    plugin: Plugin,
    raw: NonNull<raw::Event>,
}

// SAFETY: events may be awaited from any thread and from several at once; destroying needs `&mut self`.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    /// Takes over `raw`; null is no event.
    ///
    /// # Safety
    /// `raw` is null or an event of `plugin` that nobody else owns.
    pub(super) unsafe fn own(plugin: &Plugin, raw: *mut raw::Event) -> Option<Event> {
        NonNull::new(raw).map(|raw| Event { plugin: plugin.clone(), raw })
    }

    /// Blocks until it has happened; an error is that of the work it stands for.
    pub(super) fn wait(&self) -> Result<(), PjrtError> {
        let mut args = args::<raw::Event_Await>();
        args.event = self.raw.as_ptr();
        // SAFETY: `self` owns the event.
        unsafe { self.plugin.call(&mut args) }
    }

    /// Whether it has happened. A plugin that cannot tell has not.
    pub(super) fn is_ready(&self) -> bool {
        let mut args = args::<raw::Event_IsReady>();
        args.event = self.raw.as_ptr();
        // SAFETY: `self` owns the event.
        unsafe { self.plugin.call(&mut args) }.is_ok() && args.is_ready != 0
    }

    /// Keeps `held` alive until it has happened, well or badly. If that cannot be arranged, `held` is never dropped.
    pub(super) fn hold<T: Send + 'static>(&self, held: T) -> Result<(), PjrtError> {
        /// Runs once, on a thread of the plugin or on the caller's own.
        unsafe extern "C" fn release<T>(error: *mut raw::Error, held: *mut c_void) {
            let held = held.cast::<Held<T>>();
            // SAFETY: `hold` made it of a box, and the plugin calls back once.
            let held = unsafe { Box::from_raw(held) };
            if let Some(error) = NonNull::new(error) {
                // Whoever awaits the work learns of it; this copy belongs to the callback.
                let _ = held.plugin.error("PJRT_Event_OnReady", error);
            }
        }
        struct Held<T> {
            plugin: Plugin,
            _held: T,
        }
        let held = Box::into_raw(Box::new(Held { plugin: self.plugin.clone(), _held: held }));
        let mut args = args::<raw::Event_OnReady>();
        args.event = self.raw.as_ptr();
        args.callback = Some(release::<T>);
        args.user_arg = held.cast();
        // SAFETY: `self` owns the event; the callback owns `held`, which is not touched again here.
        unsafe { self.plugin.call(&mut args) }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        let mut args = args::<raw::Event_Destroy>();
        args.event = self.raw.as_ptr();
        // SAFETY: `self` owns the event, and this is its end.
        unsafe { self.plugin.destroy(&mut args) };
    }
}
