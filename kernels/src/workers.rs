//! Who does the tasks of a product.

/// Threads that share tasks.
pub trait Workers: Sync {
    /// How many tasks are done at once, at most.
    fn count(&self) -> usize;

    /// Does `task` for every number below `tasks`, each once, in any order and on any threads; returns when all are done.
    fn each(&self, tasks: usize, task: &(dyn Fn(usize) + Sync));
}

/// Tasks for each thread, so that all end at about the same time.
const TASKS_EACH: usize = 8;

/// How many of `total` outputs a task takes: long stretches of memory are read faster, up to a point.
pub(crate) fn share(total: usize, workers: &dyn Workers) -> usize {
    total.div_ceil(workers.count() * TASKS_EACH).next_multiple_of(24).clamp(48, 240)
}

/// The calling thread.
pub struct Alone;

impl Workers for Alone {
    fn count(&self) -> usize {
        1
    }

    fn each(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..tasks).for_each(task);
    }
}
