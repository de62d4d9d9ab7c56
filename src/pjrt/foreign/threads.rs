//! The threads of a device, lent to a call that runs on one of them.

use std::any::Any;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::raw;

/// How often a thread that waits for others looks before it lets the system run something else: some ten microseconds.
const LOOKS: usize = 2000;

/// The threads, of which the calling one is one.
#[derive(Clone, Copy)]
pub struct Threads<'a> {
    api: *const raw::Api,
    context: *mut raw::ExecutionContext,
    count: usize,
    owner: PhantomData<&'a ()>,
}

// SAFETY: c_api.h: the functions of the table may be called from any thread while the call lasts.
unsafe impl Sync for Threads<'_> {}
// SAFETY: as above.
unsafe impl Send for Threads<'_> {}

/// Work that is shared: whoever comes takes the next task until none is left.
struct Shared {
    task: *const (dyn Fn(usize) + Sync),
    tasks: usize,
    next: AtomicUsize,
    done: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `task` is `Sync`, and used only for a task below `tasks`, until all of which are done its owner waits.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    fn work(&self) {
        loop {
            let own = self.next.fetch_add(1, Ordering::Relaxed);
            if own >= self.tasks {
                return;
            }
            // SAFETY: this task is not done, so that its owner is waiting in `each` and keeps it alive.
            let task = unsafe { &*self.task };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| task(own))) {
                *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }
}

/// # Safety
/// `data` is an `Arc<Shared>` that was made raw for this call alone.
unsafe extern "C" fn help(data: *mut c_void) {
    // SAFETY: the caller's word. `work` does not unwind.
    unsafe { Arc::from_raw(data.cast_const().cast::<Shared>()) }.work();
}

impl Threads<'_> {
    /// # Safety
    /// `frame` is one of an execution, and lives as long as the result.
    pub(super) unsafe fn of(frame: &raw::CallFrame) -> Result<Self, String> {
        let needed = std::mem::offset_of!(raw::Api, count_threads) + size_of::<usize>();
        // SAFETY: the caller's word; the table begins with its size.
        let api = unsafe { frame.api.as_ref() }.filter(|api| api.struct_size >= needed);
        let Some(api) = api else { return Err("the plugin does not lend its threads to foreign functions".into()) };
        let mut count = 0;
        let mut args = raw::CountThreads {
            struct_size: size_of::<raw::CountThreads>(),
            extension_start: ptr::null_mut(),
            context: frame.context,
            count: &mut count,
        };
        // SAFETY: the context is the frame's, and the number is written during the call.
        if let Some(error) = api.count_threads.map(|count| unsafe { count(&mut args) }) {
            forget(api, error);
        }
        let count = usize::try_from(count).unwrap_or(0).max(1);
        Ok(Threads { api, context: frame.context, count, owner: PhantomData })
    }

    /// Asks another thread to help; false if none will.
    fn ask(&self, shared: &Arc<Shared>) -> bool {
        // SAFETY: the table lives as long as the call.
        let api = unsafe { &*self.api };
        let Some(schedule) = api.schedule else { return false };
        let data = Arc::into_raw(Arc::clone(shared));
        let mut args = raw::Schedule {
            struct_size: size_of::<raw::Schedule>(),
            extension_start: ptr::null_mut(),
            context: self.context,
            task: Some(help),
            data: data.cast_mut().cast(),
        };
        // SAFETY: the context is the frame's; `help` is run once with `data`, or not at all if this fails.
        let error = unsafe { schedule(&mut args) };
        if !error.is_null() {
            forget(api, error);
            // SAFETY: nobody else has it.
            drop(unsafe { Arc::from_raw(data) });
        }
        error.is_null()
    }
}

impl kernels::Workers for Threads<'_> {
    fn count(&self) -> usize {
        self.count
    }

    fn each(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let own: *const (dyn Fn(usize) + Sync + '_) = task;
        let shared = Arc::new(Shared {
            // SAFETY: only the lifetime changes; see `Shared::task`.
            task: unsafe {
                std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const (dyn Fn(usize) + Sync)>(own)
            },
            tasks,
            next: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            panic: Mutex::new(None),
        });
        for _ in 1..self.count.min(tasks) {
            if !self.ask(&shared) {
                break;
            }
        }
        shared.work();
        // All tasks are taken. Helpers that come later find none, so only those at work are waited for.
        let mut looks = 0;
        while shared.done.load(Ordering::Acquire) < tasks {
            looks += 1;
            if looks % LOOKS == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
        let panic = shared.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

/// Frees an error that changes nothing.
fn forget(api: &raw::Api, error: *mut raw::Error) {
    if error.is_null() {
        return;
    }
    let mut args =
        raw::ErrorDestroy { struct_size: size_of::<raw::ErrorDestroy>(), extension_start: ptr::null_mut(), error };
    if let Some(destroy) = api.error_destroy {
        // SAFETY: c_api.h: whoever calls a function owns the error that it returns.
        unsafe { destroy(&mut args) };
    }
}
