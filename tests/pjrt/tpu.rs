//! Compiling for a TPU that is not here. libtpu wants its environment, and some of its errors end the process: each test is one.

use hlo::{ElementType, Signature, TensorType};
use precast::pjrt::{Code, CompileOptions, PjrtError, Value, plugins};

use crate::support::{accumulate, clients, f32s, in_process, parameter, plugin};

#[test]
fn a_program_is_compiled_for_a_tpu_that_is_not_here() {
    in_process("tpu::a_program_is_compiled_for_a_tpu_that_is_not_here", plugins::environment("tpu"), || {
        let plugin = plugin("tpu");
        let topology = plugin.topology("v5e:1x1", &[]).unwrap();
        let devices = topology.devices().unwrap();
        assert_eq!(devices.iter().map(|device| device.kind.as_str()).collect::<Vec<_>>(), ["TPU v5 lite"]);
        let limit = devices[0].attribute("device_memory_bytes_limit").and_then(Value::as_int).unwrap();
        assert!(limit > 15 << 30, "{limit}");
        assert_eq!(topology.platform_name().unwrap(), "tpu");
        assert!(!topology.serialize().unwrap().is_empty());
        assert_eq!(topology.fingerprint().unwrap(), plugin.topology("v5e:1x1", &[]).unwrap().fingerprint().unwrap());
        assert!(topology.attributes().unwrap().iter().any(|attribute| attribute.0 == "device_memory_bytes_limit"));

        let text = "module @layer {
  func.func public @main(%x: tensor<8x256xbf16>, %w: tensor<256x512xbf16>) -> tensor<8x512xbf16> {
    %y = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0]
        : (tensor<8x256xbf16>, tensor<256x512xbf16>) -> tensor<8x512xbf16>
    return %y : tensor<8x512xbf16>
  }
}";
        let bf16 = |dims: [usize; 2]| TensorType::new(ElementType::Bf16, dims);
        let parameters = vec![parameter("x", &bf16([8, 256]), None), parameter("w", &bf16([256, 512]), None)];
        let signature = Signature { mesh: None, parameters, results: vec![bf16([8, 512])] };
        let executable = plugin.compile(&topology, text, &signature, &CompileOptions::default()).unwrap();
        drop(topology);

        let stats = executable.memory_stats().unwrap();
        // Rows are padded to 8 or 16, so the arguments take at least what they hold.
        assert!(stats.argument >= (8 * 256 + 256 * 512) * 2 && stats.output >= 8 * 512 * 2, "{stats:?}");
        assert!(stats.code > 0 && executable.code_bytes().unwrap() > 0);
        let cost = executable.cost_analysis().unwrap();
        let flops = cost.iter().find(|property| property.0 == "flops").map(|property| &property.1);
        assert_eq!(flops, Some(&Value::Float(2.0 * 8.0 * 256.0 * 512.0)));
        assert!(executable.fingerprint().unwrap().len() >= 16 && !executable.serialize().unwrap().is_empty());
        assert_eq!(executable.parameter_memory_kinds().unwrap(), ["device", "device"]);

        let module = executable.optimized_program().unwrap().hlo_module.unwrap();
        let mut instructions = module.computations.iter().flat_map(|computation| &computation.instructions);
        let product = instructions.find(|instruction| instruction.opcode == "convolution").unwrap();
        assert_eq!(product.shape.as_ref().unwrap().dimensions, [8, 512]);
        let entry = module.entry().unwrap();
        let schedule = module.schedule.as_ref().unwrap();
        let order = &schedule.sequences[&entry.id].instruction_ids;
        assert_eq!(order.len(), entry.instructions.len());
        let costed = entry.instructions.iter().any(|instruction| {
            String::from_utf8_lossy(module.backend_config(instruction)).contains("estimated_cycles")
        });
        assert!(costed, "no instruction of the entry tells its cycles");
    });
}

#[test]
fn what_libtpu_refuses_comes_back_as_an_error() {
    in_process("tpu::what_libtpu_refuses_comes_back_as_an_error", plugins::environment("tpu"), || {
        let plugin = plugin("tpu");
        let topology = plugin.topology("v6e:1x1", &[]).unwrap();
        let options = CompileOptions::default();
        let huge = f32s([1 << 15, 10 << 15]);
        let text = "module @huge {
  func.func public @main(%x: tensor<32768x327680xf32>) -> tensor<32768x327680xf32> {
    %y = stablehlo.sine %x : tensor<32768x327680xf32>
    return %y : tensor<32768x327680xf32>
  }
}";
        let signature = Signature { mesh: None, parameters: vec![parameter("x", &huge, None)], results: vec![huge] };
        let error = plugin.compile(&topology, text, &signature, &options).unwrap_err();
        assert_eq!(error.code(), Some(Code::ResourceExhausted), "{error}");
        assert!(error.to_string().contains("Ran out of memory on HBM"), "{error}");
        assert!(error.hint().is_some());

        let error = plugin.compile(&topology, "module {", &accumulate().1, &options).unwrap_err();
        assert!(error.code().is_some() && error.to_string().starts_with("`PJRT_Compile` failed with "), "{error}");
        let error = plugin.topology("v9:1x1", &[]).unwrap_err();
        assert_eq!(error.code(), Some(Code::InvalidArgument), "{error}");
        let error = plugin.client(&Default::default()).unwrap_err();
        assert!(error.code().is_some(), "{error}");

        // Two plugins in one process, and the topology of one given to the other.
        let (text, signature) = accumulate();
        let cpu = clients()[0].topology().unwrap();
        let error = plugin.compile(&cpu, text, &signature, &options).unwrap_err();
        assert!(matches!(error, PjrtError::Foreign { .. }), "{error}");
        let unloaded = cpu.plugin().compile(&cpu, text, &signature, &options).unwrap();
        assert_eq!(unloaded.name(), "accumulate");
    });
}
