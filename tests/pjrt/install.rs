//! Finding and installing plugins, in a data folder of the test's own and with stand-ins for Python where one must fail.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use precast::pjrt::plugins::{self, Origin, PluginsError};
use precast::progress::{Event, Progress};

use crate::support::{in_process, path_of};

const WHEEL: &str = "PRECAST_TEST_WHEEL";

/// A wheel of the plugin's own library, uncompressed.
fn wheel(folder: &Path, platform: &str, member: &str, library: &[u8]) -> PathBuf {
    let path = folder.join(format!("{platform}.whl"));
    let mut wheel = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    wheel.start_file(member, stored.large_file(true)).unwrap();
    wheel.write_all(library).unwrap();
    wheel.finish().unwrap();
    path
}

/// The files under a folder, without the locks.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.retain(|file| !file.ends_with(".lock"));
    files
}

/// What is told to whoever installs.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Progress for Told {
    fn report(&self, event: Event<'_>) {
        self.0.lock().unwrap().push(match event {
            Event::Begin { what, .. } => what.to_owned(),
            Event::Note(note) => format!("note: {note}"),
            Event::End(end) => end.to_owned(),
            Event::Advance(_) => return,
        });
    }
}

/// Run by the tests below, in a process of its own: installs the wheel that `PRECAST_TEST_WHEEL` names, or finds that
/// nothing is installed where it names none.
#[test]
fn one_installation() {
    let Some(wheel) = std::env::var_os(WHEEL) else {
        let data = tempfile::tempdir().unwrap();
        let variables = [("XDG_DATA_HOME", data.path().to_str().unwrap()), (WHEEL, "")];
        return in_process("install::one_installation", &variables, || ());
    };
    match wheel.is_empty() {
        true => assert!(!plugins::pin("cpu").unwrap().installed_path().unwrap().exists()),
        false => drop(plugins::install_from_wheel("cpu", Path::new(&wheel), &()).unwrap()),
    }
}

#[test]
fn installations_at_once_and_killed_ones_leave_one_good_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let library = fs::read(path_of("cpu")).unwrap();
    let wheel = wheel(folder.path(), "cpu", &plugins::pin("cpu").unwrap().library, &library);
    let data = folder.path().join("data");
    let begin = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "install::one_installation"])
            .env("XDG_DATA_HOME", &data)
            .env(WHEEL, &wheel)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut killed = begin();
    // Until it is in the middle of unpacking.
    while files(&data).is_empty() && killed.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    killed.kill().unwrap();
    killed.wait().unwrap();

    let at_once = [begin(), begin(), begin()];
    for mut installation in at_once {
        assert!(installation.wait().unwrap().success());
    }
    let found = files(&data);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(fs::read(&found[0]).unwrap() == library);
}

#[test]
fn wheels_that_do_not_do_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("XDG_DATA_HOME", folder.path().to_str().unwrap())];
    in_process("install::wheels_that_do_not_do_are_refused", &variables, || {
        let data = PathBuf::from(std::env::var_os("XDG_DATA_HOME").unwrap());
        let pin = plugins::pin("tpu").unwrap();
        let told = Told::default();
        let install = |wheel: &Path| plugins::install_from_wheel("tpu", wheel, &told).unwrap_err();

        let other = wheel(&data, "other", &pin.library, b"another library");
        let error = install(&other);
        assert!(
            matches!(&error, PluginsError::Hash { expected, .. } if Some(expected) == pin.library_sha256.as_ref()),
            "{error}"
        );
        let empty = wheel(&data, "empty", "README", b"");
        let error = install(&empty).to_string();
        assert!(error.starts_with("wheel does not do: `libtpu/libtpu.so` cannot be read from it"), "{error}");
        let text = data.join("text.whl");
        fs::write(&text, "no archive").unwrap();
        assert!(matches!(install(&text), PluginsError::Wheel { .. }));
        let error = install(&data.join("missing.whl")).to_string();
        assert!(error.starts_with("cannot open `") && error.contains("missing.whl"), "{error}");
        // Only the wheel of this one is pinned.
        let error = plugins::install_from_wheel("cuda", &other, &told).unwrap_err();
        assert!(error.to_string().starts_with("the wheel of `jax-cuda12-pjrt` 0.12.0.1 has SHA-256 "), "{error}");

        assert!(files(&data.join("precast")).is_empty());
        let told = told.0.into_inner().unwrap();
        assert!(told[0].starts_with("note: libtpu is not open source"), "{told:?}");
    });
}

#[test]
fn what_pip_says_is_part_of_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("programs");
    let variables = [("XDG_DATA_HOME", folder.path().to_str().unwrap()), ("PATH", programs.to_str().unwrap())];
    in_process("install::what_pip_says_is_part_of_the_error", &variables, || {
        let programs = PathBuf::from(std::env::var_os("PATH").unwrap());
        fs::create_dir(&programs).unwrap();
        let python = |script: &str| {
            let path = programs.join("python3");
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        let install = || plugins::install("tpu", &()).unwrap_err().to_string();

        let error = install();
        assert!(error.starts_with("`libtpu` 0.0.52 could not be fetched: there is no pip\n"), "{error}");
        python("echo No module named pip >&2; exit 1");
        assert!(install().contains("there is no pip"));
        python("echo THESE PACKAGES DO NOT MATCH THE HASHES >&2; exit 1");
        let error = install();
        assert!(error.contains("`python3 -m pip download` failed\nTHESE PACKAGES DO NOT MATCH THE HASHES"), "{error}");
        python("exit 0");
        assert!(install().starts_with("cannot read `"), "pip that leaves no wheel");
        // What pip is asked: the version and both tags that name one wheel, whatever Python runs pip.
        python(r#"printf '%s ' "$@" >&2; exit 1"#);
        let asked = install();
        for option in ["--require-hashes", "--no-deps", "--platform manylinux_2_31_x86_64", "--python-version 3.11"] {
            assert!(asked.contains(option), "{asked}");
        }
    });
}

#[test]
fn plugins_are_found_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.so");
    let variables = [
        ("XDG_DATA_HOME", folder.path().to_str().unwrap()),
        ("PRECAST_PJRT_CPU", own.to_str().unwrap()),
        ("PYTHONPATH", folder.path().to_str().unwrap()),
        ("PRECAST_PJRT_CUDA", ""),
    ];
    in_process("install::plugins_are_found_in_order", &variables, || {
        let folder = PathBuf::from(std::env::var_os("XDG_DATA_HOME").unwrap());
        let own = folder.join("own.so");
        let error = plugins::find("cpu", None).unwrap_err();
        assert!(error.to_string().starts_with("plugin named by `PRECAST_PJRT_CPU` is no file"), "{error}");
        fs::write(&own, "").unwrap();
        assert_eq!(plugins::find("cpu", None).unwrap().source, Origin::Environment);
        let explicit = folder.join("explicit.so");
        fs::write(&explicit, "").unwrap();
        assert_eq!(plugins::find("cpu", Some(&explicit)).unwrap().path, explicit);

        let error = plugins::find("cuda", None).unwrap_err();
        assert!(
            error.to_string().starts_with("plugin for `cuda` not found\n  looked in `PRECAST_PJRT_CUDA`"),
            "{error}"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("precast plugins install cuda")));
        let place = |path: PathBuf| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        let pin = plugins::pin("cuda").unwrap();
        place(folder.join(&pin.library));
        assert_eq!(plugins::find("cuda", None).unwrap().source, Origin::Python);
        place(pin.installed_path().unwrap());
        assert_eq!(plugins::find("cuda", None).unwrap().source, Origin::Precast);
    });
}
