//! What one device holds of a tensor: memory of the plugin, with whatever still works on it. Knows no other device.

use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use hlo::TensorType;

use super::api::{args, malformed, object};
use super::client::{Client, Device};
use super::element::to_pjrt;
use super::error::PjrtError;
use super::event::Event;
use super::raw::{self, Args};

/// A dense tensor on one device. Dropping it frees the memory, once whatever is running on it has ended.
pub(super) struct Shard {
    client: Client,
    raw: NonNull<raw::Buffer>,
    device: NonNull<raw::Device>,
    /// The execution that makes it.
    made_by: Option<Arc<Event>>,
}

// SAFETY: a client and its buffers may be used from any thread; deleting one needs it by value.
unsafe impl Send for Shard {}
// SAFETY: as above.
unsafe impl Sync for Shard {}

impl Shard {
    /// # Safety
    /// `raw` is a buffer of `client` on `device`, and nobody else owns it.
    pub unsafe fn own(
        client: &Client,
        raw: NonNull<raw::Buffer>,
        device: NonNull<raw::Device>,
        made_by: Option<Arc<Event>>,
    ) -> Shard {
        Shard { client: client.clone(), raw, device, made_by }
    }

    pub fn device(&self) -> NonNull<raw::Device> {
        self.device
    }

    pub fn raw(&self) -> NonNull<raw::Buffer> {
        self.raw
    }

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

    /// Downloads the contents, which are of type `ty`, dense and row-major: `host` is cleared and filled.
    pub fn read(&self, ty: &TensorType, host: &mut Vec<u8>) -> Result<(), PjrtError> {
        if let Some(event) = &self.made_by {
            event.wait()?;
        }
        let minor_to_major: Vec<i64> = (0..ty.rank() as i64).rev().collect();
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
        let expected = ty.host_bytes();
        if args.dst_size != expected {
            let problem = format!("{ty} is {} bytes, expected {expected}", args.dst_size);
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

    pub fn is_deleted(&self) -> Result<bool, PjrtError> {
        let mut args = args::<raw::Buffer_IsDeleted>();
        args.buffer = self.raw.as_ptr();
        // SAFETY: `self` owns the buffer.
        unsafe { self.client.plugin().call(&mut args) }?;
        Ok(args.is_deleted != 0)
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        let mut args = args::<raw::Buffer_Destroy>();
        args.buffer = self.raw.as_ptr();
        // SAFETY: `self` owns the buffer, and this is its end; executions that use it keep what they need.
        unsafe { self.client.plugin().destroy(&mut args) };
    }
}

impl Client {
    /// Begins an upload of `bytes`, as many as `ty` takes. The event is that of the plugin being done with them, and until then,
    /// or for good if there is none and `semantics` let the plugin keep them, the caller keeps them alive.
    pub(super) fn send(
        &self,
        device: &Device,
        ty: &TensorType,
        bytes: &[u8],
        semantics: i32,
    ) -> Result<(Shard, Option<Event>), PjrtError> {
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
        // SAFETY: made just now by this client, on this device.
        Ok((unsafe { Shard::own(self, raw, device, None) }, event))
    }
}

/// The bytes of a host buffer of `ty`, or an error where they or a dim do not fit the address space.
pub(super) fn addressable_bytes(ty: &TensorType) -> Result<usize, PjrtError> {
    let bytes = ty.dims.iter().try_fold(ty.element.host_bytes(), |bytes, &dim| bytes.checked_mul(dim));
    match bytes {
        Some(bytes) if bytes <= isize::MAX as usize && ty.dims.iter().all(|&dim| dim <= i32::MAX as usize) => Ok(bytes),
        _ => Err(PjrtError::TooLarge { ty: ty.clone() }),
    }
}
