//! Binding: every weight as a buffer on the devices, in the order of the programs' arguments.

use std::sync::Arc;

use hlo::Division;

use crate::pjrt::{Buffer, LoadedExecutable, SharedBytes};
use crate::progress::{Event, Progress, Unit};
use crate::runner::RunError;
use crate::weights::{Bytes, Supplied, Supply};

/// Uploads the weights of `supply`, the first arguments of `program`, to where it wants them. What lies in a file in the wanted form
/// is used where it lies; the rest is made in memory that the buffers own.
pub(super) fn bind(
    program: &LoadedExecutable,
    supply: &Supply<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Buffer>, RunError> {
    let total = supply.weights.iter().map(|weight| weight.ty.host_bytes() as u64).sum();
    progress.report(Event::Begin { what: "bind weights", total: Some(total), unit: Unit::Bytes });
    let mut buffers = Vec::with_capacity(supply.weights.len());
    let client = program.client();
    let mesh = program.signature().mesh.as_ref();
    for (weight, place) in supply.weights.iter().zip(program.placements()) {
        buffers.push(match supply.weight(weight)? {
            Supplied::Whole(bytes) => client.upload_shared(place, &weight.ty, shared(bytes))?,
            Supplied::Parts(parts) => {
                let division = Division::new(&weight.ty, &weight.sharding, mesh, program.devices().count());
                let division =
                    division.map_err(|problem| RunError::Division { weight: weight.name.clone(), problem })?;
                let parts: Vec<SharedBytes> = parts.into_iter().map(shared).collect();
                client.upload_parts(place, &weight.ty, |device| parts[division.part_of(device)].clone())?
            }
        });
        progress.report(Event::Advance(weight.ty.host_bytes() as u64));
    }
    progress.report(Event::End(""));
    Ok(buffers)
}

fn shared(bytes: Bytes) -> SharedBytes {
    let len = bytes.as_ref().len();
    SharedBytes::new(Arc::new(bytes), 0..len).expect("an owner has its own bytes")
}
