//! Every function that precast declares, called with a `struct_size` that is too small: the plugin's refusal names the size
//! it was built with, which must be the declared one.

use precast::pjrt::{plugins, raw};

use crate::support::{in_process, plugin};

/// Where a plugin's answer is something else, and why.
const OTHERWISE: &[(&str, &str, &str)] = &[
    ("cpu", "PJRT_TopologyDescription_Create", "not supported"),
    ("cpu-alt", "PJRT_TopologyDescription_Create", "not supported"),
    // These grew after the plugins were built with them; the smaller size is still taken.
    ("*", "PJRT_Device_MemoryStats", "expected 185,"),
    ("*", "PJRT_Executable_DeserializeAndLoad", "expected 64,"),
    ("*", "PJRT_Executable_GetCompiledMemoryStats", "expected 112,"),
];

fn check(platform: &str) {
    let plugin = plugin(platform);
    // The two functions that read errors have nothing to refuse with.
    let mut wrong = Vec::new();
    for function in raw::FUNCTIONS.iter().skip(2).chain(raw::LAYOUTS_FUNCTIONS) {
        let declared = format!("expected {},", function.size);
        let expected = OTHERWISE
            .iter()
            .find(|row| (row.0 == platform || row.0 == "*") && row.1 == function.name)
            .map_or(declared.as_str(), |row| row.2);
        let said = plugin.probe(function).map(|error| error.message().unwrap_or_default().to_owned());
        let answered = said.as_ref().is_some_and(|said| said.contains(expected));
        if !answered {
            wrong.push(format!("{}: {expected:?} is not in {said:?}", function.name));
        }
    }
    assert!(wrong.is_empty(), "{platform}\n{}", wrong.join("\n"));
}

#[test]
fn cpu_plugin_expects_what_is_declared() {
    in_process("sizes::cpu_plugin_expects_what_is_declared", plugins::environment("cpu"), || check("cpu"));
}

#[test]
fn other_cpu_plugin_expects_what_is_declared() {
    in_process("sizes::other_cpu_plugin_expects_what_is_declared", plugins::environment("cpu"), || check("cpu-alt"));
}

#[test]
fn tpu_plugin_expects_what_is_declared() {
    in_process("sizes::tpu_plugin_expects_what_is_declared", plugins::environment("tpu"), || check("tpu"));
}
