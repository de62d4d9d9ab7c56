//! `precast inspect`: what a bundle holds, and what it needs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::terminal;
use crate::bundle::{Bundle, Report};

/// Say what a bundle holds and needs
#[derive(Args)]
#[command(after_help = "\
Memory is what the compiler reports for one device: arguments (weights, cache and inputs), of which `in place` is updated \
without a copy, and temporaries. With -v or --json also what each program was made from, which is what has to agree for it \
to be used.

Examples:
  precast inspect bundle/
  precast inspect bundle/ --program decode_16 -v
  precast inspect bundle/ --json")]
pub struct Inspect {
    /// Folder that `precast compile` wrote
    bundle: PathBuf,
    /// Only this program
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub fn run(self, verbose: bool) -> Result<ExitCode, Failure> {
        let bundle = Bundle::open(&self.bundle)?;
        let mut report = bundle.manifest().report();
        if let Some(name) = &self.program {
            let known: Vec<String> = report.programs.iter().map(|program| format!("`{}`", program.name)).collect();
            report.programs.retain(|program| program.name == *name);
            if report.programs.is_empty() {
                let known = known.join(", ");
                return Err(Failure::usage(format!("the bundle has no program `{name}`, it has {known}")));
            }
        }
        if self.json {
            terminal::print_json(&report)?;
            return Ok(ExitCode::SUCCESS);
        }
        terminal::print(text(&report))?;
        if verbose {
            terminal::print(keys(&report))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A report for people.
pub fn text(report: &Report) -> String {
    let plugin = &report.plugin;
    let mut text = format!(
        "{} on {}: weights {}, cache {}, context {}, batch {}\n{} {}, API {}\nkey {}\n\n",
        report.model,
        report.target,
        report.weights,
        report.kv,
        report.context,
        report.batch,
        plugin.name,
        plugin.version.lines().next().unwrap_or_default(),
        plugin.api,
        report.key
    );
    let rows = report.programs.iter().map(|program| {
        let compiled =
            if program.cached { "from the cache".to_owned() } else { format!("{:.1} s", program.compile_seconds) };
        vec![
            program.name.clone(),
            program.rows.to_string(),
            terminal::bytes(program.argument_bytes),
            terminal::bytes(program.alias_bytes),
            terminal::bytes(program.temp_bytes),
            compiled,
        ]
    });
    let header = ["program", "rows", "arguments", "in place", "temporaries", "compiled"];
    text += &terminal::table(&header, &[1, 2, 3, 4, 5], rows.collect());
    text
}

/// What every program was made from.
fn keys(report: &Report) -> String {
    let mut text = String::new();
    for program in &report.programs {
        text += &format!("\n{}\n", program.name);
        let rows = program
            .key
            .entries()
            .map(|(name, value)| vec![format!("  {name}"), value.lines().next().unwrap_or_default().to_owned()]);
        text += &terminal::table(&["  made from", ""], &[], rows.collect());
    }
    text
}
