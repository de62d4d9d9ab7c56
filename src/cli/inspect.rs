//! `precast inspect`: what a bundle holds, what it needs, and what its compiler predicts that it costs; or what a packed file holds.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::model::open_bundle;
use super::sharing::trust;
use super::{inspect_packed, inspect_page, terminal};
use crate::bundle::{Cost, ProgramReport, Report, Uncosted};

/// Say what a bundle holds, needs and is predicted to cost, or what a packed file holds
#[derive(Args)]
#[command(after_help = "\
Memory is what the compiler reports for one device: arguments (weights, cache and inputs), of which `in place` is updated \
without a copy, and temporaries. Cycles are the compiler's own prediction, never a measurement; what it gives no figure for is \
listed. `roofline` is the time that the bytes of a step take from memory at the published bandwidth. With -v or --json also \
what each program was made from, which is what has to agree for it to be used.

Examples:
  precast inspect bundle/
  precast inspect bundle/ --program decode_16 --ops 40
  precast inspect bundle/ --html report.html
  precast inspect bundle/ --json
  precast inspect s3://models/gpt-oss-20b.v6e-1 --trust release.key.pub
  precast inspect weights.safetensors --verify")]
pub struct Inspect {
    /// Folder or URL that `precast compile` wrote to, or file that `precast pack` wrote
    #[arg(value_name = "BUNDLE|FILE")]
    bundle: PathBuf,
    /// Public key, or a file with one, that must have signed the bundle [default: PRECAST_TRUST]
    #[arg(long, value_name = "KEY")]
    trust: Option<String>,
    /// Only this program
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// How many of the dearest instructions to show; at most 200 are kept
    #[arg(long, value_name = "N", default_value_t = 10)]
    ops: usize,
    /// Compare the checksum of every tensor of a packed file, which reads all of it
    #[arg(long, conflicts_with_all = ["program", "html"])]
    verify: bool,
    /// Print JSON, with all that is kept
    #[arg(long)]
    json: bool,
    /// Write a page for a browser, in one file, instead of printing
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Inspect {
    pub fn run(self, verbose: bool) -> Result<ExitCode, Failure> {
        if self.bundle.is_file() {
            if self.trust.is_some() {
                let failure = Failure::usage("`--trust` is for bundles, a file of packed weights has no signature");
                return Err(failure.hint("leave `--trust` out"));
            }
            inspect_packed::inspect(&self.bundle, self.verify, verbose, self.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.verify {
            let failure = Failure::usage(
                "`--verify` is for a file of packed weights, the programs of a bundle are checked whenever they are read",
            );
            return Err(failure.hint("leave `--verify` out"));
        }
        let bundle = open_bundle(&self.bundle, trust(self.trust.as_deref())?.as_ref())?;
        let mut report = bundle.manifest().report();
        if let Some(name) = &self.program {
            let known: Vec<String> = report.programs.iter().map(|program| format!("`{}`", program.name)).collect();
            report.programs.retain(|program| program.name == *name);
            if report.programs.is_empty() {
                let known = known.join(", ");
                return Err(Failure::usage(format!("the bundle has no program `{name}`, it has {known}")));
            }
        }
        if let Some(file) = &self.html {
            write_whole(file, &inspect_page::page(&report, self.ops))
                .map_err(|error| Failure::file("write the page", file, &error))?;
        }
        if self.json {
            terminal::print_json(&report)?;
            return Ok(ExitCode::SUCCESS);
        }
        if self.html.is_some() {
            return Ok(ExitCode::SUCCESS);
        }
        terminal::print(text(&report))?;
        for program in &report.programs {
            if let Some(cost) = &program.cost {
                terminal::print(prediction(&report, program, cost, self.ops))?;
            }
        }
        if report.programs.iter().all(|program| program.cost.is_none()) {
            terminal::print("\nThe compiler of this target predicts no cycles.\n")?;
        }
        if verbose {
            terminal::print(keys(&report))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a file beside `path` and renames it, so that a reader finds the old page or the new one.
fn write_whole(path: &Path, content: &str) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any file that the user makes, less what the user's mask takes away.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.prefix(".precast-page-").tempfile_in(parent)?;
    file.write_all(content.as_bytes())?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// A report for people.
pub fn text(report: &Report) -> String {
    let plugin = &report.plugin;
    let mut text = format!(
        "{} on {}: weights {}, else {}, cache {}, context {}, batch {}{}\n{} {}, API {}\nkey {}\n\n",
        report.model,
        report.target,
        report.weights,
        if report.dense.is_empty() { &report.weights } else { &report.dense },
        report.kv,
        report.context,
        report.batch,
        if report.kernels.is_empty() { String::new() } else { format!("\n{}", kernels_line(&report.kernels)) },
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
            terminal::bytes(program.code_bytes),
            if program.total_bytes == 0 { "-".to_owned() } else { terminal::bytes(program.total_bytes) },
            compiled,
        ]
    });
    let header = ["program", "rows", "arguments", "in place", "temporaries", "code", "total", "compiled"];
    text += &terminal::table(&header, &[1, 2, 3, 4, 5, 6, 7], rows.collect());
    if let Some(hbm) = report.hbm_bytes {
        text += &format!("a device has {}\n", terminal::bytes(hbm));
    }
    text
}

/// What must be known of a bundle with kernels.
pub(super) fn kernels_line(kernels: &str) -> String {
    match kernels {
        "host" => "products by kernels for the host's processor".to_owned(),
        kernels => format!("decode with {kernels} kernels, never executed on a chip"),
    }
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

/// What the compiler predicts for one program.
fn prediction(report: &Report, program: &ProgramReport, cost: &Cost, ops: usize) -> String {
    let mut text = format!("\n{}, predicted by the compiler, not measured\n", program.name);
    let rows = summary(report, program)
        .into_iter()
        .map(|figure| vec![format!("  {}", figure.name), figure.value, figure.note])
        .collect();
    text += &terminal::table(&["", "", ""], &[1], rows);
    let total = cost.cycles.max(1) as f64;
    let rows = cost.parts.iter().map(|part| {
        let share = part.cycles as f64 / total;
        vec![format!("  {}", part.part), grouped(part.cycles / program.steps), percent(share), bar(share)]
    });
    text += "\n";
    text += &terminal::table(&["  part", &format!("cycles a {}", run(program)), "share", ""], &[1, 2], rows.collect());
    if ops > 0 && !cost.instructions.is_empty() {
        let rows = cost.instructions.iter().take(ops).map(|row| {
            vec![
                format!("  {}", row.opcode),
                row.scope.clone(),
                row.shape.clone(),
                grouped(row.trips),
                row.bytes.map_or("-".into(), terminal::bytes),
                grouped(row.cycles),
                percent(row.cycles as f64 / total),
            ]
        });
        text += "\n";
        let header = ["  dearest instructions", "scope", "result", "runs", "memory", "cycles", "share"];
        text += &terminal::table(&header, &[3, 4, 5, 6], rows.collect());
    }
    if !cost.collectives.is_empty() {
        let rows = cost.collectives.iter().map(|row| {
            let bytes = terminal::bytes(row.bytes);
            vec![format!("  {}", row.opcode), row.scope.clone(), row.shape.clone(), bytes, grouped(row.trips)]
        });
        text += "\n";
        text += &terminal::table(&["  exchanges", "scope", "result", "bytes", "runs"], &[3, 4], rows.collect());
    }
    if !cost.kernels.is_empty() {
        let rows = cost.kernels.iter().map(|row| {
            let bytes = terminal::bytes(row.bytes);
            vec![format!("  {}", row.name), row.shape.clone(), grouped(row.trips), bytes]
        });
        text += "\n";
        text +=
            &terminal::table(&["  kernels, not counted", "result", "runs", "all runs stream"], &[2, 3], rows.collect());
    }
    if !cost.uncosted.is_empty() {
        let (listed, scalars) = listed(cost);
        let rows = listed.into_iter().map(|row| {
            let target = row.custom_call_target.as_deref().map_or(String::new(), |target| format!(" {target}"));
            let bytes = terminal::bytes(row.bytes);
            vec![format!("  {}{target}", row.opcode), grouped(row.count), row.shape.clone(), bytes]
        });
        text += "\n";
        let header = ["  without a figure", "count", "largest result", "all runs write"];
        text += &terminal::table(&header, &[1, 3], rows.collect());
        if let Some(scalars) = scalars {
            text += &format!("  and {scalars}\n");
        }
    }
    if !cost.loops.is_empty() {
        let rows = cost.loops.iter().map(|row| {
            let scope = if row.scope.is_empty() { &row.name } else { &row.scope };
            let (trips, entered) = (grouped(row.trips), grouped(row.entered));
            vec![format!("  {scope}"), trips, row.known.to_string(), entered, grouped(row.cycles)]
        });
        text += "\n";
        text += &terminal::table(&["  loops", "trips", "known", "entered", "cycles"], &[1, 3, 4], rows.collect());
    }
    text
}

/// What has no figure, in rows, and a clause for those that only compute with single numbers, which are many and cost next to nothing.
pub(super) fn listed(cost: &Cost) -> (Vec<&Uncosted>, Option<String>) {
    let is_scalar = |row: &&Uncosted| row.largest_bytes <= 8 && row.custom_call_target.is_none();
    let (scalars, listed): (Vec<&Uncosted>, Vec<&Uncosted>) = cost.uncosted.iter().partition(is_scalar);
    let count = scalars.iter().map(|row| row.count).sum();
    let names: Vec<&str> = scalars.iter().map(|row| row.opcode.as_str()).collect();
    let clause = || format!("{} operations on single numbers: {}", grouped(count), names.join(", "));
    (listed, (!scalars.is_empty()).then(clause))
}

/// One figure of a program.
pub(super) struct Figure {
    pub name: String,
    pub value: String,
    /// What it goes with; may be empty.
    pub note: String,
}

/// The figures of a program; what cannot be told is left out.
pub(super) fn summary(report: &Report, program: &ProgramReport) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut tell = |name: &str, value, note| figures.push(Figure { name: name.into(), value, note });
    let run = run(program);
    if let Some(cycles) = program.estimated_cycles {
        let launch = program.cost.as_ref().filter(|_| program.steps > 1);
        let note = launch.map(|cost| format!("{} for a launch of {} steps", grouped(cost.cycles), program.steps));
        tell(&format!("cycles a {run}"), grouped(cycles), note.unwrap_or_default());
    }
    if let (Some(bound), true) = (program.kernel_bound_cycles, program.kernel_runs > 0) {
        let note = format!("{} custom kernels a {run}, never executed on a chip", grouped(program.kernel_runs));
        tell("not counted", String::new(), note);
        let note = "cycles to stream what they read, a bound and not a prediction".to_owned();
        tell("kernels, at least", grouped(bound), note);
    }
    if let (Some(seconds), Some(hz)) = (program.predicted_seconds, report.clock_hz) {
        tell(&format!("time a {run}"), time(seconds), format!("at {:.2} GHz", hz as f64 / 1e9));
    }
    if let Some(rate) = program.predicted_tokens_per_second {
        let note = if program.rows > 1 { format!("{} a {run}", program.rows) } else { String::new() };
        let rate = if rate < 1000.0 { format!("{rate:.1}") } else { grouped(rate.round() as u64) };
        tell("tokens a second", rate, note);
    }
    if let (Some(roofline), Some(bytes)) = (program.roofline_cycles, program.moved_bytes) {
        tell("roofline", grouped(roofline), format!("cycles to move {}", terminal::bytes(bytes)));
        let whole = program.estimated_cycles.filter(|_| roofline > 0 && program.kernel_runs == 0);
        if let Some(cycles) = whole {
            tell("times the roofline", format!("{:.2}", cycles as f64 / roofline as f64), String::new());
        }
    }
    figures
}

/// What the figures of a program are for: a launch of a decode program is many steps.
pub(super) fn run(program: &ProgramReport) -> &'static str {
    if program.phase == "decode" { "step" } else { "launch" }
}

/// Digits in groups of three, such as `4,917,918`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Seconds for people: three digits and a unit.
pub(super) fn time(seconds: f64) -> String {
    let (value, unit) = match seconds {
        _ if seconds >= 1.0 => (seconds, "s"),
        _ if seconds >= 1e-3 => (seconds * 1e3, "ms"),
        _ => (seconds * 1e6, "µs"),
    };
    let decimals = if value >= 100.0 { 0 } else { 1 + usize::from(value < 10.0) };
    format!("{value:.decimals$} {unit}")
}

/// A share of 1 as a line of up to 30 columns.
fn bar(share: f64) -> String {
    terminal::bar(share, 30)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_for_people() {
        assert_eq!([0, 999, 1000, 4_917_918].map(grouped), ["0", "999", "1,000", "4,917,918"]);
        assert_eq!([0.000_002_5, 0.003_54, 0.25, 12.0].map(time), ["2.50 µs", "3.54 ms", "250 ms", "12.0 s"]);
        assert_eq!((bar(0.5).chars().count(), bar(0.02).as_str(), bar(7.0).chars().count()), (15, "▋", 30));
    }
}
