//! Binding: every weight of the checkpoint as a buffer on the devices, in the order of the programs' arguments.

use std::sync::Arc;

use crate::graph::params::Weight;
use crate::pjrt::{Buffer, LoadedExecutable, SharedBytes};
use crate::progress::{Event, Progress, Unit};
use crate::runner::RunError;
use crate::weights::{Checkpoint, pack};

/// Host memory that starts on a cache line, which lets the CPU plugin use it in place.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Such memory, and how much of it is used.
struct Filled {
    lines: Vec<Line>,
    bytes: usize,
}

impl AsRef<[u8]> for Filled {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.bytes]
    }
}

/// Uploads `weights`, the first arguments of `program`, to where it wants them. What the checkpoint holds in the wanted form already is used where it lies in the map;
/// the rest is converted into memory that the buffers own.
pub(super) fn bind(
    program: &LoadedExecutable,
    checkpoint: &Checkpoint,
    weights: &[Weight],
    progress: &dyn Progress,
) -> Result<Vec<Buffer>, RunError> {
    let total = weights.iter().map(|weight| weight.ty.host_bytes() as u64).sum();
    progress.report(Event::Begin { what: "bind weights", total: Some(total), unit: Unit::Bytes });
    let mut buffers = Vec::with_capacity(weights.len());
    let client = program.client();
    for (weight, place) in weights.iter().zip(program.placements()) {
        let bytes = weight.ty.host_bytes();
        let buffer = match pack::mapped(checkpoint, weight) {
            Some(mapped) => client.upload_shared(place, &weight.ty, shared(mapped))?,
            None => {
                let mut lines = vec![Line([0; 64]); bytes.div_ceil(64)];
                pack::fill(checkpoint, weight, &mut bytemuck::cast_slice_mut(&mut lines)[..bytes])?;
                client.upload_shared(place, &weight.ty, shared(Filled { lines, bytes }))?
            }
        };
        buffers.push(buffer);
        progress.report(Event::Advance(bytes as u64));
    }
    progress.report(Event::End(""));
    Ok(buffers)
}

fn shared<T: AsRef<[u8]> + Send + Sync + 'static>(owner: T) -> SharedBytes {
    let len = owner.as_ref().len();
    SharedBytes::new(Arc::new(owner), 0..len).expect("an owner has its own bytes")
}
