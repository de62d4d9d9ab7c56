//! What a packed file says of itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan::Strategy;
use crate::weights::loss::Losses;

/// The format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// The header's text under the key `precast`. It names no folder and no time: the same weights give the same file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Such as `precast 0.1.0`.
    pub made_by: String,
    /// The model's configuration in the keys of Hugging Face's `config.json`.
    pub config: Value,
    /// The tokenizer that the model speaks, such as `o200k_harmony` with the digest of its vocabulary.
    pub tokenizer: String,
    /// As `--target` takes it.
    pub target: String,
    pub devices: usize,
    /// How the experts are stored, how everything else is, and what products compute in.
    pub weights: String,
    pub dense: String,
    pub compute: String,
    /// In the order of the file, without fillers.
    pub tensors: Vec<TensorEntry>,
}

/// One weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorEntry {
    pub name: String,
    /// The type of the whole on the device, such as `bf16[201088, 2880]`.
    #[serde(rename = "type")]
    pub ty: String,
    /// Mesh axes that divide each of its axes, in the order of the axes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sharding: Vec<String>,
    /// Parts that stand one after another.
    pub parts: usize,
    /// Of all its bytes in the file, in lower-case hexadecimal.
    pub sha256: String,
    /// What its codes lose; none if every value is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub losses: Option<Losses>,
}

impl Manifest {
    /// The losses of all tensors together; none if every value is exact.
    pub fn losses(&self) -> Option<Losses> {
        self.tensors.iter().filter_map(|tensor| tensor.losses).reduce(|all, own| all.with(&own))
    }

    /// How weights are stored, in words: `mxfp4 experts, bf16 else`
    pub fn storage(&self) -> String {
        format!("{} experts, {} else", self.weights, self.dense)
    }

    /// Whether a session with this strategy and so many devices takes what is packed.
    pub(super) fn is_for(&self, strategy: Strategy, devices: usize) -> bool {
        let names = [strategy.experts.name(), strategy.dense.name()];
        names == [self.weights.as_str(), self.dense.as_str()] && devices == self.devices
    }
}
