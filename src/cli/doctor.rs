//! `precast doctor`: what is here, what is missing, and how to get it.

use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde::Serialize;

use super::failure::{FAILED, Failure};
use super::host::{Host, pip, size_of_folder};
use super::plugins::{Row, cpu_plugin_here};
use super::{sharing, terminal};
use crate::bundle::Cache;
use crate::chat::Tokenizer;
use crate::pjrt::plugins;
use crate::pjrt::{ClientOptions, Plugin};
use crate::storage::{self, Limits, Store};

/// Say what is here, what is missing, and how to get it
#[derive(Args)]
#[command(after_help = "\
Ends with 1 if nothing can run on the CPU; what only other devices need is told but is no failure.

Examples:
  precast doctor
  precast doctor --json
  precast doctor --plugin my_plugin.so")]
pub struct Doctor {
    /// Library to load instead of the CPU plugin that `precast plugins list` shows
    #[arg(long, value_name = "PATH")]
    plugin: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    /// Whether models can run on the CPU.
    works: bool,
    version: &'static str,
    host: Host,
    checks: Vec<Check>,
    plugins: Vec<Row>,
    caches: Vec<Place>,
}

#[derive(Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    detail: String,
    /// What to do about it.
    hint: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ok,
    /// Something does without it.
    Missing,
    /// The CPU path does not work.
    Failed,
}

#[derive(Serialize)]
struct Place {
    name: &'static str,
    path: PathBuf,
    bytes: u64,
}

impl Doctor {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let mut checks = vec![self.cpu(), vocabulary(), python()];
        let rows: Vec<Row> = plugins::pins().iter().map(Row::of).collect();
        checks.extend(rows.iter().filter(|row| !row.name.starts_with("cpu")).map(other_plugin));
        checks.extend(remote_cache());
        checks.extend(trusted_key());
        let report = Report {
            works: checks.iter().all(|check| check.status != Status::Failed),
            version: super::version(),
            host: Host::read(),
            checks,
            plugins: rows,
            caches: places(),
        };
        if self.json {
            terminal::print_json(&report)?
        } else {
            terminal::print(report.text())?
        }
        Ok(if report.works { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }

    /// The plugin is loaded and asked for its devices: only that shows that it works.
    fn cpu(&self) -> Check {
        let name = "CPU plugin";
        let opened = cpu_plugin_here(self.plugin.as_deref()).and_then(|path| {
            let plugin = Plugin::load(&path)?;
            let client = plugin.client(&ClientOptions { devices: Some(1), ..ClientOptions::default() })?;
            let devices = client.devices().len();
            let api = super::plugins::api(&plugin);
            Ok(format!("{}, API {api}, {devices} device, in {}", client.platform_name(), path.display()))
        });
        match opened {
            Ok(detail) => Check { name, status: Status::Ok, detail, hint: None },
            Err(failure) => {
                let (detail, hint) = failure.parts();
                Check { name, status: Status::Failed, detail, hint }
            }
        }
    }
}

fn vocabulary() -> Check {
    let (status, detail, hint) = match Tokenizer::o200k().verify() {
        Ok(()) => (Status::Ok, "o200k, as published (built in, checksum verified)".to_owned(), None),
        Err(error) => (Status::Failed, error.to_string(), error.hint()),
    };
    Check { name: "vocabulary", status, detail, hint }
}

fn python() -> Check {
    match pip() {
        Some(version) => Check { name: "pip", status: Status::Ok, detail: version, hint: None },
        None => Check {
            name: "pip",
            status: Status::Missing,
            detail: "`python3 -m pip` does not run; only `plugins install` needs it".into(),
            hint: Some("install Python's pip, or use `precast plugins install cpu --wheel FILE`".into()),
        },
    }
}

fn other_plugin(row: &Row) -> Check {
    let name = if row.name == "tpu" { "TPU plugin" } else { "CUDA plugin" };
    let install = Some(format!("`precast plugins install {}`", row.name));
    match (&row.path, &row.problem) {
        (Some(path), None) => {
            let api = row.api.as_deref().map_or(String::new(), |api| format!("API {api}, "));
            Check { name, status: Status::Ok, detail: format!("{api}in {}", path.display()), hint: None }
        }
        (Some(_), Some(problem)) => Check { name, status: Status::Missing, detail: problem.clone(), hint: install },
        _ => Check { name, status: Status::Missing, detail: "not here; the CPU does without it".into(), hint: install },
    }
}

/// What `PRECAST_REMOTE_CACHE` names is asked for something that no cache has.
fn remote_cache() -> Option<Check> {
    let named = sharing::remote_cache()?;
    let name = "remote cache";
    let asked = storage::Place::named(&named).and_then(|place| {
        let store = Store::open(&place, Limits::PASSING)?;
        store.get("executables/none", 1)?;
        Ok(format!("{place} answers{}", if place.is_read_only() { "; it is only read" } else { "" }))
    });
    Some(match asked {
        Ok(detail) => Check { name, status: Status::Ok, detail, hint: None },
        Err(error) => Check { name, status: Status::Missing, detail: error.to_string(), hint: error.hint() },
    })
}

/// The key that `PRECAST_TRUST` names. Without it nothing that it has to sign is loaded.
fn trusted_key() -> Option<Check> {
    let name = "trusted key";
    match sharing::trust(None).transpose()? {
        Ok(trust) => {
            let detail = format!("{}: bundles, and what a remote cache has, must be signed by it", trust.id());
            Some(Check { name, status: Status::Ok, detail, hint: None })
        }
        Err(failure) => {
            let (detail, hint) = failure.parts();
            Some(Check { name, status: Status::Failed, detail, hint })
        }
    }
}

fn places() -> Vec<Place> {
    let data = dirs::data_dir().map(|data| ("plugins", data.join("precast").join("plugins")));
    let cache = Cache::default_folder().and_then(|folder| Some(("cache", folder.parent()?.to_path_buf())));
    let places = [data, cache].into_iter().flatten();
    places.map(|(name, path)| Place { name, bytes: size_of_folder(&path), path }).collect()
}

impl Report {
    fn text(&self) -> String {
        let memory = |bytes: Option<u64>| bytes.map_or("unknown".to_owned(), terminal::bytes);
        let host = &self.host;
        let mut text = format!("precast {} on {}\n", self.version, host.system);
        text += &format!("{}, {} threads", host.cpu.as_deref().unwrap_or("processor of unknown name"), host.threads);
        if !host.features.is_empty() {
            text += &format!(", {}", host.features.join(" "));
        }
        text += &format!("\n{} memory available of {}", memory(host.memory_available_bytes), memory(host.memory_bytes));
        let chips = host.tpu_chips;
        text += &if chips > 0 { format!(", TPU chips: {chips}\n\n") } else { "\n\n".to_owned() };
        for check in &self.checks {
            let (word, colour) = match check.status {
                Status::Ok => ("ok", AnsiColor::Green),
                Status::Missing => ("missing", AnsiColor::Yellow),
                Status::Failed => ("failed", AnsiColor::Red),
            };
            let style = Style::new().fg_color(Some(colour.into()));
            let detail = check.detail.replace('\n', "\n                           ");
            text += &format!("{style}{word:<8}{style:#} {:<17} {detail}\n", check.name);
            if let Some(hint) = &check.hint {
                text += &format!("                           {hint}\n");
            }
        }
        text += "\n";
        for place in &self.caches {
            text += &format!("{:<8} {:<17} {}\n", place.name, terminal::bytes(place.bytes), place.path.display());
        }
        text += match self.works {
            true => "\nThe CPU is ready: `precast demo`\n",
            false => "\nThe CPU is not ready.\n",
        };
        text
    }
}
