//! How many threads a client gets. Knows only threads and CPUs.
//!
//! XLA's CPU client makes one compute thread a CPU that its creator may run on. Its other knob is an environment variable,
//! and changing the environment of a process with threads is a data race with any C code that reads it. So the client is
//! made by a thread that may run on few CPUs; afterwards the client's threads may run on all of them again.

use std::fs;
use std::thread;

use super::error::PjrtError;

/// Runs `create` so that the thread pools it makes have `threads` threads.
pub(super) fn limited_to<T: Send>(threads: usize, create: impl FnOnce() -> T + Send) -> Result<T, PjrtError> {
    let before = mask_of(0)?;
    let narrow = before.first(threads);
    if threads == 0 || narrow.count() < threads {
        let cause = format!("{threads} asked for, this process may use 1 to {}", before.count());
        return Err(PjrtError::Threads { cause });
    }
    thread::scope(|scope| {
        let creator = scope.spawn(|| {
            set_mask_of(0, &narrow)?;
            let created = create();
            widen(&narrow, &before);
            Ok(created)
        });
        creator.join().unwrap_or_else(|_| Err(PjrtError::Threads { cause: "the creating thread panicked".into() }))
    })
}

/// Lets every thread that was born narrow run anywhere again. A thread that has ended meanwhile is no failure.
fn widen(narrow: &Mask, wide: &Mask) {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    for id in tasks.filter_map(|task| task.file_name().to_str()?.parse::<i32>().ok()) {
        if mask_of(id).is_ok_and(|mask| mask == *narrow) {
            let _ = set_mask_of(id, wide);
        }
    }
}

/// A set of CPUs, as Linux takes it: 1024 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mask([u64; 16]);

impl Mask {
    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The lowest `n` CPUs of the set, or all of them if it has fewer.
    fn first(&self, n: usize) -> Mask {
        let mut first = Mask([0; 16]);
        let held = (0..1024).filter(|bit| self.0[bit / 64] >> (bit % 64) & 1 == 1);
        held.take(n).for_each(|bit| first.0[bit / 64] |= 1 << (bit % 64));
        first
    }
}

#[cfg(target_os = "linux")]
unsafe extern "C" {
    fn sched_getaffinity(pid: i32, size: usize, mask: *mut u64) -> i32;
    fn sched_setaffinity(pid: i32, size: usize, mask: *const u64) -> i32;
}

/// The CPUs of a thread; 0 is the calling one.
#[cfg(target_os = "linux")]
fn mask_of(thread: i32) -> Result<Mask, PjrtError> {
    let mut mask = Mask([0; 16]);
    // SAFETY: sched_setaffinity(2): writes at most `size` bytes to `mask`.
    let status = unsafe { sched_getaffinity(thread, size_of::<Mask>(), mask.0.as_mut_ptr()) };
    if status == 0 { Ok(mask) } else { Err(system_error()) }
}

#[cfg(target_os = "linux")]
fn set_mask_of(thread: i32, mask: &Mask) -> Result<(), PjrtError> {
    // SAFETY: sched_setaffinity(2): reads `size` bytes of `mask`.
    let status = unsafe { sched_setaffinity(thread, size_of::<Mask>(), mask.0.as_ptr()) };
    if status == 0 { Ok(()) } else { Err(system_error()) }
}

#[cfg(target_os = "linux")]
fn system_error() -> PjrtError {
    PjrtError::Threads { cause: std::io::Error::last_os_error().to_string() }
}

#[cfg(not(target_os = "linux"))]
fn mask_of(_: i32) -> Result<Mask, PjrtError> {
    Err(PjrtError::Threads { cause: "this system has no CPU sets; set `PJRT_NPROC` before the start".into() })
}

#[cfg(not(target_os = "linux"))]
fn set_mask_of(_: i32, _: &Mask) -> Result<(), PjrtError> {
    Ok(())
}
