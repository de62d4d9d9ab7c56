//! A client: the devices of one plugin in this process. Knows no program; `executable.rs` and `buffer.rs` extend it.

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use super::api::{Plugin, args, array, object, text};
use super::error::PjrtError;
use super::raw::{self, Args};
use super::threads;
use super::topology::{DeviceDescription, Topology};
use super::value::{self, Value};

/// How a client is made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientOptions {
    /// Devices of a CPU client; `None` is one. Other plugins have the devices they have.
    pub devices: Option<usize>,
    /// Threads that a CPU client computes with; `None` leaves it to the plugin, which takes one a CPU.
    /// At most the CPUs that this process may use. The environment's `PJRT_NPROC`, if set, wins.
    pub threads: Option<usize>,
    /// Options of the plugin's own, by name.
    pub others: Vec<(String, Value)>,
}

/// The devices of a plugin, ready for use. Clones share them; the last one to go, buffers and executables counted, closes them.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    raw: NonNull<raw::Client>,
    platform_name: String,
    platform_version: String,
    devices: Vec<Device>,
}

// SAFETY: a client may be used from any thread; it is destroyed by its last owner.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// A device of a client.
pub struct Device {
    raw: NonNull<raw::Device>,
    description: DeviceDescription,
    local_hardware_id: i32,
}

// SAFETY: only borrowed from its client, which may be used from any thread.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({}, {:?})", self.0.platform_name, self.0.devices)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({self})")
    }
}

/// Shown as `TPU v5 lite 0`.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.description.kind, self.description.id)
    }
}

impl Device {
    pub fn id(&self) -> i32 {
        self.description.id
    }

    /// The name of the hardware, such as `TPU v6 lite`.
    pub fn kind(&self) -> &str {
        &self.description.kind
    }

    /// The number of the hardware on this machine; -1 where it has none.
    pub fn local_hardware_id(&self) -> i32 {
        self.local_hardware_id
    }

    pub fn description(&self) -> &DeviceDescription {
        &self.description
    }
}

/// What a device says of its memory, in bytes. `None` where it does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceMemory {
    pub bytes_in_use: i64,
    pub peak_bytes_in_use: Option<i64>,
    pub largest_allocation: Option<i64>,
    pub bytes_limit: Option<i64>,
    pub bytes_reserved: Option<i64>,
    pub largest_free_block: Option<i64>,
}

impl Plugin {
    /// Opens the plugin's devices.
    pub fn client(&self, options: &ClientOptions) -> Result<Client, PjrtError> {
        let cpu_devices = ("cpu_device_count".to_owned(), Value::Int(options.devices.unwrap_or(1) as i64));
        let with_devices: Vec<_> = options.others.iter().cloned().chain([cpu_devices]).collect();
        let create = || match self.create_client(&with_devices) {
            // Only the CPU plugin knows the option, and no plugin says that it is one before it has a client.
            Err(PjrtError::Call { message, .. })
                if options.devices.is_none() && message.contains("cpu_device_count") =>
            {
                self.create_client(&options.others)
            }
            outcome => outcome,
        };
        match options.threads {
            None => create(),
            Some(threads) => threads::limited_to(threads, create)?,
        }
    }

    fn create_client(&self, options: &[(String, Value)]) -> Result<Client, PjrtError> {
        let values = value::write(options);
        let mut create = args::<raw::Client_Create>();
        create.create_options = values.as_ptr();
        create.num_options = values.len();
        // SAFETY: the options are alive during the call; without callbacks the client is a single process.
        unsafe { self.call(&mut create) }?;
        // From here on the inner client is destroyed with `inner`, whatever fails.
        let mut inner = Inner {
            plugin: self.clone(),
            raw: object(raw::Client_Create::FUNCTION, create.client)?,
            platform_name: String::new(),
            platform_version: String::new(),
            devices: Vec::new(),
        };

        let mut name = args::<raw::Client_PlatformName>();
        name.client = inner.raw.as_ptr();
        // SAFETY: `inner` owns the client, and its strings live as long.
        inner.platform_name = unsafe {
            self.call(&mut name)?;
            text(raw::Client_PlatformName::FUNCTION, name.platform_name, name.platform_name_size)?
        };
        let mut version = args::<raw::Client_PlatformVersion>();
        version.client = inner.raw.as_ptr();
        // SAFETY: as above.
        inner.platform_version = unsafe {
            self.call(&mut version)?;
            text(raw::Client_PlatformVersion::FUNCTION, version.platform_version, version.platform_version_size)?
        };
        let mut devices = args::<raw::Client_AddressableDevices>();
        devices.client = inner.raw.as_ptr();
        // SAFETY: as above; the array is the client's.
        let devices = unsafe {
            self.call(&mut devices)?;
            array(
                raw::Client_AddressableDevices::FUNCTION,
                devices.addressable_devices,
                devices.num_addressable_devices,
            )?
        };
        for &device in devices {
            let device = object(raw::Client_AddressableDevices::FUNCTION, device)?;
            inner.devices.push(self.device(device)?);
        }
        Ok(Client(Arc::new(inner)))
    }

    /// Asks a device of a living client what it is.
    fn device(&self, device: NonNull<raw::Device>) -> Result<Device, PjrtError> {
        let mut description = args::<raw::Device_GetDescription>();
        description.device = device.as_ptr();
        // SAFETY: the client owns the device, and lives during this call.
        unsafe { self.call(&mut description) }?;
        let mut hardware = args::<raw::Device_LocalHardwareId>();
        hardware.device = device.as_ptr();
        // SAFETY: as above.
        unsafe { self.call(&mut hardware) }?;
        let description = object(raw::Device_GetDescription::FUNCTION, description.device_description)?;
        Ok(Device {
            raw: device,
            // SAFETY: the client owns the description.
            description: unsafe { DeviceDescription::read(self, description) }?,
            local_hardware_id: hardware.local_hardware_id,
        })
    }
}

impl Client {
    pub fn plugin(&self) -> &Plugin {
        &self.0.plugin
    }

    /// Such as `cpu` or `tpu`.
    pub fn platform_name(&self) -> String {
        self.0.platform_name.clone()
    }

    /// The build of the plugin, in its own words; may be of several lines.
    pub fn platform_version(&self) -> String {
        self.0.platform_version.clone()
    }

    /// The devices that this process may use.
    pub fn devices(&self) -> &[Device] {
        &self.0.devices
    }

    /// What the devices are part of.
    pub fn topology(&self) -> Result<Topology, PjrtError> {
        let mut args = args::<raw::Client_TopologyDescription>();
        args.client = self.raw().as_ptr();
        // SAFETY: `self` keeps the client alive.
        unsafe { self.plugin().call(&mut args) }?;
        let raw = object(raw::Client_TopologyDescription::FUNCTION, args.topology)?;
        // SAFETY: pjrt_c_api.h: the client owns its topology; the result keeps the client.
        Ok(unsafe { Topology::of_client(self, raw) })
    }

    /// What is in use of a device's memory. The CPU plugins do not tell: `UNIMPLEMENTED`.
    pub fn memory(&self, device: &Device) -> Result<DeviceMemory, PjrtError> {
        let mut args = args::<raw::Device_MemoryStats>();
        args.device = self.own_device(device)?.as_ptr();
        // SAFETY: `self` keeps the device alive.
        unsafe { self.plugin().call(&mut args) }?;
        let told = |value: i64, is_set: u8| (is_set != 0).then_some(value);
        Ok(DeviceMemory {
            bytes_in_use: args.bytes_in_use,
            peak_bytes_in_use: told(args.peak_bytes_in_use, args.peak_bytes_in_use_is_set),
            largest_allocation: told(args.largest_alloc_size, args.largest_alloc_size_is_set),
            bytes_limit: told(args.bytes_limit, args.bytes_limit_is_set),
            bytes_reserved: told(args.bytes_reserved, args.bytes_reserved_is_set),
            largest_free_block: told(args.largest_free_block_bytes, args.largest_free_block_bytes_is_set),
        })
    }

    pub(super) fn raw(&self) -> NonNull<raw::Client> {
        self.0.raw
    }

    /// Whether both are the same client, rather than two of the same plugin.
    pub(super) fn is(&self, other: &Client) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn own_device(&self, device: &Device) -> Result<NonNull<raw::Device>, PjrtError> {
        match self.device_of(device.raw) {
            Some(device) => Ok(device.raw),
            None => Err(PjrtError::Foreign { what: format!("device `{device}`") }),
        }
    }

    pub(super) fn device_of(&self, raw: NonNull<raw::Device>) -> Option<&Device> {
        self.devices().iter().find(|device| device.raw == raw)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut args = args::<raw::Client_Destroy>();
        args.client = self.raw.as_ptr();
        // SAFETY: this owns the client, and every buffer and executable, which keep it alive, are gone.
        unsafe { self.plugin.destroy(&mut args) };
    }
}
