//! A virtual environment with pinned packages, made once below the build folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Python with the StableHLO verifier, and with the element types of ml_dtypes, which comes with it.
#[allow(dead_code, reason = "a browser needs an environment of its own")]
pub fn verifier() -> PathBuf {
    environment("verify", &["jaxlib==0.10.2", "numpy==2.4.6"])
}

/// Python with Orbax.
#[allow(dead_code, reason = "the tests of Orbax alone use it")]
pub fn orbax() -> PathBuf {
    let lines = include_str!("../orbax/requirements.txt").lines();
    environment("orbax", &lines.filter(|line| !line.starts_with('#')).collect::<Vec<_>>())
}

/// Python of an environment that holds `packages`, each `name==version`. Fails the test with pip's words if it cannot be made.
pub fn environment(name: &str, packages: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = root.join(format!("venv-{name}"));
    let lock = File::create(root.join(format!("venv-{name}.lock"))).expect("a lock file");
    lock.lock().expect("the lock");
    let python = folder.join("bin/python");
    let stamp = folder.join("packages");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return python;
    }
    let _ = std::fs::remove_dir_all(&folder);
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages));
    std::fs::write(&stamp, wanted).expect("a stamp");
    python
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}
