//! Gets a plugin out of a wheel, which the user's own pip fetches from wherever it is configured to. Knows no index.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::{Pin, PluginsError, pin};
use crate::partial::sync_folder;
use crate::progress::{Event, Progress, Unit};

/// Programs that may be Python, the likelier first.
pub(super) const PYTHONS: [&str; 2] = ["python3", "python"];

/// Begins the name of whatever is not finished; leftovers of a killed process are found by it.
const UNFINISHED: &str = ".unfinished-";

/// Fetches the pinned wheel through pip (or uv, where there is no pip), takes the plugin out of it and verifies both.
/// Returns where it is. A plugin that is there already and is what was pinned stays.
///
/// Processes that install the same wait for one another; one that is killed leaves nothing that is taken for a plugin.
pub fn install(platform: &str, progress: &dyn Progress) -> Result<PathBuf, PluginsError> {
    let pin = pin(platform)?;
    put(pin, progress, |folder| {
        let what = format!("fetch {} {}", pin.package, pin.version);
        progress.report(Event::Begin { what: &what, total: None, unit: Unit::Bytes });
        let fetched = fetch(pin, folder);
        progress.report(Event::End(if fetched.is_ok() { "fetched" } else { "failed" }));
        fetched
    })
}

/// As [`install`], from a wheel that is here already.
pub fn install_from_wheel(platform: &str, wheel: &Path, progress: &dyn Progress) -> Result<PathBuf, PluginsError> {
    let pin = pin(platform)?;
    put(pin, progress, |_| Ok(Fetched::Wheel(wheel.into())))
}

/// What `fetch` leaves.
enum Fetched {
    Wheel(PathBuf),
    /// uv unpacks a wheel as it fetches it.
    Library(PathBuf),
}

fn put(
    pin: &Pin,
    progress: &dyn Progress,
    fetch: impl FnOnce(&Path) -> Result<Fetched, PluginsError>,
) -> Result<PathBuf, PluginsError> {
    let target = pin.installed_path()?;
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(at("create", folder))?;
    let lock_path = folder.join(".lock");
    let lock = File::create(&lock_path).map_err(at("create", &lock_path))?;
    // Held until `lock` is closed, by whatever end of this process.
    lock.lock().map_err(at("lock", &lock_path))?;
    if is_good(pin, &target)? {
        return Ok(target);
    }
    if let Some(notice) = &pin.notice {
        progress.report(Event::Note(notice));
    }
    remove_leftovers(folder)?;
    let temporary =
        tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(folder).map_err(at("create a folder in", folder))?;
    match fetch(temporary.path())? {
        Fetched::Wheel(wheel) => unpack(pin, &wheel, &target, progress)?,
        Fetched::Library(library) => {
            let mut from = File::open(&library).map_err(at("open", &library))?;
            let size = from.metadata().map_err(at("read", &library))?.len();
            write(pin, &mut from, size, &library, &target, progress)?;
        }
    }
    Ok(target)
}

/// Whether what is there is what was pinned. Where the plugin's own hash is not pinned, being there is enough: it got there
/// by a rename, out of a wheel whose hash was right.
fn is_good(pin: &Pin, path: &Path) -> Result<bool, PluginsError> {
    if !path.is_file() {
        return Ok(false);
    }
    let Some(expected) = &pin.library_sha256 else { return Ok(true) };
    Ok(hash_of(path)? == *expected)
}

/// Removes what killed processes left. The lock says that no living one works here.
fn remove_leftovers(folder: &Path) -> Result<(), PluginsError> {
    for entry in fs::read_dir(folder).map_err(at("read", folder))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            let path = entry.path();
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(at("remove", &path))?;
        }
    }
    Ok(())
}

/// Lets pip, or else uv, fetch the wheel. Both check its hash.
fn fetch(pin: &Pin, folder: &Path) -> Result<Fetched, PluginsError> {
    let requirements = folder.join("requirements.txt");
    let line = format!("{}=={} --hash=sha256:{}\n", pin.package, pin.version, pin.wheel_sha256);
    fs::write(&requirements, line).map_err(at("write", &requirements))?;
    let wheels = folder.join("wheels");
    let failed = |cause: String, output: String| PluginsError::Fetch {
        package: pin.package.clone(),
        version: pin.version.clone(),
        cause,
        output,
    };

    for python in PYTHONS {
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]);
        pip.args(["--only-binary=:all:", "--require-hashes", "--implementation", "cp", "--python-version", "3.11"]);
        pip.args(["--platform", &pin.wheel_platform]).arg("-d").arg(&wheels).arg("-r").arg(&requirements);
        match run(&mut pip) {
            Ran::Well => return Ok(Fetched::Wheel(only_wheel(&wheels)?)),
            Ran::Badly(output) if output.contains("No module named pip") => {}
            Ran::Badly(output) => return Err(failed(format!("`{python} -m pip download` failed"), output)),
            Ran::NotAtAll => {}
        }
    }
    let mut uv = Command::new("uv");
    uv.args(["pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]);
    uv.args(["--python-platform", "x86_64-manylinux_2_31", "--python-version", "3.11"]);
    uv.arg("--target").arg(&wheels).arg("-r").arg(&requirements);
    match run(&mut uv) {
        Ran::Well => Ok(Fetched::Library(wheels.join(&pin.library))),
        Ran::Badly(output) => Err(failed("`uv pip install` failed".into(), output)),
        Ran::NotAtAll => {
            Err(failed("there is no pip".into(), "`python3 -m pip`, `python -m pip` and `uv` were tried".into()))
        }
    }
}

enum Ran {
    Well,
    /// With its output.
    Badly(String),
    /// There is no such program.
    NotAtAll,
}

fn run(command: &mut Command) -> Ran {
    match command.stdin(Stdio::null()).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ran::NotAtAll,
        Err(error) => Ran::Badly(error.to_string()),
        Ok(output) if output.status.success() => Ran::Well,
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Ran::Badly(String::from_utf8_lossy(&text).trim().to_owned())
        }
    }
}

fn only_wheel(folder: &Path) -> Result<PathBuf, PluginsError> {
    let entries = fs::read_dir(folder).map_err(at("read", folder))?.flatten().map(|entry| entry.path());
    let mut wheels = entries.filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
    match (wheels.next(), wheels.next()) {
        (Some(wheel), None) => Ok(wheel),
        _ => Err(PluginsError::Wheel { path: folder.into(), problem: "pip did not leave exactly one wheel".into() }),
    }
}

/// Takes the plugin out of a wheel.
fn unpack(pin: &Pin, wheel: &Path, target: &Path, progress: &dyn Progress) -> Result<(), PluginsError> {
    if pin.library_sha256.is_none() {
        let found = hash_of(wheel)?;
        if found != pin.wheel_sha256 {
            let what = format!("the wheel of `{}` {}", pin.package, pin.version);
            return Err(PluginsError::Hash { what, found, expected: pin.wheel_sha256.clone(), path: wheel.into() });
        }
    }
    let bad = |problem: String| PluginsError::Wheel { path: wheel.into(), problem };
    let file = File::open(wheel).map_err(at("open", wheel))?;
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(|error| bad(error.to_string()))?;
    let mut library = archive
        .by_name(&pin.library)
        .map_err(|error| bad(format!("`{}` cannot be read from it: {error}", pin.library)))?;
    let size = library.size();
    write(pin, &mut library, size, wheel, target, progress)
}

/// Writes the plugin beside its place, verifies it, and moves it there in one step.
fn write(
    pin: &Pin,
    from: &mut dyn Read,
    size: u64,
    from_path: &Path,
    target: &Path,
    progress: &dyn Progress,
) -> Result<(), PluginsError> {
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    // As any library: others may share this folder.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let file = builder.tempfile_in(folder);
    let mut file = file.map_err(at("create a file in", folder))?;
    let what = format!("unpack {}", pin.library);
    progress.report(Event::Begin { what: &what, total: Some(size), unit: Unit::Bytes });
    let copied = copy(from, size, from_path, file.as_file_mut(), target, progress);
    progress.report(Event::End(if copied.is_ok() { "unpacked" } else { "failed" }));
    let found = copied?;
    if let Some(expected) = &pin.library_sha256
        && found != *expected
    {
        let (what, expected) = (format!("`{}`", pin.library), expected.clone());
        return Err(PluginsError::Hash { what, found, expected, path: from_path.into() });
    }
    file.as_file().sync_all().map_err(at("write", target))?;
    file.persist(target).map_err(|error| at("write", target)(error.error))?;
    // The rename itself is on the disk only with the folder.
    sync_folder(folder).map_err(at("write", folder))
}

/// Copies at most `size` bytes and returns their SHA-256.
fn copy(
    from: &mut dyn Read,
    size: u64,
    from_path: &Path,
    to: &mut File,
    to_path: &Path,
    progress: &dyn Progress,
) -> Result<String, PluginsError> {
    let mut from = from.take(size);
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = from.read(&mut piece).map_err(at("read", from_path))?;
        if count == 0 {
            return Ok(format!("{:x}", hash.finalize()));
        }
        hash.update(&piece[..count]);
        to.write_all(&piece[..count]).map_err(at("write", to_path))?;
        progress.report(Event::Advance(count as u64));
    }
}

fn hash_of(path: &Path) -> Result<String, PluginsError> {
    let mut file = File::open(path).map_err(at("open", path))?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut hash).map_err(at("read", path))?;
    Ok(format!("{:x}", hash.finalize()))
}

fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PluginsError {
    let path = path.to_owned();
    move |source| PluginsError::Io { action, path, source }
}
