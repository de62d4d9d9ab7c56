//! Tests of the cache over bytes instead of executables: what is damaged, contended, full or foreign.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::cache::{Cache, Made};
use super::compile::Outcome;
use super::entry::{Findings, Label, Memory};
use super::key::Key;
use super::lock::Lock;
use super::shelf::Cleared;
use crate::progress::{Event, Progress};

/// Keeps the sentences.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn report(&self, event: Event<'_>) {
        if let Event::Note(note) = event {
            self.0.lock().expect("no panic").push(note.to_string());
        }
    }
}

impl Notes {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

fn label(name: &str, model: &str) -> Label {
    Label { name: name.into(), model: model.into(), target: "cpu".into() }
}

fn key(value: &str) -> Key {
    Key::new().entry("program", value).entry("host", "here")
}

/// What `cache` gives for `key`, where making it takes `payload`; says whether `payload` had to be made.
fn obtain(cache: &Cache, key: &Key, payload: &[u8], notes: &Notes) -> (Vec<u8>, Outcome) {
    let findings = Findings { memory: Memory { temp_bytes: 7, ..Memory::default() }, ..Findings::default() };
    let make = || Ok(Made { executable: payload.to_vec(), payload: Ok(payload.to_vec()), findings: findings.clone() });
    let load =
        |bytes: &[u8], _: &Findings| if bytes == b"unloadable" { Err("no".to_string()) } else { Ok(bytes.to_vec()) };
    cache.obtain(key, &label("p", "m"), load, make, notes).expect("a fake never fails")
}

fn file(cache: &Cache, key: &Key) -> PathBuf {
    cache.folder().join(format!("{}.executable", key.id()))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn flipped_bytes_and_truncations_are_noticed_and_mended() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (cache, key, notes) = (Cache::open(dir.path()), key("a"), Notes::default());
    let (_, first) = obtain(&cache, &key, b"payload", &notes);
    assert!(!first.cached && obtain(&cache, &key, b"payload", &notes).1.cached);
    assert_eq!(obtain(&cache, &key, b"payload", &notes).1.memory, first.memory);
    assert_eq!(notes.take(), [""; 0]);

    let file = file(&cache, &key);
    let sound = fs::read(&file).expect("an entry");
    // Every byte of the first line, and every third beyond: mending waits for the disk each time.
    let first_line = sound.iter().position(|byte| *byte == b'\n').expect("a line");
    let flips = (0..first_line).chain((first_line..sound.len()).step_by(3)).map(|place| {
        let mut content = sound.clone();
        content[place] ^= 0x20;
        content
    });
    let cuts = (0..sound.len()).step_by(5).map(|length| sound[..length].to_vec());
    let longer = [[&sound[..], b"x"].concat(), vec![0xff; 4096], b"\n\n\n".to_vec()];
    for content in flips.chain(cuts).chain(longer) {
        fs::write(&file, &content).expect("written");
        let (payload, outcome) = obtain(&cache, &key, b"payload", &notes);
        let shown = String::from_utf8_lossy(&content).into_owned();
        assert!(payload == b"payload" && !outcome.cached, "{shown}");
        let notes = notes.take();
        assert!(notes.len() == 1 && !notes[0].contains('\n'), "{notes:?} of {shown}");
        assert!(notes[0].starts_with("cached `p` ") && notes[0].contains("; it is compiled again (`"), "{notes:?}");
        assert!(obtain(&cache, &key, b"", &Notes::default()).1.cached, "mended");
    }
}

#[test]
fn what_is_wrong_with_an_entry_is_said() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (cache, ours, other, notes) = (Cache::open(dir.path()), key("a"), key("b"), Notes::default());
    obtain(&cache, &ours, b"ours", &notes);
    obtain(&cache, &other, b"other", &notes);
    let sound = fs::read(file(&cache, &ours)).expect("an entry");
    let text = String::from_utf8_lossy(&sound).into_owned();
    let rows: [(Vec<u8>, &str); 5] = [
        (
            text.replacen("precast-executable 1 ", "precast-executable 2 ", 1).into(),
            "has format version 2, this precast reads 1",
        ),
        (b"ELF\n".to_vec(), "is not an executable of precast"),
        (sound[..sound.len() - 1].to_vec(), "is damaged: it holds 3 bytes of an executable of 4"),
        (fs::read(file(&cache, &other)).expect("an entry"), "is the executable of another key"),
        ([&sound[..sound.len() - 1], b"?"].concat(), "is damaged: its executable does not have the checksum"),
    ];
    for (content, expected) in rows {
        fs::write(file(&cache, &ours), content).expect("written");
        let listed: Vec<String> =
            cache.list().expect("a list").into_iter().filter_map(|row| row.content.err()).collect();
        let is_payload = expected.contains("its executable");
        assert!(is_payload == listed.is_empty() && listed.iter().all(|said| said.contains(expected)), "{listed:?}");
        obtain(&cache, &ours, b"ours", &notes);
        let notes = notes.take();
        assert!(notes.len() == 1 && notes[0].contains(expected), "{notes:?}, expected {expected}");
    }
    // A plugin may refuse what is whole.
    let refused = key("c");
    obtain(&cache, &refused, b"unloadable", &notes);
    assert!(!obtain(&cache, &refused, b"good", &notes).1.cached);
    let said = notes.take();
    assert!(said.len() == 1 && said[0].starts_with("cached `p` is refused by the plugin: no; it is"), "{said:?}");
    assert!(obtain(&cache, &refused, b"", &notes).1.cached);
}

#[test]
fn of_many_who_want_the_same_one_makes_it() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (made, notes) = (AtomicUsize::new(0), Notes::default());
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let make = || {
                    made.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(100));
                    Ok::<_, String>(Made { executable: vec![1], payload: Ok(vec![1]), findings: Findings::default() })
                };
                let load = |bytes: &[u8], _: &Findings| Ok(bytes.to_vec());
                let cache = Cache::open(dir.path());
                cache.obtain(&key("a"), &label("p", "m"), load, make, &notes).expect("made or loaded");
            });
        }
    });
    assert_eq!(made.into_inner(), 1);
    assert_eq!(names(dir.path()), [format!("{}.executable", key("a").id())]);
}

#[test]
fn a_miss_is_explained_by_the_nearest_relative() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let cache = Cache::open(dir.path());
    let why = |key: Key, label: Label| {
        let make = || Ok::<_, String>(Made { executable: (), payload: Ok(vec![]), findings: Findings::default() });
        let (_, outcome) = cache.obtain(&key, &label, |_, _| Ok(()), make, &()).expect("made");
        outcome.why.expect("a miss")
    };
    assert_eq!(why(key("a"), label("p", "m")), "no executable of `p` is cached");
    let flags = key("a").entry("XLA_FLAGS", "--x");
    assert_eq!(why(flags, label("p", "m")), "it differs from the cached one: `XLA_FLAGS` is `--x`, was not set");
    assert_eq!(why(key("b"), label("p", "m")), "it differs from the cached one: `program` is `b`, was `a`");
    assert_eq!(why(key("c"), label("p", "n")), "`p` is cached for `m` only");
    assert_eq!(why(key("d"), label("q", "m")), "no executable of `q` is cached");
}

#[test]
fn the_least_recently_used_go_first() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (cache, notes, payload) = (Cache::open(dir.path()), Notes::default(), vec![0; 10_000]);
    let age = |name: &str, seconds: u64| {
        let file = fs::File::open(file(&cache, &key(name))).expect("an entry");
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).expect("a time");
    };
    for (name, seconds) in [("a", 30), ("b", 20), ("c", 10)] {
        obtain(&cache, &key(name), &payload, &notes);
        age(name, seconds);
    }
    // Using the oldest makes it the youngest.
    assert!(obtain(&cache, &key("a"), &payload, &notes).1.cached);
    let bounded = cache.clone().with_limit(25_000);
    obtain(&bounded, &key("d"), &payload, &notes);
    let kept = |name: &str| file(&cache, &key(name)).exists();
    assert_eq!(["a", "b", "c", "d"].map(kept), [true, false, false, true]);
    assert_eq!(notes.take(), [""; 0]);

    let (_, outcome) = obtain(&cache.clone().with_limit(5000), &key("e"), &payload, &notes);
    assert!(!outcome.cached && !kept("e") && kept("a"), "too large to keep, and no reason to drop others");
    assert!(notes.take()[0].contains("10000 bytes are more than the cache may hold"));
}

#[test]
fn a_folder_that_cannot_be_used_costs_one_sentence() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let in_the_way = dir.path().join("file");
    fs::write(&in_the_way, "").expect("written");
    let (cache, notes) = (Cache::open(in_the_way.join("cache")), Notes::default());
    for _ in 0..2 {
        let (payload, outcome) = obtain(&cache, &key("a"), b"payload", &notes);
        assert!(payload == b"payload" && !outcome.cached);
    }
    let said = notes.take();
    assert!(said.len() == 1 && said[0].starts_with("executables are not cached: "), "{said:?}");
}

#[test]
fn leftovers_are_swept_and_living_writers_are_not() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (cache, notes) = (Cache::open(dir.path()), Notes::default());
    let place = |key: &Key, end: &str| dir.path().join(format!("{}.{end}", key.id()));
    let (dead, living) = (key("dead"), key("living"));
    // What a killed writer leaves, and what a living one holds.
    for key in [&dead, &living] {
        fs::write(place(key, "abc.partial"), "half").expect("written");
    }
    fs::write(place(&dead, "lock"), "").expect("written");
    let held = Lock::try_take(&place(&living, "lock")).expect("a lock").expect("free");
    fs::write(dir.path().join("mine.txt"), "not ours").expect("written");

    obtain(&cache, &key("a"), b"payload", &notes);
    let id = |key: &Key, end: &str| format!("{}.{end}", key.id());
    let mut expected =
        vec![id(&key("a"), "executable"), id(&living, "abc.partial"), id(&living, "lock"), "mine.txt".into()];
    expected.sort();
    assert_eq!(names(dir.path()), expected);
    assert_eq!(cache.list().expect("a list").len(), 1);

    let cleared = cache.clear().expect("cleared");
    assert!(cleared.executables == 1 && cleared.bytes > 7);
    drop(held);
    assert_eq!(cache.clear().expect("cleared"), Cleared::default());
    assert_eq!(names(dir.path()), ["mine.txt"]);
}
