//! `precast fetch`: files of a repository from a hub of models.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::failure::Failure;
use super::model::{context_for, target};
use super::strategy::{RestArguments, Stored, StrategyArguments, Weights, names};
use super::{fit, interrupt, terminal};
use crate::config::Config;
use crate::estimate::{Candidate, Sizes};
use crate::hub::{Choice, Entry, Environment, Fetched, Hub, Limits, Listing, Origin, Place, Repository};
use crate::plan::{PREFILL, Strategy};
use crate::progress::{Event, Progress};
use crate::weights::Checkpoint;

/// Fetch files of a repository from a hub of models, whole and checked
#[derive(Args)]
#[command(after_help = "\
The hub is Hugging Face's or what HF_ENDPOINT names; HF_TOKEN, HF_HOME, HF_HUB_CACHE and the usual variables for proxies are heeded. \
Without --out, files go into the hub's cache, where its other tools find them; with --out, what the cache holds is used. Several \
connections fetch parts of one file. An interrupted fetch goes on where it was when the same command is given again. Every file is \
checked against the hub's checksum, and one under its final name is whole.

--for fetches what `pack`, `run` and `chat` need of the weights, once: `original/` if the repository has it, the Hugging Face layout \
otherwise. It ends with 3, before the weights are fetched, if the model does not fit the target.

Examples:
  precast fetch openai/gpt-oss-20b --for v6e-1 --out gpt-oss-20b/
  precast fetch openai/gpt-oss-20b --include 'original/*' --out gpt-oss-20b/
  precast fetch openai/gpt-oss-120b --revision main --exclude 'metal/*' --exclude 'original/*'
  precast fetch openai/gpt-oss-20b --for cpu --offline --json")]
pub struct Fetch {
    /// Repository, `OWNER/NAME`
    #[arg(value_name = "REPOSITORY")]
    repository: String,
    /// Branch, tag or commit
    #[arg(long, default_value = "main")]
    revision: String,
    /// Files to fetch: `*` and `?` match `/` too [default: all]
    #[arg(long, value_name = "PATTERN", help_heading = "Files")]
    include: Vec<String>,
    /// Files not to fetch, of those that are included
    #[arg(long, value_name = "PATTERN", help_heading = "Files")]
    exclude: Vec<String>,
    /// Fetch the weights that this device needs, and nothing else; see `precast targets`
    #[arg(long = "for", value_name = "TARGET", help_heading = "Files", conflicts_with_all = ["include", "exclude"])]
    target: Option<String>,
    /// Type of the experts' matrices there; `auto` takes what `precast plan` marks, and bf16 on a host
    #[arg(long, value_enum, default_value = "auto", requires = "target", help_heading = "Files")]
    weights: Weights,
    /// Folder to write, in which files have the paths of the repository [default: the hub's cache]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Use what the hub's cache holds, and no network
    #[arg(long)]
    offline: bool,
    /// Connections at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64), help_heading = "Network")]
    connections: u8,
    /// Times that something is tried again that brings no new byte
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "Network")]
    retries: u32,
    /// Milliseconds before something is tried again; every further wait is twice as long, up to 30 seconds
    #[arg(long, value_name = "MS", default_value_t = 1000, help_heading = "Network")]
    retry_wait: u32,
    /// Seconds without a byte until a connection is given up
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Network")]
    silence: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Fetch {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let repository: Repository = self.repository.parse()?;
        let wanted = self.target.as_deref().map(target).transpose()?;
        let mut environment = Environment::read()?;
        environment.offline |= self.offline;
        let limits = Limits {
            connections: usize::from(self.connections),
            retries: self.retries,
            first_wait: Duration::from_millis(u64::from(self.retry_wait)),
            silence: Duration::from_secs(u64::from(self.silence)),
        };
        let hub = Hub::new(&environment, limits)?;
        interrupt::keeps("; the same command goes on from what is fetched");
        let began = Instant::now();
        let listing = hub.listing(&repository, &self.revision, &terminal::BAR)?;
        let place = self.out.clone().map_or(Place::Cache, Place::Folder);
        let (chosen, strategy) = match &wanted {
            None => (self.chosen(&listing)?, None),
            Some(target) => {
                let files = weights(&listing)?;
                let strategy = self.judge(&hub, &listing, &files, &place, target)?;
                (files, Some(strategy))
            }
        };
        let fetched = hub.fetch(&listing, &chosen, &place, &terminal::BAR)?;
        let seconds = began.elapsed().as_secs_f64();
        if self.json {
            let endpoint = environment.endpoint.to_string();
            terminal::print_json(&self.report(&listing, &endpoint, &fetched, strategy, seconds))?;
        } else {
            terminal::print(self.text(&listing, &fetched, strategy, seconds))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What patterns choose. Two copies of the weights are rarely meant.
    fn chosen<'a>(&self, listing: &'a Listing) -> Result<Vec<&'a Entry>, Failure> {
        let choice = Choice { include: self.include.clone(), exclude: self.exclude.clone() };
        let chosen = choice.of(&listing.entries);
        if chosen.is_empty() {
            let asked = match (&self.include[..], &self.exclude[..]) {
                ([], []) => "it is empty".to_owned(),
                ([], excluded) => format!("all is excluded by {}", quoted(excluded)),
                (included, []) => format!("none is as {}", quoted(included)),
                (included, excluded) => format!("none is as {} and not as {}", quoted(included), quoted(excluded)),
            };
            return Err(nothing(listing, asked));
        }
        let is_published =
            |entry: &&&Entry| entry.path.starts_with("original/") && entry.path.ends_with(".safetensors");
        let is_other = |entry: &&&Entry| !entry.path.contains('/') && entry.path.ends_with(".safetensors");
        if chosen.iter().any(|entry| is_published(&entry)) && chosen.iter().any(|entry| is_other(&entry)) {
            let sentence =
                "the weights are fetched twice, in `original/` and beside it: `--for` or `--include` can choose";
            terminal::BAR.report(Event::Note(sentence));
        }
        Ok(chosen)
    }

    /// How the model is stored on the target. Fails if it does not fit, which its configuration alone tells.
    fn judge(
        &self,
        hub: &Hub,
        listing: &Listing,
        files: &[&Entry],
        place: &Place,
        target: &crate::target::Target,
    ) -> Result<Strategy, Failure> {
        let is_config = |entry: &&&Entry| entry.path.rsplit('/').next() == Some("config.json");
        let Some(entry) = files.iter().find(is_config) else {
            return Err(nothing(listing, "it has no `config.json`".to_owned()));
        };
        let fetched = hub.fetch(listing, &[entry], place, &terminal::BAR)?;
        let file = fetched.folder.join(&entry.path);
        let config = Config::read(file.parent().unwrap_or(&fetched.folder))?;
        let sizes = Sizes { context: context_for(None, 1, config.max_context)?, batch: 1, prefill: PREFILL.to_vec() };
        let rest = RestArguments { dense: Stored::Bf16, kv: Stored::Bf16 };
        let asked = StrategyArguments { weights: Some(self.weights), rest, compute: None };
        let strategy = asked.resolve(&config, target, &sizes)?;
        let candidate = Candidate::new(&config, target, strategy, &sizes);
        if !candidate.fits() {
            return Err(fit::does_not_fit(&config, &candidate, &sizes));
        }
        Ok(strategy)
    }

    fn report(
        &self,
        listing: &Listing,
        endpoint: &str,
        fetched: &Fetched,
        strategy: Option<Strategy>,
        seconds: f64,
    ) -> serde_json::Value {
        let files = fetched.files.iter().map(|file| {
            json!({
                "path": file.entry.path,
                "file": file.at,
                "bytes": file.entry.bytes,
                "checksum": file.entry.checksum.digits(),
                "checksum_kind": file.entry.checksum.kind(),
                "from": from(file.origin),
            })
        });
        json!({
            "repository": listing.repository.to_string(),
            "revision": listing.revision,
            "commit": listing.commit,
            "endpoint": endpoint,
            "folder": fetched.folder,
            "target": self.target,
            "weights": strategy.map(|strategy| names(strategy)[0].clone()),
            "files": files.collect::<Vec<_>>(),
            "bytes": total(fetched, |_| true),
            "received_bytes": fetched.received_bytes,
            "resumed_bytes": fetched.resumed_bytes,
            "retries": fetched.retries,
            "seconds": seconds,
        })
    }

    fn text(&self, listing: &Listing, fetched: &Fetched, strategy: Option<Strategy>, seconds: f64) -> String {
        let files = match fetched.files.len() {
            1 => "1 file".to_owned(),
            count => format!("{count} files"),
        };
        let mut parts = vec![format!("{} fetched in {seconds:.1} s", terminal::bytes(fetched.received_bytes))];
        if fetched.received_bytes > 0 {
            parts.push(format!("{}/s", terminal::bytes((fetched.received_bytes as f64 / seconds) as u64)));
        }
        let of = |origin| total(fetched, |found| found == origin);
        for (bytes, what) in [
            (fetched.resumed_bytes, "fetched before"),
            (of(Origin::Here), "here already"),
            (of(Origin::Cache), "in the cache"),
        ] {
            if bytes > 0 {
                parts.push(format!("{} {what}", terminal::bytes(bytes)));
            }
        }
        if fetched.retries > 0 {
            parts.push(format!("{} retries", fetched.retries));
        }
        let next = match (&self.target, strategy) {
            (Some(target), Some(strategy)) => format!(
                "next: precast pack --model {} --target {target} --weights {} --out {}-{target}.safetensors\n",
                fetched.folder.display(),
                strategy.experts,
                listing.repository.to_string().rsplit('/').next().unwrap_or_default(),
            ),
            _ => String::new(),
        };
        format!(
            "{} at {}: {files}, {}, checked\n{}\n{}\n{next}",
            listing.repository,
            &listing.commit[..12],
            terminal::bytes(total(fetched, |_| true)),
            parts.join(", "),
            fetched.folder.display(),
        )
    }
}

/// The weights of a repository, in one layout.
pub fn weights(listing: &Listing) -> Result<Vec<&Entry>, Failure> {
    let paths = Checkpoint::files_among(listing.entries.iter().map(|entry| entry.path.as_str()));
    if paths.is_empty() {
        return Err(nothing(listing, "it has no `*.safetensors`, neither in `original/` nor beside it".to_owned()));
    }
    Ok(listing.entries.iter().filter(|entry| paths.contains(&entry.path.as_str())).collect())
}

/// Nothing of the repository is asked for.
pub fn nothing(listing: &Listing, asked: String) -> Failure {
    const SHOWN: usize = 12;
    let mut some: Vec<String> = listing.entries.iter().take(SHOWN).map(|entry| format!("`{}`", entry.path)).collect();
    if listing.entries.len() > SHOWN {
        some.push(format!("and {} more", listing.entries.len() - SHOWN));
    }
    crate::hub::HubError::Nothing { repository: listing.repository.to_string(), asked, some }.into()
}

fn quoted(patterns: &[String]) -> String {
    patterns.iter().map(|pattern| format!("`{pattern}`")).collect::<Vec<_>>().join(" or ")
}

fn total(fetched: &Fetched, of: impl Fn(Origin) -> bool) -> u64 {
    fetched.files.iter().filter(|file| of(file.origin)).map(|file| file.entry.bytes).sum()
}

fn from(origin: Origin) -> &'static str {
    match origin {
        Origin::Hub => "hub",
        Origin::Cache => "cache",
        Origin::Here => "folder",
    }
}
