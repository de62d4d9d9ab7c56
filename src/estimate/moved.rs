//! The bytes that one step is to bring from memory, at the published bandwidth its roofline. For one sequence no program does
//! with less, but for the channels that a divided expert is padded with; tiles' padding is left out, since a program need not read
//! it, and so is what devices say to each other.

use crate::config::{Config, LayerKind};
use crate::estimate::memory::local;
use crate::graph::params::{Source, weights};
use crate::graph::{Phase, cache, mesh};
use crate::plan::Plan;
use crate::target::Target;
use hlo::TensorType;

/// Bytes that one step of `phase` moves between the memory of one device and its cores: every weight that it needs, once, as
/// stored and with scales; keys and values that it looks at and those that it writes. A decode step looks at a full context, a
/// prefill is the last chunk of one.
///
/// Of the experts these are the chosen ones: `experts_per_token` for a single row; for more rows as many times that, all of them
/// at most, as if no two rows agreed.
pub fn moved_bytes(config: &Config, target: &Target, plan: &Plan, phase: Phase) -> u64 {
    let mesh = mesh(config, plan);
    let rows = phase.rows(plan);
    let chosen = (rows * config.experts_per_token).min(config.experts);
    let weights = weights(config, plan).into_iter().map(|weight| {
        let ty = local(mesh.as_ref(), &weight.sharding, &weight.ty);
        let bytes = stored_bytes(target, &ty);
        match weight.source {
            Source::GateUpWeight(_) | Source::GateUpBias(_) | Source::DownWeight(_) | Source::DownBias(_) => {
                bytes * chosen as u64 / config.experts as u64
            }
            // Of tables only the rows that are looked up.
            Source::Embedding | Source::RopeCos | Source::RopeSin => {
                bytes * rows.min(ty.dims[0]) as u64 / ty.dims[0] as u64
            }
            _ => bytes,
        }
    });
    // Tokens of each sequence, and sequences.
    let (tokens, sequences) = match phase {
        Phase::Prefill { tokens } | Phase::Score { tokens } => (tokens, 1),
        Phase::Decode { .. } => (1, plan.batch),
    };
    let cached = cache(config, plan).into_iter().map(|tensor| {
        let slots = tensor.ty.dims[2];
        let ty = local(mesh.as_ref(), &tensor.sharding, &tensor.ty);
        let a_slot = stored_bytes(target, &ty) / (plan.batch * slots) as u64;
        let seen = match config.layer_kinds[tensor.layer] {
            LayerKind::Full => plan.context,
            LayerKind::Sliding => plan.context.min(config.sliding_window + tokens - 1),
        };
        ((seen + tokens.min(slots)) * sequences) as u64 * a_slot
    });
    weights.sum::<u64>() + cached.sum::<u64>()
}

/// Cycles of `target` that moving so many bytes takes at its published bandwidth; `None` where neither is known.
pub fn roofline_cycles(target: &Target, moved_bytes: u64) -> Option<u64> {
    Some(target.chip?.cycles_to_move(moved_bytes))
}

/// Bytes of a tensor as the device stores its elements, without padding.
fn stored_bytes(target: &Target, ty: &TensorType) -> u64 {
    let bits = match (ty.element.bits(), target.chip) {
        (4, Some(chip)) if chip.stores_4_bit => 4,
        (bits, _) => bits.max(8),
    };
    (ty.count() * bits).div_ceil(8) as u64
}
