//! What the compiler predicts that one step costs: of precast's own program, or of a foreign one in StableHLO, which then goes through the
//! same compiler, options and counting. `tools/peers/jax` sets the two side by side. One line of JSON on stdout; nothing runs.
//!
//! ```text
//! cargo build --release --bin precast --example cost
//! target/release/examples/cost --model gpt-oss-20b --target v6e-1 --weights fp8 --phase decode
//! target/release/examples/cost --model gpt-oss-20b --target v6e-1 --weights fp8 --phase decode --program step.mlir --signature step.json
//! ```
//!
//! The signature says what the text of a foreign program takes and gives: `mesh` as `[[name, devices], …]`, empty for one device; `parameters`,
//! each with `element` as StableHLO writes it, `dims`, the mesh's `axes` that divide it (`""` for none), and `donated_to`, the number of the
//! result that takes over its memory; `results` with `element` and `dims`, each divided as what is donated to it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use hlo::{ElementType, Mesh, Parameter, Sharding, Signature, TensorType};
use precast::bundle::{BundleError, Job, Outcome, Program, Worker, compile_ahead, new_log, program};
use precast::config::Config;
use precast::estimate::{Candidate, Sizes, moved_bytes, roofline_cycles};
use precast::graph::Phase;
use precast::pjrt::{CompileOptions, OptionValue, plugins};
use precast::plan::{PREFILL, Precision, Strategy};
use precast::target::Target;
use serde::Deserialize;
use serde_json::{Value, json};

/// Say what the compiler predicts that one step costs
#[derive(Parser)]
struct Arguments {
    /// Folder with config.json, or gpt-oss-20b, gpt-oss-120b
    #[arg(long)]
    model: String,
    #[arg(long)]
    target: String,
    /// Of the experts
    #[arg(long)]
    weights: String,
    /// Sequences that decode at once
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// Tokens that a sequence may have
    #[arg(long, default_value_t = 4096)]
    context: usize,
    /// `decode`, or `prefill-N` with a number of tokens
    #[arg(long)]
    phase: String,
    /// A foreign program for the same step, StableHLO text
    #[arg(long, requires = "signature")]
    program: Option<PathBuf>,
    /// What it takes and gives, as JSON
    #[arg(long, requires = "program")]
    signature: Option<PathBuf>,
    /// Steps that one launch of the foreign program makes
    #[arg(long, default_value_t = 1)]
    steps: u64,
    /// Say how many of the dearest instructions
    #[arg(long, default_value_t = 0)]
    ops: usize,
    /// One of XLA's flags for this compilation, such as xla_tpu_scoped_vmem_limit_kib=32768; can be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    option: Vec<String>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match cost(&Arguments::parse()) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn cost(arguments: &Arguments) -> Result<Value, Failure> {
    let config = match Config::named(&arguments.model) {
        Some(config) => config,
        None => Config::read(Path::new(&arguments.model))?,
    };
    let target = Target::named(&arguments.target)?;
    let weights = Precision::named(&arguments.weights).ok_or("weights are one of bf16, fp8, int8, mxfp4")?;
    let tokens = arguments.phase.strip_prefix("prefill-").map(str::parse::<usize>).transpose()?;
    let prefill = tokens.map_or(PREFILL.to_vec(), |tokens| vec![tokens]);
    let sizes = Sizes { context: arguments.context, batch: arguments.batch, prefill };
    let candidate = Candidate::new(&config, &target, Strategy::new(weights), &sizes);
    let is_asked_for = |phase: &&Phase| match (tokens, phase) {
        (Some(tokens), Phase::Prefill { tokens: own }) => tokens == *own,
        (None, Phase::Decode { .. }) => arguments.phase == "decode",
        _ => false,
    };
    let phase = candidate.phases.iter().find(is_asked_for).copied();
    let phase = phase.ok_or("a phase is `decode` or `prefill-N`")?;
    let moved = moved_bytes(&config, &target, &candidate.plan, phase);

    let (program, steps, mut options) = match (&arguments.program, &arguments.signature) {
        (Some(text), Some(signature)) => {
            let program = foreign(text, signature, phase)?;
            let options = CompileOptions::for_signature(&program.signature);
            (program, arguments.steps, options)
        }
        _ => {
            let program = program(&config, &candidate.plan, phase)?;
            // What precast asks of the compiler is part of its programs.
            let options = program.options(target.platform.name());
            (program, if let Phase::Decode { steps } = phase { steps as u64 } else { 1 }, options)
        }
    };
    for option in &arguments.option {
        options.overrides.push(flag(option)?);
    }
    let mut report = json!({ "moved_bytes": moved, "roofline_cycles": roofline_cycles(&target, moved) });
    merge(&mut report, compile(&target, &program, steps, arguments.ops, &options)?);
    Ok(report)
}

/// What became of `program`, which makes so many steps a launch: figures of one step, or why there are none.
fn compile(
    target: &Target,
    program: &Program,
    steps: u64,
    ops: usize,
    options: &CompileOptions,
) -> Result<Value, Failure> {
    let found = plugins::find(target.platform.name(), None)?;
    let pin = plugins::pin(target.platform.name())?;
    let log = new_log(&target.name)?;
    let mut worker = Worker::start(&precast()?, &Job::new(target, &found.path), &log)?;
    let is_pinned =
        worker.identity().key.get("plugin sha256").is_some_and(|digest| Some(digest) == pin.library_sha256.as_deref());
    let compiler =
        if is_pinned { format!("{} {}", pin.package, pin.version) } else { found.path.display().to_string() };
    let mut report = match compile_ahead(&mut worker, None, program, options, &()) {
        Ok(outcome) => figures(&outcome, steps, ops),
        Err(BundleError::DoesNotFit { shortage, .. }) => json!({
            "verdict": "does not fit",
            "memory": shortage.memory,
            "needed_bytes": shortage.needed_bytes,
            "available_bytes": shortage.available_bytes,
        }),
        Err(BundleError::NotCompiled { refusal, .. }) => json!({ "verdict": "refused", "said": refusal.message }),
        Err(BundleError::Crashed { program: Some(_), end, was_killed: false, .. }) => {
            json!({ "verdict": "refused", "said": format!("the compiler crashed, {end}") })
        }
        Err(error) => return Err(error.into()),
    };
    merge(&mut report, json!({ "compiler": compiler, "options": options.to_string() }));
    Ok(report)
}

/// `name=value`, the value as the plain text that TPU's compiler takes for any type of flag.
fn flag(option: &str) -> Result<(String, OptionValue), Failure> {
    let (name, value) = option.split_once('=').ok_or("an option is NAME=VALUE")?;
    Ok((name.to_owned(), OptionValue::Text(value.to_owned())))
}

fn figures(outcome: &Outcome, steps: u64, ops: usize) -> Value {
    let memory = outcome.memory;
    let cost = outcome.cost.clone().unwrap_or_default();
    let uncosted: Vec<String> = cost
        .uncosted
        .iter()
        .filter(|one| one.bytes > 1 << 20)
        .map(|one| one.custom_call_target.clone().unwrap_or(one.opcode.clone()))
        .collect();
    json!({
        "verdict": "fits",
        "cycles": outcome.cost.as_ref().map(|cost| cost.cycles / steps),
        "flops": outcome.cost.as_ref().map(|cost| cost.flops / steps),
        "parts": cost.parts.iter().map(|part| json!([part.part, part.cycles / steps])).collect::<Vec<_>>(),
        "uncosted": uncosted,
        "temp_bytes": memory.temp_bytes,
        "argument_bytes": memory.argument_bytes,
        "alias_bytes": memory.alias_bytes,
        "total_bytes": memory.total_bytes,
        "code_bytes": memory.code_bytes,
        "compile_seconds": outcome.compile_seconds,
        "dearest": cost.instructions.iter().take(ops).collect::<Vec<_>>(),
    })
}

fn merge(report: &mut Value, more: Value) {
    if let (Value::Object(report), Value::Object(more)) = (report, more) {
        report.extend(more);
    }
}

/// The program of precast that was built beside this one: it is the compiler's process.
fn precast() -> Result<PathBuf, Failure> {
    let this = std::env::current_exe()?;
    let beside =
        this.parent().and_then(Path::parent).map(|folder| folder.join("precast")).filter(|path| path.is_file());
    beside.ok_or_else(|| "there is no `precast` beside `examples/`; `cargo build --bin precast` makes it".into())
}

#[derive(Deserialize)]
struct Foreign {
    mesh: Vec<(String, usize)>,
    parameters: Vec<Entry>,
    results: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    element: String,
    dims: Vec<usize>,
    #[serde(default)]
    axes: Vec<String>,
    donated_to: Option<usize>,
}

impl Entry {
    fn ty(&self) -> Result<TensorType, Failure> {
        let known = ElementType::ALL.into_iter().find(|element| element.mlir() == self.element);
        let element = known.ok_or_else(|| format!("element type `{}` is not known", self.element))?;
        Ok(TensorType::new(element, self.dims.clone()))
    }
}

fn foreign(text: &Path, signature: &Path, phase: Phase) -> Result<Program, Failure> {
    let read =
        |path: &Path| std::fs::read_to_string(path).map_err(|error| format!("{error}\n  in `{}`", path.display()));
    let Foreign { mesh, parameters, results } = serde_json::from_str(&read(signature)?)?;
    let axes: Vec<(&str, usize)> = mesh.iter().map(|(name, devices)| (name.as_str(), *devices)).collect();
    let mesh = if axes.is_empty() { None } else { Some(Mesh::new("mesh", &axes)?) };
    let parameter = |(place, entry): (usize, &Entry)| -> Result<Parameter, Failure> {
        let (name, sharding) = (format!("argument {place}"), Sharding::new(&entry.axes));
        Ok(Parameter { name, ty: entry.ty()?, donated_to: entry.donated_to, sharding })
    };
    Ok(Program {
        name: format!("foreign_{}", phase.name()),
        phase: phase.kind().to_owned(),
        rows: 0,
        text: read(text)?,
        signature: Signature {
            mesh,
            parameters: parameters.iter().enumerate().map(parameter).collect::<Result<_, _>>()?,
            results: results.iter().map(Entry::ty).collect::<Result<_, _>>()?,
        },
    })
}
