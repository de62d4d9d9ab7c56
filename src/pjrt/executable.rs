//! A compiled program with the signature it was compiled from, and what can be known of it without running it.
//! Knows no device.

use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use hlo::{Signature, TensorType};
use prost::Message;

use super::api::{Plugin, args, array, bytes, malformed, object, text};
use super::element::from_pjrt;
use super::error::{self, PjrtError};
use super::loaded::RawLoaded;
use super::options::CompileOptions;
use super::proto::HloModuleProtoWithConfig;
use super::raw::{self, Args};
use super::topology::Topology;
use super::value::{self, Value};

/// A compiled program. Clones share it.
#[derive(Clone)]
pub struct Executable(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    raw: NonNull<raw::Executable>,
    name: String,
    signature: Signature,
    /// The loaded executable that it was taken from, which must outlive it: to serialize it, the CPU plugin reads that one's code.
    _loaded: Option<RawLoaded>,
}

// SAFETY: an executable is only read.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// What a program needs on each device, in bytes, padding included. 0 where the plugin does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryStats {
    pub code: u64,
    pub argument: u64,
    pub output: u64,
    /// Outputs that take over an argument's memory; counted in `argument` and in `output`.
    pub alias: u64,
    pub temp: u64,
    pub host_argument: u64,
    pub host_output: u64,
    pub host_temp: u64,
    pub peak: u64,
    pub total: u64,
    pub total_allocation: u64,
}

impl fmt::Debug for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Executable({})", self.0.name)
    }
}

impl Plugin {
    /// Compiles StableHLO text for devices that need not be here. The plugin's results must be those of `signature`.
    pub fn compile(
        &self,
        topology: &Topology,
        mlir: &str,
        signature: &Signature,
        options: &CompileOptions,
    ) -> Result<Executable, PjrtError> {
        if !self.is(topology.plugin()) {
            return Err(PjrtError::Foreign { what: "topology".into() });
        }
        let program = program(mlir);
        let options = options.to_bytes();
        let mut args = args::<raw::Compile>();
        args.topology = topology.raw().as_ptr();
        args.program = &program;
        args.compile_options = options.as_ptr();
        args.compile_options_size = options.len();
        // SAFETY: `topology` is alive; program and options are borrowed for the call; no client is given.
        unsafe { self.call(&mut args) }?;
        let raw = object(raw::Compile::FUNCTION, args.executable)?;
        // SAFETY: pjrt_c_api.h: the caller frees the executable.
        unsafe { Executable::own(self, raw, signature, None) }
    }
}

/// StableHLO text as a plugin takes it; borrows `mlir`.
pub(super) fn program(mlir: &str) -> raw::Program {
    const FORMAT: &str = "mlir";
    raw::Program {
        struct_size: size_of::<raw::Program>(),
        extension_start: ptr::null_mut(),
        // The header has no `const` here, since the same struct serves as an output; an input is not written.
        code: mlir.as_ptr().cast_mut(),
        code_size: mlir.len(),
        format: FORMAT.as_ptr(),
        format_size: FORMAT.len(),
    }
}

impl Executable {
    /// # Safety
    /// `raw` is an executable of `plugin`, taken from `loaded` if there is one, and nobody else owns it.
    pub(super) unsafe fn own(
        plugin: &Plugin,
        raw: NonNull<raw::Executable>,
        signature: &Signature,
        loaded: Option<RawLoaded>,
    ) -> Result<Executable, PjrtError> {
        let plugin = plugin.clone();
        let mut inner = Inner { plugin, raw, name: String::new(), signature: signature.clone(), _loaded: loaded };
        let mut args = args::<raw::Executable_Name>();
        args.executable = inner.raw.as_ptr();
        // SAFETY: `inner` owns the executable, and the name lives as long.
        inner.name = unsafe {
            inner.plugin.call(&mut args)?;
            text(raw::Executable_Name::FUNCTION, args.executable_name, args.executable_name_size)?
        };
        inner.check_signature()?;
        Ok(Executable(Arc::new(inner)))
    }

    /// The name of the module.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn signature(&self) -> &Signature {
        &self.0.signature
    }

    pub(super) fn plugin(&self) -> &Plugin {
        &self.0.plugin
    }

    pub(super) fn raw(&self) -> NonNull<raw::Executable> {
        self.0.raw
    }

    /// Bytes that differ between programs; not between options. Text on CPU, raw bytes on TPU.
    pub fn fingerprint(&self) -> Result<Vec<u8>, PjrtError> {
        let mut args = args::<raw::Executable_Fingerprint>();
        args.executable = self.0.raw.as_ptr();
        // SAFETY: `self` keeps the executable alive, and its fingerprint with it.
        unsafe {
            self.0.plugin.call(&mut args)?;
            let function = raw::Executable_Fingerprint::FUNCTION;
            Ok(bytes(function, args.executable_fingerprint, args.executable_fingerprint_size)?.to_vec())
        }
    }

    /// The executable as the plugin writes it down, for [`Client::load`]. Not the same bytes twice.
    pub fn serialize(&self) -> Result<Vec<u8>, PjrtError> {
        let mut args = args::<raw::Executable_Serialize>();
        args.executable = self.0.raw.as_ptr();
        // SAFETY: `self` keeps the executable alive; the bytes are borrowed from the holder until its deleter runs, once.
        unsafe {
            self.0.plugin.call(&mut args)?;
            let function = raw::Executable_Serialize::FUNCTION;
            let copy = bytes(function, args.serialized_bytes, args.serialized_bytes_size).map(<[u8]>::to_vec);
            if let Some(delete) = args.serialized_executable_deleter {
                delete(args.serialized_executable);
            }
            copy
        }
    }

    pub fn memory_stats(&self) -> Result<MemoryStats, PjrtError> {
        let mut args = args::<raw::Executable_GetCompiledMemoryStats>();
        args.executable = self.0.raw.as_ptr();
        // SAFETY: `self` keeps the executable alive.
        unsafe { self.0.plugin.call(&mut args) }?;
        let size = |bytes: i64| {
            let problem = || malformed(raw::Executable_GetCompiledMemoryStats::FUNCTION, format!("{bytes} bytes"));
            u64::try_from(bytes).map_err(|_| problem())
        };
        Ok(MemoryStats {
            code: size(args.generated_code_size_in_bytes)?,
            argument: size(args.argument_size_in_bytes)?,
            output: size(args.output_size_in_bytes)?,
            alias: size(args.alias_size_in_bytes)?,
            temp: size(args.temp_size_in_bytes)?,
            host_argument: size(args.host_argument_size_in_bytes)?,
            host_output: size(args.host_output_size_in_bytes)?,
            host_temp: size(args.host_temp_size_in_bytes)?,
            peak: size(args.peak_memory_in_bytes)?,
            total: size(args.total_size_in_bytes)?,
            total_allocation: size(args.total_allocation_bytes)?,
        })
    }

    /// Bytes of machine code; 0 where the plugin does not tell.
    pub fn code_bytes(&self) -> Result<u64, PjrtError> {
        let function = raw::Executable_SizeOfGeneratedCodeInBytes::FUNCTION;
        let mut args = args::<raw::Executable_SizeOfGeneratedCodeInBytes>();
        args.executable = self.0.raw.as_ptr();
        // SAFETY: `self` keeps the executable alive.
        unsafe { self.0.plugin.call(&mut args) }?;
        let size = args.size_in_bytes;
        u64::try_from(size).map_err(|_| malformed(function, format!("{size} bytes")))
    }

    /// What the compiler thinks it costs, such as `flops` and `bytes accessed`, sorted by name.
    /// The CPU plugins do not tell: `UNIMPLEMENTED`.
    pub fn cost_analysis(&self) -> Result<Vec<(String, Value)>, PjrtError> {
        let mut args = args::<raw::Executable_GetCostAnalysis>();
        args.executable = self.0.raw.as_ptr();
        // SAFETY: `self` keeps the executable alive, and its properties with it.
        unsafe {
            self.0.plugin.call(&mut args)?;
            value::read(raw::Executable_GetCostAnalysis::FUNCTION, args.properties, args.num_properties)
        }
    }

    /// The program as the compiler left it.
    pub fn optimized_program(&self) -> Result<HloModuleProtoWithConfig, PjrtError> {
        let function = raw::Executable_OptimizedProgram::FUNCTION;
        let mut program = raw::Program {
            struct_size: size_of::<raw::Program>(),
            extension_start: ptr::null_mut(),
            code: ptr::null_mut(),
            code_size: 0,
            format: ptr::null(),
            format_size: 0,
        };
        let mut args = args::<raw::Executable_OptimizedProgram>();
        args.executable = self.0.raw.as_ptr();
        args.program = &raw mut program;
        // SAFETY: `self` keeps the executable alive; without code the plugin only tells the size.
        unsafe { self.0.plugin.call(&mut args) }?;
        if program.code_size > MAXIMUM_PROGRAM_BYTES {
            return Err(malformed(function, format!("a program of {} bytes", program.code_size)));
        }
        let mut code = vec![0; program.code_size];
        program.code = code.as_mut_ptr();
        args.program = &raw mut program;
        // SAFETY: `code_size` bytes are there to be written.
        unsafe { self.0.plugin.call(&mut args) }?;
        // SAFETY: pjrt_c_api.h: the format is static text of the plugin.
        let format = unsafe { text(function, program.format, program.format_size) }?;
        if format != "hlo_with_config" {
            return Err(malformed(function, format!("a program in the format `{format}`, expected `hlo_with_config`")));
        }
        HloModuleProtoWithConfig::decode(code.as_slice()).map_err(|error| malformed(function, error.to_string()))
    }

    /// Copies and devices a copy that it was compiled for.
    pub fn replicas_and_partitions(&self) -> Result<(usize, usize), PjrtError> {
        self.0.replicas_and_partitions()
    }

    /// The memory that each parameter must lie in, such as `device` or `pinned_host`. Older plugins cannot tell.
    pub fn parameter_memory_kinds(&self) -> Result<Vec<String>, PjrtError> {
        let function = raw::Executable_ParameterMemoryKinds::FUNCTION;
        let mut args = args::<raw::Executable_ParameterMemoryKinds>();
        args.executable = self.0.raw.as_ptr();
        // SAFETY: `self` keeps the executable alive, and the arrays with it.
        unsafe {
            self.0.plugin.call(&mut args)?;
            let kinds = array(function, args.memory_kinds, args.num_parameters)?;
            let sizes = array(function, args.memory_kind_sizes, args.num_parameters)?;
            kinds.iter().zip(sizes).map(|(&kind, &size)| text(function, kind, size)).collect()
        }
    }
}

/// A program is at most as large as a proto may be.
const MAXIMUM_PROGRAM_BYTES: usize = 1 << 31;

impl Inner {
    /// Refuses an executable that is not for the devices of the signature, or whose results are not what one of them gives.
    /// An execution relies on the number of both.
    fn check_signature(&self) -> Result<(), PjrtError> {
        let (replicas, partitions) = self.replicas_and_partitions()?;
        let (found, expected) = (replicas.saturating_mul(partitions), self.signature.devices());
        if found != expected {
            return Err(PjrtError::Devices { executable: self.name.clone(), found, expected });
        }
        let found = self.results()?;
        let expected = self.signature.local_results().map_err(|problem| PjrtError::Sharding { problem })?;
        if found != expected {
            return Err(PjrtError::Signature {
                executable: self.name.clone(),
                found: error::results(&found),
                expected: error::results(&expected),
            });
        }
        Ok(())
    }

    fn replicas_and_partitions(&self) -> Result<(usize, usize), PjrtError> {
        let mut replicas = args::<raw::Executable_NumReplicas>();
        replicas.executable = self.raw.as_ptr();
        let mut partitions = args::<raw::Executable_NumPartitions>();
        partitions.executable = self.raw.as_ptr();
        // SAFETY: `self` owns the executable.
        unsafe {
            self.plugin.call(&mut replicas)?;
            self.plugin.call(&mut partitions)?;
        }
        Ok((replicas.num_replicas, partitions.num_partitions))
    }

    fn results(&self) -> Result<Vec<TensorType>, PjrtError> {
        let mut count = args::<raw::Executable_NumOutputs>();
        count.executable = self.raw.as_ptr();
        // SAFETY: `self` owns the executable.
        unsafe { self.plugin.call(&mut count) }?;
        let count = count.num_outputs;

        let types_function = raw::Executable_OutputElementTypes::FUNCTION;
        let mut types = args::<raw::Executable_OutputElementTypes>();
        types.executable = self.raw.as_ptr();
        // SAFETY: as above; the array lives as long as the executable.
        let elements = unsafe {
            self.plugin.call(&mut types)?;
            array(types_function, types.output_types, types.num_output_types)?
        };
        let dims_function = raw::Executable_OutputDimensions::FUNCTION;
        let mut dims = args::<raw::Executable_OutputDimensions>();
        dims.executable = self.raw.as_ptr();
        // SAFETY: as above.
        let ranks = unsafe {
            self.plugin.call(&mut dims)?;
            array(dims_function, dims.dim_sizes, dims.num_outputs)?
        };
        if elements.len() != count || ranks.len() != count {
            let problem = format!("{} types and {} shapes for {count} outputs", elements.len(), ranks.len());
            return Err(malformed(types_function, problem));
        }
        let total = ranks.iter().try_fold(0_usize, |total, &rank| total.checked_add(rank));
        let total = total.ok_or_else(|| malformed(dims_function, "endless shapes"))?;
        // SAFETY: pjrt_c_api.h: the dims of all outputs lie one after another.
        let mut rest = unsafe { array(dims_function, dims.dims, total) }?;
        let mut results = Vec::with_capacity(count);
        for (&element, &rank) in elements.iter().zip(ranks) {
            let element = from_pjrt(element)
                .ok_or_else(|| malformed(types_function, format!("element type {element}, unknown to precast")))?;
            let (own, others) = rest.split_at(rank);
            rest = others;
            let sizes: Result<Vec<usize>, _> = own.iter().map(|&dim| usize::try_from(dim)).collect();
            let sizes = sizes.map_err(|_| malformed(dims_function, format!("dims {own:?}")))?;
            results.push(TensorType::new(element, sizes));
        }
        Ok(results)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let mut args = args::<raw::Executable_Destroy>();
        args.executable = self.raw.as_ptr();
        // SAFETY: this owns the executable, and this is its end.
        unsafe { self.plugin.destroy(&mut args) };
    }
}
