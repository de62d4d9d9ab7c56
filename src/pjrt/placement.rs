//! Where a tensor is to lie: on which devices, and how their mesh divides it. Knows no plugin.

use std::borrow::Cow;

use hlo::{Division, Mesh, Sharding, TensorType};

use super::client::Device;
use super::error::PjrtError;

/// Where a tensor is to lie: devices in the order of a program's assignment, and how their mesh divides the tensor.
#[derive(Clone, Debug)]
pub struct Placement<'a> {
    pub(super) devices: Vec<&'a Device>,
    mesh: Option<&'a Mesh>,
    sharding: Cow<'a, Sharding>,
}

impl<'a> Placement<'a> {
    /// All of the tensor on each of `devices`.
    pub fn whole(devices: impl IntoIterator<Item = &'a Device>) -> Placement<'a> {
        Placement { devices: devices.into_iter().collect(), mesh: None, sharding: Cow::Owned(Sharding::default()) }
    }

    /// Divided over `devices`, which stand in the mesh in this order. Fails unless there are as many as the mesh has.
    pub fn divided(
        devices: impl IntoIterator<Item = &'a Device>,
        mesh: &'a Mesh,
        sharding: &'a Sharding,
    ) -> Result<Placement<'a>, PjrtError> {
        let devices: Vec<&Device> = devices.into_iter().collect();
        if devices.len() != mesh.devices() {
            let (name, found, expected) = (mesh.name(), devices.len(), mesh.devices());
            let problem = format!("{found} devices given for mesh `{name}`, which has {expected}");
            return Err(PjrtError::Sharding { problem });
        }
        Ok(Placement::new(devices, Some(mesh), sharding))
    }

    /// As many `devices` as `mesh` has; without one, all of the tensor on each.
    pub(super) fn new(devices: Vec<&'a Device>, mesh: Option<&'a Mesh>, sharding: &'a Sharding) -> Placement<'a> {
        Placement { devices, mesh, sharding: Cow::Borrowed(sharding) }
    }

    /// The parts of a tensor of type `ty`, which every mesh axis must divide.
    pub(super) fn division(&self, ty: &TensorType) -> Result<Division, PjrtError> {
        Division::new(ty, &self.sharding, self.mesh, self.devices.len())
            .map_err(|problem| PjrtError::Sharding { problem })
    }
}

impl<'a> From<&'a Device> for Placement<'a> {
    fn from(device: &'a Device) -> Placement<'a> {
        Placement::whole([device])
    }
}
