//! The command line: verbs and their options, and who runs them. A verb is a file. What they share: `failure`, `terminal`,
//! `interrupt`, `question`; `input`, `subject`, `model`, `generation`, `conversation` for what goes in, `provide` with `wish`, `consent`
//! and `steps` for what has to be brought here; `turn`, `transcript`, `report` for what comes out.

mod bench;
mod cache;
mod chat;
mod compile;
mod consent;
mod conversation;
mod demo;
mod demo_model;
mod doctor;
mod emit;
mod failure;
mod fetch;
mod fit;
mod generation;
mod golden;
mod golden_text;
mod host;
mod input;
mod inspect;
mod inspect_packed;
mod inspect_page;
mod interrupt;
mod kernels;
mod model;
mod pack;
mod packed_text;
mod plan;
mod plan_table;
mod plugins;
mod provide;
mod question;
mod report;
mod run;
mod score;
mod score_against;
mod score_file;
mod sharing;
mod sign;
mod steps;
mod strategy;
mod subject;
mod targets;
mod terminal;
mod tokens;
mod transcript;
mod turn;
mod unpack;
mod wish;
mod worker;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, Parser, Subcommand};

use failure::{Failure, USAGE};

/// Compiles gpt-oss for XLA devices ahead of time, and runs what it compiled
#[derive(Parser)]
#[command(name = "precast", version = version(), max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "\
Start with `precast demo`: it needs no model and no device but the host. `precast chat gpt-oss-20b` fetches a \
real model, after asking.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 does not fit, 130 interrupted.
Reports and answers go to standard output, progress and logs to standard error; with --json, standard \
output is one JSON document. Colours obey NO_COLOR. The network is used by `fetch`, for a model given by name \
that is not here, to get a plugin, and for the URLs that are named.")]
struct Arguments {
    /// Say more on standard error: what the cache misses and why; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Demo(demo::Demo),
    Doctor(doctor::Doctor),
    Plugins(plugins::Plugins),
    Targets(targets::Targets),
    Plan(plan::Plan),
    Fetch(fetch::Fetch),
    Run(run::Run),
    Chat(chat::Chat),
    Score(score::Score),
    Bench(bench::Bench),
    Emit(emit::Emit),
    Compile(compile::Compile),
    Inspect(inspect::Inspect),
    Sign(sign::Sign),
    Pack(pack::Pack),
    Unpack(unpack::Unpack),
    Golden(golden::Golden),
    Tokens(tokens::Tokens),
    Cache(cache::Cache),
    #[command(hide = true)]
    CompileWorker(worker::CompileWorker),
}

/// Runs the program on the arguments of this process.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return unparsed(&error),
    };
    plugins::adopt_environment();
    terminal::BAR.configure(arguments.quiet, arguments.verbose > 0);
    log_to_stderr(arguments.verbose, arguments.quiet);
    if !matches!(arguments.verb, Verb::CompileWorker(_)) {
        interrupt::install();
    }
    match run(arguments.verb, arguments.verbose > 0, arguments.quiet) {
        Ok(code) => code,
        Err(failure) => failure.tell(),
    }
}

fn run(verb: Verb, verbose: bool, quiet: bool) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Demo(verb) => verb.run(quiet),
        Verb::Doctor(verb) => verb.run(),
        Verb::Plugins(verb) => verb.run(),
        Verb::Targets(verb) => verb.run(),
        Verb::Plan(verb) => verb.run(),
        Verb::Fetch(verb) => verb.run(),
        Verb::Run(verb) => verb.run(quiet),
        Verb::Chat(verb) => verb.run(quiet),
        Verb::Emit(verb) => verb.run(),
        Verb::Compile(verb) => verb.run(),
        Verb::Inspect(verb) => verb.run(verbose),
        Verb::Sign(verb) => verb.run(),
        Verb::Pack(verb) => verb.run(),
        Verb::Unpack(verb) => verb.run(),
        Verb::Golden(verb) => verb.run(),
        Verb::Cache(verb) => verb.run(),
        Verb::Tokens(verb) => verb.run(),
        Verb::Score(verb) => verb.run(),
        Verb::Bench(verb) => verb.run(),
        Verb::CompileWorker(verb) => verb.run(),
    }
}

/// Help and version, or what is wrong with the arguments.
fn unparsed(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(USAGE),
    }
}

fn version() -> &'static str {
    match env!("PRECAST_COMMIT") {
        "" => env!("CARGO_PKG_VERSION"),
        _ => concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("PRECAST_COMMIT"), ")"),
    }
}

/// What the layers below log becomes plain sentences on standard error; `RUST_LOG` chooses among them in full.
fn log_to_stderr(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => log::LevelFilter::Error,
        (_, 0) => log::LevelFilter::Warn,
        (_, 1) => log::LevelFilter::Info,
        _ => log::LevelFilter::Debug,
    };
    let mut logger = env_logger::Builder::new();
    logger.filter_module("precast", level).parse_default_env();
    logger.format(|_, record| {
        let prefix = match record.level() {
            log::Level::Error => "error: ",
            log::Level::Warn => "warning: ",
            _ => "",
        };
        terminal::complain(&format!("{prefix}{}\n", record.args()));
        Ok(())
    });
    logger.init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn options_do_not_contradict_each_other() {
        super::Arguments::command().debug_assert();
    }
}
