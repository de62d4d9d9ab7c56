//! The parameters of the graphs, each declared once: name, type and where it comes from in a checkpoint.
//! The list is the order of the functions' arguments, the loader's work and the manifest's content.

use crate::config::Config;
use hlo::{ElementType, TensorType};

/// One weight that the device holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Such as `layers.3.gate_up.weight`.
    pub name: String,
    /// Row-major on the host; bf16 or f32.
    pub ty: TensorType,
    pub source: Source,
}

/// Which tensor of the checkpoint a weight is made of, and how its axes are ordered. A number is a layer.
///
/// Axis letters: `c` hidden channel, `o` attention output or qkv row, `e` expert, `f` expert channel, `v` vocabulary, `h` query head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// `[v, c]`
    Embedding,
    /// `[c]`
    AttentionNorm(usize),
    /// `[o, c]`, rows of all queries, then keys, then values
    QkvWeight(usize),
    /// `[o]`
    QkvBias(usize),
    /// `[h]`
    Sinks(usize),
    /// `[c, o]`
    OutWeight(usize),
    /// `[c]`
    OutBias(usize),
    /// `[c]`
    MoeNorm(usize),
    /// `[e, c]`
    RouterWeight(usize),
    /// `[e]`
    RouterBias(usize),
    /// `[e, 2, f, c]`: the checkpoint's interleaved rows set apart, gates at 0 and ups at 1
    GateUpWeight(usize),
    /// `[e, 2, f]`, set apart likewise
    GateUpBias(usize),
    /// `[e, c, f]`
    DownWeight(usize),
    /// `[e, c]`
    DownBias(usize),
    /// `[c]`
    FinalNorm,
    /// `[v, c]`
    Unembedding,
    /// f32 `[slots, head_dim/2]`: cosines of YaRN's angles times its concentration, computed from the configuration alone
    RopeCos,
    /// f32 `[slots, head_dim/2]`, sines likewise
    RopeSin,
}

/// Every weight of `config` in argument order, stored as `element`; norms, sinks, router biases and the rotary tables stay f32.
///
/// `slots` is the number of positions that the rotary tables cover.
pub fn weights(config: &Config, element: ElementType, slots: usize) -> Vec<Weight> {
    let _ = (config, element, slots);
    unimplemented!()
}
