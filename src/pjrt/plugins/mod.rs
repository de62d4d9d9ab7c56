//! Which plugins precast was tested with, and where they are on this machine. Knows nothing of what a plugin does.

mod environment;
mod install;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde::Deserialize;

pub use environment::{adopt_environment, environment};
pub use install::{install, install_from_wheel};

/// A plugin that precast was tested with, and the wheel of the Python package index that carries it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The platform, as the command line and `PRECAST_PJRT_<PLATFORM>` name it.
    pub name: String,
    pub package: String,
    pub version: String,
    /// The platform tag of the wheel. pip takes it word for word: it does not imply older ones.
    pub wheel_platform: String,
    pub wheel_sha256: String,
    /// The path of the plugin inside the wheel, and under the folder of an installed package.
    pub library: String,
    /// `None` where only the wheel's hash is known.
    pub library_sha256: Option<String>,
    /// Minor version of the PJRT C API that it speaks.
    pub api_minor: Option<i32>,
    pub licence: String,
    /// What to tell whoever installs it.
    pub notice: Option<String>,
}

/// Where a plugin was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    pub source: Origin,
}

/// The places where a plugin is looked for, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Named on the command line.
    Explicit,
    /// Named by `PRECAST_PJRT_<PLATFORM>`.
    Environment,
    /// Installed by `precast plugins install`.
    Precast,
    /// Part of an installed Python package, of whatever version.
    Python,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Explicit => "named by `--plugin`",
            Origin::Environment => "named by the environment",
            Origin::Precast => "installed by precast",
            Origin::Python => "of a Python package",
        })
    }
}

/// A plugin that cannot be found or got.
#[derive(Debug, thiserror::Error)]
pub enum PluginsError {
    #[error("no plugin is known for `{name}`; known are {}", known.join(", "))]
    Unknown { name: String, known: Vec<String> },
    #[error("plugin for `{name}` not found\n  looked in {}", looked.join("\n  looked in "))]
    Absent { name: String, looked: Vec<String> },
    #[error("plugin named by {by} is no file\n  in `{}`", path.display())]
    NoFile { by: String, path: PathBuf },
    #[error("this user has no data folder; neither `HOME` nor `XDG_DATA_HOME` says where")]
    NoDataFolder,
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// `output` is what pip or uv said.
    #[error("`{package}` {version} could not be fetched: {cause}\n{output}")]
    Fetch { package: String, version: String, cause: String, output: String },
    #[error("wheel does not do: {problem}\n  in `{}`", path.display())]
    Wheel { path: PathBuf, problem: String },
    #[error("{what} has SHA-256 {found}, expected {expected}\n  in `{}`", path.display())]
    Hash { what: String, found: String, expected: String, path: PathBuf },
}

impl PluginsError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            PluginsError::Absent { name, .. } => {
                Some(format!("`precast plugins install {name}` gets it, or name one with `--plugin PATH`"))
            }
            PluginsError::Fetch { package, version, .. } => Some(format!(
                "get the wheel of `{package}` {version} by other means, and use `precast plugins install --wheel FILE`"
            )),
            PluginsError::Hash { .. } => Some("the file is damaged or another build; fetch it again".into()),
            _ => None,
        }
    }
}

static PINS: LazyLock<Vec<Pin>> = LazyLock::new(|| {
    // The file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("../../../plugins.json")).expect("plugins.json is well-formed")
});

/// Every plugin that precast was tested with.
pub fn pins() -> &'static [Pin] {
    &PINS
}

/// The pin of a platform: `cpu`, `tpu`, `cuda`, or `cpu-alt`, another build of XLA for CPU.
pub fn pin(platform: &str) -> Result<&'static Pin, PluginsError> {
    pins().iter().find(|pin| pin.name == platform).ok_or_else(|| PluginsError::Unknown {
        name: platform.into(),
        known: pins().iter().map(|pin| pin.name.clone()).collect(),
    })
}

impl Pin {
    /// The environment variable that names a plugin of one's own.
    pub fn variable(&self) -> String {
        format!("PRECAST_PJRT_{}", self.name.to_uppercase().replace('-', "_"))
    }

    /// Where `precast plugins install` puts it.
    pub fn installed_path(&self) -> Result<PathBuf, PluginsError> {
        let data = dirs::data_dir().ok_or(PluginsError::NoDataFolder)?;
        let file = self.library.rsplit('/').next().unwrap_or(&self.library);
        Ok(data.join("precast").join("plugins").join(&self.package).join(&self.version).join(file))
    }
}

/// Looks for the plugin of a platform: `explicit`, `PRECAST_PJRT_<PLATFORM>`, precast's own folder, installed Python packages.
/// A plugin that is named but not there is an error: nothing else is taken in its place.
pub fn find(platform: &str, explicit: Option<&Path>) -> Result<Found, PluginsError> {
    let named = |path: &Path, by: String, source: Origin| match path.is_file() {
        true => Ok(Found { path: path.into(), source }),
        false => Err(PluginsError::NoFile { by, path: path.into() }),
    };
    if let Some(path) = explicit {
        return named(path, "`--plugin`".into(), Origin::Explicit);
    }
    let pin = pin(platform)?;
    if let Some(path) = std::env::var_os(pin.variable()).filter(|path| !path.is_empty()) {
        return named(Path::new(&path), format!("`{}`", pin.variable()), Origin::Environment);
    }
    let installed = pin.installed_path();
    if let Ok(path) = &installed
        && path.is_file()
    {
        return Ok(Found { path: path.clone(), source: Origin::Precast });
    }
    let folders = python_folders();
    if let Some(path) = folders.iter().map(|folder| folder.join(&pin.library)).find(|path| path.is_file()) {
        return Ok(Found { path, source: Origin::Python });
    }
    let mut looked = vec![format!("`{}`", pin.variable())];
    looked.extend(installed.map(|path| format!("`{}`", path.display())));
    looked.push(match folders.len() {
        0 => "no Python, as neither `python3` nor `python` runs".into(),
        count => format!("{count} folders of Python packages for `{}`", pin.library),
    });
    Err(PluginsError::Absent { name: platform.into(), looked })
}

/// The folders where the user's Python looks for packages; none where there is no Python.
fn python_folders() -> BTreeSet<PathBuf> {
    for python in install::PYTHONS {
        let output = Command::new(python)
            .args(["-c", "import sys; print(*sys.path, sep='\\n')"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        if let Ok(output) = output
            && output.status.success()
        {
            let lines = String::from_utf8_lossy(&output.stdout);
            return lines.lines().map(PathBuf::from).filter(|path| path.is_absolute()).collect();
        }
    }
    BTreeSet::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_whole() {
        let hex = |hash: &str| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        for pin in pins() {
            assert!(hex(&pin.wheel_sha256) && pin.library_sha256.as_deref().is_none_or(hex), "{pin:?}");
            assert!(pin.library.ends_with(".so") && !pin.library.starts_with('/'), "{pin:?}");
        }
        assert_eq!(pin("cpu-alt").map(Pin::variable).ok().as_deref(), Some("PRECAST_PJRT_CPU_ALT"));
    }

    #[test]
    fn a_named_plugin_that_is_not_there_is_an_error() {
        let error = find("cpu", Some(Path::new("/nowhere/plugin.so"))).unwrap_err();
        assert_eq!(error.to_string(), "plugin named by `--plugin` is no file\n  in `/nowhere/plugin.so`");
        let error = find("abacus", None).unwrap_err();
        assert_eq!(error.to_string(), "no plugin is known for `abacus`; known are cpu, cpu-alt, tpu, cuda");
    }
}
