//! A compiled program on its devices: compiling or loading it there, checking arguments and running it.
//! Knows nothing of what it computes.

use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use hlo::{Division, Sharding, Signature, TensorType};

use super::api::{args, array, malformed, object};
use super::buffer::Buffer;
use super::client::{Client, Device};
use super::error::PjrtError;
use super::event::Event;
use super::executable::{Executable, program};
use super::options::CompileOptions;
use super::placement::Placement;
use super::raw::{self, Args};
use super::shard::Shard;

/// A compiled program on the devices that run it together.
pub struct LoadedExecutable {
    client: Client,
    raw: NonNull<raw::LoadedExecutable>,
    /// As many as the signature's mesh has, in the order of the mesh.
    devices: Vec<NonNull<raw::Device>>,
    parameters: Vec<Arc<Division>>,
    results: Vec<Arc<Division>>,
    executable: Executable,
}

// SAFETY: an executable may be run from several threads at once.
unsafe impl Send for LoadedExecutable {}
// SAFETY: as above.
unsafe impl Sync for LoadedExecutable {}

/// An argument of an execution.
///
/// What is donated is gone:
/// ```compile_fail,E0382
/// # use precast::pjrt::{Argument, Buffer, LoadedExecutable, PjrtError};
/// # fn step(program: &LoadedExecutable, cache: Buffer) -> Result<(), PjrtError> {
/// let next = program.execute(vec![Argument::Donate(cache)])?;
/// cache.to_host()?;
/// # Ok(()) }
/// ```
pub enum Argument<'a> {
    Keep(&'a Buffer),
    /// The program takes over its memory. It is gone even if the execution fails.
    Donate(Buffer),
}

impl Argument<'_> {
    fn buffer(&self) -> &Buffer {
        match self {
            Argument::Keep(buffer) => buffer,
            Argument::Donate(buffer) => buffer,
        }
    }
}

impl fmt::Debug for LoadedExecutable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadedExecutable({})", self.executable.name())
    }
}

impl Client {
    /// Compiles StableHLO text for this client's devices. The plugin's results must be those of `signature`.
    pub fn compile(
        &self,
        mlir: &str,
        signature: &Signature,
        options: &CompileOptions,
    ) -> Result<LoadedExecutable, PjrtError> {
        let program = program(mlir);
        let options = options.to_bytes();
        let mut args = args::<raw::Client_Compile>();
        args.client = self.raw().as_ptr();
        args.program = &program;
        args.compile_options = options.as_ptr();
        args.compile_options_size = options.len();
        // SAFETY: `self` keeps the client alive; program and options are borrowed for the call.
        unsafe { self.plugin().call(&mut args) }?;
        let raw = object(raw::Client_Compile::FUNCTION, args.executable)?;
        // SAFETY: pjrt_c_api.h: the caller frees the executable.
        unsafe { LoadedExecutable::own(self, raw, signature) }
    }

    /// Loads what [`Executable::serialize`] wrote, by the same build of the same plugin. Its results must be those of
    /// `signature`; its parameters cannot be asked for, so whoever stored it vouches for them.
    pub fn load(&self, serialized: &[u8], signature: &Signature) -> Result<LoadedExecutable, PjrtError> {
        let mut args = args::<raw::Executable_DeserializeAndLoad>();
        args.client = self.raw().as_ptr();
        args.serialized_executable = serialized.as_ptr();
        args.serialized_executable_size = serialized.len();
        // SAFETY: `self` keeps the client alive; the bytes are borrowed for the call.
        unsafe { self.plugin().call(&mut args) }?;
        let raw = object(raw::Executable_DeserializeAndLoad::FUNCTION, args.loaded_executable)?;
        // SAFETY: pjrt_c_api.h: the caller frees the executable.
        unsafe { LoadedExecutable::own(self, raw, signature) }
    }

    /// Loads what [`Plugin::compile`] compiled for this client's own topology, without writing it down.
    /// Only newer CPU plugins compile without a client.
    pub fn load_compiled(&self, executable: &Executable) -> Result<LoadedExecutable, PjrtError> {
        if !self.plugin().is(executable.plugin()) {
            return Err(PjrtError::Foreign { what: format!("executable `{}`", executable.name()) });
        }
        let mut args = args::<raw::Client_Load>();
        args.client = self.raw().as_ptr();
        args.executable = executable.raw().as_ptr();
        // SAFETY: client and executable are alive; no options are given, which means those it was compiled with.
        unsafe { self.plugin().call(&mut args) }?;
        let raw = object(raw::Client_Load::FUNCTION, args.loaded_executable)?;
        // SAFETY: pjrt_c_api.h: the caller frees what was loaded, and keeps the executable.
        unsafe { LoadedExecutable::own(self, raw, executable.signature()) }
    }
}

/// Frees a loaded executable, however far it came.
pub(super) struct RawLoaded {
    client: Client,
    raw: NonNull<raw::LoadedExecutable>,
}

// SAFETY: only held until it is destroyed; an executable may be used from any thread.
unsafe impl Send for RawLoaded {}
// SAFETY: as above.
unsafe impl Sync for RawLoaded {}

impl Drop for RawLoaded {
    fn drop(&mut self) {
        let mut args = args::<raw::LoadedExecutable_Destroy>();
        args.executable = self.raw.as_ptr();
        // SAFETY: this owns the executable, and this is its end; executions under way finish by themselves.
        unsafe { self.client.plugin().destroy(&mut args) };
    }
}

impl LoadedExecutable {
    /// # Safety
    /// `raw` is an executable of `client`, and nobody else owns it.
    unsafe fn own(
        client: &Client,
        raw: NonNull<raw::LoadedExecutable>,
        signature: &Signature,
    ) -> Result<LoadedExecutable, PjrtError> {
        let owned = RawLoaded { client: client.clone(), raw };
        let mut inner = args::<raw::LoadedExecutable_GetExecutable>();
        inner.loaded_executable = raw.as_ptr();
        // SAFETY: `owned` owns it.
        unsafe { client.plugin().call(&mut inner) }?;
        let executable = object(raw::LoadedExecutable_GetExecutable::FUNCTION, inner.executable)?;
        // SAFETY: pjrt_c_api.h: the caller frees the executable.
        let executable = unsafe { Executable::own(client.plugin(), executable, signature, Some(owned)) }?;

        let function = raw::LoadedExecutable_AddressableDevices::FUNCTION;
        let mut args = args::<raw::LoadedExecutable_AddressableDevices>();
        args.executable = raw.as_ptr();
        // SAFETY: `executable` keeps it alive, and the array lives as long.
        let devices = unsafe {
            client.plugin().call(&mut args)?;
            array(function, args.addressable_devices, args.num_addressable_devices)?
        };
        let devices = devices.iter().map(|&device| {
            let device = object(function, device)?;
            client.device_of(device).map(|_| device).ok_or_else(|| malformed(function, "a device of no client"))
        });
        let devices = devices.collect::<Result<Vec<_>, _>>()?;
        if devices.len() != signature.devices() {
            let problem = format!("{} devices of {}", devices.len(), signature.devices());
            return Err(malformed(function, problem));
        }
        let divide = |ty: &TensorType, sharding: &Sharding| {
            let division = Division::new(ty, sharding, signature.mesh.as_ref(), devices.len());
            division.map(Arc::new).map_err(|problem| PjrtError::Sharding { problem })
        };
        let parameters = signature.parameters.iter().map(|parameter| divide(&parameter.ty, &parameter.sharding));
        let parameters = parameters.collect::<Result<_, PjrtError>>()?;
        let results = signature.results.iter().enumerate();
        let results = results.map(|(place, ty)| divide(ty, &signature.result_sharding(place)));
        let results = results.collect::<Result<_, PjrtError>>()?;
        Ok(LoadedExecutable { client: client.clone(), raw, devices, parameters, results, executable })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn signature(&self) -> &Signature {
        self.executable.signature()
    }

    /// What can be known of it without running it.
    pub fn executable(&self) -> Executable {
        self.executable.clone()
    }

    /// The devices that it runs on, in the order of its assignment.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter_map(|&device| self.client.device_of(device))
    }

    /// Where each argument must lie, in order.
    pub fn placements(&self) -> impl Iterator<Item = Placement<'_>> {
        let devices: Vec<&Device> = self.devices().collect();
        let mesh = self.signature().mesh.as_ref();
        let parameters = self.signature().parameters.iter();
        parameters.map(move |parameter| Placement::new(devices.clone(), mesh, &parameter.sharding))
    }

    /// Runs the program on all its devices at once. Returns as soon as the work is given to them: what goes wrong there
    /// is told when a result is awaited or downloaded.
    ///
    /// Fails before anything runs if the arguments are not those of the signature in number, type, devices, sharding or donation.
    pub fn execute(&self, arguments: Vec<Argument<'_>>) -> Result<Vec<Buffer>, PjrtError> {
        self.check(&arguments)?;

        // One list a device. A plugin reads and writes as many of them as the executable has devices.
        let raw_of = |place: usize| {
            let shard = move |argument: &Argument<'_>| argument.buffer().shards()[place].raw().as_ptr();
            arguments.iter().map(shard).collect()
        };
        let inputs: Vec<Vec<*mut raw::Buffer>> = (0..self.devices.len()).map(raw_of).collect();
        let mut outputs = vec![vec![ptr::null_mut::<raw::Buffer>(); self.results.len()]; self.devices.len()];
        let input_lists: Vec<_> = inputs.iter().map(|list| list.as_ptr()).collect();
        let output_lists: Vec<_> = outputs.iter_mut().map(|list| list.as_mut_ptr()).collect();
        let mut done: Vec<*mut raw::Event> = vec![ptr::null_mut(); self.devices.len()];
        let mut options = ExecuteOptions::new();

        let mut args = args::<raw::LoadedExecutable_Execute>();
        args.executable = self.raw.as_ptr();
        args.options = &raw mut options.options;
        args.argument_lists = input_lists.as_ptr();
        args.num_devices = self.devices.len();
        args.num_args = arguments.len();
        args.output_lists = output_lists.as_ptr();
        args.device_complete_events = done.as_mut_ptr();
        // SAFETY: the arguments are alive and as the program wants them, one shard a device; each list of `outputs` has room for
        // as many as the executable itself says it has, which is what the signature says; no callback is given.
        unsafe { self.client.plugin().call(&mut args) }?;
        // SAFETY: pjrt_c_api.h: the caller frees the events.
        let own = |event: &*mut raw::Event| unsafe { Event::own(self.client.plugin(), *event) }.map(Arc::new);
        let done: Vec<Option<Arc<Event>>> = done.iter().map(own).collect();
        // The program has what it needs of them.
        drop(arguments);

        let mut shards: Vec<Vec<Shard>> = self.results.iter().map(|_| Vec::with_capacity(self.devices.len())).collect();
        for (list, (&device, done)) in outputs.iter().zip(self.devices.iter().zip(&done)) {
            for (output, shards) in list.iter().zip(&mut shards) {
                if let Some(raw) = NonNull::new(*output) {
                    // SAFETY: made just now by this client, on this device of the executable, and of the type that the plugin told.
                    shards.push(unsafe { Shard::own(&self.client, raw, device, done.clone()) });
                }
            }
        }
        let whole = shards.iter().filter(|shards| shards.len() == self.devices.len()).count();
        if whole != self.results.len() {
            let problem = format!("{whole} of {} results", self.results.len());
            return Err(malformed(raw::LoadedExecutable_Execute::FUNCTION, problem));
        }
        if self.results.is_empty() {
            done.iter().flatten().try_for_each(|done| done.wait())?;
        }
        let results = self.results.iter().zip(shards);
        Ok(results.map(|(division, shards)| Buffer::of_shards(&self.client, division.clone(), shards)).collect())
    }

    /// Plugins compare only sizes, so a wrong type would give wrong numbers.
    fn check(&self, arguments: &[Argument<'_>]) -> Result<(), PjrtError> {
        let parameters = &self.signature().parameters;
        if arguments.len() != parameters.len() {
            return Err(PjrtError::ArgumentCount { found: arguments.len(), expected: parameters.len() });
        }
        for (index, (argument, parameter)) in arguments.iter().zip(parameters).enumerate() {
            let (buffer, name) = (argument.buffer(), || parameter.name.clone());
            if *buffer.ty() != parameter.ty {
                let (found, expected) = (buffer.ty().clone(), parameter.ty.clone());
                return Err(PjrtError::ArgumentType { index, name: name(), found, expected });
            }
            let donated = matches!(argument, Argument::Donate(_));
            if donated != parameter.donated_to.is_some() {
                return Err(PjrtError::Donation { index, name: name(), donated });
            }
            if !buffer.client().is(&self.client) {
                return Err(PjrtError::Foreign { what: format!("argument {index} `{}`", parameter.name) });
            }
            let devices = buffer.shards().iter().map(Shard::device);
            if !devices.clone().eq(self.devices.iter().copied()) {
                let (found, expected) = (self.shown(devices), self.shown(self.devices.iter().copied()));
                return Err(PjrtError::ArgumentDevice { index, name: name(), found, expected });
            }
            let (found, expected) = (buffer.division(), &self.parameters[index]);
            if !found.is_same(expected) {
                let (found, expected) = (found.to_string(), expected.to_string());
                return Err(PjrtError::ArgumentSharding { index, name: name(), found, expected });
            }
        }
        Ok(())
    }

    fn shown(&self, devices: impl Iterator<Item = NonNull<raw::Device>>) -> String {
        let shown = |raw| self.client.device_of(raw).map(Device::to_string).unwrap_or_default();
        devices.map(shown).collect::<Vec<_>>().join(", ")
    }
}

/// Options of an execution: none, with zeros behind them for plugins that know more.
#[repr(C)]
struct ExecuteOptions {
    options: raw::ExecuteOptions,
    beyond: [u64; 16],
}

impl ExecuteOptions {
    fn new() -> ExecuteOptions {
        // SAFETY: integers and nullable pointers may be zero.
        let mut options: ExecuteOptions = unsafe { std::mem::zeroed() };
        options.options.struct_size = size_of::<ExecuteOptions>();
        options
    }
}
