//! What compiles and for what: the entries of a key that all programs of one client share.
//! Knows plugins and processors, and no program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cache::Cache;
use super::key::{Difference, Key};
use crate::digest::hex;
use crate::pjrt::{Client, Value};

/// The names of the entries, for whoever looks one up.
pub(super) mod entries {
    pub const PLATFORM: &str = "platform";
    pub const PLATFORM_VERSION: &str = "platform version";
    pub const PLUGIN: &str = "plugin sha256";
    pub const API: &str = "plugin api";
    pub const DEVICE: &str = "device";
    pub const DEVICES: &str = "devices";
    pub const TOPOLOGY: &str = "topology";
    pub const CPU: &str = "cpu model";
    pub const CPU_FEATURES: &str = "cpu features";
    pub const THREADS: &str = "threads";
}

/// Variables that change what a compiler makes of the same program.
pub(super) const VARIABLES: [&str; 2] = ["XLA_FLAGS", "LIBTPU_INIT_ARGS"];

/// What a plugin says that it compiles for, here or in another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Compiler {
    pub platform: String,
    pub platform_version: String,
    /// Version of the PJRT C API, such as `0.106`.
    pub api: String,
    /// The kind of the devices.
    pub device: String,
    pub devices: usize,
}

/// What `client` compiles for and with. `stamps` is a file that remembers the digests of plugins, which are large.
pub(super) fn of_client(client: &Client, stamps: Option<&Path>) -> io::Result<Key> {
    let plugin = digest(client.plugin().path(), stamps)?;
    Ok(of_compiler(&Compiler::of_client(client), &plugin))
}

/// The same for devices that need not be here: a topology by its name, with the options that it is made with.
pub(super) fn of_topology(compiler: &Compiler, plugin: &str, name: &str, options: &[(String, Value)]) -> Key {
    let key = of_compiler(compiler, plugin).entry(entries::TOPOLOGY, name);
    options.iter().fold(key, |key, (name, value)| key.entry(format!("topology {name}"), value))
}

/// `plugin` is the digest of the library.
pub(super) fn of_compiler(compiler: &Compiler, plugin: &str) -> Key {
    let key = Key::new()
        .entry(entries::PLATFORM, &compiler.platform)
        .entry(entries::PLATFORM_VERSION, &compiler.platform_version)
        .entry(entries::PLUGIN, plugin)
        .entry(entries::API, &compiler.api)
        .entry(entries::DEVICE, &compiler.device)
        .entry(entries::DEVICES, compiler.devices);
    let key = match compiler.platform.as_str() {
        "cpu" => key.with(&of_host()),
        _ => key,
    };
    VARIABLES.into_iter().fold(key, |key, name| match std::env::var(name) {
        Ok(value) if !value.is_empty() => key.entry(name, value),
        _ => key,
    })
}

impl Compiler {
    pub fn of_client(client: &Client) -> Compiler {
        let (major, minor) = client.plugin().api_version();
        Compiler {
            platform: client.platform_name(),
            platform_version: client.platform_version(),
            api: format!("{major}.{minor}"),
            device: client.devices().first().map_or("", |device| device.kind()).to_string(),
            devices: client.devices().len(),
        }
    }
}

/// The file of the user's cache that remembers digests of plugins.
pub(super) fn default_stamps() -> Option<PathBuf> {
    Cache::default_folder().map(|folder| Cache::open(folder).stamps())
}

/// The differences that forbid to run here what was compiled there: another platform, plugin or device, another number of
/// devices or arrangement of them, or a processor that lacks something. Others, such as the number of threads, only cost speed.
pub(super) fn refusing(here: &Key, there: &Key) -> Vec<Difference> {
    let words = |text: &Option<String>| -> BTreeSet<String> {
        text.iter().flat_map(|text| text.split(' ')).map(str::to_string).collect()
    };
    let refuses = |difference: &Difference| match difference.entry.as_str() {
        entries::CPU_FEATURES => !words(&difference.theirs).is_subset(&words(&difference.ours)),
        entries::PLATFORM | entries::PLATFORM_VERSION | entries::PLUGIN | entries::API => true,
        entries::DEVICE | entries::DEVICES => true,
        // Devices that are here do not say by which name they would have been asked for.
        entries::TOPOLOGY => difference.ours.is_some(),
        _ => false,
    };
    here.differences(there).into_iter().filter(refuses).collect()
}

/// The processor, which XLA's CPU compiler specialises for, and the threads that it divides work among.
fn of_host() -> Key {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.split(':').next().is_some_and(|left| left.trim() == name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    };
    // XLA reads these before it counts processors.
    let variable = ["PJRT_NPROC", "NPROC"].into_iter().find_map(|name| std::env::var(name).ok());
    let counted = || std::thread::available_parallelism().map_or(1, usize::from).to_string();
    Key::new()
        .entry(entries::CPU, model(&field))
        .entry(entries::CPU_FEATURES, features(field("flags").or(field("Features")).unwrap_or_default()))
        .entry(entries::THREADS, variable.unwrap_or_else(counted))
}

fn model<'a>(field: &impl Fn(&str) -> Option<&'a str>) -> String {
    // LLVM goes by family and model, whose marketing name a virtual machine may hide; Arm has no name but numbers.
    let names = ["model name", "cpu family", "model", "CPU implementer", "CPU part"];
    let words: Vec<&str> = names.into_iter().filter_map(field).collect();
    format!("{} {}", std::env::consts::ARCH, words.join(" ")).trim_end().to_string()
}

/// Features that change generated code, sorted. Asked of the processor itself: a kernel's list grows with its version.
#[cfg(target_arch = "x86_64")]
fn features(listed: &str) -> String {
    macro_rules! detected {
        ($($name:tt)*) => { [$(($name, std::arch::is_x86_feature_detected!($name))),*] };
    }
    let detected = detected! {
        "adx" "aes" "avx" "avx2" "avx512bf16" "avx512bitalg" "avx512bw" "avx512cd" "avx512dq" "avx512f" "avx512fp16" "avx512ifma"
        "avx512vbmi" "avx512vbmi2" "avx512vl" "avx512vnni" "avx512vp2intersect" "avx512vpopcntdq" "avxifma" "avxneconvert" "avxvnni"
        "avxvnniint8" "bmi1" "bmi2" "f16c" "fma" "gfni" "lzcnt" "pclmulqdq" "popcnt" "sha" "sse3" "sse4.1" "sse4.2" "ssse3" "vaes"
        "vpclmulqdq"
    };
    // The standard library cannot ask for the matrix extension yet.
    let matrix = listed.split(' ').filter(|name| name.starts_with("amx_"));
    let mut names: Vec<&str> = detected.iter().filter(|row| row.1).map(|row| row.0).chain(matrix).collect();
    names.sort_unstable();
    names.join(" ")
}

#[cfg(not(target_arch = "x86_64"))]
fn features(listed: &str) -> String {
    let mut names: Vec<&str> = listed.split_whitespace().collect();
    names.sort_unstable();
    names.join(" ")
}

/// What tells whether a file is still the one that was read: changing its content changes one of these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamped {
    stamp: Stamp,
    sha256: String,
}

type Stamps = BTreeMap<PathBuf, Stamped>;

/// Digests that this process knows already.
static KNOWN: Mutex<Stamps> = Mutex::new(Stamps::new());

/// The SHA-256 of a plugin. Reading hundreds of megabytes at every start would be felt, so it is remembered by the file's stamp.
pub(super) fn digest(plugin: &Path, stamps: Option<&Path>) -> io::Result<String> {
    let path = fs::canonicalize(plugin)?;
    let Some(stamp) = stamp(&fs::metadata(&path)?) else { return read_and_digest(&path) };
    let mut known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let find =
        |stamps: &Stamps| stamps.get(&path).filter(|stamped| stamped.stamp == stamp).map(|found| found.sha256.clone());
    if let Some(sha256) = find(&known) {
        return Ok(sha256);
    }
    let mut stored: Stamps =
        stamps.and_then(|file| serde_json::from_slice(&fs::read(file).ok()?).ok()).unwrap_or_default();
    if let Some(sha256) = find(&stored) {
        known.insert(path.clone(), Stamped { stamp, sha256: sha256.clone() });
        return Ok(sha256);
    }
    let sha256 = read_and_digest(&path)?;
    let stamped = Stamped { stamp: stamp.clone(), sha256: sha256.clone() };
    known.insert(path.clone(), stamped.clone());
    if let Some(file) = stamps
        && is_settled(&stamp)
    {
        stored.insert(path, stamped);
        // Only a convenience: without it the next process reads the plugin again.
        if let Err(error) = replace(file, &serde_json::to_vec(&stored)?) {
            log::debug!("digest of a plugin not remembered: {error}\n  in `{}`", file.display());
        }
    }
    Ok(sha256)
}

#[cfg(unix)]
fn stamp(metadata: &fs::Metadata) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

#[cfg(not(unix))]
fn stamp(_: &fs::Metadata) -> Option<Stamp> {
    None
}

/// Whether the file is older than the coarsest clock of a file system: a younger one may change again under the same times.
fn is_settled(stamp: &Stamp) -> bool {
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(stamp.changed.0.max(0) as u64);
    changed.elapsed().is_ok_and(|age| age > Duration::from_secs(3))
}

fn read_and_digest(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(&mut io::BufReader::with_capacity(1 << 20, File::open(path)?), &mut digest)?;
    Ok(hex(&digest.finalize()))
}

/// Replaces `file` at once: a reader finds the old content or the new.
fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut partial = tempfile::Builder::new().prefix("plugins.").suffix(".partial").tempfile_in(folder)?;
    io::Write::write_all(&mut partial, content)?;
    partial.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_remembered_until_the_file_changes() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (plugin, stamps) = (dir.path().join("plugin.so"), dir.path().join("plugins.json"));
        fs::write(&plugin, "first").expect("written");
        let first = digest(&plugin, Some(&stamps)).expect("a digest");
        assert_eq!(first, crate::digest::sha256(b"first"));
        assert!(!stamps.exists(), "a file this young may still change");
        fs::write(&plugin, "other").expect("written");
        assert_eq!(digest(&plugin, Some(&stamps)).expect("a digest"), crate::digest::sha256(b"other"));
    }

    #[test]
    fn a_host_is_described() {
        let host = of_host();
        assert!(host.get(entries::CPU).is_some_and(|model| model.starts_with(std::env::consts::ARCH)), "{host:?}");
        assert!(host.get(entries::THREADS).is_some_and(|threads| threads.parse::<usize>().is_ok()), "{host:?}");
        assert_eq!(host, of_host());
    }
}
