//! The parameters of the graphs, each declared once: name, type and where it comes from in a checkpoint.
//! The list is the order of the functions' arguments, the loader's work and the manifest's content.

use std::collections::HashMap;

use crate::config::Config;
use hlo::{Builder, ElementType, Tensor, TensorType};

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

/// Every weight of `config` in argument order: matrices as `element`, the rest f32.
///
/// `slots` is the number of positions that the rotary tables cover.
pub fn weights(config: &Config, element: ElementType, slots: usize) -> Vec<Weight> {
    let (c, v, e, f) = (config.hidden, config.vocabulary, config.experts, config.expert_width);
    let (o, q) = (config.qkv_channels(), config.query_channels());
    let matrix = |name: String, source, dims: &[usize]| Weight { name, ty: TensorType::new(element, dims), source };
    let vector =
        |name: String, source, dims: &[usize]| Weight { name, ty: TensorType::new(ElementType::F32, dims), source };
    let angles = [slots, config.head_dim / 2];
    let mut list = vec![
        matrix("embedding.weight".into(), Source::Embedding, &[v, c]),
        vector("rope.cos".into(), Source::RopeCos, &angles),
        vector("rope.sin".into(), Source::RopeSin, &angles),
    ];
    for layer in 0..config.layers {
        let name = |rest: &str| format!("layers.{layer}.{rest}");
        list.extend([
            vector(name("attention.norm"), Source::AttentionNorm(layer), &[c]),
            matrix(name("attention.qkv.weight"), Source::QkvWeight(layer), &[o, c]),
            vector(name("attention.qkv.bias"), Source::QkvBias(layer), &[o]),
            vector(name("attention.sinks"), Source::Sinks(layer), &[config.query_heads]),
            matrix(name("attention.out.weight"), Source::OutWeight(layer), &[c, q]),
            vector(name("attention.out.bias"), Source::OutBias(layer), &[c]),
            vector(name("moe.norm"), Source::MoeNorm(layer), &[c]),
            matrix(name("moe.router.weight"), Source::RouterWeight(layer), &[e, c]),
            vector(name("moe.router.bias"), Source::RouterBias(layer), &[e]),
            matrix(name("moe.gate_up.weight"), Source::GateUpWeight(layer), &[e, 2, f, c]),
            vector(name("moe.gate_up.bias"), Source::GateUpBias(layer), &[e, 2, f]),
            matrix(name("moe.down.weight"), Source::DownWeight(layer), &[e, c, f]),
            vector(name("moe.down.bias"), Source::DownBias(layer), &[e, c]),
        ]);
    }
    list.push(vector("norm".into(), Source::FinalNorm, &[c]));
    list.push(matrix("unembedding.weight".into(), Source::Unembedding, &[v, c]));
    list
}

/// The weights as arguments of the function being built.
pub(super) struct Weights<'b> {
    tensors: HashMap<Source, Tensor<'b>>,
}

impl<'b> Weights<'b> {
    /// Declares one argument a weight, in order.
    pub fn declare(b: &'b Builder, list: &[Weight]) -> Weights<'b> {
        Weights { tensors: list.iter().map(|weight| (weight.source, b.argument(&weight.name, &weight.ty))).collect() }
    }
}

impl<'b> std::ops::Index<Source> for Weights<'b> {
    type Output = Tensor<'b>;

    fn index(&self, source: Source) -> &Tensor<'b> {
        &self.tensors[&source]
    }
}
