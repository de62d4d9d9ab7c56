//! Single parts of a model as programs of their own, made by the code that the whole graphs are made of: to be read.

use crate::config::{Config, LayerKind};
use crate::graph::Phase;
use crate::graph::cache::Rows;
use crate::graph::layers::{attend, builder, declare_caches, embed, flatten, head, rotation, think};
use crate::graph::model::Model;
use crate::graph::norm::rms_norm;
use crate::graph::params::Source;
use crate::graph::prefill::{Chunk, token_ids};
use crate::plan::Plan;
use hlo::{ElementType::F32, ElementType::S32, Module, Problem, TensorType};

/// A part of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// Token ids to the stream.
    Embedding,
    /// The stream, normalised.
    Norm,
    /// Positions to cosines and sines.
    Rope,
    /// The first half of a layer, its cache included.
    Attention(LayerKind),
    /// The second half.
    Moe,
    /// The stream to logits.
    Head,
}

impl Block {
    pub const ALL: [Block; 7] = [
        Block::Embedding,
        Block::Norm,
        Block::Rope,
        Block::Attention(LayerKind::Sliding),
        Block::Attention(LayerKind::Full),
        Block::Moe,
        Block::Head,
    ];

    /// Such as `attention_full`.
    pub fn name(self) -> &'static str {
        match self {
            Block::Embedding => "embedding",
            Block::Norm => "norm",
            Block::Rope => "rope",
            Block::Attention(LayerKind::Sliding) => "attention_sliding",
            Block::Attention(LayerKind::Full) => "attention_full",
            Block::Moe => "moe",
            Block::Head => "head",
        }
    }

    /// Whether a weight is an argument of it.
    fn takes(self, source: Source) -> bool {
        match source {
            Source::Embedding => self == Block::Embedding,
            Source::RopeCos | Source::RopeSin => matches!(self, Block::Rope | Block::Attention(_)),
            Source::AttentionNorm(_)
            | Source::QkvWeight(_)
            | Source::QkvBias(_)
            | Source::Sinks(_)
            | Source::OutWeight(_)
            | Source::OutBias(_) => matches!(self, Block::Attention(_)),
            Source::MoeNorm(_)
            | Source::RouterWeight(_)
            | Source::RouterBias(_)
            | Source::GateUpWeight(_)
            | Source::GateUpBias(_)
            | Source::DownWeight(_)
            | Source::DownBias(_) => self == Block::Moe,
            Source::FinalNorm => matches!(self, Block::Norm | Block::Head),
            Source::Unembedding => self == Block::Head,
        }
    }
}

/// The module of one part of `config`, whose other sizes and plan it has, for the rows of `phase`. Its `main` takes the weights that
/// the part uses, the layer's caches if it attends, which it gives back first and in place, and what flows through: token ids,
/// the stream f32 `[n, c]`, or where the rows stand.
pub fn block(config: &Config, plan: &Plan, block: Block, phase: Phase) -> Result<Module, Problem> {
    let kind = if let Block::Attention(kind) = block { kind } else { LayerKind::Full };
    let config = Config { layers: 1, layer_kinds: vec![kind], ..config.clone() };
    let b = builder(block.name(), &config, plan);
    b.function("main", || {
        let model = Model::declare_those(&b, &config, plan, |source| block.takes(source));
        let n = phase.rows(plan);
        let stream = || b.argument("x", &TensorType::new(F32, [n, config.hidden]));
        let rows = || match phase {
            Phase::Decode { .. } => Rows::Step { positions: b.argument("positions", &TensorType::new(S32, [n])) },
            Phase::Prefill { .. } | Phase::Score { .. } => Chunk::declare(&b, n).rows,
        };
        match block {
            Block::Embedding => vec![embed(&model, token_ids(&b, n))],
            Block::Norm => vec![rms_norm(stream(), model.vector(Source::FinalNorm), config.rms_epsilon)],
            Block::Rope => {
                let rotation = rotation(&model, &rows());
                vec![rotation.cos, rotation.sin]
            }
            Block::Attention(_) => {
                let caches = declare_caches(&b, &model);
                let (x, rows) = (stream(), rows());
                let rotation = rotation(&model, &rows);
                let (x, cache) = attend(&model, 0, x, &rows, &rotation, caches[0]);
                [flatten(&[cache]), vec![x]].concat()
            }
            Block::Moe => {
                let x = stream();
                vec![think(&model, 0, x, &rows())]
            }
            Block::Head => vec![head(&model, stream(), n)],
        }
    });
    b.finish()
}
