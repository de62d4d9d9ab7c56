//! Standard output and standard error: printing that survives a closed pipe, tables, JSON, bars for long work.
//! It knows no verb and no model.

use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use comfy_table::{ColumnConstraint, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::failure::Failure;
use crate::progress::{Event, Progress, Unit};

/// Writes to standard output at once; colours go out only to a terminal that wants them.
pub fn print(text: impl Display) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(stdout_failure)
}

/// Writes bytes to standard output as they are.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(stdout_failure)
}

/// Writes `value` as the one JSON document of this run, in one line.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::new("cannot write the report as JSON; this is a bug in precast").because(error))?;
    print_bytes(text.as_bytes())?;
    print_bytes(b"\n")
}

/// Writes to standard error; who cannot be told is not told.
pub fn complain(text: &str) {
    BAR.suspend(|| {
        let _ = write!(anstream::stderr(), "{text}");
    });
}

fn stdout_failure(error: std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::new("cannot write to standard output").because(error),
    }
}

/// A borderless table; columns whose index is in `numbers` are aligned to the right.
pub fn table(header: &[&str], numbers: &[usize], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().copied());
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        column.set_constraint(ColumnConstraint::ContentWidth);
        if numbers.contains(&index) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    lines.concat()
}

/// A share of 1 as a line of up to `columns` columns, eighths of a column included.
pub fn bar(share: f64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (8 * columns) as f64).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// Bytes for people: three digits and a binary unit, such as `1.95 GiB`.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1000.0 || unit == "GiB" {
            let decimals = if unit == "B" || value >= 100.0 { 0 } else { 1 + usize::from(value < 10.0) };
            return format!("{value:.decimals$} {unit}");
        }
        value /= 1024.0;
    }
    unreachable!("the last unit returns")
}

/// The most memory that this process has held, in bytes; none where the system does not say.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The bars of this process: one standard error, so one of them.
pub static BAR: Bars =
    Bars { current: Mutex::new(None), quiet: AtomicBool::new(false), thorough: AtomicBool::new(false) };

/// Tells of long work: a bar on a terminal, a line now and then elsewhere, nothing when asked to be quiet.
pub struct Bars {
    current: Mutex<Option<Work>>,
    quiet: AtomicBool,
    thorough: AtomicBool,
}

struct Work {
    what: String,
    total: Option<u64>,
    unit: Unit,
    done: u64,
    began: Instant,
    told: Instant,
    bar: Option<ProgressBar>,
}

impl Work {
    /// The pace so far and how long the rest will take at it, such as `, 12.0 MiB/s, 40 s left`; empty before there is a pace.
    fn left(&self, total: u64) -> String {
        let (done, rest) = (self.done as f64, total.saturating_sub(self.done) as f64);
        let elapsed = self.began.elapsed().as_secs_f64();
        let seconds = elapsed * rest / done;
        let pace = match self.unit {
            Unit::Bytes => format!(", {}/s", bytes((done / elapsed) as u64)),
            Unit::Tokens | Unit::Items => String::new(),
        };
        if seconds.is_finite() { format!("{pace}, {seconds:.0} s left") } else { String::new() }
    }
}

/// Work that takes less is not worth a line.
const WORTH_TELLING: Duration = Duration::from_secs(1);
/// Between the lines of one piece of work where no bar can be drawn.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

impl Bars {
    /// `quiet` tells nothing; `verbose` also tells of work that took no time.
    pub fn configure(&self, quiet: bool, verbose: bool) {
        self.quiet.store(quiet, Ordering::Relaxed);
        self.thorough.store(verbose, Ordering::Relaxed);
    }

    /// Runs `write`, which writes to standard error, without a bar in its way.
    pub fn suspend(&self, write: impl FnOnce()) {
        let bar = self.lock().as_ref().and_then(|work| work.bar.clone());
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Work>> {
        self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn begin(&self, what: &str, total: Option<u64>, unit: Unit) {
        let now = Instant::now();
        let bar = std::io::stderr().is_terminal().then(|| draw(what, total, unit));
        *self.lock() = Some(Work { what: what.into(), total, unit, done: 0, began: now, told: now, bar });
    }

    fn advance(&self, by: u64) {
        let mut current = self.lock();
        let Some(work) = current.as_mut() else { return };
        work.done += by;
        if let Some(bar) = &work.bar {
            bar.set_position(work.done);
        } else if work.told.elapsed() > BETWEEN_LINES {
            work.told = Instant::now();
            let done = amount(work.done, work.unit);
            let line = match work.total {
                Some(total) => {
                    let (total_shown, left) = (amount(total, work.unit), work.left(total));
                    format!("{}: {done} of {total_shown}{left}", work.what)
                }
                None => format!("{}: {done}", work.what),
            };
            drop(current);
            complain(&format!("{line}\n"));
        }
    }

    fn end(&self, how: &str) {
        let Some(work) = self.lock().take() else { return };
        if let Some(bar) = &work.bar {
            bar.finish_and_clear();
        }
        if work.began.elapsed() > WORTH_TELLING || self.thorough.load(Ordering::Relaxed) {
            let took = format!("{:.1} s", work.began.elapsed().as_secs_f64());
            complain(&format!("{}: {}\n", work.what, if how.is_empty() { &took } else { how }));
        }
    }
}

impl Progress for Bars {
    fn report(&self, event: Event<'_>) {
        if self.quiet.load(Ordering::Relaxed) {
            return;
        }
        match event {
            Event::Begin { what, total, unit } => self.begin(what, total, unit),
            Event::Advance(by) => self.advance(by),
            Event::End(how) => self.end(how),
            Event::Note(sentence) => complain(&format!("{sentence}\n")),
        }
    }
}

fn draw(what: &str, total: Option<u64>, unit: Unit) -> ProgressBar {
    let shown = match unit {
        Unit::Bytes => "{binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left,",
        Unit::Tokens => "{human_pos} of {human_len} tokens, {per_sec}",
        Unit::Items => "{human_pos} of {human_len}",
    };
    let template = match total {
        Some(_) => format!("{{msg}} {{wide_bar:.cyan/dim}} {shown} {{elapsed}}"),
        None => "{spinner} {msg} {elapsed}".to_owned(),
    };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn amount(count: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => bytes(count),
        Unit::Tokens => format!("{count} tokens"),
        Unit::Items => count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_three_digits_and_a_unit() {
        let shown = [0, 999, 1000, 4096, 2_093_796_556, 46_000_000_000_000].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "0.98 KiB", "4.00 KiB", "1.95 GiB", "42841 GiB"]);
    }

    #[test]
    fn a_table_has_no_trailing_blanks_and_numbers_line_up() {
        let rows = vec![vec!["a".into(), "1".into()], vec!["bcd".into(), "200".into()]];
        assert_eq!(table(&["name", "count"], &[1], rows), "name  count\na         1\nbcd     200\n");
    }

    #[test]
    fn peak_memory_is_that_of_a_process() {
        assert!(peak_memory().is_none_or(|bytes| bytes > 1 << 20));
    }
}
