//! What differs between goldens that are kept and those of today, fact by fact: whatever the file holds is a fact.

use serde::Serialize;
use serde_json::Value;

use super::record::{Golden, Row};

/// How far a predicted cycle count may be off and still be the same: the compiler's parallel searches may end a little otherwise.
pub const CYCLES_TOLERANCE: f64 = 0.005;

/// One fact of one row that is not what it was. Null stands for none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Such as `ops.add` or `compiled.total_bytes`.
    pub what: String,
    pub was: Value,
    pub is: Value,
}

/// What has changed of each row of `fresh` against `stored`; rows without a change are left out. What compilers say is compared
/// where both sides have it.
pub fn changes<'a>(stored: &Golden, fresh: &'a Golden) -> Vec<(&'a Row, Vec<Change>)> {
    let of_row = |row: &'a Row| {
        let old = stored.row(row);
        let both_compiled = row.compiled.is_some() && old.is_some_and(|old| old.compiled.is_some());
        let was = old.map(|old| facts(stored, old, both_compiled)).unwrap_or_default();
        let is = facts(fresh, row, both_compiled);
        (row, compare(&was, &is))
    };
    fresh.rows.iter().map(of_row).filter(|(_, changes)| !changes.is_empty()).collect()
}

type Facts = Vec<(String, Value)>;

/// Everything that is known of a row, by name.
fn facts(golden: &Golden, row: &Row, with_compiled: bool) -> Facts {
    let mut facts = Facts::new();
    flatten("", serde_json::to_value(golden.texts.get(&row.text)).unwrap_or_default(), &mut facts);
    flatten("", serde_json::to_value(row).unwrap_or_default(), &mut facts);
    // The digest of the text that was compiled is told by the text's own.
    facts.retain(|(name, _)| !name.starts_with("compiled.") || with_compiled && name != "compiled.stablehlo_sha256");
    facts
}

fn flatten(path: &str, value: Value, facts: &mut Facts) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(&path, value, facts);
            }
        }
        Value::Null => {}
        leaf => facts.push((path.to_owned(), leaf)),
    }
}

fn compare(was: &Facts, is: &Facts) -> Vec<Change> {
    let find = |facts: &Facts, name: &str| facts.iter().find(|fact| fact.0 == name).map(|fact| fact.1.clone());
    let gone = was.iter().filter(|fact| find(is, &fact.0).is_none());
    let names = is.iter().chain(gone).map(|fact| &fact.0);
    let change = |what: &String| {
        let (was, is) = (find(was, what).unwrap_or_default(), find(is, what).unwrap_or_default());
        let change = Change { what: what.clone(), was, is };
        (!change.is_none()).then_some(change)
    };
    names.filter_map(change).collect()
}

impl Change {
    fn is_none(&self) -> bool {
        match (self.was.as_f64(), self.is.as_f64()) {
            (Some(was), Some(is)) if self.what == "compiled.cycles" => (is - was).abs() <= was * CYCLES_TOLERANCE,
            _ => self.was == self.is,
        }
    }

    /// By how much a number has changed: `+6`, and from the third digit on also `+2.0 %`.
    pub fn by(&self) -> Option<String> {
        let (was, is) = (self.was.as_i64()?, self.is.as_i64()?);
        let percent = match was.abs() {
            100.. => format!(" ({:+.1} %)", (is - was) as f64 / was as f64 * 100.0),
            _ => String::new(),
        };
        Some(format!("{:+}{percent}", is - was))
    }
}
