//! `precast plugins`: where the devices' plugins are, and getting them. `offer` does it for whoever needs one first.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::failure::Failure;
use super::{question, terminal};
use crate::pjrt::Plugin;
use crate::pjrt::plugins::{self, Origin, Pin, PluginsError};

/// List the devices' plugins, or get one
#[derive(Args)]
#[command(arg_required_else_help = true)]
#[command(after_help = "\
A plugin is the device's own compiler and runtime. It is looked for in this order: --plugin PATH, the variable \
PRECAST_PJRT_CPU (…_TPU, …_CUDA), precast's own folder, installed Python packages.

Examples:
  precast plugins list
  precast plugins install cpu")]
pub struct Plugins {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    List(List),
    Install(Install),
}

/// Say which plugins are here, and where
#[derive(Args)]
struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Fetch a plugin through pip and verify it
#[derive(Args)]
#[command(after_help = "\
pip fetches the wheel from the index that it is configured with; version and SHA-256 are pinned. With --wheel nothing is \
fetched.

Examples:
  precast plugins install cpu
  precast plugins install tpu --wheel libtpu-0.0.52-cp311-cp311-manylinux_2_31_x86_64.whl")]
struct Install {
    /// Platform: cpu, tpu or cuda; `cpu-alt` is another build of the CPU plugin
    platform: String,
    /// Wheel that was fetched by other means
    #[arg(long, value_name = "FILE")]
    wheel: Option<PathBuf>,
}

/// What is known of one platform's plugin.
#[derive(Debug, Serialize)]
pub struct Row {
    pub name: String,
    pub package: String,
    pub version: String,
    pub licence: String,
    /// The plugin that would be used, of whatever version; none if there is none.
    pub path: Option<PathBuf>,
    pub origin: Option<String>,
    /// Version of the PJRT C API, as the plugin answers or as is known of the pinned one; none if nobody knows.
    pub api: Option<String>,
    /// Why there is none, or why it does not load.
    pub problem: Option<String>,
}

impl Plugins {
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self.action {
            Action::List(list) => list.run(),
            Action::Install(install) => install.run(),
        }
    }
}

impl List {
    fn run(self) -> Result<ExitCode, Failure> {
        let rows: Vec<Row> = plugins::pins().iter().map(Row::of).collect();
        if self.json {
            terminal::print_json(&serde_json::json!({ "plugins": rows }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let cells = rows.iter().map(|row| {
            let place = match (&row.path, &row.problem) {
                (Some(path), None) => format!("{} ({})", path.display(), row.origin.as_deref().unwrap_or_default()),
                (Some(path), Some(problem)) => format!("{}: {}", path.display(), first_line(problem)),
                (None, Some(problem)) if !problem.contains("not found") => first_line(problem).to_owned(),
                (None, _) => format!("not here; `precast plugins install {}`", row.name),
            };
            let pinned = format!("{} {}", row.package, row.version);
            vec![row.name.clone(), pinned, row.api.clone().unwrap_or("-".into()), place]
        });
        let header = ["plugin", "pinned package", "API", "where"];
        terminal::print(terminal::table(&header, &[], cells.collect()))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Install {
    fn run(self) -> Result<ExitCode, Failure> {
        let path = match &self.wheel {
            Some(wheel) => plugins::install_from_wheel(&self.platform, wheel, &terminal::BAR)?,
            None => plugins::install(&self.platform, &terminal::BAR)?,
        };
        terminal::print(format!("{}\n", path.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Row {
    pub fn of(pin: &Pin) -> Row {
        let mut row = Row {
            name: pin.name.clone(),
            package: pin.package.clone(),
            version: pin.version.clone(),
            licence: pin.licence.clone(),
            path: None,
            origin: None,
            api: None,
            problem: None,
        };
        match plugins::find(&pin.name, None) {
            Err(error) => row.problem = Some(error.to_string()),
            Ok(found) => {
                if pin.name.starts_with("cpu") {
                    match Plugin::load(&found.path) {
                        Ok(plugin) => row.api = Some(api(&plugin)),
                        Err(error) => row.problem = Some(error.to_string()),
                    }
                } else if found.source == Origin::Precast {
                    // Loading it would start looking for its devices; what precast installed is the pinned one by its hash.
                    row.api = pin.api_minor.map(|minor| format!("0.{minor}"));
                }
                row.origin = Some(found.source.to_string());
                row.path = Some(found.path);
            }
        }
        row
    }
}

/// The version of the C API that a plugin speaks, such as `0.115`.
pub fn api(plugin: &Plugin) -> String {
    let (major, minor) = plugin.api_version();
    format!("{major}.{minor}")
}

/// The CPU's plugin, as [`of_platform`] finds it.
pub fn cpu(explicit: Option<&Path>) -> Result<PathBuf, Failure> {
    of_platform("cpu", explicit)
}

/// The plugin of a platform: as `--plugin` says, or the one that is found, or after asking the one that is fetched now.
pub fn of_platform(platform: &str, explicit: Option<&Path>) -> Result<PathBuf, Failure> {
    match plugins::find(platform, explicit) {
        Ok(found) => {
            log::info!("plugin: {} ({})", found.path.display(), found.source);
            Ok(found.path)
        }
        Err(error @ PluginsError::Absent { .. }) => offer(platform, error),
        Err(error) => Err(error.into()),
    }
}

/// The CPU's plugin, if it is here.
pub fn cpu_plugin_here(explicit: Option<&Path>) -> Result<PathBuf, Failure> {
    Ok(plugins::find("cpu", explicit)?.path)
}

/// Fetches a platform's plugin unless the person at the terminal, or `PRECAST_NO_INSTALL`, says no.
fn offer(platform: &str, absent: PluginsError) -> Result<PathBuf, Failure> {
    if std::env::var_os("PRECAST_NO_INSTALL").is_some_and(|value| !value.is_empty() && value != "0") {
        return Err(Failure::from(absent).because("`PRECAST_NO_INSTALL` is set, so nothing is fetched"));
    }
    let pin = plugins::pin(platform)?;
    let (what, megabytes) = match platform {
        "tpu" => ("Google's compiler for TPUs", 200),
        "cuda" => ("XLA's plugin for NVIDIA's devices", 100),
        _ => ("XLA's plugin for the CPU", 60),
    };
    let plugin = format!("{what} ({} {}, about {megabytes} MB, {})", pin.package, pin.version, pin.licence);
    if let Some(notice) = &pin.notice {
        terminal::complain(&format!("{notice}\n"));
    }
    if question::can_be_asked() {
        if !question::agreed(&format!("{plugin} is not here. Fetch it through pip?"))? {
            return Err(absent.into());
        }
    } else {
        terminal::complain(&format!("{plugin} is not here: fetching it through pip\n"));
    }
    Ok(plugins::install(platform, &terminal::BAR)?)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// Sets what plugins want to find in the environment. Only before the first thread is started.
pub fn adopt_environment() {
    plugins::adopt_environment("cpu");
}
