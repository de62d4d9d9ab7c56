//! What is said of a packed file: what its tensors lose, kind by kind or one by one. It knows no verb.

use super::terminal;
use crate::weights::packed::{Manifest, TensorEntry};
use crate::weights::{Loss, Losses};

/// A table of the tensors in codes, each kind of them over all layers in one line, or each in its own; empty if there are none.
pub fn losses(manifest: &Manifest, each: bool) -> String {
    let mut kinds: Vec<(String, usize, Losses)> = Vec::new();
    for TensorEntry { name, losses, .. } in &manifest.tensors {
        let Some(losses) = losses else { continue };
        let kind = if each { name } else { kind(name) };
        match kinds.iter_mut().find(|(found, ..)| found == kind) {
            Some((_, count, sum)) => (*count, *sum) = (*count + 1, sum.with(losses)),
            None => kinds.push((kind.to_owned(), 1, *losses)),
        }
    }
    if kinds.is_empty() {
        return String::new();
    }
    let rows = kinds.into_iter().map(|(kind, count, losses)| {
        let name = if count == 1 { kind } else { format!("{kind} × {count}") };
        let own = row(&losses.scaled);
        let cast = row(&losses.plain_cast);
        [vec![name, amount(losses.scaled.values)], own, cast].concat()
    });
    let header = [
        "tensors",
        "values",
        "inexact",
        "to zero",
        "worst",
        "mean error",
        "plain cast: inexact",
        "to zero",
        "saturated",
        "mean error",
    ];
    let rows = rows.map(|mut row| {
        // Under the scale of its row nothing exceeds the largest code.
        row.remove(4);
        row.remove(9);
        row
    });
    format!("\n{}", terminal::table(&header, &[1, 2, 3, 4, 5, 6, 7, 8, 9], rows.collect()))
}

/// What all tensors together lose, in a sentence.
pub fn totals(manifest: &Manifest) -> String {
    match manifest.losses().map(|losses| losses.scaled) {
        None => "\nEvery value is the checkpoint's.\n".to_owned(),
        Some(loss) if loss.inexact == 0 => {
            "\nEvery value is the checkpoint's: its codes and scales stand for exactly it.\n".to_owned()
        }
        Some(loss) => format!(
            "\n{} of {} values in codes change ({}), {} of them to zero; relative error {} at worst, {} on the mean.\n",
            amount(loss.inexact),
            amount(loss.values),
            share(loss.inexact, loss.values),
            amount(loss.flushed_to_zero),
            number(loss.worst_relative_error),
            number(loss.mean_relative_error),
        ),
    }
}

/// A tensor's name without its layer's number.
fn kind(name: &str) -> &str {
    let of_layer = name.strip_prefix("layers.").and_then(|rest| rest.split_once('.'));
    of_layer.map_or(name, |(_, rest)| rest)
}

/// Inexact, to zero, saturated, worst and mean.
fn row(loss: &Loss) -> Vec<String> {
    vec![
        share(loss.inexact, loss.values),
        share(loss.flushed_to_zero, loss.values),
        share(loss.saturated, loss.values),
        number(loss.worst_relative_error),
        number(loss.mean_relative_error),
    ]
}

/// A part of all, such as `0.31 %`; small ones are counted.
fn share(part: u64, all: u64) -> String {
    let percent = 100.0 * part as f64 / all.max(1) as f64;
    match part {
        0 => "0".to_owned(),
        _ if percent < 0.01 => amount(part),
        _ => format!("{percent:.2} %"),
    }
}

fn number(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") }
}

/// A count with a letter, such as `19.1 G`.
fn amount(count: u64) -> String {
    let steps = [(1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")];
    match steps.into_iter().find(|(unit, _)| count >= *unit) {
        Some((10_000, letter)) => format!("{:.1} {letter}", count as f64 / 1e3),
        Some((unit, letter)) => format!("{:.1} {letter}", count as f64 / unit as f64),
        None => count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_amounts_are_short() {
        let shown = [(0, 5), (1, 3), (3, 1_000_000), (20_000, 4_000_000_000)].map(|(part, all)| share(part, all));
        assert_eq!(shown, ["0", "33.33 %", "3", "20.0 k"]);
        assert_eq!([9_999, 12_345, 19_100_000_000].map(amount), ["9999", "12.3 k", "19.1 G"]);
        assert_eq!(
            (kind("layers.11.moe.down.weight"), kind("embedding.weight")),
            ("moe.down.weight", "embedding.weight")
        );
    }
}
