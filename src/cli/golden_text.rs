//! How `precast golden` shows what it finds, to people and to programs. It knows no compiler.

use serde_json::{Value, json};

use super::terminal;
use crate::golden::{Change, Compiled, Row, Verdict};

/// What has changed of `count` programs of a model. Programs that changed alike are shown once.
pub fn changed(model: &str, count: usize, changed: &[(&Row, Vec<Change>)]) -> String {
    if changed.is_empty() {
        return format!("{model}: {count} programs are as they were\n");
    }
    let mut alike: Vec<(&Row, Vec<&str>, &Vec<Change>)> = Vec::new();
    for (row, changes) in changed {
        let is_alike =
            |(first, _, its): &&mut (&Row, Vec<&str>, &Vec<Change>)| (&first.text, *its) == (&row.text, changes);
        match alike.iter_mut().find(is_alike) {
            Some((_, targets, _)) => targets.push(&row.target),
            None => alike.push((row, vec![&row.target], changes)),
        }
    }
    let mut text = String::new();
    for (row, targets, changes) in alike {
        text += &format!("{model} {} on {}\n", row.text, targets.join(", "));
        let row = |change: &Change| {
            let shown = [&change.was, &change.is].map(shown);
            let [was, is] = shown;
            vec![format!("  {}", change.what), was, is, change.by().unwrap_or_default()]
        };
        text += &terminal::table(&["  what", "was", "is", "by"], &[1, 2, 3], changes.iter().map(row).collect());
        text.push('\n');
    }
    text + &format!("{model}: {} of {count} programs changed\n", changed.len())
}

/// The same for programs to read.
pub fn report(model: &str, count: usize, changed: &[(&Row, Vec<Change>)]) -> Value {
    let row = |(row, changes): &(&Row, Vec<Change>)| {
        json!({
            "target": row.target, "weights": row.weights, "dense": row.dense, "kv": row.kv, "phase": row.phase,
            "changes": changes,
        })
    };
    json!({ "model": model, "programs": count, "changed": changed.iter().map(row).collect::<Vec<_>>() })
}

/// That some figures are of an earlier text; empty if none is.
pub fn outdated(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(
            "the compiler's figures of {count} programs are of an earlier text; `precast golden bless --compiled --missing` makes \
             them anew\n"
        ),
    }
}

/// What a compiler says of a program, in a few words.
pub fn verdict(compiled: &Compiled) -> String {
    match &compiled.verdict {
        Verdict::Fits(figures) => {
            let cycles = figures.cycles.map(|cycles| format!(", {cycles} cycles a step predicted"));
            format!("fits, {}{}", terminal::bytes(figures.total_bytes), cycles.unwrap_or_default())
        }
        Verdict::DoesNotFit { memory, needed_bytes: Some(needed), available_bytes: Some(available) } => {
            let [needed, available] = [*needed, *available].map(terminal::bytes);
            format!("does not fit, needs {needed} of {memory}, a device has {available}")
        }
        Verdict::DoesNotFit { .. } => "does not fit".into(),
        Verdict::Refused { said } => format!("refused: {said}"),
    }
}

/// A fact on one line; of a digest the beginning.
fn shown(fact: &Value) -> String {
    match fact {
        Value::Null => "-".into(),
        Value::String(text) => match text.get(..12).filter(|_| text.len() == 64) {
            Some(beginning) => format!("{beginning}…"),
            None => text.clone(),
        },
        other => other.to_string(),
    }
}
