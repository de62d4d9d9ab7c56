//! The records of targets against libtpu: what its topologies report, how it lays arguments out, what it plans a cycle.

use hlo::ElementType::{self, *};
use hlo::{Builder, TensorType};
use precast::pjrt::{CompileOptions, Executable, Plugin, Topology, Value, plugins};
use precast::target::{Chip, Platform, Target};

use crate::support::{in_process, plugin};

fn topology(plugin: &Plugin, target: &Target) -> Topology {
    let wanted = target.topology.as_ref().expect("a TPU has a topology");
    let option = |(name, value): &(&str, &str)| (name.to_string(), Value::Text(value.to_string()));
    let options: Vec<(String, Value)> = wanted.options.iter().map(option).collect();
    plugin.topology(&wanted.name, &options).unwrap_or_else(|error| panic!("{}: {error}", target.name))
}

/// The smallest target of each generation.
fn one_of_each() -> Vec<Target> {
    let of =
        |chip: &Chip| Target::all().into_iter().find(|target| target.chip.is_some_and(|its| its.name == chip.name));
    Chip::ALL.into_iter().map(|chip| of(chip).expect("every generation has a target")).collect()
}

fn compile(plugin: &Plugin, topology: &Topology, builder: Builder) -> Executable {
    let module = builder.finish().unwrap_or_else(|problem| panic!("{problem}"));
    let signature = &module.main().expect("a function").signature;
    plugin.compile(topology, &module.text(), signature, &CompileOptions::default()).unwrap_or_else(|error| {
        panic!("{signature:?}: {error}");
    })
}

#[test]
fn topologies_report_what_the_records_say() {
    in_process("targets::topologies_report_what_the_records_say", plugins::environment("tpu"), || {
        let plugin = plugin("tpu");
        let named = Target::all().into_iter().filter(|target| target.platform == Platform::Tpu);
        // Without a row of their own: one chip, of which the generation's memory was read, and some larger ones.
        let one_chip = ["v2:1x1", "v3:1x1", "v4:1x1x1", "v5e:1x1", "v5p:1x1x1", "v6e:1x1", "tpu7x:1x1x1"];
        let larger = ["v2:4x4", "v3:4x8", "v4:4x4x4", "v5e:16x16", "v5p:2x2x2", "v6e:4x4", "tpu7x:4x4x4"];
        let unnamed = one_chip.iter().chain(&larger).map(|name| Target::named(name).expect("a topology"));
        for target in named.chain(unnamed) {
            let devices = topology(&plugin, &target).devices().unwrap();
            let (name, chip) = (&target.name, target.chip.expect("a generation"));
            assert_eq!(devices.len(), target.devices, "{name}");
            let expected = target.hbm_bytes.expect("a TPU has memory");
            for device in devices {
                assert_eq!(device.kind, chip.device_kinds[0], "{name}");
                let limit =
                    device.attribute("device_memory_bytes_limit").and_then(Value::as_int).expect("a limit") as u64;
                let close = limit <= expected && expected - limit < 1 << 18;
                assert!(
                    limit == expected || larger.contains(&name.as_str()) && close,
                    "{name}: {limit}, not {expected}"
                );
            }
        }
    });
}

#[test]
fn arguments_take_the_bytes_that_padding_predicts() {
    in_process("targets::arguments_take_the_bytes_that_padding_predicts", plugins::environment("tpu"), || {
        let plugin = plugin("tpu");
        let rows: [(ElementType, &[usize]); 25] = [
            (Bf16, &[512, 2880]),
            (Bf16, &[2880, 5120]),
            (Bf16, &[8, 4224, 64]),
            (Bf16, &[32, 96, 5760]),
            (Bf16, &[32, 90, 5760]),
            (Bf16, &[1, 2880]),
            (Bf16, &[3, 2880]),
            (Bf16, &[17, 129]),
            (Bf16, &[2880]),
            (Bf16, &[64]),
            (F32, &[]),
            (F32, &[2880]),
            (F32, &[300]),
            (F32, &[5, 2880]),
            (F32, &[3, 1, 5, 64]),
            (S32, &[1]),
            (F8E4M3FN, &[32, 2880, 5760]),
            (F8E4M3FN, &[5, 200, 300]),
            (F8E4M3FN, &[2880]),
            (S8, &[32, 90, 5760]),
            (S8, &[3, 500]),
            (F4E2M1FN, &[32, 90, 32, 5760]),
            (F4E2M1FN, &[3, 70, 100]),
            (F4E2M1FN, &[2880]),
            (S64, &[20, 300]),
        ];
        for target in one_of_each() {
            let topology = topology(&plugin, &target);
            for (element, dims) in rows {
                let ty = TensorType::new(element, dims);
                let builder = Builder::new("first");
                builder.function("main", || {
                    let first: Vec<_> = dims.iter().map(|_| 0..1).collect();
                    vec![builder.argument("x", &ty).slice(&first)]
                });
                let argument = compile(&plugin, &topology, builder).memory_stats().unwrap().argument;
                assert_eq!(argument, target.padded_bytes(&ty), "{ty} for {}", target.name);
            }
        }
    });
}

/// The square of a matrix so large that only the matrix units bound it: flops a second by the cost analysis, and multiply-adds an estimated cycle.
fn product(plugin: &Plugin, topology: &Topology, element: ElementType, result: ElementType) -> (f64, f64) {
    const SIDE: usize = 8192;
    let builder = Builder::new("product");
    builder.function("main", || {
        let matrix = builder.argument("matrix", &TensorType::new(element, [SIDE, SIDE]));
        vec![matrix.dot_into(result, "ik,kj->ij", matrix)]
    });
    let executable = compile(plugin, topology, builder);
    let cost = executable.cost_analysis().unwrap();
    let number = |name: &str| match cost.iter().find(|property| property.0 == name) {
        Some((_, Value::Float(number))) => f64::from(*number),
        other => panic!("`{name}` is {other:?}"),
    };
    let module = executable.optimized_program().unwrap().hlo_module.unwrap();
    let cycles = |config: &[u8]| {
        let config: serde_json::Value = serde_json::from_slice(config).ok()?;
        config["window_config"]["estimated_cycles"].as_str()?.parse::<f64>().ok()
    };
    let instructions = &module.entry().unwrap().instructions;
    let total: f64 = instructions.iter().filter_map(|instruction| cycles(module.backend_config(instruction))).sum();
    assert!(total > 0.0, "no instruction tells its cycles");
    (number("flops") / number("optimal_seconds"), (SIDE as f64).powi(3) / total)
}

#[test]
fn the_cost_model_agrees_with_rates_units_and_types() {
    in_process("targets::the_cost_model_agrees_with_rates_units_and_types", plugins::environment("tpu"), || {
        let plugin = plugin("tpu");
        for target in one_of_each() {
            let chip = target.chip.expect("a generation");
            let topology = topology(&plugin, &target);
            let (rate, multiplies) = product(&plugin, &topology, Bf16, Bf16);
            // The model's rate is the published one, or up to 15 % lower on v4, v5p and tpu7x.
            let share = rate / chip.bf16_flops as f64;
            assert!((0.84..1.01).contains(&share), "{}: {share:.3} of the published rate", chip.name);
            // A large product keeps most cells busy: with half the units it would be above 1, with twice below 0.5.
            let busy = multiplies / (chip.matrix_units * chip.matrix_columns * chip.matrix_columns) as f64;
            assert!((0.6..1.01).contains(&busy), "{}: {busy:.3} of its cells are busy", chip.name);
            for (element, result, name) in [(S8, S32, "int8"), (F8E4M3FN, Bf16, "f8e4m3fn")] {
                let gain = product(&plugin, &topology, element, result).1 / multiplies;
                assert_eq!(gain > 1.5, chip.native_matmul.contains(&name), "{}: {name} gains {gain:.2}", chip.name);
            }
        }
    });
}
