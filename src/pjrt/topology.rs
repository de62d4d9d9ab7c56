//! A topology: devices that need not be here, to compile for. Knows no program.

use std::ptr::NonNull;
use std::sync::Arc;

use super::api::{Plugin, args, array, bytes, object, text};
use super::client::Client;
use super::error::PjrtError;
use super::raw::{self, Args};
use super::value::{self, Value};

/// Devices and how they are joined. Clones share it.
#[derive(Clone)]
pub struct Topology(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    raw: NonNull<raw::TopologyDescription>,
    /// The client that owns it, if it is not our own.
    client: Option<Client>,
}

// SAFETY: a topology is only read.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl std::fmt::Debug for Topology {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Topology({})", self.platform_name().unwrap_or_default())
    }
}

/// What a device is, wherever it is.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceDescription {
    pub id: i32,
    pub process_index: i32,
    /// The name of the hardware, such as `TPU v6 lite`.
    pub kind: String,
    /// Such as `coords` and `device_memory_bytes_limit` on TPU, sorted by name.
    pub attributes: Vec<(String, Value)>,
}

impl DeviceDescription {
    /// An attribute by its name.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        self.attributes.iter().find(|attribute| attribute.0 == name).map(|attribute| &attribute.1)
    }

    /// # Safety
    /// `raw` is a description of `plugin`, alive during the call.
    pub(super) unsafe fn read(
        plugin: &Plugin,
        raw: NonNull<raw::DeviceDescription>,
    ) -> Result<DeviceDescription, PjrtError> {
        let mut id = args::<raw::DeviceDescription_Id>();
        id.device_description = raw.as_ptr();
        let mut process = args::<raw::DeviceDescription_ProcessIndex>();
        process.device_description = raw.as_ptr();
        let mut kind = args::<raw::DeviceDescription_Kind>();
        kind.device_description = raw.as_ptr();
        let mut attributes = args::<raw::DeviceDescription_Attributes>();
        attributes.device_description = raw.as_ptr();
        // SAFETY: the caller's word; what the description points to is its own.
        unsafe {
            plugin.call(&mut id)?;
            plugin.call(&mut process)?;
            plugin.call(&mut kind)?;
            plugin.call(&mut attributes)?;
            Ok(DeviceDescription {
                id: id.id,
                process_index: process.process_index,
                kind: text(raw::DeviceDescription_Kind::FUNCTION, kind.device_kind, kind.device_kind_size)?,
                attributes: value::read(
                    raw::DeviceDescription_Attributes::FUNCTION,
                    attributes.attributes,
                    attributes.num_attributes,
                )?,
            })
        }
    }
}

impl Plugin {
    /// Describes devices that need not be here, by a name such as `v5e:1x1`. CPU plugins cannot: `UNIMPLEMENTED`;
    /// use [`Client::topology`].
    pub fn topology(&self, name: &str, options: &[(String, Value)]) -> Result<Topology, PjrtError> {
        let values = value::write(options);
        let mut args = args::<raw::TopologyDescription_Create>();
        args.topology_name = name.as_ptr();
        args.topology_name_size = name.len();
        args.create_options = values.as_ptr();
        args.num_options = values.len();
        // SAFETY: name and options are alive during the call.
        unsafe { self.call(&mut args) }?;
        let raw = object(raw::TopologyDescription_Create::FUNCTION, args.topology)?;
        Ok(Topology(Arc::new(Inner { plugin: self.clone(), raw, client: None })))
    }
}

impl Topology {
    /// # Safety
    /// `raw` is the topology of `client`, which owns it.
    pub(super) unsafe fn of_client(client: &Client, raw: NonNull<raw::TopologyDescription>) -> Topology {
        Topology(Arc::new(Inner { plugin: client.plugin().clone(), raw, client: Some(client.clone()) }))
    }

    pub fn plugin(&self) -> &Plugin {
        &self.0.plugin
    }

    /// Such as `tpu`.
    pub fn platform_name(&self) -> Result<String, PjrtError> {
        let mut args = args::<raw::TopologyDescription_PlatformName>();
        args.topology = self.raw().as_ptr();
        // SAFETY: `self` keeps the topology alive, and its strings with it.
        unsafe {
            self.plugin().call(&mut args)?;
            text(raw::TopologyDescription_PlatformName::FUNCTION, args.platform_name, args.platform_name_size)
        }
    }

    /// The build of the plugin, in its own words; may be of several lines.
    pub fn platform_version(&self) -> Result<String, PjrtError> {
        let mut args = args::<raw::TopologyDescription_PlatformVersion>();
        args.topology = self.raw().as_ptr();
        // SAFETY: as above.
        unsafe {
            self.plugin().call(&mut args)?;
            text(raw::TopologyDescription_PlatformVersion::FUNCTION, args.platform_version, args.platform_version_size)
        }
    }

    /// Such as `device_memory_bytes_limit` on TPU, sorted by name.
    pub fn attributes(&self) -> Result<Vec<(String, Value)>, PjrtError> {
        let mut args = args::<raw::TopologyDescription_Attributes>();
        args.topology = self.raw().as_ptr();
        // SAFETY: as above.
        unsafe {
            self.plugin().call(&mut args)?;
            value::read(raw::TopologyDescription_Attributes::FUNCTION, args.attributes, args.num_attributes)
        }
    }

    pub fn devices(&self) -> Result<Vec<DeviceDescription>, PjrtError> {
        let function = raw::TopologyDescription_GetDeviceDescriptions::FUNCTION;
        let mut args = args::<raw::TopologyDescription_GetDeviceDescriptions>();
        args.topology = self.raw().as_ptr();
        // SAFETY: as above.
        let descriptions = unsafe {
            self.plugin().call(&mut args)?;
            array(function, args.descriptions, args.num_descriptions)?
        };
        // SAFETY: the topology owns its descriptions.
        descriptions
            .iter()
            .map(|&raw| unsafe { DeviceDescription::read(self.plugin(), object(function, raw)?) })
            .collect()
    }

    /// The topology as the plugin writes it down.
    pub fn serialize(&self) -> Result<Vec<u8>, PjrtError> {
        let mut args = args::<raw::TopologyDescription_Serialize>();
        args.topology = self.raw().as_ptr();
        // SAFETY: as above; the bytes are borrowed from the holder until its deleter runs, which is once.
        unsafe {
            self.plugin().call(&mut args)?;
            let copy =
                bytes(raw::TopologyDescription_Serialize::FUNCTION, args.serialized_bytes, args.serialized_bytes_size)
                    .map(<[u8]>::to_vec);
            if let Some(delete) = args.serialized_topology_deleter {
                delete(args.serialized_topology);
            }
            copy
        }
    }

    /// A number that differs between topologies. Plugins older than API 0.101 have none.
    pub fn fingerprint(&self) -> Result<u64, PjrtError> {
        let mut args = args::<raw::TopologyDescription_Fingerprint>();
        args.topology = self.raw().as_ptr();
        // SAFETY: as above.
        unsafe { self.plugin().call(&mut args) }?;
        Ok(args.fingerprint)
    }

    pub(super) fn raw(&self) -> NonNull<raw::TopologyDescription> {
        self.0.raw
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.client.is_none() {
            let mut args = args::<raw::TopologyDescription_Destroy>();
            args.topology = self.raw.as_ptr();
            // SAFETY: this owns the topology, and this is its end; executables compiled for it do not need it.
            unsafe { self.plugin.destroy(&mut args) };
        }
    }
}
