//! A plugin that answers nonsense: whatever it is, it comes out as an error, and nothing is leaked or freed twice.

use std::path::Path;
use std::process::Command;

use precast::pjrt::{Argument, CompileOptions, PjrtError, Plugin, Value};

use crate::support::{accumulate, bytes_of, f32s};

/// What is done wrong, and what comes of it. The plugin's source explains the names.
const FAULTS: &[(&str, &str)] = &[
    ("NONE", "well, arguments lie as {1,0} {0,1}"),
    (NO_ENTRY, "library is not a PJRT plugin: it has no `GetPjrtApi`"),
    ("NO_TABLE", "library is not a PJRT plugin: `GetPjrtApi` returns nothing"),
    ("NO_VERSION", "library is not a PJRT plugin: its function table has no version"),
    ("MAJOR", "plugin speaks PJRT C API 1.115, precast needs 0.100 or a later 0.x"),
    ("MINOR", "plugin speaks PJRT C API 0.54, precast needs 0.100 or a later 0.x"),
    ("SHORT_TABLE", "plugin has no `PJRT_Plugin_Initialize`; it speaks PJRT C API 0.115"),
    ("NO_FUNCTION", "plugin has no `PJRT_Client_Compile`; it speaks PJRT C API 0.115"),
    (
        "BAD_MESSAGE",
        "`PJRT_Plugin_Initialize` failed with code 99: `PJRT_Error_Message` of the plugin answered nonsense",
    ),
    ("NOT_UTF8", "`PJRT_Plugin_Initialize` failed with INTERNAL: \u{fffd} broken"),
    ("NO_CLIENT", "`PJRT_Client_Create` of the plugin answered nonsense: it succeeded and set no object"),
    ("NULL_TEXT", "`PJRT_Client_PlatformName` of the plugin answered nonsense: 4 bytes at 0x0"),
    (
        "HUGE_DEVICES",
        "`PJRT_Client_AddressableDevices` of the plugin answered nonsense: an array of 1099511627776 elements",
    ),
    ("ODD_DEVICES", "`PJRT_Client_AddressableDevices` of the plugin answered nonsense: array at the odd address"),
    ("NULL_DEVICE", "`PJRT_Client_AddressableDevices` of the plugin answered nonsense: it succeeded and set no object"),
    ("STRIDE", "`PJRT_DeviceDescription_Attributes` of the plugin answered nonsense: named values of 64 bytes"),
    ("KIND", "`PJRT_DeviceDescription_Attributes` of the plugin answered nonsense: `coords` is of kind 9"),
    ("NULL_INTS", "`PJRT_DeviceDescription_Attributes` of the plugin answered nonsense: 3 elements at no address"),
    ("UPLOAD_FAILS", "`PJRT_Event_Await` failed with INTERNAL: broken"),
    ("NO_BUFFER", "`PJRT_Client_BufferFromHostBuffer` of the plugin answered nonsense: it succeeded and set no object"),
    (
        "HOST_SIZE",
        "`PJRT_Buffer_ToHostBuffer` of the plugin answered nonsense: f32[2, 3] is 1048576 bytes, expected 24",
    ),
    ("DOWNLOAD_FAILS", "`PJRT_Event_Await` failed with INTERNAL: broken"),
    (
        "OUTPUTS",
        "`PJRT_Executable_OutputElementTypes` of the plugin answered nonsense: 1 types and 1 shapes for 3 outputs",
    ),
    (
        "ELEMENT",
        "`PJRT_Executable_OutputElementTypes` of the plugin answered nonsense: element type 77, unknown to precast",
    ),
    ("NEGATIVE_DIM", "`PJRT_Executable_OutputDimensions` of the plugin answered nonsense: dims [-2, 3]"),
    (
        "ENDLESS_RANK",
        "`PJRT_Executable_OutputDimensions` of the plugin answered nonsense: an array of 18446744073709551615",
    ),
    ("NULL_DIMS", "`PJRT_Executable_OutputDimensions` of the plugin answered nonsense: 2 elements at no address"),
    (
        "FOREIGN_DEVICE",
        "`PJRT_LoadedExecutable_AddressableDevices` of the plugin answered nonsense: a device of no client",
    ),
    ("NO_OUTPUT", "`PJRT_LoadedExecutable_Execute` of the plugin answered nonsense: 0 of 1 results"),
    ("EXECUTION_FAILS", "`PJRT_Event_Await` failed with INTERNAL: broken"),
    ("NULL_BYTES", "`PJRT_Executable_Serialize` of the plugin answered nonsense: 5 bytes at 0x0"),
    (
        "HUGE_PROGRAM",
        "`PJRT_Executable_OptimizedProgram` of the plugin answered nonsense: a program of 1099511627776 bytes",
    ),
    ("FORMAT", "`PJRT_Executable_OptimizedProgram` of the plugin answered nonsense: a program in the format `text`"),
    (
        "GARBAGE",
        "`PJRT_Executable_OptimizedProgram` of the plugin answered nonsense: failed to decode Protobuf message",
    ),
    ("PARTITIONS", "executable `fake` runs on 2 devices, its signature is for 1"),
    ("DEVICES", "`PJRT_LoadedExecutable_AddressableDevices` of the plugin answered nonsense: 0 devices of 1"),
    ("NEGATIVE_BYTES", "`PJRT_Executable_GetCompiledMemoryStats` of the plugin answered nonsense: -1 bytes"),
    ("NO_EXTENSION", "well, arguments lie anyhow"),
    ("NO_LAYOUTS", "well, arguments lie anyhow"),
    ("SHORT_EXTENSION", "well, arguments lie anyhow"),
    ("NO_HEAD", "well, arguments lie anyhow"),
    ("ODD_EXTENSION", "well, arguments lie anyhow"),
    ("ENDLESS_CHAIN", "well, arguments lie anyhow"),
    ("LAYOUTS_FAIL", "`PJRT_Layouts_PJRT_Executable_GetParameterLayouts` failed with INTERNAL: broken"),
    (
        "LAYOUT_COUNT",
        "`PJRT_Layouts_PJRT_Executable_GetParameterLayouts` of the plugin answered nonsense: 1 layouts of 2 parameters",
    ),
    (
        "NULL_LAYOUTS",
        "`PJRT_Layouts_PJRT_Executable_GetParameterLayouts` of the plugin answered nonsense: 2 elements at no address",
    ),
    (
        "NULL_LAYOUT",
        "`PJRT_Layouts_PJRT_Executable_GetParameterLayouts` of the plugin answered nonsense: it succeeded and set no object",
    ),
    ("NO_WRITER", "plugin has no `PJRT_Layouts_MemoryLayout_Serialize`; it speaks PJRT C API 0.115"),
    ("NULL_LAYOUT_TEXT", "`PJRT_Layouts_MemoryLayout_Serialize` of the plugin answered nonsense: 5 bytes at 0x0"),
];

const NO_ENTRY: &str = "NO_ENTRY";

/// Everything that is done with a plugin, one after another; how it went.
fn use_it(plugin: &Plugin) -> Result<String, PjrtError> {
    let client = plugin.client(&Default::default())?;
    let device = &client.devices()[0];
    let (text, signature) = accumulate();
    let state = client.upload(device, &f32s([2, 3]), &bytes_of(&[1.0; 6]))?;
    let step = client.upload_shared(device, &f32s([2, 3]), bytes_of(&[1.0; 6]).into())?;
    let program = client.compile(text, &signature, &CompileOptions::default())?;
    let results = program.execute(vec![Argument::Donate(state), Argument::Keep(&step)])?;
    results[0].await_ready()?;
    results[0].to_host()?;
    let serialized = program.executable().serialize()?;
    client.load(&serialized, &signature)?.executable().memory_stats()?;
    program.executable().optimized_program()?;
    let layouts = program.executable().parameter_layouts()?;
    Ok(layouts.map_or("well, arguments lie anyhow".into(), |all| format!("well, arguments lie as {}", all.join(" "))))
}

#[test]
fn nonsense_is_an_error_and_leaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pjrt/nonsense.c");
    let mut wrong = Vec::new();
    for (fault, expected) in FAULTS {
        let path = folder.path().join(format!("{fault}.so"));
        let (name, entry) = if *fault == NO_ENTRY { ("NONE", "GetNothing") } else { (*fault, "GetPjrtApi") };
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-w"])
            .arg(format!("-DFAULT={name}"))
            .arg(format!("-DENTRY={entry}"))
            .arg("-o")
            .arg(&path)
            .arg(&source);
        assert!(compiler.status().expect("there is a C compiler").success());

        let plugin = Plugin::load(&path);
        let outcome = plugin
            .as_ref()
            .map_err(PjrtError::to_string)
            .and_then(|plugin| use_it(plugin).map_err(|error| error.to_string()));
        let said = outcome.unwrap_or_else(|error| error);
        if !said.starts_with(expected) {
            wrong.push(format!("{fault}: {said}\n  expected {expected}"));
        }
        let alive = plugin.ok().map(|plugin| plugin.attributes().unwrap()[0].1.clone());
        if !matches!(alive, None | Some(Value::Int(0))) {
            wrong.push(format!("{fault}: {alive:?} objects are alive"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_that_is_no_library_is_told_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.so");
    let error = Plugin::load(&path).unwrap_err().to_string();
    assert!(error.contains("No such file") && error.contains(&path.display().to_string()), "{error}");
    std::fs::write(&path, "not a library").unwrap();
    let error = Plugin::load(&path).unwrap_err().to_string();
    assert!(error.contains("file too short") || error.contains("invalid ELF header"), "{error}");
}
