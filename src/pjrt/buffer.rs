//! A tensor on the devices of a program, with its type: all of it on each of them, or a part. Knows no program.

use std::any::Any;
use std::fmt;
use std::ops::{Deref, Range};
use std::ptr::NonNull;
use std::sync::Arc;

use hlo::{Division, TensorType};

use super::client::Client;
use super::error::PjrtError;
use super::placement::Placement;
use super::raw;
use super::shard::{Shard, addressable_bytes};

/// A tensor on one device or several. Dropping it frees the memory, once whatever is running on it has ended.
pub struct Buffer {
    client: Client,
    division: Arc<Division>,
    /// One a device, in the order of `division`.
    shards: Vec<Shard>,
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shards.len() {
            1 => write!(f, "Buffer({})", self.ty()),
            devices => write!(f, "Buffer({} in {} on {devices} devices)", self.ty(), self.division),
        }
    }
}

impl Buffer {
    /// `shards` are of `client`, one for each device of `division`, and each of its local type.
    pub(super) fn of_shards(client: &Client, division: Arc<Division>, shards: Vec<Shard>) -> Buffer {
        Buffer { client: client.clone(), division, shards }
    }

    /// The type of the whole tensor.
    pub fn ty(&self) -> &TensorType {
        &self.division.ty
    }

    /// The type of what each device holds.
    pub fn local_ty(&self) -> &TensorType {
        &self.division.local
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn division(&self) -> &Arc<Division> {
        &self.division
    }

    pub(super) fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// Blocks until the contents are there. Fails as the upload or the program that was to make them failed.
    pub fn await_ready(&self) -> Result<(), PjrtError> {
        self.shards.iter().try_for_each(Shard::await_ready)
    }

    /// Downloads the whole tensor, dense and row-major, once it is there. A 4-bit element takes a byte, its high bits zero.
    pub fn to_host(&self) -> Result<Vec<u8>, PjrtError> {
        let mut host = Vec::new();
        self.read(&mut host)?;
        Ok(host)
    }

    /// As [`Buffer::to_host`], into memory that is used again: `host` is cleared and filled.
    pub fn read(&self, host: &mut Vec<u8>) -> Result<(), PjrtError> {
        if self.division.is_whole() {
            return self.shards[0].read(self.ty(), host);
        }
        host.clear();
        host.resize(self.ty().host_bytes(), 0);
        let mut part = Vec::new();
        for device in self.division.distinct() {
            self.shards[device].read(self.local_ty(), &mut part)?;
            let mut rest = part.as_slice();
            for run in self.division.runs(device) {
                let (own, others) = rest.split_at(run.len());
                host[run].copy_from_slice(own);
                rest = others;
            }
        }
        Ok(())
    }

    /// A tensor of the same type in the same place, whose contents are `bytes`, as [`Client::upload`] takes them.
    pub fn upload_beside(&self, bytes: &[u8]) -> Result<Buffer, PjrtError> {
        let devices: Option<Vec<_>> = self.shards.iter().map(|shard| self.client.device_of(shard.device())).collect();
        let devices = devices.ok_or_else(|| PjrtError::Foreign { what: format!("{self:?}") })?;
        self.client.upload_divided(&devices, self.division.clone(), bytes)
    }

    /// What it takes on each device, with padding.
    pub fn on_device_bytes(&self) -> Result<usize, PjrtError> {
        self.shards[0].on_device_bytes()
    }

    /// Whether a program took it over although its signature does not say so.
    pub fn is_deleted(&self) -> Result<bool, PjrtError> {
        self.shards.iter().try_fold(false, |deleted, shard| Ok(deleted | shard.is_deleted()?))
    }
}

/// Bytes that a device may use where they lie, with whoever keeps them alive. Clones share them.
#[derive(Clone)]
pub struct SharedBytes {
    owner: Arc<dyn Any + Send + Sync>,
    pointer: NonNull<u8>,
    len: usize,
}

// SAFETY: the bytes are only read, and belong to an owner that is `Send` and `Sync`.
unsafe impl Send for SharedBytes {}
// SAFETY: as above.
unsafe impl Sync for SharedBytes {}

impl SharedBytes {
    /// The bytes of `owner` in `range`; `None` where it has fewer.
    pub fn new<T: AsRef<[u8]> + Send + Sync + 'static>(owner: Arc<T>, range: Range<usize>) -> Option<SharedBytes> {
        let bytes = T::as_ref(&owner).get(range)?;
        let (pointer, len) = (NonNull::from(bytes).cast(), bytes.len());
        Some(SharedBytes { owner, pointer, len })
    }

    /// Those in `range`, of the same owner; `None` where there are fewer.
    pub fn part(&self, range: Range<usize>) -> Option<SharedBytes> {
        let bytes = self.get(range)?;
        Some(SharedBytes { owner: self.owner.clone(), pointer: NonNull::from(bytes).cast(), len: bytes.len() })
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> SharedBytes {
        let (pointer, len) = (NonNull::from(bytes.as_slice()).cast(), bytes.len());
        SharedBytes { owner: Arc::new(bytes), pointer, len }
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: borrowed from the owner, of which this holds a share, so that nobody can change or free it.
        unsafe { std::slice::from_raw_parts(self.pointer.as_ptr(), self.len) }
    }
}

impl Client {
    /// Copies `bytes`, a whole tensor, dense and row-major, to a device or to the devices of a [`Placement`], to each its part.
    /// They may be reused when this returns.
    ///
    /// Fails unless there are exactly `ty.host_bytes()` of them, where a 4-bit element takes a byte, and unless the mesh divides `ty`.
    pub fn upload<'a>(
        &self,
        place: impl Into<Placement<'a>>,
        ty: &TensorType,
        bytes: &[u8],
    ) -> Result<Buffer, PjrtError> {
        let place = place.into();
        self.upload_divided(&place.devices, Arc::new(place.division(ty)?), bytes)
    }

    fn upload_divided(
        &self,
        devices: &[&super::Device],
        division: Arc<Division>,
        bytes: &[u8],
    ) -> Result<Buffer, PjrtError> {
        check_bytes(&division.ty, bytes)?;
        let mut shards = Vec::with_capacity(devices.len());
        let mut part = Vec::new();
        for (place, device) in devices.iter().enumerate() {
            let bytes = if division.is_whole() { bytes } else { cut(&division, place, bytes, &mut part) };
            let (shard, event) = self.send(device, &division.local, bytes, raw::IMMUTABLE_UNTIL_TRANSFER_COMPLETES)?;
            if let Some(event) = event {
                event.wait()?;
            }
            shards.push(shard);
        }
        Ok(Buffer::of_shards(self, division, shards))
    }

    /// As [`Client::upload`], without copying where the plugin can: on CPU, if a device's part is in one piece and 64-byte aligned.
    /// The bytes stay alive until the plugin is done with them, which can be as long as the buffer exists.
    /// Donating such a buffer copies it.
    pub fn upload_shared<'a>(
        &self,
        place: impl Into<Placement<'a>>,
        ty: &TensorType,
        bytes: SharedBytes,
    ) -> Result<Buffer, PjrtError> {
        let place = place.into();
        let division = place.division(ty)?;
        check_bytes(ty, &bytes)?;
        let part = |device: usize| {
            let mut runs = division.runs(device);
            let in_one_piece = match (runs.next(), runs.next()) {
                (Some(run), None) => bytes.part(run),
                _ => None,
            };
            in_one_piece.unwrap_or_else(|| {
                let mut part = Vec::new();
                cut(&division, device, &bytes, &mut part);
                SharedBytes::from(part)
            })
        };
        let shards = self.share(&place.devices, &division.local, part)?;
        Ok(Buffer::of_shards(self, Arc::new(division), shards))
    }

    /// As [`Client::upload_shared`], of a tensor that is in parts already: `part` gives that of a device, dense and row-major, by the
    /// device's number in the placement. Fails unless each has the bytes of the part's type.
    pub fn upload_parts<'a>(
        &self,
        place: impl Into<Placement<'a>>,
        ty: &TensorType,
        part: impl Fn(usize) -> SharedBytes,
    ) -> Result<Buffer, PjrtError> {
        let place = place.into();
        let division = place.division(ty)?;
        let shards = self.share(&place.devices, &division.local, part)?;
        Ok(Buffer::of_shards(self, Arc::new(division), shards))
    }

    /// To each device its part, of type `local`, without copying where the plugin can.
    fn share(
        &self,
        devices: &[&super::Device],
        local: &TensorType,
        part: impl Fn(usize) -> SharedBytes,
    ) -> Result<Vec<Shard>, PjrtError> {
        let send = |(place, device): (usize, &&super::Device)| {
            let part = part(place);
            check_bytes(local, &part)?;
            let (shard, event) = self.send(device, local, &part, raw::IMMUTABLE_ZERO_COPY)?;
            match event {
                Some(event) => event.hold(part)?,
                // Nobody will say when the plugin is done, so it may keep them.
                None => std::mem::forget(part),
            }
            Ok(shard)
        };
        devices.iter().enumerate().map(send).collect()
    }
}

/// The part of device number `device` of the host array `whole`, gathered in `part`.
fn cut<'p>(division: &Division, device: usize, whole: &[u8], part: &'p mut Vec<u8>) -> &'p [u8] {
    part.clear();
    part.reserve(division.local.host_bytes());
    division.runs(device).for_each(|run| part.extend_from_slice(&whole[run]));
    part
}

fn check_bytes(ty: &TensorType, bytes: &[u8]) -> Result<(), PjrtError> {
    let expected = addressable_bytes(ty)?;
    match bytes.len() == expected {
        true => Ok(()),
        false => Err(PjrtError::Bytes { ty: ty.clone(), found: bytes.len(), expected }),
    }
}
