//! The PJRT C API as plain C declarations: one row a function, with its place in the table, its size and its fields.
//! Knows nothing about ownership or errors; `api.rs` makes the calls.
//!
//! Source: `pjrt_c_api.h`, `pjrt_c_api_layouts_extension.h` and `pjrt_c_api_ffi_extension.h` of XLA at API 0.114. Names are the header's, without the `PJRT_` prefix and the `_Args` suffix.
//! `bool` is declared `u8` and enums `i32`, so that no value that a plugin writes is undefined behaviour.

#![allow(non_camel_case_types)]

use std::ffi::c_void;
use std::mem::offset_of;

/// A function of the table or of an extension: its index there, its name in the header, and the `struct_size` of its
/// arguments, which ends with the last field and leaves out trailing padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// The type of the extension that has it; `None` for the table.
    pub extension: Option<i32>,
    pub index: usize,
    pub name: &'static str,
    pub size: usize,
}

impl Function {
    /// Bytes from the start of the table or extension to the function's pointer.
    pub const fn offset(&self) -> usize {
        let head = match self.extension {
            None => size_of::<Api>(),
            Some(_) => size_of::<Extension_Base>(),
        };
        head + self.index * size_of::<usize>()
    }
}

/// The arguments of one function.
///
/// # Safety
/// The type is `repr(C)`, begins with `struct_size` and is valid when all its bytes are zero.
pub unsafe trait Args: Sized {
    const FUNCTION: Function;
}

/// What every function is, but `PJRT_Error_Destroy` and `PJRT_Error_Message`, which return nothing.
pub type Entry = unsafe extern "C" fn(*mut c_void) -> *mut Error;

/// Called when an event is ready; owns the error, which is null when all went well.
pub type OnReady = unsafe extern "C" fn(*mut Error, *mut c_void);

macro_rules! opaque {
    ($($name:ident)*) => { $(
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )* };
}

opaque! {
    Error Event Client Device DeviceDescription Memory Buffer Executable LoadedExecutable TopologyDescription
    SerializedExecutable SerializedTopology LoadOptions Layouts_MemoryLayout Layouts_SerializedLayout
}

macro_rules! structs {
    ($($(#[$doc:meta])* $name:ident $size:literal { $($offset:literal $field:ident: $type:ty),* $(,)? })*) => { $(
        $(#[$doc])*
        #[repr(C)]
        pub struct $name {
            $(pub $field: $type,)*
        }
        const _: () = {
            $(assert!(offset_of!($name, $field) == $offset);)*
            assert!(size_of::<$name>() == $size);
        };
    )* };
}

structs! {
    /// The head of the table; the function pointers follow it.
    Api 40 { 0 struct_size: usize, 8 extension_start: *mut Extension_Base, 16 version: Version }
    /// The head of an extension, one of a chain; its function pointers follow it.
    Extension_Base 24 { 0 struct_size: usize, 8 kind: i32, 16 next: *mut Extension_Base }
    Version 24 { 0 struct_size: usize, 8 extension_start: *mut c_void, 16 major: i32, 20 minor: i32 }
    NamedValue 56 {
        0 struct_size: usize, 8 extension_start: *mut c_void, 16 name: *const u8, 24 name_size: usize,
        32 kind: i32, 40 value: NamedValueUnion, 48 value_size: usize,
    }
    Program 48 {
        0 struct_size: usize, 8 extension_start: *mut c_void, 16 code: *mut u8, 24 code_size: usize,
        32 format: *const u8, 40 format_size: usize,
    }
    Tiled 56 {
        0 struct_size: usize, 8 extension_start: *mut c_void, 16 minor_to_major: *const i64,
        24 minor_to_major_size: usize, 32 tile_dims: *const i64, 40 tile_dim_sizes: *const usize, 48 num_tiles: usize,
    }
    /// Declared with the larger member of the header's union.
    MemoryLayout 80 { 0 struct_size: usize, 8 extension_start: *mut c_void, 16 tiled: Tiled, 72 kind: i32 }
    ExecuteOptions 144 {
        0 struct_size: usize, 8 extension_start: *mut c_void, 16 send_callbacks: *mut c_void,
        24 recv_callbacks: *mut c_void, 32 num_send_ops: usize, 40 num_recv_ops: usize, 48 launch_id: i32,
        56 non_donatable_input_indices: *const i64, 64 num_non_donatable_input_indices: usize,
        72 context: *mut c_void, 80 call_location: *const u8, 88 num_tasks: usize, 96 task_ids: *mut i32,
        104 incarnation_ids: *mut i64, 112 multi_slice_config: *mut c_void,
        120 use_major_to_minor_data_layout_for_callbacks: u8, 128 hlo_output_callbacks: *mut c_void,
        136 num_hlo_output_callbacks: usize,
    }
}

/// The value of a `NamedValue`, read according to its `kind`.
#[repr(C)]
#[derive(Clone, Copy)]
pub union NamedValueUnion {
    pub string: *const u8,
    pub int: i64,
    pub ints: *const i64,
    pub float: f32,
    pub boolean: u8,
}

pub const KIND_STRING: i32 = 0;
pub const KIND_INT: i32 = 1;
pub const KIND_INTS: i32 = 2;
pub const KIND_FLOAT: i32 = 3;
pub const KIND_BOOL: i32 = 4;

pub const LAYOUT_TILED: i32 = 0;

/// The type of the extension for layouts.
const EXTENSION_LAYOUTS: i32 = 4;

/// The type of the extension for foreign functions.
const EXTENSION_FFI: i32 = 5;

pub const IMMUTABLE_UNTIL_TRANSFER_COMPLETES: i32 = 1;
pub const IMMUTABLE_ZERO_COPY: i32 = 2;

macro_rules! functions {
    ($(#[$doc:meta])* $list:ident of $extension:expr; $($index:literal $name:ident $size:literal { $($offset:literal $field:ident: $type:ty),* $(,)? })*) => {
        $(
            #[repr(C)]
            pub struct $name {
                pub struct_size: usize,
                pub extension_start: *mut c_void,
                $(pub $field: $type,)*
            }
            const _: () = {
                $(assert!(offset_of!($name, $field) == $offset);)*
                assert!(size_of::<$name>() == ($size as usize).next_multiple_of(8));
            };
            // SAFETY: `repr(C)` with `struct_size` first; integers, nullable pointers and optional functions may be zero.
            unsafe impl Args for $name {
                const FUNCTION: Function = Function {
                    extension: $extension,
                    index: $index,
                    name: concat!("PJRT_", stringify!($name)),
                    size: $size,
                };
            }
        )*
        $(#[$doc])*
        pub const $list: &[Function] = &[$($name::FUNCTION),*];
    };
}

functions! {
    /// Every function of the table that precast calls.
    FUNCTIONS of None;
    0 Error_Destroy 24 { 16 error: *mut Error }
    1 Error_Message 40 { 16 error: *const Error, 24 message: *const u8, 32 message_size: usize }
    2 Error_GetCode 28 { 16 error: *const Error, 24 code: i32 }
    3 Plugin_Initialize 16 {}
    4 Plugin_Attributes 32 { 16 attributes: *const NamedValue, 24 num_attributes: usize }
    5 Event_Destroy 24 { 16 event: *mut Event }
    6 Event_IsReady 25 { 16 event: *mut Event, 24 is_ready: u8 }
    8 Event_Await 24 { 16 event: *mut Event }
    9 Event_OnReady 40 { 16 event: *mut Event, 24 callback: Option<OnReady>, 32 user_arg: *mut c_void }
    10 Client_Create 88 {
        16 create_options: *const NamedValue, 24 num_options: usize, 32 kv_get_callback: *const c_void,
        40 kv_get_user_arg: *mut c_void, 48 kv_put_callback: *const c_void, 56 kv_put_user_arg: *mut c_void,
        64 client: *mut Client, 72 kv_try_get_callback: *const c_void, 80 kv_try_get_user_arg: *mut c_void,
    }
    11 Client_Destroy 24 { 16 client: *mut Client }
    12 Client_PlatformName 40 { 16 client: *mut Client, 24 platform_name: *const u8, 32 platform_name_size: usize }
    14 Client_PlatformVersion 40 {
        16 client: *mut Client, 24 platform_version: *const u8, 32 platform_version_size: usize,
    }
    16 Client_AddressableDevices 40 {
        16 client: *mut Client, 24 addressable_devices: *const *mut Device, 32 num_addressable_devices: usize,
    }
    20 Client_Compile 56 {
        16 client: *mut Client, 24 program: *const Program, 32 compile_options: *const u8,
        40 compile_options_size: usize, 48 executable: *mut LoadedExecutable,
    }
    22 Client_BufferFromHostBuffer 120 {
        16 client: *mut Client, 24 data: *const c_void, 32 element_type: i32, 40 dims: *const i64, 48 num_dims: usize,
        56 byte_strides: *const i64, 64 num_byte_strides: usize, 72 host_buffer_semantics: i32, 80 device: *mut Device,
        88 memory: *mut Memory, 96 device_layout: *const MemoryLayout, 104 done_with_host_buffer: *mut Event,
        112 buffer: *mut Buffer,
    }
    23 DeviceDescription_Id 28 { 16 device_description: *mut DeviceDescription, 24 id: i32 }
    24 DeviceDescription_ProcessIndex 28 { 16 device_description: *mut DeviceDescription, 24 process_index: i32 }
    25 DeviceDescription_Attributes 40 {
        16 device_description: *mut DeviceDescription, 24 num_attributes: usize, 32 attributes: *const NamedValue,
    }
    26 DeviceDescription_Kind 40 {
        16 device_description: *mut DeviceDescription, 24 device_kind: *const u8, 32 device_kind_size: usize,
    }
    29 Device_GetDescription 32 { 16 device: *mut Device, 24 device_description: *mut DeviceDescription }
    31 Device_LocalHardwareId 28 { 16 device: *mut Device, 24 local_hardware_id: i32 }
    34 Device_MemoryStats 201 {
        16 device: *mut Device, 24 bytes_in_use: i64, 32 peak_bytes_in_use: i64, 40 peak_bytes_in_use_is_set: u8,
        48 num_allocs: i64, 56 num_allocs_is_set: u8, 64 largest_alloc_size: i64, 72 largest_alloc_size_is_set: u8,
        80 bytes_limit: i64, 88 bytes_limit_is_set: u8, 96 bytes_reserved: i64, 104 bytes_reserved_is_set: u8,
        112 peak_bytes_reserved: i64, 120 peak_bytes_reserved_is_set: u8, 128 bytes_reservable_limit: i64,
        136 bytes_reservable_limit_is_set: u8, 144 largest_free_block_bytes: i64,
        152 largest_free_block_bytes_is_set: u8, 160 pool_bytes: i64, 168 pool_bytes_is_set: u8,
        176 peak_pool_bytes: i64, 184 peak_pool_bytes_is_set: u8, 192 peak_allocated_bytes: i64,
        200 peak_allocated_bytes_is_set: u8,
    }
    40 Executable_Destroy 24 { 16 executable: *mut Executable }
    41 Executable_Name 40 {
        16 executable: *mut Executable, 24 executable_name: *const u8, 32 executable_name_size: usize,
    }
    42 Executable_NumReplicas 32 { 16 executable: *mut Executable, 24 num_replicas: usize }
    43 Executable_NumPartitions 32 { 16 executable: *mut Executable, 24 num_partitions: usize }
    44 Executable_NumOutputs 32 { 16 executable: *mut Executable, 24 num_outputs: usize }
    45 Executable_SizeOfGeneratedCodeInBytes 32 { 16 executable: *mut Executable, 24 size_in_bytes: i64 }
    46 Executable_GetCostAnalysis 40 {
        16 executable: *mut Executable, 24 num_properties: usize, 32 properties: *const NamedValue,
    }
    48 Executable_OptimizedProgram 32 { 16 executable: *mut Executable, 24 program: *mut Program }
    49 Executable_Serialize 56 {
        16 executable: *const Executable, 24 serialized_bytes: *const u8, 32 serialized_bytes_size: usize,
        40 serialized_executable: *mut SerializedExecutable,
        48 serialized_executable_deleter: Option<unsafe extern "C" fn(*mut SerializedExecutable)>,
    }
    50 LoadedExecutable_Destroy 24 { 16 executable: *mut LoadedExecutable }
    51 LoadedExecutable_GetExecutable 32 { 16 loaded_executable: *mut LoadedExecutable, 24 executable: *mut Executable }
    52 LoadedExecutable_AddressableDevices 40 {
        16 executable: *mut LoadedExecutable, 24 addressable_devices: *const *mut Device,
        32 num_addressable_devices: usize,
    }
    55 LoadedExecutable_Execute 80 {
        16 executable: *mut LoadedExecutable, 24 options: *mut ExecuteOptions,
        32 argument_lists: *const *const *mut Buffer, 40 num_devices: usize, 48 num_args: usize,
        56 output_lists: *const *mut *mut Buffer, 64 device_complete_events: *mut *mut Event,
        72 execute_device: *mut Device,
    }
    56 Executable_DeserializeAndLoad 72 {
        16 client: *mut Client, 24 serialized_executable: *const u8, 32 serialized_executable_size: usize,
        40 loaded_executable: *mut LoadedExecutable, 48 overridden_serialized_compile_options: *const u8,
        56 overridden_serialized_compile_options_size: usize, 64 load_options: *mut LoadOptions,
    }
    58 Buffer_Destroy 24 { 16 buffer: *mut Buffer }
    64 Buffer_OnDeviceSizeInBytes 32 { 16 buffer: *mut Buffer, 24 on_device_size_in_bytes: usize }
    68 Buffer_IsDeleted 25 { 16 buffer: *mut Buffer, 24 is_deleted: u8 }
    70 Buffer_ToHostBuffer 56 {
        16 src: *mut Buffer, 24 host_layout: *const MemoryLayout, 32 dst: *mut c_void, 40 dst_size: usize,
        48 event: *mut Event,
    }
    72 Buffer_ReadyEvent 32 { 16 buffer: *mut Buffer, 24 event: *mut Event }
    82 TopologyDescription_Create 56 {
        16 topology_name: *const u8, 24 topology_name_size: usize, 32 create_options: *const NamedValue,
        40 num_options: usize, 48 topology: *mut TopologyDescription,
    }
    83 TopologyDescription_Destroy 24 { 16 topology: *mut TopologyDescription }
    84 TopologyDescription_PlatformName 40 {
        16 topology: *mut TopologyDescription, 24 platform_name: *const u8, 32 platform_name_size: usize,
    }
    85 TopologyDescription_PlatformVersion 40 {
        16 topology: *mut TopologyDescription, 24 platform_version: *const u8, 32 platform_version_size: usize,
    }
    86 TopologyDescription_GetDeviceDescriptions 40 {
        16 topology: *mut TopologyDescription, 24 descriptions: *const *mut DeviceDescription,
        32 num_descriptions: usize,
    }
    87 TopologyDescription_Serialize 56 {
        16 topology: *mut TopologyDescription, 24 serialized_bytes: *const u8, 32 serialized_bytes_size: usize,
        40 serialized_topology: *mut SerializedTopology,
        48 serialized_topology_deleter: Option<unsafe extern "C" fn(*mut SerializedTopology)>,
    }
    88 TopologyDescription_Attributes 40 {
        16 topology: *mut TopologyDescription, 24 attributes: *const NamedValue, 32 num_attributes: usize,
    }
    89 Compile 64 {
        16 topology: *mut TopologyDescription, 24 program: *const Program, 32 compile_options: *const u8,
        40 compile_options_size: usize, 48 client: *mut Client, 56 executable: *mut Executable,
    }
    90 Executable_OutputElementTypes 40 {
        16 executable: *mut Executable, 24 output_types: *const i32, 32 num_output_types: usize,
    }
    91 Executable_OutputDimensions 48 {
        16 executable: *mut Executable, 24 num_outputs: usize, 32 dims: *const i64, 40 dim_sizes: *const usize,
    }
    94 Executable_Fingerprint 40 {
        16 executable: *mut Executable, 24 executable_fingerprint: *const u8, 32 executable_fingerprint_size: usize,
    }
    95 Client_TopologyDescription 32 { 16 client: *mut Client, 24 topology: *mut TopologyDescription }
    96 Executable_GetCompiledMemoryStats 144 {
        16 executable: *mut Executable, 24 generated_code_size_in_bytes: i64, 32 argument_size_in_bytes: i64,
        40 output_size_in_bytes: i64, 48 alias_size_in_bytes: i64, 56 temp_size_in_bytes: i64,
        64 host_generated_code_size_in_bytes: i64, 72 host_argument_size_in_bytes: i64,
        80 host_output_size_in_bytes: i64, 88 host_alias_size_in_bytes: i64, 96 host_temp_size_in_bytes: i64,
        104 peak_memory_in_bytes: i64, 112 total_size_in_bytes: i64, 120 total_allocation_bytes: i64,
        128 indefinite_allocations: i64, 136 peak_unpadded_heap_bytes: i64,
    }
    129 Client_Load 56 {
        16 client: *mut Client, 24 executable: *mut Executable, 32 compile_options: *const u8,
        40 compile_options_size: usize, 48 loaded_executable: *mut LoadedExecutable,
    }
    133 TopologyDescription_Fingerprint 32 { 16 topology: *mut TopologyDescription, 24 fingerprint: u64 }
    134 Executable_ParameterMemoryKinds 48 {
        16 executable: *mut Executable, 24 num_parameters: usize, 32 memory_kinds: *const *const u8,
        40 memory_kind_sizes: *const usize,
    }
}

functions! {
    /// Every function of the extension for layouts that precast calls.
    LAYOUTS_FUNCTIONS of Some(EXTENSION_LAYOUTS);
    1 Layouts_MemoryLayout_Serialize 56 {
        16 layout: *mut Layouts_MemoryLayout, 24 serialized_bytes: *const u8, 32 serialized_bytes_size: usize,
        40 serialized_layout: *mut Layouts_SerializedLayout,
        48 serialized_layout_deleter: Option<unsafe extern "C" fn(*mut Layouts_SerializedLayout)>,
    }
    6 Layouts_PJRT_Executable_GetParameterLayouts 40 {
        16 executable: *mut Executable, 24 num_parameters: usize, 32 layouts: *const *mut Layouts_MemoryLayout,
    }
}

/// Unlike all others these arguments have no `extension_start`.
#[repr(C)]
pub struct FFI_Register_Handler {
    pub struct_size: usize,
    pub target_name: *const u8,
    pub target_name_size: usize,
    pub handler: *mut c_void,
    pub platform_name: *const u8,
    pub platform_name_size: usize,
    pub traits: i32,
}

// SAFETY: `repr(C)` with `struct_size` first; integers and nullable pointers may be zero.
unsafe impl Args for FFI_Register_Handler {
    const FUNCTION: Function =
        Function { extension: Some(EXTENSION_FFI), index: 2, name: "PJRT_FFI_Register_Handler", size: 52 };
}

const _: () = assert!(offset_of!(FFI_Register_Handler, traits) == 48);
