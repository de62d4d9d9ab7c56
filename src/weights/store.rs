//! Where weights come from: a checkpoint, which is converted, or a packed file, which is used where it lies.

use std::path::Path;

use super::checkpoint::Checkpoint;
use super::map::MappedBytes;
use super::mxfp4;
use super::pack;
use super::packed::{Fitted, Packed, PackedError};
use crate::config::Config;
use crate::graph::params::{Weight, weights};
use crate::plan::Plan;

/// The weights of a model, as a folder or a file has them.
#[derive(Debug)]
pub enum Store {
    Checkpoint(Box<Checkpoint>),
    Packed(Box<Packed>),
}

/// The weights of one plan, in the order of the arguments.
pub struct Supply<'a> {
    pub weights: Vec<Weight>,
    config: &'a Config,
    from: From<'a>,
}

enum From<'a> {
    Checkpoint(&'a Checkpoint),
    Packed(Fitted<'a>),
}

/// A weight, row-major: whole, or the parts that devices hold.
pub enum Supplied {
    Whole(Bytes),
    /// In the order of [`hlo::Division::distinct`].
    Parts(Vec<Bytes>),
}

/// Bytes that begin at a cache line or where they lie in a file.
pub enum Bytes {
    Mapped(MappedBytes),
    Made(Lines),
}

/// Memory that starts on a cache line, which lets the CPU plugin use it in place.
pub struct Lines {
    lines: Vec<Line>,
    bytes: usize,
}

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

impl Store {
    /// Opens the checkpoint in a folder, or a file that `precast pack` wrote.
    pub fn open(path: &Path) -> Result<Store, PackedError> {
        match path.is_file() {
            true => Ok(Store::Packed(Box::new(Packed::open(path)?))),
            false => Ok(Store::Checkpoint(Box::new(Checkpoint::open(path)?))),
        }
    }

    pub fn config(&self) -> &Config {
        match self {
            Store::Checkpoint(checkpoint) => checkpoint.config(),
            Store::Packed(packed) => packed.config(),
        }
    }

    /// The weights as `plan` has them. Fails if they are packed for another one.
    pub fn supply(&self, plan: &Plan) -> Result<Supply<'_>, PackedError> {
        let from = match self {
            Store::Checkpoint(checkpoint) => From::Checkpoint(checkpoint),
            Store::Packed(packed) => From::Packed(packed.fitted(plan)?),
        };
        Ok(Supply { weights: weights(self.config(), plan), config: self.config(), from })
    }
}

impl Supply<'_> {
    /// One of the weights: without a copy where it is stored as it is wanted.
    pub fn weight(&self, weight: &Weight) -> Result<Supplied, PackedError> {
        let whole = weight.ty.host_bytes();
        match &self.from {
            From::Checkpoint(checkpoint) => Ok(Supplied::Whole(match pack::mapped(checkpoint, weight) {
                Some(mapped) => Bytes::Mapped(mapped),
                None => Bytes::Made(Lines::filled(whole, |out| pack::fill(checkpoint, weight, out))?),
            })),
            From::Packed(_) if weight.source.is_computed() => {
                Ok(Supplied::Whole(Bytes::Made(Lines::filled(whole, |out| pack::compute(self.config, weight, out))?)))
            }
            From::Packed(fitted) => {
                let unlike =
                    || PackedError::Division { weight: weight.name.clone(), problem: "it has no place".into() };
                let slot = fitted.slots.get(&weight.name).ok_or_else(unlike)?;
                let part = |part| -> Result<Bytes, PackedError> {
                    let mapped = fitted.part(slot, part).ok_or_else(unlike)?;
                    if !slot.is_halved() {
                        return Ok(Bytes::Mapped(mapped));
                    }
                    // A plugin takes a byte for each code.
                    Ok(Bytes::Made(Lines::filled::<PackedError>(2 * mapped.len(), |out| {
                        mxfp4::spread(&mapped, out);
                        Ok(())
                    })?))
                };
                Ok(Supplied::Parts((0..slot.devices.len()).map(part).collect::<Result<_, _>>()?))
            }
        }
    }
}

impl Lines {
    fn filled<E>(bytes: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Lines, E> {
        let mut lines = vec![Line([0; 64]); bytes.div_ceil(64)];
        fill(&mut bytemuck::cast_slice_mut(&mut lines)[..bytes])?;
        Ok(Lines { lines, bytes })
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(mapped) => mapped,
            Bytes::Made(made) => &bytemuck::cast_slice(&made.lines)[..made.bytes],
        }
    }
}
