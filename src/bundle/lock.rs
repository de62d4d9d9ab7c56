//! A lock that lives as a file beside what it guards, released by the operating system if its holder dies.
//! Knows nothing of what is guarded.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::partial::is_at;

/// How often a waiter looks again. A poll, so that a wait can have an end.
const POLL: Duration = Duration::from_millis(25);

/// The holder is alone, among all processes and threads, until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock if nobody holds it.
    pub fn try_take(path: &Path) -> io::Result<Option<Lock>> {
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // The last holder may have removed the file between our open and our lock: then others lock another file.
            if is_at(&file, path) {
                return Ok(Some(Lock { file, path: path.to_path_buf() }));
            }
        }
    }

    /// Takes the lock, waiting for up to `patience`; `on_wait` is called once if there is a wait. `None` after the last of it.
    pub fn take(path: &Path, patience: Duration, on_wait: impl FnOnce()) -> io::Result<Option<Lock>> {
        if let Some(lock) = Lock::try_take(path)? {
            return Ok(Some(lock));
        }
        on_wait();
        let begin = Instant::now();
        while begin.elapsed() < patience {
            std::thread::sleep(POLL);
            if let Some(lock) = Lock::try_take(path)? {
                return Ok(Some(lock));
            }
        }
        Ok(None)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed while still held, so that nobody can hold a lock on the file that is removed and believe it to be this one.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_holder_at_a_time_and_nothing_left_behind() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("key.lock");
        let inside = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let lock = Lock::take(&path, Duration::from_secs(60), || {}).expect("a lock").expect("in time");
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two holders");
                        std::thread::sleep(Duration::from_millis(1));
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert!(!path.exists());
    }

    #[test]
    fn patience_ends() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("key.lock");
        let held = Lock::try_take(&path).expect("a lock").expect("free");
        let mut waits = 0;
        let second = Lock::take(&path, Duration::from_millis(60), || waits += 1).expect("no error");
        assert!(second.is_none() && waits == 1);
        drop(held);
        assert!(Lock::try_take(&path).expect("a lock").is_some());
    }
}
