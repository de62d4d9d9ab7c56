//! `precast cache`: the compiled programs that are kept, and forgetting them.

use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::Failure;
use super::terminal;
use crate::bundle::{Cache as Executables, Listed};

/// List or clear the cache of compiled programs
#[derive(Args)]
#[command(arg_required_else_help = true)]
#[command(after_help = "\
PRECAST_CACHE_DIR names another folder, PRECAST_CACHE_BYTES bounds its size.

Examples:
  precast cache list
  precast cache clear")]
pub struct Cache {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say what is kept
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove what is kept
    Clear {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Cache {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let Some(folder) = Executables::default_folder() else {
            return Err(Failure::new("there is no cache: neither `PRECAST_CACHE_DIR` nor `HOME` says where it is"));
        };
        let cache = Executables::open(folder);
        match self.action {
            Action::List { json } => list(&cache, json)?,
            Action::Clear { json } => clear(&cache, json)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(cache: &Executables, json: bool) -> Result<(), Failure> {
    let entries = cache.list().map_err(|error| Failure::file("read", cache.folder(), &error))?;
    let total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    if json {
        let entries: Vec<_> = entries.iter().map(entry_json).collect();
        return terminal::print_json(&json!({ "folder": cache.folder(), "bytes": total, "entries": entries }));
    }
    if entries.is_empty() {
        return terminal::print(format!("nothing is kept in {}\n", cache.folder().display()));
    }
    let rows = entries.iter().map(|entry| {
        let id = entry.id.get(..12).unwrap_or(&entry.id).to_owned();
        let used = ago(entry.last_used);
        match &entry.content {
            Ok(content) => vec![
                content.label.name.clone(),
                content.label.model.clone(),
                content.label.target.clone(),
                terminal::bytes(entry.bytes),
                match content.shortage {
                    Some(_) => "does not fit".into(),
                    None => format!("{:.1} s", content.compile_seconds),
                },
                used,
                id,
            ],
            Err(problem) => {
                vec!["unusable".into(), problem.clone(), "-".into(), terminal::bytes(entry.bytes), "-".into(), used, id]
            }
        }
    });
    let header = ["program", "model", "target", "size", "compiled in", "last used", "key"];
    terminal::print(terminal::table(&header, &[3, 4], rows.collect()))?;
    terminal::print(format!("\n{} in {}\n", terminal::bytes(total), cache.folder().display()))
}

fn entry_json(entry: &Listed) -> serde_json::Value {
    let seconds = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut value =
        json!({ "id": entry.id, "file": entry.file, "bytes": entry.bytes, "last_used": seconds(entry.last_used) });
    match &entry.content {
        Ok(content) => {
            value["program"] = json!(content.label.name);
            value["model"] = json!(content.label.model);
            value["target"] = json!(content.label.target);
            value["created"] = json!(seconds(content.created));
            value["compile_seconds"] = json!(content.compile_seconds);
            value["fits"] = json!(content.shortage.is_none());
        }
        Err(problem) => value["problem"] = json!(problem),
    }
    value
}

fn clear(cache: &Executables, json: bool) -> Result<(), Failure> {
    let cleared = cache.clear().map_err(|error| Failure::file("clear", cache.folder(), &error))?;
    if json {
        return terminal::print_json(
            &json!({ "folder": cache.folder(), "executables": cleared.executables, "bytes": cleared.bytes }),
        );
    }
    let size = terminal::bytes(cleared.bytes);
    terminal::print(format!("removed {} programs, {size}, from {}\n", cleared.executables, cache.folder().display()))
}

/// How long ago, in the largest unit that fits.
fn ago(time: SystemTime) -> String {
    let seconds = time.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    match seconds {
        0..60 => "just now".into(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86400),
    }
}
