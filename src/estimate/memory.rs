//! The memory of one device by what it holds: weights and cache as the graphs declare them, and what the compiler adds.

use crate::config::Config;
use crate::graph::params::{Source, Weight, weights};
use crate::graph::{Phase, cache, mesh};
use crate::plan::Plan;
use crate::target::Target;
use hlo::{Mesh, Sharding, TensorType};

/// Bytes that a bundle's programs take on one device, padding included. Weights and cache are there once, whatever programs run;
/// temporaries are those of the program that has most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The experts' matrices, their scales and biases.
    pub experts: u64,
    /// Projections, biases and sinks.
    pub attention: u64,
    pub embedding: u64,
    pub head: u64,
    /// Norms, routers and the tables of rotations.
    pub other: u64,
    pub cache: u64,
    pub temporaries: u64,
    pub code: u64,
}

/// One of the things that memory goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// As it reads in `… are 35.7 GiB`.
    pub name: &'static str,
    pub bytes: u64,
}

impl Memory {
    /// What the programs of `phases` take on a device of `target`.
    pub fn of(config: &Config, target: &Target, plan: &Plan, phases: &[Phase]) -> Memory {
        let mesh = mesh(config, plan);
        let mut memory = Memory::default();
        for weight in weights(config, plan) {
            let bytes = weight_bytes(target, mesh.as_ref(), &weight);
            *memory.place(weight.source) += bytes;
        }
        for tensor in cache(config, plan) {
            memory.cache += target.padded_bytes(&local(mesh.as_ref(), &tensor.sharding, &tensor.ty));
        }
        let temporaries = phases.iter().map(|phase| temporary_bytes(config, plan, *phase));
        memory.temporaries = temporaries.max().unwrap_or(0);
        memory.code = code_bytes(config);
        memory
    }

    /// All that `precast` puts there before a program runs.
    pub fn weights(&self) -> u64 {
        self.experts + self.attention + self.embedding + self.head + self.other
    }

    pub fn total(&self) -> u64 {
        self.weights() + self.cache + self.temporaries + self.code
    }

    /// What memory goes to, the largest first.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = vec![
            Part { name: "the experts", bytes: self.experts },
            Part { name: "attention's weights", bytes: self.attention },
            Part { name: "the embedding", bytes: self.embedding },
            Part { name: "the head", bytes: self.head },
            Part { name: "other weights", bytes: self.other },
            Part { name: "the cache", bytes: self.cache },
            Part { name: "temporaries", bytes: self.temporaries },
            Part { name: "code", bytes: self.code },
        ];
        parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
        parts
    }

    fn place(&mut self, source: Source) -> &mut u64 {
        match source {
            Source::Embedding => &mut self.embedding,
            Source::Unembedding => &mut self.head,
            Source::QkvWeight(_)
            | Source::QkvBias(_)
            | Source::Sinks(_)
            | Source::OutWeight(_)
            | Source::OutBias(_) => &mut self.attention,
            Source::GateUpWeight(_) | Source::GateUpBias(_) | Source::DownWeight(_) | Source::DownBias(_) => {
                &mut self.experts
            }
            Source::AttentionNorm(_)
            | Source::MoeNorm(_)
            | Source::RouterWeight(_)
            | Source::RouterBias(_)
            | Source::FinalNorm
            | Source::RopeCos
            | Source::RopeSin => &mut self.other,
        }
    }
}

/// The part of a tensor that one device holds.
pub(super) fn local(mesh: Option<&Mesh>, sharding: &Sharding, ty: &TensorType) -> TensorType {
    let local = mesh.map(|mesh| sharding.local(mesh, ty));
    // The graph declares the same shardings and refuses what does not divide: nothing is estimated of such a plan.
    local.and_then(Result::ok).unwrap_or_else(|| ty.clone())
}

fn weight_bytes(target: &Target, mesh: Option<&Mesh>, weight: &Weight) -> u64 {
    argument_bytes(target, &local(mesh, &weight.sharding, &weight.ty), weight.layout)
}

/// Bytes on one device of an argument of the device's own type `ty`, in the layout that it asks for or the compiler's.
pub fn argument_bytes(target: &Target, ty: &TensorType, layout: Option<&str>) -> u64 {
    match layout.and_then(minor_to_major) {
        Some(order) => target.padded_bytes_in(ty, &order),
        None => target.padded_bytes(ty),
    }
}

/// The axes of a layout such as `{1,0}`.
fn minor_to_major(layout: &str) -> Option<Vec<usize>> {
    layout.trim_matches(['{', '}']).split(',').map(|axis| axis.parse().ok()).collect()
}

/// Temporaries that the compiler sets aside, roughly: read off libtpu 0.0.52 on gpt-oss-20b, v2 to tpu7x, 1 to 16 sequences.
///
/// Logits are those of the fewest rows that a product has, twice, since sampling looks at them in another order. A prefill adds
/// the stream before and after a layer. Weights and cache are read where they lie.
fn temporary_bytes(config: &Config, plan: &Plan, phase: Phase) -> u64 {
    let f32s = |rows: usize, columns: usize| (rows * columns * size_of::<f32>()) as u64;
    let rows = match phase {
        Phase::Prefill { .. } => 1,
        Phase::Score { tokens } => tokens,
        Phase::Decode { .. } => plan.batch,
    };
    let logits = f32s(rows.max(plan.product_rows()), config.vocabulary);
    match phase {
        Phase::Prefill { tokens } | Phase::Score { tokens } => 2 * logits + 2 * f32s(tokens, config.hidden),
        Phase::Decode { .. } => 2 * logits,
    }
}

/// Code, roughly, as most of the same programs have it. It is never what does not fit.
fn code_bytes(config: &Config) -> u64 {
    (4 << 20) + config.layers as u64 * (256 << 10)
}
