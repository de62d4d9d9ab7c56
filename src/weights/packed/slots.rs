//! Which weights a packed file has, in which parts and types, and where each lies.

use std::ops::Range;

use hlo::{Division, ElementType, Mesh};
use safetensors::Dtype;

use super::error::PackedError;
use super::{ALIGN, PADDING};
use crate::config::Config;
use crate::graph::mesh;
use crate::graph::params::{Weight, weights};
use crate::plan::Plan;
use crate::weights::header::StoredType;

/// The place of one weight.
#[derive(Clone, Debug)]
pub(in crate::weights) struct Slot {
    pub weight: Weight,
    pub division: Division,
    /// The first device of each part, in the order of the parts.
    pub devices: Vec<usize>,
    pub stored: StoredType,
    /// Counted from where the data begins.
    pub bytes: Range<usize>,
}

impl Slot {
    /// Bytes of one part in the file.
    pub fn part_bytes(&self) -> usize {
        self.bytes.len() / self.devices.len()
    }

    /// Whether two codes share a byte in the file, where a host array has a byte for each.
    pub fn is_halved(&self) -> bool {
        self.stored.element == Dtype::F4
    }
}

/// The weights of a plan in the order of the arguments, without those that the configuration tells.
pub(super) fn slots(config: &Config, plan: &Plan) -> Result<Vec<Slot>, PackedError> {
    let mesh = mesh(config, plan);
    let mut end = 0;
    let mut slots = Vec::new();
    for weight in weights(config, plan).into_iter().filter(|weight| !weight.source.is_computed()) {
        let (division, stored) = divide(&weight, mesh.as_ref(), plan.devices)?;
        let devices: Vec<usize> = division.distinct().collect();
        let start = end_of_gap(end);
        let Some(bytes) = stored.host_bytes() else {
            let problem = format!("{stored} ends within a byte");
            return Err(PackedError::Division { weight: weight.name, problem });
        };
        end = start + bytes;
        slots.push(Slot { weight, division, devices, stored, bytes: start..end });
    }
    Ok(slots)
}

/// The parts of `weight` on so many devices, and the type in which a file has them.
pub(super) fn divide(
    weight: &Weight,
    mesh: Option<&Mesh>,
    devices: usize,
) -> Result<(Division, StoredType), PackedError> {
    let failed = |problem| PackedError::Division { weight: weight.name.clone(), problem };
    let division = Division::new(&weight.ty, &weight.sharding, mesh, devices).map_err(failed)?;
    let parts = division.distinct().count();
    let dims = division.local.dims.iter().copied();
    let dims = if parts == 1 { dims.collect() } else { std::iter::once(parts).chain(dims).collect() };
    let element = element(weight.ty.element)
        .ok_or_else(|| failed(format!("a file cannot hold elements of type {}", weight.ty.element)))?;
    Ok((division, StoredType { element, dims }))
}

/// How safetensors calls an element type.
fn element(element: ElementType) -> Option<Dtype> {
    Some(match element {
        ElementType::F32 => Dtype::F32,
        ElementType::Bf16 => Dtype::BF16,
        ElementType::F8E4M3FN => Dtype::F8_E4M3,
        ElementType::F4E2M1FN => Dtype::F4,
        ElementType::S8 => Dtype::I8,
        ElementType::U8 => Dtype::U8,
        _ => return None,
    })
}

fn end_of_gap(end: usize) -> usize {
    end.next_multiple_of(ALIGN)
}

/// All tensors of the file with their names, weights and the fillers between them.
pub(super) fn tensors(slots: &[Slot]) -> Vec<(String, StoredType, usize)> {
    let mut tensors = Vec::new();
    let mut end = 0;
    for slot in slots {
        let gap = slot.bytes.start - end;
        if gap > 0 {
            let ty = StoredType { element: Dtype::U8, dims: vec![gap] };
            tensors.push((format!("{PADDING}{}", tensors.len()), ty, gap));
        }
        tensors.push((slot.weight.name.clone(), slot.stored.clone(), slot.bytes.len()));
        end = slot.bytes.end;
    }
    tensors
}
