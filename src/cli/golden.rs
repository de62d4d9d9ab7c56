//! `precast golden`: keep what programs are, and see what has changed. Also what fits where, of what was kept.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::failure::{FAILED, Failure};
use super::model::{config, context_for, target};
use super::strategy::{RestArguments, Weights};
use super::{golden_text, sharing, terminal, worker};
use crate::bundle::Worker;
use crate::config::Config;
use crate::estimate::{Sizes, WEIGHTS};
use crate::golden::{Case, Golden as Goldens, Row, changes, compile, emit, matrix};
use crate::plan::LARGEST_PREFILL;
use crate::progress::{Event, Progress};
use crate::target::{Platform, Target};

/// Keep what programs are, and see what has changed
#[derive(Args)]
#[command(arg_required_else_help = true)]
#[command(after_help = "\
A golden is one JSON file a model. Of every program it holds the digest, how often each op occurs and the bytes of its \
arguments; with --compiled also what the target's compiler says: memory, predicted cycles, exchanges between devices, or that it \
does not fit. `bless` writes them, to be reviewed and committed; `check` makes them again and ends with 1 if anything differs. \
Neither needs weights or a device.

Examples:
  precast golden bless --model gpt-oss-20b --target v5e-1,v6e-1 --weights mxfp4 --compiled
  precast golden check
  precast golden matrix")]
pub struct Golden {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Check(Check),
    Bless(Bless),
    Matrix(Matrix),
}

/// Make what was blessed again, and say what differs
#[derive(Args)]
#[command(after_help = "\
Compares what --dir holds, or the part of it that the other options name. Predicted cycles may differ by half a percent. Ends \
with 1 if anything differs, with 0 if nothing does.

Examples:
  precast golden check
  precast golden check --dir ci/golden --model gpt-oss-20b --target v5e-1 --compiled --json")]
struct Check {
    /// Folder with config.json, or gpt-oss-20b, gpt-oss-120b, demo [default: every model in --dir]
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    which: Which,
    /// Compile again what was blessed with --compiled, and compare the compiler's figures too
    #[arg(long)]
    compiled: bool,
    #[command(flatten)]
    compiler: Compiler,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Keep what programs are now; what is not named stays as it was
#[derive(Args)]
#[command(after_help = "\
With --compiled every program for a TPU is compiled, through the local cache, and the file is written after each: broken off \
and started again, it goes on where it was. That a program does not fit is a result like any other.

Examples:
  precast golden bless --model gpt-oss-20b
  precast golden bless --model gpt-oss-20b --target v5e-1,v6e-1 --weights mxfp4 --phase decode --compiled
  precast golden bless --model gpt-oss-20b --model gpt-oss-120b --compiled --missing")]
struct Bless {
    /// Folder with config.json, or gpt-oss-20b, gpt-oss-120b, demo; can be given several times
    #[arg(long, required = true)]
    model: Vec<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    rest: RestArguments,
    /// Tokens that a sequence may have
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    context: u32,
    /// Sequences that decode at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    batch: u16,
    /// Prefill bucket in tokens
    #[arg(long, value_name = "N", default_value_t = LARGEST_PREFILL as u32, value_parser = clap::value_parser!(u32).range(1..))]
    prefill: u32,
    /// Compile the programs for TPUs, and keep what the compiler says
    #[arg(long)]
    compiled: bool,
    /// Compile only what has no figures of its present text
    #[arg(long, requires = "compiled")]
    missing: bool,
    #[command(flatten)]
    compiler: Compiler,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Print which model fits which TPU, as Markdown
#[derive(Args)]
#[command(after_help = "\
Examples:
  precast golden matrix
  precast golden matrix --dir ci/golden --model gpt-oss-20b")]
struct Matrix {
    /// Folder of goldens
    #[arg(long, value_name = "DIR", default_value = "golden")]
    dir: PathBuf,
    /// Models, in this order
    #[arg(long, value_delimiter = ',', default_values = ["gpt-oss-20b", "gpt-oss-120b"])]
    model: Vec<String>,
}

/// Which programs.
#[derive(Args)]
struct Which {
    /// Folder of goldens
    #[arg(long, value_name = "DIR", default_value = "golden")]
    dir: PathBuf,
    /// Devices, see `precast targets` [default: all]
    #[arg(long, value_name = "T,…", value_delimiter = ',')]
    target: Vec<String>,
    /// Types of the experts' matrices [default: all]
    #[arg(long, value_enum, value_name = "W,…", value_delimiter = ',')]
    weights: Vec<Weights>,
    /// Phases [default: both]
    #[arg(long, value_enum, value_name = "P,…", value_delimiter = ',')]
    phase: Vec<PhaseName>,
}

/// How to compile.
#[derive(Args)]
struct Compiler {
    /// Library to compile with instead of the plugin that `precast plugins list` shows
    #[arg(long, value_name = "PATH", requires = "compiled")]
    plugin: Option<PathBuf>,
    /// Neither read nor write the cache of compiled programs
    #[arg(long, requires = "compiled")]
    no_cache: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PhaseName {
    Prefill,
    Decode,
}

impl Golden {
    pub fn run(self) -> Result<ExitCode, Failure> {
        match self.action {
            Action::Check(check) => check.run(),
            Action::Bless(bless) => bless.run(),
            Action::Matrix(matrix) => matrix.run(),
        }
    }
}

impl Check {
    fn run(self) -> Result<ExitCode, Failure> {
        let models = match &self.model {
            Some(model) => vec![model.clone()],
            None => models_of(&self.which.dir)?,
        };
        let (mut text, mut reports, mut equal) = (String::new(), Vec::new(), true);
        for model in models {
            let config = config(&model)?;
            let stored = Goldens::read(&self.which.file(&config))?;
            let rows: Vec<&Row> = stored.rows.iter().filter(|row| self.which.has(row)).collect();
            if rows.is_empty() {
                return Err(Failure::usage(format!("nothing of that was blessed for `{}`", config.name))
                    .hint("`precast golden bless` with the same options does"));
            }
            let cases = rows.iter().map(|row| Case::of_row(&stored, row)).collect::<Result<Vec<_>, _>>()?;
            let mut fresh = emit(&config, &stored.sizes(), &cases)?;
            if self.compiled {
                let was_compiled = |row: &Row| stored.row(row).is_some_and(|row| row.compiled.is_some());
                let places = (0..fresh.rows.len()).filter(|&place| was_compiled(&fresh.rows[place])).collect();
                self.compiler.compile(&config, &mut fresh, places, |_| Ok(()))?;
            }
            let changed = changes(&stored, &fresh);
            equal &= changed.is_empty();
            text += &golden_text::changed(&config.name, rows.len(), &changed);
            if !self.compiled {
                text += &golden_text::outdated(rows.iter().filter(|row| stored.is_outdated(row)).count());
            }
            reports.push(golden_text::report(&config.name, rows.len(), &changed));
        }
        if self.json {
            terminal::print_json(&json!({ "equal": equal, "models": reports }))?;
        } else {
            terminal::print(text)?;
        }
        Ok(if equal { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
    }
}

impl Bless {
    fn run(self) -> Result<ExitCode, Failure> {
        let targets = match self.which.target.as_slice() {
            [] => Target::all(),
            names => names.iter().map(|name| target(name)).collect::<Result<_, _>>()?,
        };
        let weights = WEIGHTS.into_iter().filter(|stored| self.which.has_weights(stored.name()));
        let strategies: Vec<_> = weights.map(|stored| self.rest.with(stored)).collect();
        let sizes =
            Sizes { context: self.context as usize, batch: self.batch.into(), prefill: vec![self.prefill as usize] };
        let cases = Case::of(&targets, &strategies, &sizes, |phase| self.which.has_phase(phase.kind()));
        let mut reports = Vec::new();
        for model in &self.model {
            let config = config(model)?;
            context_for(Some(sizes.context), 1, config.max_context)?;
            let file = self.which.file(&config);
            let fresh = emit(&config, &sizes, &cases)?;
            let asked = fresh.rows.clone();
            let (golden, changed) = match Goldens::read(&file) {
                Ok(stored) => {
                    let changed = changes(&stored, &fresh).len();
                    (stored.blessed(&file, fresh)?, changed)
                }
                Err(error) if error.is_absence() => (fresh, asked.len()),
                Err(error) => return Err(error.into()),
            };
            let mut golden = golden;
            golden.write(&file)?;
            if self.compiled {
                let is_wanted = |row: &Row| {
                    asked.iter().any(|own| own.title() == row.title())
                        && target(&row.target).is_ok_and(|target| target.platform == Platform::Tpu)
                        && !(self.missing && row.compiled.is_some() && !golden.is_outdated(row))
                };
                let places = (0..golden.rows.len()).filter(|&place| is_wanted(&golden.rows[place])).collect();
                self.compiler.compile(&config, &mut golden, places, |golden| Ok(golden.write(&file)?))?;
            }
            reports.push(json!({ "model": config.name, "file": file, "programs": asked.len(), "changed": changed }));
            if !self.json {
                let (file, count) = (file.display(), asked.len());
                terminal::print(format!("{}: {count} programs, {changed} new or changed, in {file}\n", config.name))?;
            }
        }
        if self.json {
            terminal::print_json(&json!({ "models": reports }))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Matrix {
    fn run(self) -> Result<ExitCode, Failure> {
        let read = |model: &String| Goldens::read(&self.dir.join(format!("{model}.json")));
        let goldens = self.model.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        terminal::print(matrix(&goldens))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Which {
    fn file(&self, config: &Config) -> PathBuf {
        self.dir.join(format!("{}.json", config.name))
    }

    fn has(&self, row: &Row) -> bool {
        (self.target.is_empty() || self.target.contains(&row.target))
            && self.has_weights(&row.weights)
            && self.has_phase(row.phase.split('_').next().unwrap_or_default())
    }

    fn has_weights(&self, name: &str) -> bool {
        let is_named = |weights: &Weights| weights.precision().is_none_or(|stored| stored.name() == name);
        self.weights.is_empty() || self.weights.iter().any(is_named)
    }

    fn has_phase(&self, kind: &str) -> bool {
        let is_named = |phase: &PhaseName| match phase {
            PhaseName::Prefill => kind == "prefill",
            PhaseName::Decode => kind == "decode",
        };
        self.phase.is_empty() || self.phase.iter().any(is_named)
    }
}

impl Compiler {
    /// Has the programs of the rows at `places` compiled, and tells `kept` after each.
    fn compile(
        &self,
        config: &Config,
        golden: &mut Goldens,
        places: Vec<usize>,
        kept: impl Fn(&Goldens) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let cache = sharing::cache(self.no_cache, &config.name)?;
        let mut running: Option<Worker> = None;
        for (number, &place) in places.iter().enumerate() {
            let row = &golden.rows[place];
            let case = Case::of_row(golden, row)?;
            let worker = match &mut running {
                Some(worker) if worker.target() == row.target => worker,
                running => running.insert(worker::start(&case.target, self.plugin.as_deref())?),
            };
            let compiled = compile(config, &case, worker, cache.as_ref(), &terminal::BAR)?;
            let told = golden_text::verdict(&compiled);
            let line = format!("[{}/{}] {} {}: {told}", number + 1, places.len(), config.name, row.title());
            terminal::BAR.report(Event::Note(&line));
            golden.rows[place].compiled = Some(compiled);
            kept(golden)?;
        }
        Ok(())
    }
}

/// The models that a folder has goldens of.
fn models_of(dir: &Path) -> Result<Vec<String>, Failure> {
    let entries = std::fs::read_dir(dir).map_err(|error| {
        Failure::file("read the folder", dir, &error).hint("`precast golden bless` makes goldens, in `golden` or --dir")
    })?;
    let paths = entries.flatten().map(|entry| entry.path());
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut models: Vec<String> = files.filter_map(|file| file.file_stem()?.to_str().map(str::to_owned)).collect();
    models.sort();
    Ok(models)
}
