//! Who does the tasks of a product.

/// Threads that share tasks.
pub trait Workers: Sync {
    /// How many tasks are done at once, at most.
    fn count(&self) -> usize;

    /// Does `task` for every number below `tasks`, each once, in any order and on any threads; returns when all are done.
    fn each(&self, tasks: usize, task: &(dyn Fn(usize) + Sync));
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
