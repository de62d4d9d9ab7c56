//! `precast cache`: the compiled programs that are kept, and forgetting them.

use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use serde_json::json;

use super::failure::Failure;
use super::terminal;
use crate::bundle::{BundleCopies, BundleCopy, Cache as Executables, Listed};

/// List or clear the cache of compiled programs
#[derive(Args)]
#[command(arg_required_else_help = true)]
#[command(after_help = "\
PRECAST_CACHE_DIR names another folder, PRECAST_CACHE_BYTES bounds its size. What a remote cache has (PRECAST_REMOTE_CACHE, or \
--remote-cache of other verbs) is neither listed nor removed; copies of what came from there, and of bundles elsewhere, are.

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
        let (cache, copies) = (Executables::open(folder), BundleCopies::open_default());
        match self.action {
            Action::List { json } => list(&cache, copies.as_ref(), json)?,
            Action::Clear { json } => clear(&cache, copies.as_ref(), json)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(cache: &Executables, copies: Option<&BundleCopies>, json: bool) -> Result<(), Failure> {
    let entries = cache.list().map_err(|error| Failure::file("read", cache.folder(), &error))?;
    let copied = match copies {
        Some(copies) => copies.list().map_err(|error| Failure::file("read", copies.folder(), &error))?,
        None => Vec::new(),
    };
    let total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    if json {
        let entries: Vec<_> = entries.iter().map(entry_json).collect();
        let bundles: Vec<_> = copied.iter().map(copy_json).collect();
        return terminal::print_json(
            &json!({ "folder": cache.folder(), "bytes": total, "entries": entries, "bundles": bundles }),
        );
    }
    if let (Some(copies), false) = (copies, copied.is_empty()) {
        let bytes = terminal::bytes(copied.iter().map(|copy| copy.bytes).sum());
        let (count, folder) = (copied.len(), copies.folder().display());
        terminal::print(format!("{count} copies of bundles that are elsewhere, {bytes}, in {folder}\n"))?;
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
                content.label.target.clone() + if content.is_shared { ", shared" } else { "" },
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

fn copy_json(copy: &BundleCopy) -> serde_json::Value {
    json!({ "folder": copy.folder, "bytes": copy.bytes, "last_used": seconds(copy.last_used) })
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn entry_json(entry: &Listed) -> serde_json::Value {
    let mut value =
        json!({ "id": entry.id, "file": entry.file, "bytes": entry.bytes, "last_used": seconds(entry.last_used) });
    match &entry.content {
        Ok(content) => {
            value["program"] = json!(content.label.name);
            value["model"] = json!(content.label.model);
            value["target"] = json!(content.label.target);
            value["created"] = json!(seconds(content.created));
            value["compile_seconds"] = json!(content.compile_seconds);
            value["shared"] = json!(content.is_shared);
            value["fits"] = json!(content.shortage.is_none());
        }
        Err(problem) => value["problem"] = json!(problem),
    }
    value
}

fn clear(cache: &Executables, copies: Option<&BundleCopies>, json: bool) -> Result<(), Failure> {
    let cleared = cache.clear().map_err(|error| Failure::file("clear", cache.folder(), &error))?;
    let (bundles, bundle_bytes) = match copies {
        Some(copies) => copies.clear().map_err(|error| Failure::file("clear", copies.folder(), &error))?,
        None => (0, 0),
    };
    if json {
        let (folder, executables, bytes) = (cache.folder(), cleared.executables, cleared.bytes);
        return terminal::print_json(&json!({
            "folder": folder, "executables": executables, "bytes": bytes,
            "bundles": bundles, "bundle_bytes": bundle_bytes,
        }));
    }
    let size = terminal::bytes(cleared.bytes);
    terminal::print(format!("removed {} programs, {size}, from {}\n", cleared.executables, cache.folder().display()))?;
    match copies {
        Some(copies) if bundles > 0 => {
            let (size, folder) = (terminal::bytes(bundle_bytes), copies.folder().display());
            terminal::print(format!("removed {bundles} copies of bundles, {size}, from {folder}\n"))
        }
        _ => Ok(()),
    }
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
