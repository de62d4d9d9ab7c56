//! What is kept of a model's programs: one JSON file, whose diff is read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::GoldenError;
use crate::estimate::Sizes;
use crate::plan::Precision;
use crate::target::Target;

/// The format that this version writes, and the only one that it reads.
pub(super) const FORMAT: u32 = 1;

/// The goldens of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Golden {
    pub format: u32,
    pub model: String,
    pub context: usize,
    pub batch: usize,
    /// Prefill buckets in tokens, which the cache has room for.
    pub prefill: Vec<usize>,
    /// Distinct texts by name; targets of one spelling and number of devices share them.
    pub texts: BTreeMap<String, Text>,
    /// One program for one target each, sorted by [`Row::place`].
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Of the StableHLO that a compiler gets.
    pub stablehlo_sha256: String,
    /// How often each op occurs.
    pub ops: BTreeMap<String, usize>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub target: String,
    pub weights: String,
    pub dense: String,
    pub kv: String,
    /// The program's name, such as `decode_16`.
    pub phase: String,
    /// Which of the texts it is.
    pub text: String,
    /// Of all arguments on one device, padding as it is predicted included.
    pub argument_bytes: u64,
    /// Of those arguments whose memory a result takes over.
    pub donated_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiled: Option<Compiled>,
}

/// What a compiler made of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compiled {
    /// Package and version of the plugin, such as `libtpu 0.0.52`.
    pub compiler: String,
    /// The text that it was given. That of the row may have changed since.
    pub stablehlo_sha256: String,
    #[serde(flatten)]
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    Fits(Figures),
    DoesNotFit {
        /// The memory that does not suffice, such as `HBM`.
        memory: String,
        needed_bytes: Option<u64>,
        available_bytes: Option<u64>,
    },
    /// The compiler would not have it, or crashed.
    Refused {
        said: String,
    },
}

/// A compiler's figures of a program that fits. Bytes are of one device, cycles of one step and predictions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub argument_bytes: u64,
    pub alias_bytes: u64,
    pub temp_bytes: u64,
    pub code_bytes: u64,
    pub peak_bytes: u64,
    pub total_bytes: u64,
    /// None where the compiler does not predict.
    pub cycles: Option<u64>,
    /// What moving the bytes that a step needs takes at the published bandwidth.
    pub roofline_cycles: Option<u64>,
    /// By opcode.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exchanges: BTreeMap<String, Exchange>,
}

/// What devices say to each other in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    pub count: u64,
    /// Of all of them together, on one device.
    pub bytes: u64,
    pub largest_bytes: u64,
}

impl Golden {
    /// Reads a file that `write` wrote.
    pub fn read(file: &Path) -> Result<Golden, GoldenError> {
        let text = fs::read(file).map_err(|source| GoldenError::Io { action: "read", file: file.into(), source })?;
        let content =
            |problem: serde_json::Error| GoldenError::Content { file: file.into(), problem: problem.to_string() };

        #[derive(Deserialize)]
        struct Version {
            format: u64,
        }
        let Version { format: found } = serde_json::from_slice(&text).map_err(content)?;
        if found != u64::from(FORMAT) {
            return Err(GoldenError::Format { file: file.into(), found, expected: FORMAT });
        }
        serde_json::from_slice(&text).map_err(content)
    }

    /// Writes all of it at once: a reader finds the old file or the new.
    pub fn write(&self, file: &Path) -> Result<(), GoldenError> {
        let failed = |source| GoldenError::Io { action: "write", file: file.into(), source };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let mut json = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        json.push(b'\n');
        let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        std::io::Write::write_all(&mut beside, &json).map_err(failed)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            beside.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
        }
        beside.persist(file).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// These goldens with the rows of `fresh` in place of their own. What a compiler said of a row stays beside it, with the
    /// digest of the text that it was said of, until there is something newer. Fails if the sizes differ.
    pub fn blessed(self, file: &Path, mut fresh: Golden) -> Result<Golden, GoldenError> {
        let (found, expected) = (self.common(), fresh.common());
        if found != expected {
            return Err(GoldenError::Sizes { file: file.into(), found, expected });
        }
        let mut rows = self.rows;
        for mut row in std::mem::take(&mut fresh.rows) {
            match rows.iter_mut().find(|old| old.place() == row.place()) {
                Some(old) => {
                    row.compiled = row.compiled.or(old.compiled.take());
                    *old = row;
                }
                None => rows.push(row),
            }
        }
        rows.sort_by_cached_key(Row::place);
        let mut texts = self.texts;
        texts.append(&mut fresh.texts);
        texts.retain(|name, _| rows.iter().any(|row| row.text == *name));
        Ok(Golden { texts, rows, ..fresh })
    }

    pub fn sizes(&self) -> Sizes {
        Sizes { context: self.context, batch: self.batch, prefill: self.prefill.clone() }
    }

    /// The row that is about the same as `row`.
    pub fn row(&self, row: &Row) -> Option<&Row> {
        self.rows.iter().find(|own| own.place() == row.place())
    }

    /// Whether what a compiler said of `row` was said of an earlier text.
    pub fn is_outdated(&self, row: &Row) -> bool {
        let text = self.texts.get(&row.text).map(|text| &text.stablehlo_sha256);
        row.compiled.as_ref().is_some_and(|compiled| Some(&compiled.stablehlo_sha256) != text)
    }

    /// What all rows have in common, in words.
    fn common(&self) -> String {
        let prefill: Vec<String> = self.prefill.iter().map(ToString::to_string).collect();
        format!("{}, context {}, batch {}, prefill {}", self.model, self.context, self.batch, prefill.join(","))
    }
}

impl Row {
    /// Where a row stands among the others: targets and precisions in their usual order. No two rows have the same.
    pub(super) fn place(&self) -> impl Ord + use<> {
        let target = Target::all().iter().position(|target| target.name == self.target);
        let stored = [&self.weights, &self.dense, &self.kv].map(|name| Precision::named(name));
        (target.unwrap_or(usize::MAX), self.target.clone(), stored, self.phase.clone())
    }

    /// In words: `decode_16 on v5e-1, weights mxfp4, cache bf16`.
    pub fn title(&self) -> String {
        let dense = if self.dense == "bf16" { String::new() } else { format!(", dense {}", self.dense) };
        format!("{} on {}, weights {}{dense}, cache {}", self.phase, self.target, self.weights, self.kv)
    }
}
