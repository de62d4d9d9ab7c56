//! What `precast plan` shows people: a table for every target, a bar for the memory of a device, and why one row is marked.

use super::inspect::grouped;
use super::terminal;
use crate::config::Config;
use crate::estimate::{Candidate, Compiled, Sizes, choose, reason};

/// `groups` are the candidates of one target each.
pub fn text(config: &Config, sizes: &Sizes, groups: &[Vec<Candidate>]) -> String {
    let all = groups.concat();
    let sequences = if sizes.batch == 1 { "one sequence".into() } else { format!("{} sequences", sizes.batch) };
    let (context, prefill) = (sizes.context, sizes.prefill[0]);
    let mut text = format!("{}: context {context}, {sequences}, prefill {prefill}; GiB of one device\n", config.name);
    for group in groups {
        text += &table(group);
    }
    text += "\n";
    if groups.len() > 1
        && let Some(chosen) = choose(&all)
    {
        text += &wrapped(&format!("Of all: {}.", reason(&all, chosen)), "");
    }
    text += footer(&all);
    text
}

/// What the columns mean, as far as they are there.
fn footer(all: &[Candidate]) -> &'static str {
    let asked = all.iter().any(|candidate| candidate.compiled.is_some());
    match (asked, all.iter().any(|candidate| candidate.target.chip.is_some())) {
        (_, false) => "How much memory a host or a GPU has is not asked here.\n",
        (true, true) => {
            "Memory, cycles and tokens a second are the compiler's figures: a prediction, not a measurement. Of the roofline is \
             what the\npublished bandwidth of the memory would allow; exchanges between devices have no figure and are not in it. Rows \
             with ~ are\nestimates.\n"
        }
        (false, true) => {
            "Everything is an estimate before compiling; `at most` is what the published bandwidth of the memory allows. \
             `--compiled`\nasks the compiler.\n"
        }
    }
}

/// The rows of one target; the one to take is marked, and told why below.
fn table(group: &[Candidate]) -> String {
    let Some(first) = group.first() else { return String::new() };
    let target = &first.target;
    let devices = if target.devices == 1 { "1 device".into() } else { format!("{} devices", target.devices) };
    let memory = target.hbm_bytes.map_or(String::new(), |bytes| format!(" of {} GiB", gib(bytes)));
    let mut text = format!("\n{}: {devices}{memory}\n", target.name);
    let chosen = choose(group);
    let asked = group.iter().any(|candidate| candidate.compiled.is_some());
    let rows = group.iter().enumerate().map(|(place, candidate)| {
        let mut cells = cells(candidate, Some(place) == chosen);
        cells.extend(speed(candidate, asked));
        cells.push(verdict(candidate));
        cells
    });
    let mut header = vec!["  weights", "exact", "parameters", "cache", "temporaries", "total", "memory", ""];
    header.extend(if asked { ["cycles a step", "tokens/s", "of roofline"].as_slice() } else { &["tokens/s"] });
    header.push("");
    let numbers: Vec<usize> = (2..=5).chain(7..header.len() - 1).collect();
    text += &terminal::table(&header, &numbers, rows.collect());
    text += &match chosen {
        Some(chosen) if group.len() > 1 => wrapped(&format!("{}.", reason(group, chosen)), "  "),
        _ => String::new(),
    };
    text
}

fn cells(candidate: &Candidate, is_chosen: bool) -> Vec<String> {
    let memory = &candidate.memory;
    let mark = if is_chosen { "▸" } else { " " };
    let temporaries = match candidate.compiled {
        Some(Compiled::Fits { temp_bytes, .. }) => gib(temp_bytes),
        _ => format!("~{}", gib(memory.temporaries)),
    };
    let exact = if candidate.plan.strategy.is_exact() { "yes" } else { "no" };
    let share = candidate.target.hbm_bytes.map(|most| candidate.total_bytes() as f64 / most as f64);
    vec![
        format!("{mark} {}", candidate.plan.strategy.experts),
        exact.into(),
        gib(memory.weights()),
        gib(memory.cache),
        temporaries,
        gib(candidate.total_bytes()),
        share.map_or(String::new(), bar),
        share.map_or(String::new(), |share| format!("{:.0} %", share * 100.0)),
    ]
}

/// A sentence in lines of at most 118 columns, each after `indent`.
fn wrapped(sentence: &str, indent: &str) -> String {
    let mut lines = vec![String::new()];
    for word in sentence.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = format!("{indent}{word}"),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 118 => *line += &format!(" {word}"),
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines.join("\n") + "\n"
}

/// Predicted cycles, tokens a second and the share of the roofline, or the tokens a second that the roofline allows.
fn speed(candidate: &Candidate, asked: bool) -> Vec<String> {
    let none = || "-".to_owned();
    let batch = candidate.plan.batch as f64;
    let rate = candidate.step_seconds().map(|seconds| per_second(batch / seconds));
    if !asked {
        return vec![rate.map_or_else(none, |rate| format!("at most {rate}"))];
    }
    let predicted = candidate.decode_cycles();
    let of_roofline = predicted.zip(candidate.roofline_cycles());
    vec![
        predicted.map_or_else(none, grouped),
        predicted.and(rate).unwrap_or_else(none),
        of_roofline.map_or_else(none, |(cycles, roofline)| format!("{:.0} %", 100.0 * roofline as f64 / cycles as f64)),
    ]
}

/// Whether it fits, and if not, what is too much.
fn verdict(candidate: &Candidate) -> String {
    if candidate.fits() {
        return match (candidate.target.hbm_bytes, candidate.has_room()) {
            (None, _) => String::new(),
            (_, true) => "fits".into(),
            (_, false) => "fits, with little room".into(),
        };
    }
    let largest = candidate.memory.parts().first().copied();
    largest.map_or(String::new(), |part| format!("does not fit: {} {}", part.name, gib(part.bytes)))
}

fn per_second(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}") } else { grouped(rate.round() as u64) }
}

/// GiB to two or three digits.
fn gib(bytes: u64) -> String {
    let value = bytes as f64 / (1_u64 << 30) as f64;
    if value >= 9.95 { format!("{value:.1}") } else { format!("{value:.2}") }
}

/// How full a device's memory is, in twenty columns and eighths of a column; what has no room is an arrow.
fn bar(share: f64) -> String {
    const COLUMNS: usize = 20;
    if share > 1.0 {
        return "█".repeat(COLUMNS) + "▶";
    }
    let full = terminal::bar(share, COLUMNS);
    let empty = COLUMNS - full.chars().count();
    full + &"·".repeat(empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_the_width_of_a_device() {
        assert_eq!(bar(0.0), "·".repeat(20));
        assert_eq!(bar(0.5), format!("{}{}", "█".repeat(10), "·".repeat(10)));
        assert_eq!(bar(1.0), "█".repeat(20));
        assert_eq!(bar(2.5), format!("{}▶", "█".repeat(20)));
        assert!([0.03, 0.31, 0.997].iter().all(|share| bar(*share).chars().count() == 20));
    }

    #[test]
    fn sentences_are_broken_between_words() {
        let text = wrapped(&["word"; 40].join(" "), "  ");
        assert!(text.lines().all(|line| line.starts_with("  word") && line.len() <= 118), "{text}");
        assert_eq!(text.split_whitespace().count(), 40);
    }

    #[test]
    fn gib_have_three_digits() {
        assert_eq!([0, 1 << 29, 10_600_000_000, 41_900_000_000].map(gib), ["0.00", "0.50", "9.87", "39.0"]);
    }
}
