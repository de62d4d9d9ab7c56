//! The local cache of executables: a folder of entries, each found by the digest of its key.
//! Knows bytes and keys, not what they execute on. Nothing that goes wrong in the folder is a failure: it costs a compilation.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use super::compile::Outcome;
use super::entry::{EntryError, Findings, Header, Label, Payload};
use super::identity::entries::PLATFORM;
use super::key::Key;
use super::lock::Lock;
use super::remote::{Sharing, Slot};
use super::sealed::Sealed;
use super::shelf::{Cleared, ENTRY, LOCK, Listed, SHARED, Shelf, create};
use crate::progress::{Event, Progress};
use crate::storage::Version;

/// How many bytes of executables are kept if nobody says otherwise.
const DEFAULT_BYTES: u64 = 4 << 30;

/// How long another process may take with the same program before this one stops waiting and does the work again.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// A folder of executables, shared by all processes of a user. The least recently used go when it holds too many bytes.
///
/// Whoever can write to the folder can run code as its reader, as executables are code: it is created for its owner alone.
#[derive(Clone, Debug)]
pub struct Cache {
    shelf: Shelf,
    model: String,
    further: Key,
    sharing: Sharing,
}

/// What a compiler made. `payload` is what the cache keeps, unless the plugin cannot write it down.
pub(super) struct Made<T, E> {
    pub executable: T,
    pub payload: Result<Vec<u8>, E>,
    pub findings: Findings,
}

impl Cache {
    /// The cache in `folder`, which need not exist yet.
    pub fn open(folder: impl Into<PathBuf>) -> Cache {
        Cache {
            shelf: Shelf { folder: folder.into(), limit_bytes: DEFAULT_BYTES },
            model: String::new(),
            further: Key::new(),
            sharing: Sharing::default(),
        }
    }

    /// The user's cache: `executables` in `PRECAST_CACHE_DIR`, or in the folder `precast` of the system's cache folder.
    /// `PRECAST_CACHE_BYTES` bounds its size. `None` where no folder can be named, of which `progress` is told.
    pub fn open_default(progress: &dyn Progress) -> Option<Cache> {
        let Some(folder) = Cache::default_folder() else {
            let sentence = "no cache of executables, as neither `PRECAST_CACHE_DIR` nor `HOME` says where it is";
            warn_once(progress, Path::new(""), sentence);
            return None;
        };
        if let Err(text) = stated_limit() {
            let sentence = format!("`PRECAST_CACHE_BYTES` is `{text}`, expected a number of bytes; it is ignored");
            warn_once(progress, Path::new("PRECAST_CACHE_BYTES"), &sentence);
        }
        Some(Cache::open(folder).with_limit(limit_bytes()))
    }

    /// Where `open_default` looks.
    pub fn default_folder() -> Option<PathBuf> {
        Some(Cache::default_root()?.join("executables"))
    }

    /// The folder of all that can be made again: `PRECAST_CACHE_DIR`, or the folder `precast` of the system's cache folder.
    pub fn default_root() -> Option<PathBuf> {
        let named = std::env::var_os("PRECAST_CACHE_DIR").filter(|path| !path.is_empty()).map(PathBuf::from);
        named.or_else(|| Some(dirs::cache_dir()?.join("precast")))
    }

    /// The same cache, kept under `limit_bytes`.
    pub fn with_limit(self, limit_bytes: u64) -> Cache {
        Cache { shelf: Shelf { limit_bytes, ..self.shelf }, ..self }
    }

    /// The same cache, with what it shares.
    pub fn with_sharing(self, sharing: Sharing) -> Cache {
        Cache { sharing, ..self }
    }

    /// The same cache, whose new entries are labelled as programs of `model`. Misses are explained by entries of that model.
    pub fn for_model(self, model: impl Into<String>) -> Cache {
        Cache { model: model.into(), ..self }
    }

    /// The same cache, with one more entry in every key: something that matters to the code, and that a client does not tell.
    pub fn with_entry(self, name: &str, value: impl ToString) -> Cache {
        Cache { further: self.further.clone().entry(name, value), ..self }
    }

    pub fn folder(&self) -> &Path {
        &self.shelf.folder
    }

    /// All entries, the most recently used first. A cache that does not exist has none.
    pub fn list(&self) -> io::Result<Vec<Listed>> {
        self.shelf.list()
    }

    /// Removes everything that the cache wrote, except what another process is writing, and no other file.
    pub fn clear(&self) -> io::Result<Cleared> {
        self.shelf.clear()
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn further(&self) -> &Key {
        &self.further
    }

    /// The file that remembers digests of plugins.
    pub(super) fn stamps(&self) -> PathBuf {
        self.shelf.stamps()
    }

    /// The executable of `key`: what `load` makes of the cached bytes and findings, or what `make` makes. Of several processes and threads
    /// that want the same, one makes it and the others wait. `E` only ever comes from `make`.
    pub(super) fn obtain<T, E: Display>(
        &self,
        key: &Key,
        label: &Label,
        load: impl Fn(&[u8], &Findings) -> Result<T, E>,
        make: impl FnOnce() -> Result<Made<T, E>, E>,
        progress: &dyn Progress,
    ) -> Result<(T, Outcome), E> {
        let id = key.id();
        let begin = Instant::now();
        let mut problem = None;
        // A sound entry needs no lock: it is written once and replaced as a whole.
        if let Some(found) = self.look_up(&id, key, &load, &mut problem, begin) {
            return Ok(found);
        }
        let lock = self.lock(&id, label, progress);
        // Whoever held the lock before may have made it.
        if lock.is_some()
            && let Some(found) = self.look_up(&id, key, &load, &mut problem, begin)
        {
            return Ok(found);
        }
        let (found, slot) = self.look_elsewhere(&id, key, label, &load, begin);
        if let Some(found) = found {
            return Ok(found);
        }
        let file = self.shelf.file(&id, ENTRY);
        if let Some(problem) = &problem {
            let sentence = format!("cached `{}` {problem}; it is compiled again (`{}`)", label.name, file.display());
            progress.report(Event::Note(&sentence));
        }
        let why = match problem {
            Some(problem) => format!("the cached one {problem}"),
            None => self.explain(key, label),
        };
        log::info!("compile `{}`: {why}", label.name);

        let begin = Instant::now();
        let made = make()?;
        let seconds = begin.elapsed().as_secs_f64();
        match &made.payload {
            Ok(payload) => {
                let header = Header::new(label, key, &made.findings, seconds, unix_seconds(SystemTime::now()), payload);
                if let Err(error) = self.store(&id, &header, payload) {
                    let place = self.shelf.folder.display();
                    warn_once(
                        progress,
                        &self.shelf.folder,
                        &format!("executables are not cached: {error} (`{place}`)"),
                    );
                }
                self.share(&id, &header, payload, slot);
            }
            Err(error) => {
                let sentence = format!("`{}` is not cached, the plugin cannot write it down: {error}", label.name);
                progress.report(Event::Note(&sentence));
            }
        }
        drop(lock);
        let outcome = Outcome {
            cached: false,
            key: key.clone(),
            memory: made.findings.memory,
            cost: made.findings.cost,
            layouts: made.findings.layouts,
            compile_seconds: seconds,
            seconds,
            why: Some(why),
            payload: made.payload.ok().map(Payload),
        };
        Ok((made.executable, outcome))
    }

    /// The cached executable, loaded: the one that was made here, else one that was shared. Whatever is wrong goes to `problem`.
    fn look_up<T, E: Display>(
        &self,
        id: &str,
        key: &Key,
        load: impl Fn(&[u8], &Findings) -> Result<T, E>,
        problem: &mut Option<String>,
        begin: Instant,
    ) -> Option<(T, Outcome)> {
        *problem = None;
        for kind in [ENTRY, SHARED] {
            let file = self.shelf.file(id, kind);
            let read = match kind {
                SHARED => fs::read(&file).map_err(EntryError::Io).and_then(|bytes| self.unseal(&bytes)),
                _ => Header::read_with_payload(&file),
            };
            let loaded = match read {
                Err(EntryError::Io(error))
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
                {
                    continue;
                }
                read => read.map_err(|error| error.to_string()),
            };
            match loaded.and_then(|(header, payload)| load_checked(header, payload, key, &load, begin)) {
                Ok(found) => {
                    // The time of the last use, by which the cache decides what goes; a cache that is only read has none.
                    let _ = File::open(&file).and_then(|file| file.set_modified(SystemTime::now()));
                    return Some(found);
                }
                Err(found) => *problem = Some(found),
            }
        }
        None
    }

    /// The executable out of the remote cache, which is kept here then; and what a new one would take the place of there, if it may be
    /// put there at all.
    fn look_elsewhere<T, E: Display>(
        &self,
        id: &str,
        key: &Key,
        label: &Label,
        load: impl Fn(&[u8], &Findings) -> Result<T, E>,
        begin: Instant,
    ) -> (Option<(T, Outcome)>, Option<Option<Version>>) {
        let Some(remote) = self.sharing.remote() else { return (None, None) };
        let object = match remote.find(id, self.shelf.limit_bytes) {
            Slot::Unreachable => return (None, None),
            Slot::Empty => return (None, Some(None)),
            Slot::Taken(object) => object,
        };
        let read = self.unseal(&object.bytes).map_err(|error| error.to_string());
        match read.and_then(|(header, payload)| load_checked(header, payload, key, load, begin)) {
            Ok(found) => {
                let write = |out: &mut dyn Write| out.write_all(&object.bytes);
                if let Err(error) = self.shelf.store(SHARED, id, object.bytes.len() as u64, write) {
                    log::info!("`{}` of the remote cache is not kept here: {error}", label.name);
                }
                (Some(found), None)
            }
            Err(problem) => {
                remote.complain(&label.name, &problem);
                (None, Some(Some(object.version)))
            }
        }
    }

    fn unseal(&self, bytes: &[u8]) -> Result<(Header, Vec<u8>), EntryError> {
        Sealed::parse(bytes)?.open(self.sharing.trust())
    }

    /// Has an entry put into the remote cache, if it may be put into `slot` there.
    fn share(&self, id: &str, header: &Header, payload: &[u8], slot: Option<Option<Version>>) {
        let (Some(remote), Some(over)) = (self.sharing.remote(), slot) else { return };
        let mut entry = Vec::with_capacity(payload.len() + 4096);
        if header.write(payload, &mut entry).is_ok() {
            remote.keep(id, entry, over);
        }
    }

    /// The right to make the executable `id`; `None` where locks do not work or the wait was too long, and where it is only
    /// likely, not certain, that nobody else makes it too.
    fn lock(&self, id: &str, label: &Label, progress: &dyn Progress) -> Option<Lock> {
        let waiting = || {
            let sentence = format!("another process is compiling `{}`; waiting for it", label.name);
            progress.report(Event::Note(&sentence));
        };
        match create(&self.shelf.folder).and_then(|()| Lock::take(&self.shelf.file(id, LOCK), PATIENCE, waiting)) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => {
                let sentence = format!("another process has been compiling `{}` for too long; not waiting", label.name);
                progress.report(Event::Note(&sentence));
                None
            }
            // The folder cannot be written to, of which storing will tell.
            Err(error) => {
                log::debug!("no lock: {error}\n  in `{}`", self.shelf.folder.display());
                None
            }
        }
    }

    /// Writes what was made here, and forgets what was shared under the same key, as it was of no use.
    fn store(&self, id: &str, header: &Header, payload: &[u8]) -> io::Result<()> {
        self.shelf.store(ENTRY, id, payload.len() as u64, |out| header.write(payload, out))?;
        let _ = fs::remove_file(self.shelf.file(id, SHARED));
        Ok(())
    }

    /// Which entries of `key` differ from those of the most similar executable of the same program, as a clause.
    fn explain(&self, key: &Key, label: &Label) -> String {
        let relatives = self.list().unwrap_or_default().into_iter().filter_map(|listed| {
            let content = listed.content.ok().filter(|content| content.label.name == label.name)?;
            let is_model = content.label.model == label.model;
            let differences = key.differences(&content.key);
            Some((!is_model, differences.len(), std::cmp::Reverse(content.created), differences, content.label))
        });
        match relatives.min_by(|left, right| (left.0, left.1, left.2).cmp(&(right.0, right.1, right.2))) {
            None => format!("no executable of `{}` is cached", label.name),
            Some((true, .., other)) => format!("`{}` is cached for `{}` only", label.name, other.model),
            Some((.., differences, other)) if differences.iter().any(|difference| difference.entry == PLATFORM) => {
                format!("`{}` is cached for `{}` only", label.name, other.target)
            }
            Some((false, .., differences, _)) => {
                let clauses: Vec<String> = differences.iter().map(ToString::to_string).collect();
                format!("it differs from the cached one: {}", clauses.join(", "))
            }
        }
    }
}

/// What `load` makes of an executable whose header is that of `key`; else what is wrong with it.
fn load_checked<T, E: Display>(
    header: Header,
    payload: Vec<u8>,
    key: &Key,
    load: impl Fn(&[u8], &Findings) -> Result<T, E>,
    begin: Instant,
) -> Result<(T, Outcome), String> {
    if &header.key != key {
        return Err("is the executable of another key".to_string());
    }
    let executable = load(&payload, &header.findings).map_err(|error| format!("is refused by the plugin: {error}"))?;
    let outcome = Outcome {
        cached: true,
        key: header.key,
        memory: header.findings.memory,
        cost: header.findings.cost,
        layouts: header.findings.layouts,
        compile_seconds: header.compile_seconds,
        seconds: begin.elapsed().as_secs_f64(),
        why: None,
        payload: Some(Payload(payload)),
    };
    Ok((executable, outcome))
}

/// What the user wants to keep at most; else what was said that is no number.
fn stated_limit() -> Result<Option<u64>, String> {
    match std::env::var("PRECAST_CACHE_BYTES").ok().filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| text),
    }
}

/// How many bytes are kept at most.
pub(super) fn limit_bytes() -> u64 {
    stated_limit().ok().flatten().unwrap_or(DEFAULT_BYTES)
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A sentence about `place` that is not repeated for every program.
fn warn_once(progress: &dyn Progress, place: &Path, sentence: &str) {
    static WARNED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let mut warned = WARNED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if warned.insert(place.to_path_buf()) {
        progress.report(Event::Note(sentence));
    }
}
