//! A cache of executables that machines share, behind the local one: asked when that one misses, and filled by a thread of its own when
//! something was compiled. Nothing that goes wrong there is a failure: it costs a compilation, and one sentence a run.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::sealed::seal;
use crate::progress::{Event, Progress, Unit};
use crate::signature::{KeyError, Signer, Trust};
use crate::storage::{Limits, Object, Place, StorageError, Store, Version};

/// What a cache has beside its folder: where it shares executables, and whose it takes from there.
#[derive(Clone, Debug, Default)]
pub struct Sharing {
    trust: Option<Trust>,
    remote: Option<Arc<RemoteCache>>,
}

impl Sharing {
    /// With a key, nothing that comes from elsewhere, now or earlier, is loaded unless that key has signed it.
    pub fn new(trust: Option<Trust>, remote: Option<RemoteCache>) -> Sharing {
        Sharing { trust, remote: remote.map(Arc::new) }
    }

    pub(super) fn trust(&self) -> Option<&Trust> {
        self.trust.as_ref()
    }

    pub(super) fn remote(&self) -> Option<&RemoteCache> {
        self.remote.as_deref()
    }
}

/// A cache elsewhere. Waits for what it is still writing when it is dropped.
pub struct RemoteCache {
    stock: Arc<Stock>,
    behind: Mutex<Option<Behind>>,
}

/// What a cache elsewhere has under one name.
pub(super) enum Slot {
    Empty,
    Taken(Object),
    /// Nobody knows.
    Unreachable,
}

struct Stock {
    store: Store,
    signer: Option<Signer>,
    is_written: bool,
    is_down: AtomicBool,
    has_told: AtomicBool,
    progress: &'static dyn Progress,
}

/// The thread that writes, and the way to it.
struct Behind {
    sender: Sender<Job>,
    thread: JoinHandle<()>,
}

struct Job {
    id: String,
    entry: Vec<u8>,
    over: Option<Version>,
}

impl RemoteCache {
    /// The cache at `place`. What is put there is signed by `signer`; what nobody who asks for `trust` would take is not put there.
    /// None, of which `progress` is told, if the place is of no use.
    pub fn open(
        place: &Place,
        trust: Option<&Trust>,
        signer: Option<Signer>,
        progress: &'static dyn Progress,
    ) -> Result<Option<RemoteCache>, StorageError> {
        let store = match Store::open(place, Limits::PASSING) {
            Ok(store) => store,
            Err(error) if error.is_usage() => return Err(error),
            Err(error) => {
                progress.report(Event::Note(&not_used(place, &error)));
                return Ok(None);
            }
        };
        let is_written = !place.is_read_only() && (signer.is_some() || trust.is_none());
        let (is_down, has_told) = (AtomicBool::new(false), AtomicBool::new(false));
        let stock = Arc::new(Stock { store, signer, is_written, is_down, has_told, progress });
        Ok(Some(RemoteCache { stock, behind: Mutex::new(None) }))
    }

    /// What is there for the key `id`, if it has no more than `most` bytes.
    pub(super) fn find(&self, id: &str, most: u64) -> Slot {
        let stock = &self.stock;
        if stock.is_down.load(Ordering::Relaxed) {
            return Slot::Unreachable;
        }
        match stock.store.get(&name(id), most) {
            Ok(None) => Slot::Empty,
            Ok(Some(object)) => Slot::Taken(object),
            Err(error) => {
                stock.give_up(&error);
                Slot::Unreachable
            }
        }
    }

    /// What was found for a program is not used, because of `problem`. Told once.
    pub(super) fn complain(&self, program: &str, problem: &str) {
        let sentence =
            format!("`{program}` in the remote cache `{}` {problem}; it is compiled", self.stock.store.place());
        if self.stock.has_told.swap(true, Ordering::Relaxed) {
            log::info!("{sentence}");
        } else {
            self.stock.progress.report(Event::Note(&sentence));
        }
    }

    /// Has `entry` put there, in the place of what is of version `over`, if anything; not now, but before this is dropped.
    pub(super) fn keep(&self, id: &str, entry: Vec<u8>, over: Option<Version>) {
        if !self.stock.is_written {
            return;
        }
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = behind.get_or_insert_with(|| {
            let (sender, receiver) = channel();
            let stock = self.stock.clone();
            Behind { sender, thread: std::thread::spawn(move || stock.work(receiver)) }
        });
        // Fails only if the thread has ended, which then has told why.
        let _ = behind.sender.send(Job { id: id.to_owned(), entry, over });
    }
}

impl Drop for RemoteCache {
    fn drop(&mut self) {
        let behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Behind { sender, thread }) = behind else { return };
        drop(sender);
        let what = format!("put executables to {}", self.stock.store.place());
        self.stock.progress.report(Event::Begin { what: &what, total: None, unit: Unit::Items });
        let _ = thread.join();
        self.stock.progress.report(Event::End(""));
    }
}

impl Stock {
    fn work(&self, jobs: Receiver<Job>) {
        for Job { id, entry, over } in jobs {
            if self.is_down.load(Ordering::Relaxed) {
                return;
            }
            let sealed = match self.sealed(&id, &entry) {
                Ok(sealed) => sealed,
                Err(error) => {
                    self.progress
                        .report(Event::Note(&format!("executables are not put into the remote cache: {error}")));
                    return;
                }
            };
            let put = match &over {
                None => self.store.put_new(&name(&id), sealed),
                Some(old) => self.store.replace(&name(&id), sealed, old),
            };
            match put {
                Ok(true) => log::info!("put into the remote cache: `{id}`"),
                // Somebody else was faster, with the same.
                Ok(false) => log::info!("the remote cache has `{id}` by now"),
                Err(error) => return self.give_up(&error),
            }
        }
    }

    fn sealed(&self, id: &str, entry: &[u8]) -> Result<Vec<u8>, KeyError> {
        let comment = format!("precast executable, key {id}");
        let signature = self.signer.as_ref().map(|signer| signer.sign(entry, &comment)).transpose()?;
        Ok(seal(entry, &signature.unwrap_or_default()))
    }

    /// Asks no more in this run.
    fn give_up(&self, error: &StorageError) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            self.progress.report(Event::Note(&not_used(self.store.place(), error)));
        }
    }
}

fn not_used(place: &Place, error: &StorageError) -> String {
    let hint = error.hint().map_or(String::new(), |hint| format!("\n  {hint}"));
    format!("the remote cache `{place}` is not used in this run: {}{hint}", error.cause)
}

fn name(id: &str) -> String {
    format!("executables/{id}")
}

impl fmt::Debug for RemoteCache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RemoteCache({})", self.stock.store.place())
    }
}
