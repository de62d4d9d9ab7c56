//! The two published layouts: which tensors of a checkpoint make which weight, and what type each must have. Reads no bytes.

use std::fmt;

use safetensors::Dtype;

use super::header::StoredType;
use super::mxfp4;
use crate::config::Config;
use crate::graph::params::Source;

/// How a checkpoint names and arranges its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// openai's own: `block.0.attn.qkv.weight`.
    Original,
    /// transformers': `model.layers.0.self_attn.q_proj.weight`.
    HuggingFace,
}

/// A tensor that the configuration calls for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub name: String,
    /// Any of these will do.
    pub elements: &'static [Dtype],
    pub dims: Vec<usize>,
}

impl Wanted {
    pub fn accepts(&self, found: &StoredType) -> bool {
        self.elements.contains(&found.element) && self.dims == found.dims
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, element) in self.elements.iter().enumerate() {
            let or = if at == 0 { "" } else { " or " };
            write!(f, "{or}{}", StoredType { element: *element, dims: self.dims.clone() })?;
        }
        Ok(())
    }
}

/// What a weight is made of.
#[derive(Clone, Debug)]
pub(super) enum Recipe {
    /// Tensors one after another along their first axis.
    Stacked(Vec<Wanted>),
    /// A stack of matrices in blocks of MXFP4 along the last axis.
    Mxfp4 { blocks: Wanted, scales: Wanted },
    /// A stack of matrices with their last two axes swapped.
    Transposed(Wanted),
    /// Nothing: the configuration is enough.
    Computed,
}

impl Recipe {
    /// The tensors that the recipe reads.
    pub fn tensors(&self) -> Vec<&Wanted> {
        match self {
            Recipe::Stacked(tensors) => tensors.iter().collect(),
            Recipe::Mxfp4 { blocks, scales } => vec![blocks, scales],
            Recipe::Transposed(tensor) => vec![tensor],
            Recipe::Computed => vec![],
        }
    }
}

const BF16: &[Dtype] = &[Dtype::BF16];
/// Norm scales are bf16 in the published files and f32 in both programs, which may write them as they hold them.
const BF16_OR_F32: &[Dtype] = &[Dtype::BF16, Dtype::F32];
const U8: &[Dtype] = &[Dtype::U8];

impl Layout {
    /// The layout that tensors of these names are in: transformers' as soon as one of its prefixes is there.
    pub fn of<'a>(mut names: impl Iterator<Item = &'a str>) -> Layout {
        let hugging_face = names.any(|name| name.starts_with("model.") || name.starts_with("lm_head."));
        if hugging_face { Layout::HuggingFace } else { Layout::Original }
    }

    /// How to make the weight of `source`. Experts are in MXFP4 unless `has` knows the names of a dequantized release.
    pub fn recipe(self, config: &Config, source: Source, has: impl Fn(&str) -> bool) -> Recipe {
        let (c, v, e, f) = (config.hidden, config.vocabulary, config.experts, config.expert_width);
        let (q, o, heads) = (config.query_channels(), config.qkv_channels(), config.query_heads);
        let kv = config.kv_heads * config.head_dim;
        let one = |original: &str, hugging_face: &str, elements, dims: &[usize]| {
            Recipe::Stacked(vec![self.wanted(source, original, hugging_face, elements, dims)])
        };
        let experts = |original: &str, hugging_face: &str, rows: usize, width: usize| {
            let dense = self.wanted(source, original, hugging_face, BF16, &[e, width, rows]);
            let blocks = self.wanted(
                source,
                &format!("{original}.blocks"),
                &format!("{hugging_face}_blocks"),
                U8,
                &[e, rows, width / mxfp4::BLOCK, mxfp4::BLOCK_BYTES],
            );
            let scales = self.wanted(
                source,
                &format!("{original}.scales"),
                &format!("{hugging_face}_scales"),
                U8,
                &[e, rows, width / mxfp4::BLOCK],
            );
            if self == Layout::HuggingFace && has(&dense.name) && !has(&blocks.name) {
                Recipe::Transposed(dense)
            } else {
                Recipe::Mxfp4 { blocks, scales }
            }
        };
        let projections = |end: &str, axes: &[usize]| match self {
            Layout::Original => one(&format!("attn.qkv.{end}"), "", BF16, &[&[o], axes].concat()),
            Layout::HuggingFace => Recipe::Stacked(
                [("q", q), ("k", kv), ("v", kv)]
                    .map(|(letter, rows)| {
                        let name = format!("self_attn.{letter}_proj.{end}");
                        self.wanted(source, "", &name, BF16, &[&[rows], axes].concat())
                    })
                    .into(),
            ),
        };
        match source {
            Source::Embedding => one("embedding.weight", "model.embed_tokens.weight", BF16, &[v, c]),
            Source::AttentionNorm(_) => one("attn.norm.scale", "input_layernorm.weight", BF16_OR_F32, &[c]),
            Source::QkvWeight(_) => projections("weight", &[c]),
            Source::QkvBias(_) => projections("bias", &[]),
            Source::Sinks(_) => one("attn.sinks", "self_attn.sinks", BF16, &[heads]),
            Source::OutWeight(_) => one("attn.out.weight", "self_attn.o_proj.weight", BF16, &[c, q]),
            Source::OutBias(_) => one("attn.out.bias", "self_attn.o_proj.bias", BF16, &[c]),
            Source::MoeNorm(_) => one("mlp.norm.scale", "post_attention_layernorm.weight", BF16_OR_F32, &[c]),
            Source::RouterWeight(_) => one("mlp.gate.weight", "mlp.router.weight", BF16, &[e, c]),
            Source::RouterBias(_) => one("mlp.gate.bias", "mlp.router.bias", BF16, &[e]),
            Source::GateUpWeight(_) => experts("mlp.mlp1_weight", "mlp.experts.gate_up_proj", 2 * f, c),
            Source::GateUpBias(_) => one("mlp.mlp1_bias", "mlp.experts.gate_up_proj_bias", BF16, &[e, 2 * f]),
            Source::DownWeight(_) => experts("mlp.mlp2_weight", "mlp.experts.down_proj", c, f),
            Source::DownBias(_) => one("mlp.mlp2_bias", "mlp.experts.down_proj_bias", BF16, &[e, c]),
            Source::FinalNorm => one("norm.scale", "model.norm.weight", BF16_OR_F32, &[c]),
            Source::Unembedding => one("unembedding.weight", "lm_head.weight", BF16, &[v, c]),
            Source::RopeCos | Source::RopeSin => Recipe::Computed,
        }
    }

    /// The tensor under this layout's name, which for a layer's tensor is completed by the layer's prefix.
    fn wanted(
        self,
        source: Source,
        original: &str,
        hugging_face: &str,
        elements: &'static [Dtype],
        dims: &[usize],
    ) -> Wanted {
        let name = match (self, layer(source)) {
            (Layout::Original, None) => original.to_owned(),
            (Layout::Original, Some(layer)) => format!("block.{layer}.{original}"),
            (Layout::HuggingFace, None) => hugging_face.to_owned(),
            (Layout::HuggingFace, Some(layer)) => format!("model.layers.{layer}.{hugging_face}"),
        };
        Wanted { name, elements, dims: dims.to_vec() }
    }

    /// The layer that a tensor of this name belongs to.
    pub fn layer_of(self, name: &str) -> Option<usize> {
        let prefix = match self {
            Layout::Original => "block.",
            Layout::HuggingFace => "model.layers.",
        };
        name.strip_prefix(prefix)?.split('.').next()?.parse().ok()
    }
}

fn layer(source: Source) -> Option<usize> {
    match source {
        Source::Embedding | Source::FinalNorm | Source::Unembedding | Source::RopeCos | Source::RopeSin => None,
        Source::AttentionNorm(layer)
        | Source::QkvWeight(layer)
        | Source::QkvBias(layer)
        | Source::Sinks(layer)
        | Source::OutWeight(layer)
        | Source::OutBias(layer)
        | Source::MoeNorm(layer)
        | Source::RouterWeight(layer)
        | Source::RouterBias(layer)
        | Source::GateUpWeight(layer)
        | Source::GateUpBias(layer)
        | Source::DownWeight(layer)
        | Source::DownBias(layer) => Some(layer),
    }
}
