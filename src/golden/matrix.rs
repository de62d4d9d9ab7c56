//! What fits where, as Markdown: the compiled figures of goldens as a table a model.

use std::fmt::Write;

use super::record::{Figures, Golden, Row, Verdict};
use crate::estimate::WEIGHTS;
use crate::plan::Strategy;
use crate::target::{Platform, Target};

/// A table a model: a row a TPU target, a column a precision of the experts, everything else in bf16.
pub fn matrix(goldens: &[Golden]) -> String {
    let mut text = String::new();
    let mut marks = Marks::default();
    for golden in goldens {
        let _ = writeln!(text, "**{}**, context {}, batch {}\n", golden.model, golden.context, golden.batch);
        let name = |stored| match Strategy::new(stored).is_exact() {
            true => format!("{stored}, exact"),
            false => stored.to_string(),
        };
        let header: Vec<String> = WEIGHTS.into_iter().map(name).collect();
        let _ = writeln!(text, "| target | devices | GiB on each | {} |", header.join(" | "));
        let _ = writeln!(text, "|---|---|---|{}", "---|".repeat(WEIGHTS.len()));
        for target in Target::all().iter().filter(|target| target.platform == Platform::Tpu) {
            let cells = WEIGHTS.map(|weights| {
                let is_own = |row: &&Row| {
                    row.target == target.name && row.weights == weights.name() && [&row.dense, &row.kv] == ["bf16"; 2]
                };
                cell(golden, target, &golden.rows.iter().filter(is_own).collect::<Vec<_>>(), &mut marks)
            });
            let memory = target.hbm_bytes.map_or("?".into(), gibibytes);
            let _ = writeln!(text, "| `{}` | {} | {memory} | {} |", target.name, target.devices, cells.join(" | "));
        }
        text.push('\n');
    }
    text + &footer(goldens, marks)
}

/// What has to be said below the tables.
#[derive(Default)]
struct Marks {
    partly: bool,
    earlier: bool,
    uncompiled: bool,
}

/// `12.9 GiB, 153/s`, or what there is instead.
fn cell(golden: &Golden, target: &Target, rows: &[&Row], marks: &mut Marks) -> String {
    let compiled: Vec<_> = rows.iter().filter_map(|row| Some((*row, row.compiled.as_ref()?))).collect();
    if compiled.is_empty() {
        marks.uncompiled = true;
        return "·".into();
    }
    let verdicts = || compiled.iter().map(|(_, compiled)| &compiled.verdict);
    let needed = verdicts().filter_map(|verdict| match verdict {
        Verdict::DoesNotFit { needed_bytes, .. } => Some(*needed_bytes),
        _ => None,
    });
    let mut text = if verdicts().any(|verdict| matches!(verdict, Verdict::Refused { .. })) {
        "refused".to_owned()
    } else if let Some(needed) = needed.max() {
        needed.map_or("no".into(), |needed| format!("no, {}", gibibytes(needed)))
    } else {
        let figures: Vec<(&Row, &Figures)> = compiled
            .iter()
            .filter_map(|(row, compiled)| match &compiled.verdict {
                Verdict::Fits(figures) => Some((*row, figures)),
                _ => None,
            })
            .collect();
        let total = figures.iter().map(|(_, figures)| figures.total_bytes).max().unwrap_or(0);
        let decode =
            figures.iter().find(|(row, _)| row.phase.starts_with("decode")).and_then(|(_, figures)| figures.cycles);
        let rate = decode.zip(target.chip).map(|(cycles, chip)| {
            format!(", {:.0}/s", golden.batch as f64 * chip.clock_hz as f64 / cycles.max(1) as f64)
        });
        // A program that does not fit settles the question; one that fits does not.
        let star = if compiled.len() < rows.len() { "*" } else { "" };
        marks.partly |= !star.is_empty();
        format!("{}{}{star}", gibibytes(total), rate.unwrap_or_default())
    };
    if rows.iter().any(|row| golden.is_outdated(row)) {
        marks.earlier = true;
        text.push('†');
    }
    text
}

fn footer(goldens: &[Golden], marks: Marks) -> String {
    let mut compilers: Vec<&str> = goldens
        .iter()
        .flat_map(|golden| &golden.rows)
        .filter_map(|row| Some(row.compiled.as_ref()?.compiler.as_str()))
        .collect();
    compilers.sort_unstable();
    compilers.dedup();
    let by = if compilers.is_empty() { String::new() } else { format!(" by {}", compilers.join(" and ")) };
    let mut text = format!(
        "Compiled{by}, never executed: no TPU was at hand. `12.9, 153/s` is GiB on one device, of the program that needs most, and \
         the tokens a second of decode that the published clock makes of the cycles that the compiler predicts for a step; exchanges \
         between devices and copies in the background have no figure and are not in it. `no, 39.4` does not fit, and needs so many \
         GiB.\n"
    );
    if marks.uncompiled {
        text.push_str("`·` was not compiled.\n");
    }
    if marks.partly {
        text.push_str("`*` only some of its programs were compiled.\n");
    }
    if marks.earlier {
        text.push_str("`†` is of an earlier version of the graph.\n");
    }
    text
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / (1_u64 << 30) as f64)
}
