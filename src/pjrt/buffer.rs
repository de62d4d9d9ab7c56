//! A tensor in a device's memory, with its type. Knows no program.

use std::any::Any;
use std::ffi::c_void;
use std::fmt;
use std::ops::{Deref, Range};
use std::ptr::{self, NonNull};
use std::sync::Arc;

use hlo::TensorType;

use super::api::{args, malformed, object};
use super::client::Client;
use super::element::to_pjrt;
use super::error::PjrtError;
use super::event::Event;
use super::raw::{self, Args};

/// A tensor on a device. Dropping it frees the memory, once whatever is running on it has ended.
pub struct Buffer {
    client: Client,
    raw: NonNull<raw::Buffer>,
    ty: TensorType,
    device: NonNull<raw::Device>,
    /// The execution that makes it.
    made_by: Option<Arc<Event>>,
}

// SAFETY: a client and its buffers may be used from any thread; deleting one needs it by value.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({})", self.ty)
    }
}

impl Buffer {
    /// # Safety
    /// `raw` is a buffer of `client` on `device`, is of type `ty`, and nobody else owns it.
    pub(super) unsafe fn own(
        client: &Client,
        raw: NonNull<raw::Buffer>,
        ty: TensorType,
        device: NonNull<raw::Device>,
        made_by: Option<Arc<Event>>,
    ) -> Buffer {
        Buffer { client: client.clone(), raw, ty, device, made_by }
    }

    pub fn ty(&self) -> &TensorType {
        &self.ty
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn device(&self) -> NonNull<raw::Device> {
        self.device
    }

    pub(super) fn raw(&self) -> NonNull<raw::Buffer> {
        self.raw
    }

    /// Blocks until the contents are there. Fails as the upload or the program that was to make them failed.
    pub fn await_ready(&self) -> Result<(), PjrtError> {
        let mut args = args::<raw::Buffer_ReadyEvent>();
        args.buffer = self.raw.as_ptr();
        // SAFETY: `self` owns the buffer.
        unsafe { self.client.plugin().call(&mut args) }?;
        // SAFETY: pjrt_c_api.h: the caller frees the event.
        if let Some(event) = unsafe { Event::own(self.client.plugin(), args.event) } {
            event.wait()?;
        }
        self.made_by.as_ref().map_or(Ok(()), |event| event.wait())
    }

    /// Downloads the contents, dense and row-major, once they are there. A 4-bit element takes a byte, its high bits zero.
    pub fn to_host(&self) -> Result<Vec<u8>, PjrtError> {
        let mut host = Vec::new();
        self.read(&mut host)?;
        Ok(host)
    }

    /// As [`Buffer::to_host`], into memory that is used again: `host` is cleared and filled.
    pub fn read(&self, host: &mut Vec<u8>) -> Result<(), PjrtError> {
        if let Some(event) = &self.made_by {
            event.wait()?;
        }
        let minor_to_major: Vec<i64> = (0..self.ty.rank() as i64).rev().collect();
        let layout = raw::MemoryLayout {
            struct_size: size_of::<raw::MemoryLayout>(),
            extension_start: ptr::null_mut(),
            tiled: raw::Tiled {
                struct_size: size_of::<raw::Tiled>(),
                extension_start: ptr::null_mut(),
                minor_to_major: minor_to_major.as_ptr(),
                minor_to_major_size: minor_to_major.len(),
                tile_dims: ptr::null(),
                tile_dim_sizes: ptr::null(),
                num_tiles: 0,
            },
            kind: raw::LAYOUT_TILED,
        };
        let mut args = args::<raw::Buffer_ToHostBuffer>();
        args.src = self.raw.as_ptr();
        args.host_layout = &layout;
        // SAFETY: `self` owns the buffer; without a destination the plugin only tells the size.
        unsafe { self.client.plugin().call(&mut args) }?;
        let expected = self.ty.host_bytes();
        if args.dst_size != expected {
            let problem = format!("{} is {} bytes, expected {expected}", self.ty, args.dst_size);
            return Err(malformed(raw::Buffer_ToHostBuffer::FUNCTION, problem));
        }

        host.clear();
        host.reserve(expected.max(1));
        args.dst = host.as_mut_ptr().cast::<c_void>();
        // SAFETY: `dst_size` bytes are reserved there, and nothing else uses them before the event.
        unsafe { self.client.plugin().call(&mut args) }?;
        // SAFETY: pjrt_c_api.h: the caller frees the event.
        if let Some(event) = unsafe { Event::own(self.client.plugin(), args.event) } {
            let outcome = event.wait();
            if outcome.is_err() && !event.is_ready() {
                // The plugin may still write there, so the memory is given up.
                std::mem::forget(std::mem::take(host));
            }
            outcome?;
        }
        // SAFETY: the plugin has written all `expected` bytes: the event says so.
        unsafe { host.set_len(expected) };
        Ok(())
    }

    /// What it takes on the device, with padding.
    pub fn on_device_bytes(&self) -> Result<usize, PjrtError> {
        let mut args = args::<raw::Buffer_OnDeviceSizeInBytes>();
        args.buffer = self.raw.as_ptr();
        // SAFETY: `self` owns the buffer.
        unsafe { self.client.plugin().call(&mut args) }?;
        Ok(args.on_device_size_in_bytes)
    }

    /// Whether a program took it over although its signature does not say so.
    pub fn is_deleted(&self) -> Result<bool, PjrtError> {
        let mut args = args::<raw::Buffer_IsDeleted>();
        args.buffer = self.raw.as_ptr();
        // SAFETY: `self` owns the buffer.
        unsafe { self.client.plugin().call(&mut args) }?;
        Ok(args.is_deleted != 0)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut args = args::<raw::Buffer_Destroy>();
        args.buffer = self.raw.as_ptr();
        // SAFETY: `self` owns the buffer, and this is its end; executions that use it keep what they need.
        unsafe { self.client.plugin().destroy(&mut args) };
    }
}

/// Bytes that a device may use where they lie, with whoever keeps them alive. Clones share them.
#[derive(Clone)]
pub struct SharedBytes {
    _owner: Arc<dyn Any + Send + Sync>,
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
        Some(SharedBytes { _owner: owner, pointer, len })
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> SharedBytes {
        let (pointer, len) = (NonNull::from(bytes.as_slice()).cast(), bytes.len());
        SharedBytes { _owner: Arc::new(bytes), pointer, len }
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
    /// Copies `bytes`, dense and row-major, to a device. They may be reused when this returns.
    ///
    /// Fails unless there are exactly `ty.host_bytes()` of them; a 4-bit element takes a byte.
    pub fn upload(&self, device: &super::Device, ty: &TensorType, bytes: &[u8]) -> Result<Buffer, PjrtError> {
        let (buffer, event) = self.send(device, ty, bytes, raw::IMMUTABLE_UNTIL_TRANSFER_COMPLETES)?;
        if let Some(event) = event {
            event.wait()?;
        }
        Ok(buffer)
    }

    /// As [`Client::upload`], without copying where the plugin can: on CPU, if the bytes are 64-byte aligned.
    /// They stay alive until the plugin is done with them, which can be as long as the buffer exists.
    /// Donating such a buffer copies it.
    pub fn upload_shared(
        &self,
        device: &super::Device,
        ty: &TensorType,
        bytes: SharedBytes,
    ) -> Result<Buffer, PjrtError> {
        let sent = self.send(device, ty, &bytes, raw::IMMUTABLE_ZERO_COPY);
        match &sent {
            Ok((_, Some(event))) => event.hold(bytes)?,
            // Nobody will say when the plugin is done, so it may keep them.
            Ok((_, None)) => std::mem::forget(bytes),
            Err(_) => {}
        }
        sent.map(|(buffer, _)| buffer)
    }

    /// Begins an upload. The event is that of the plugin being done with `bytes`.
    fn send(
        &self,
        device: &super::Device,
        ty: &TensorType,
        bytes: &[u8],
        semantics: i32,
    ) -> Result<(Buffer, Option<Event>), PjrtError> {
        let device = self.own_device(device)?;
        let expected = addressable_bytes(ty)?;
        if bytes.len() != expected {
            return Err(PjrtError::Bytes { ty: ty.clone(), found: bytes.len(), expected });
        }
        let dims: Vec<i64> = ty.dims.iter().map(|&dim| dim as i64).collect();
        let mut args = args::<raw::Client_BufferFromHostBuffer>();
        args.client = self.raw().as_ptr();
        args.data = bytes.as_ptr().cast();
        args.element_type = to_pjrt(ty.element);
        args.dims = dims.as_ptr();
        args.num_dims = dims.len();
        args.host_buffer_semantics = semantics;
        args.device = device.as_ptr();
        // SAFETY: `bytes` holds what type and dims say, row-major as no strides say; the callers keep it until the event.
        unsafe { self.plugin().call(&mut args) }?;
        // SAFETY: pjrt_c_api.h: the caller frees the event.
        let event = unsafe { Event::own(self.plugin(), args.done_with_host_buffer) };
        let raw = match object(raw::Client_BufferFromHostBuffer::FUNCTION, args.buffer) {
            Ok(raw) => raw,
            Err(error) => {
                event.map_or(Ok(()), |event| event.wait())?;
                return Err(error);
            }
        };
        // SAFETY: made just now by this client, on this device, of this type.
        Ok((unsafe { Buffer::own(self, raw, ty.clone(), device, None) }, event))
    }
}

/// The bytes of a host buffer of `ty`, or an error where they or a dim do not fit the address space.
fn addressable_bytes(ty: &TensorType) -> Result<usize, PjrtError> {
    let bytes = ty.dims.iter().try_fold(ty.element.host_bytes(), |bytes, &dim| bytes.checked_mul(dim));
    match bytes {
        Some(bytes) if bytes <= isize::MAX as usize && ty.dims.iter().all(|&dim| dim <= i32::MAX as usize) => Ok(bytes),
        _ => Err(PjrtError::TooLarge { ty: ty.clone() }),
    }
}
