//! Compile options and the bytes that plugins take them in. Knows no program but its mesh.

use std::fmt;

use hlo::Signature;
use prost::Message;
use serde::{Deserialize, Serialize};

/// How a program is compiled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompileOptions {
    /// Copies of the program that run at once, each on its own data.
    pub replicas: usize,
    /// Devices that share one copy.
    pub partitions: usize,
    /// The device of each replica of each partition, `[partitions][replicas]`; `None` leaves it to the plugin,
    /// which begins with device 0.
    pub devices: Option<Vec<Vec<i64>>>,
    /// Partition by the `sdy` annotations of the module.
    pub shardy: bool,
    /// XLA's flags by name, without dashes, such as `xla_tpu_scoped_vmem_limit_kib`. The plugin refuses what it does not
    /// know, and CPU plugins what is not of the flag's own type.
    pub overrides: Vec<(String, OptionValue)>,
}

/// The value of one of XLA's flags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OptionValue {
    Text(String),
    Bool(bool),
    Int(i64),
    Float(f64),
}

impl Default for CompileOptions {
    /// One device.
    fn default() -> CompileOptions {
        CompileOptions { replicas: 1, partitions: 1, devices: None, shardy: true, overrides: Vec::new() }
    }
}

/// For people, such as `1 replica of 4 partitions, shardy, xla_flag=true`.
impl fmt::Display for CompileOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        write!(f, "{} of {}", count(self.replicas, "replica"), count(self.partitions, "partition"))?;
        f.write_str(if self.shardy { ", shardy" } else { ", gspmd" })?;
        if let Some(devices) = &self.devices {
            write!(f, ", devices {devices:?}")?;
        }
        self.overrides.iter().try_for_each(|(name, value)| write!(f, ", {name}={value}"))
    }
}

impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OptionValue::Text(text) => f.write_str(text),
            OptionValue::Bool(flag) => write!(f, "{flag}"),
            OptionValue::Int(int) => write!(f, "{int}"),
            OptionValue::Float(float) => write!(f, "{float}"),
        }
    }
}

impl CompileOptions {
    /// The same with what the compiler of `platform`, such as `tpu`, is told about every program.
    pub fn on(mut self, platform: &str) -> CompileOptions {
        if platform == "tpu" {
            // What is brought into the chip's memory ahead of its use has at least the time that the copy takes. By default the compiler
            // prefers twice that; the memory it is held in all the while is then missing for other matrices.
            self.overrides
                .push(("xla_msa_preferred_overlap_to_async_copy_ratio".to_owned(), OptionValue::Text("1".to_owned())));
        }
        self
    }

    /// The devices of the signature's mesh, which share one copy of the program.
    pub fn for_signature(signature: &Signature) -> CompileOptions {
        // Plugins read `sdy` text into the older of their two forms of shardings. Those that prefer the newer one warn on stderr
        // that they do, once a program.
        let older = ("xla_enable_hlo_sharding_v3".to_owned(), OptionValue::Bool(false));
        let overrides = signature.mesh.iter().map(|_| older.clone()).collect();
        CompileOptions { partitions: signature.devices(), overrides, ..CompileOptions::default() }
    }

    /// The options as a `CompileOptionsProto`. Equal options give equal bytes; the order of overrides does not matter.
    pub fn to_bytes(&self) -> Vec<u8> {
        let device_assignment = self.devices.as_ref().map(|partitions| DeviceAssignmentProto {
            replica_count: self.replicas as i32,
            computation_count: self.partitions as i32,
            computation_devices: partitions
                .iter()
                .map(|replicas| ComputationDevice { replica_device_ids: replicas.clone() })
                .collect(),
        });
        let mut overrides: Vec<OverrideEntry> = self.overrides.iter().map(OverrideEntry::new).collect();
        overrides.sort_by(|left, right| left.key.cmp(&right.key));
        let proto = CompileOptionsProto {
            executable_build_options: Some(ExecutableBuildOptionsProto {
                // Zero of either aborts the process inside CPU plugins.
                num_replicas: self.replicas.max(1) as i64,
                num_partitions: self.partitions.max(1) as i64,
                use_spmd_partitioning: self.partitions > 1,
                device_assignment,
                use_shardy_partitioner: self.shardy,
            }),
            env_option_overrides: overrides,
        };
        proto.encode_to_vec()
    }
}

#[derive(Clone, PartialEq, Message)]
struct CompileOptionsProto {
    #[prost(message, optional, tag = "3")]
    executable_build_options: Option<ExecutableBuildOptionsProto>,
    /// A map on the wire; a list here, so that the order is ours.
    #[prost(message, repeated, tag = "7")]
    env_option_overrides: Vec<OverrideEntry>,
}

#[derive(Clone, PartialEq, Message)]
struct ExecutableBuildOptionsProto {
    #[prost(int64, tag = "4")]
    num_replicas: i64,
    #[prost(int64, tag = "5")]
    num_partitions: i64,
    #[prost(bool, tag = "6")]
    use_spmd_partitioning: bool,
    #[prost(message, optional, tag = "9")]
    device_assignment: Option<DeviceAssignmentProto>,
    #[prost(bool, tag = "19")]
    use_shardy_partitioner: bool,
}

#[derive(Clone, PartialEq, Message)]
struct DeviceAssignmentProto {
    #[prost(int32, tag = "1")]
    replica_count: i32,
    #[prost(int32, tag = "2")]
    computation_count: i32,
    #[prost(message, repeated, tag = "3")]
    computation_devices: Vec<ComputationDevice>,
}

#[derive(Clone, PartialEq, Message)]
struct ComputationDevice {
    #[prost(int64, repeated, tag = "1")]
    replica_device_ids: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct OverrideEntry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<OverrideProto>,
}

#[derive(Clone, PartialEq, Message)]
struct OverrideProto {
    #[prost(oneof = "OverrideValue", tags = "1, 2, 3, 4")]
    value: Option<OverrideValue>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum OverrideValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Float(f64),
}

impl OverrideEntry {
    fn new((name, value): &(String, OptionValue)) -> OverrideEntry {
        let value = match value {
            OptionValue::Text(text) => OverrideValue::Text(text.clone()),
            OptionValue::Bool(flag) => OverrideValue::Bool(*flag),
            OptionValue::Int(int) => OverrideValue::Int(*int),
            OptionValue::Float(float) => OverrideValue::Float(*float),
        };
        OverrideEntry { key: name.clone(), value: Some(OverrideProto { value: Some(value) }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_options_say_one_replica_and_one_partition() {
        let options = CompileOptions { shardy: false, ..CompileOptions::default() };
        assert_eq!(options.to_bytes(), [0x1a, 0x04, 0x20, 0x01, 0x28, 0x01]);
    }

    #[test]
    fn the_order_of_overrides_does_not_matter() {
        let overrides = [("b".to_owned(), OptionValue::Int(1)), ("a".to_owned(), OptionValue::Bool(false))];
        let options = |overrides: Vec<_>| CompileOptions { overrides, ..CompileOptions::default() };
        let reversed = overrides.iter().rev().cloned().collect();
        assert_eq!(options(overrides.to_vec()).to_bytes(), options(reversed).to_bytes());
    }
}
