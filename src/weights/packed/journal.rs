//! Packing that can be interrupted: one line for each tensor that is whole.
//! A line is believed only if the data still has its digest, so that it does not matter what reached the disk in which order.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::PackedError;
use crate::partial::Partial;
use crate::weights::loss::Losses;

/// A tensor that is whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub tensor: String,
    pub sha256: String,
    pub losses: Option<Losses>,
}

/// One packing, held by this process alone until it is dropped.
pub(super) struct Journal {
    partial: Partial,
    /// What was done before, by tensor.
    pub earlier: HashMap<String, Line>,
}

impl Journal {
    /// Takes up the packing to `out` that `identity` names, or begins it.
    pub fn open(out: &Path, identity: &str) -> Result<Journal, PackedError> {
        let partial = Partial::open(out, identity)?;
        // A line that was cut short by the end of its process is none.
        let earlier = partial.earlier.iter().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let earlier = earlier.map(|line| (line.tensor.clone(), line)).collect();
        Ok(Journal { partial, earlier })
    }

    pub fn data(&self) -> &Path {
        self.partial.data()
    }

    /// Notes that a tensor is whole.
    pub fn add(&self, line: &Line) -> Result<(), PackedError> {
        let failed = |source| PackedError::File { doing: "write", file: self.data().to_owned(), source };
        let text = serde_json::to_string(line).map_err(|error| failed(error.into()))?;
        Ok(self.partial.add(&text)?)
    }

    /// Removes what was written.
    pub fn discard(self) {
        self.partial.discard();
    }

    /// Gives the data its final name, and removes what was left of this and of other packings to it.
    pub fn finish(self, out: &Path) -> Result<(), PackedError> {
        Ok(self.partial.finish(out)?)
    }
}
