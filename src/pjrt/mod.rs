//! Devices through the PJRT C API: plugins, clients, executables and buffers. Knows no model and no file of a bundle.
//!
//! In reading order: `raw` declares the C API, `api` loads a plugin and makes every call, the other files own one kind of
//! object each. Handles keep what they came from alive, so they may be dropped in any order. Everything may be used from
//! any thread. `unsafe` says in a witness which sentence of the header, or which owner, it relies on.

mod api;
mod buffer;
mod client;
mod element;
mod error;
mod event;
mod executable;
mod foreign;
mod layouts;
mod loaded;
mod options;
mod placement;
pub mod plugins;
pub mod proto;
pub mod raw;
mod shard;
mod threads;
mod topology;
mod value;

pub use api::Plugin;
pub use buffer::{Buffer, SharedBytes};
pub use client::{Client, ClientOptions, Device, DeviceMemory};
pub use error::{Code, PjrtError};
pub use executable::{Executable, MemoryStats};
pub use foreign::{Call, Foreign, Numbered, Operand, Threads};
pub use loaded::{Argument, LoadedExecutable};
pub use options::{CompileOptions, OptionValue};
pub use placement::Placement;
pub use topology::{DeviceDescription, Topology};
pub use value::Value;
