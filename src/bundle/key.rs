//! What an executable was made from, as named entries: their digest finds it, their differences explain a miss.
//! Knows nothing of files, devices or programs; whoever makes a key says what goes in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::hex;

/// Named entries, each with one value. Two keys with the same entries are the same key, whatever the order they were made in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key {
    entries: BTreeMap<String, String>,
}

impl Key {
    pub fn new() -> Key {
        Key::default()
    }

    /// This key with `name` set to `value`; an earlier value of that name is replaced.
    pub fn entry(mut self, name: impl Into<String>, value: impl ToString) -> Key {
        self.entries.insert(name.into(), value.to_string());
        self
    }

    /// This key with every entry of `other`; where both have an entry, the value of `other` stands.
    pub fn with(mut self, other: &Key) -> Key {
        self.entries.extend(other.entries.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.entries.get(name).map(String::as_str)
    }

    /// Names and values, sorted by name.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The digest of all entries: 64 hexadecimal digits, fit for a file name.
    pub fn id(&self) -> String {
        let mut digest = Sha256::new();
        // Every text is preceded by its length, so that no two sets of entries read the same.
        for text in self.entries.iter().flat_map(|(name, value)| [name, value]) {
            digest.update((text.len() as u64).to_le_bytes());
            digest.update(text);
        }
        hex(&digest.finalize())
    }

    /// The entries in which two keys differ, sorted by name; empty exactly if their ids are equal.
    pub fn differences(&self, theirs: &Key) -> Vec<Difference> {
        let names: BTreeSet<&String> = self.entries.keys().chain(theirs.entries.keys()).collect();
        names
            .into_iter()
            .filter(|name| self.entries.get(*name) != theirs.entries.get(*name))
            .map(|name| Difference {
                entry: name.clone(),
                ours: self.entries.get(name).cloned(),
                theirs: theirs.entries.get(name).cloned(),
            })
            .collect()
    }
}

/// One entry in which two keys differ. `None` is an entry that a key does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub entry: String,
    pub ours: Option<String>,
    pub theirs: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ours, theirs) = (self.ours.as_deref(), self.theirs.as_deref());
        if let (Some(ours), Some(theirs)) = (ours, theirs)
            && ours.split_whitespace().count().max(theirs.split_whitespace().count()) > 8
        {
            // A long list of words, such as processor features: what one has and the other lacks says more than both.
            let (here, there): (BTreeSet<&str>, BTreeSet<&str>) =
                (ours.split_whitespace().collect(), theirs.split_whitespace().collect());
            let gained = here.difference(&there).map(|word| format!("+{word}"));
            let lost = there.difference(&here).map(|word| format!("-{word}"));
            let words: Vec<String> = gained.chain(lost).collect();
            return write!(f, "`{}` differs by `{}`", self.entry, words.join(" "));
        }
        write!(f, "`{}` is {}, was {}", self.entry, shown(ours), shown(theirs))
    }
}

/// A value on one line and short enough to read; digests are told apart by their first digits.
fn shown(value: Option<&str>) -> String {
    let Some(value) = value else { return "not set".to_string() };
    let line = value.replace(char::is_whitespace, " ");
    let is_digest = line.len() == 64 && line.bytes().all(|byte| byte.is_ascii_hexdigit());
    let limit = if is_digest { 12 } else { 120 };
    match line.char_indices().nth(limit) {
        Some((end, _)) if is_digest => format!("`{}`", &line[..end]),
        Some((end, _)) => format!("`{}…`", &line[..end]),
        None => format!("`{line}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;
    use proptest::prelude::*;

    fn key(entries: &[(&str, &str)]) -> Key {
        entries.iter().fold(Key::new(), |key, (name, value)| key.entry(*name, value))
    }

    #[test]
    fn a_difference_names_the_entry_and_both_sides() {
        let shown = |ours: &[(&str, &str)], theirs: &[(&str, &str)]| -> Vec<String> {
            key(ours).differences(&key(theirs)).iter().map(Difference::to_string).collect()
        };
        assert_eq!(shown(&[("a", "1"), ("b", "2")], &[("a", "1"), ("b", "3")]), ["`b` is `2`, was `3`"]);
        assert_eq!(shown(&[("XLA_FLAGS", "--x")], &[]), ["`XLA_FLAGS` is `--x`, was not set"]);
        assert_eq!(
            shown(&[("cpu", "a b c d e f g h i")], &[("cpu", "a b c d e f g h j")]),
            ["`cpu` differs by `+i -j`"]
        );
        assert_eq!(shown(&[("v", "one\ntwo")], &[]), ["`v` is `one two`, was not set"]);
        let (ours, theirs) = (sha256(b"ours"), sha256(b"theirs"));
        assert_eq!(
            shown(&[("text", &ours)], &[("text", &theirs)]),
            [format!("`text` is `{}`, was `{}`", &ours[..12], &theirs[..12])]
        );
    }

    proptest! {
        #[test]
        fn an_id_does_not_depend_on_order(entries: BTreeMap<String, String>, seed: u64) {
            let mut shuffled: Vec<(&String, &String)> = entries.iter().collect();
            shuffled.sort_by_key(|(name, _)| sha256(format!("{seed}{name}").as_bytes()));
            let forward = entries.iter().fold(Key::new(), |key, (name, value)| key.entry(name, value));
            let other = shuffled.iter().fold(Key::new(), |key, (name, value)| key.entry(*name, value));
            prop_assert_eq!(forward.id(), other.id());
        }

        #[test]
        fn any_change_of_an_entry_changes_the_id_and_is_named(
            entries in proptest::collection::btree_map(".{0,8}", ".{0,8}", 1..6), pick: prop::sample::Index, value in ".{0,8}",
        ) {
            let before = entries.iter().fold(Key::new(), |key, (name, value)| key.entry(name, value));
            let (name, old) = entries.iter().nth(pick.index(entries.len())).expect("not empty");
            let after = before.clone().entry(name, &value);
            prop_assert_eq!(before.id() == after.id(), old == &value);
            let differences = after.differences(&before);
            prop_assert_eq!(differences.len(), usize::from(old != &value));
            prop_assert!(differences.iter().all(|difference| &difference.entry == name));
        }

        #[test]
        fn entries_do_not_run_into_each_other(name in ".{1,6}", value in ".{1,6}", cut in 0usize..6) {
            // The same characters, divided otherwise between name and value.
            let all: Vec<char> = name.chars().chain(value.chars()).collect();
            let cut = cut.min(all.len());
            let (left, right): (String, String) = (all[..cut].iter().collect(), all[cut..].iter().collect());
            prop_assert_eq!(
                Key::new().entry(&name, &value).id() == Key::new().entry(&left, &right).id(),
                name == left
            );
        }
    }
}
