//! Kernels as the compiler takes them, at the sizes of gpt-oss-20b: for every generation that takes them, and what v3 says.

use hlo::kernel::Kernel;
use hlo::{Builder, ElementType::*, Module, Tensor, TensorType};
use precast::bundle::Cost;
use precast::config::{Config, LayerKind};
use precast::graph::kernel::{Attention, Product};
use precast::graph::{Phase, module as program};
use precast::pjrt::{CompileOptions, plugins};
use precast::plan::{Kernels, Plan, Precision, Strategy};
use precast::target::Target;

use crate::support::{in_process, plugin};

fn module(kernel: &Kernel, numbers: &TensorType, inputs: &[TensorType], same: &[usize]) -> Module {
    let b = Builder::new(&kernel.name);
    b.function("main", || {
        let numbers = b.argument("numbers", numbers);
        let inputs: Vec<Tensor<'_>> = inputs.iter().map(|ty| b.argument("x", ty).layout(&row_major(ty))).collect();
        let inputs: Vec<Tensor<'_>> = same.iter().map(|&input| inputs[input]).collect();
        kernel.call(&b, &[numbers], &inputs)
    });
    b.finish().unwrap_or_else(|problem| panic!("{problem}"))
}

fn row_major(ty: &TensorType) -> String {
    let order: Vec<String> = (0..ty.rank()).rev().map(|axis| axis.to_string()).collect();
    format!("{{{}}}", order.join(","))
}

fn product(outputs: usize, shared: bool) -> Module {
    let product = Product { experts: 32, chosen: 4, blocks: 90, outputs, shared };
    let kernel = product.kernel().unwrap_or_else(|problem| panic!("{problem}"));
    let (at_once, rows) = (product.blocks_at_once(), if shared { 1 } else { 4 });
    let inputs = [
        TensorType::new(Bf16, [rows, 90 / at_once, 1, at_once * 32]),
        TensorType::new(F4E2M1FN, [1, 32, 90, 32, outputs]),
        TensorType::new(Bf16, [1, 32 * 90, outputs]),
    ];
    let same: Vec<usize> = (0..kernel.inputs()).map(|input| input.min(2)).collect();
    module(&kernel, &TensorType::new(S32, [4]), &inputs, &same)
}

fn attention(slots: usize) -> Module {
    let attention = Attention { sequences: 1, groups: 8, members: 8, channels: 64, slots };
    let kernel = attention.kernel().unwrap_or_else(|problem| panic!("{problem}"));
    let cache = TensorType::new(Bf16, [1, 8, 64, slots]);
    let inputs = [TensorType::new(Bf16, [1, 8, 8, 64]), cache.clone(), cache, TensorType::new(F32, [8, 8, 1])];
    module(&kernel, &TensorType::new(S32, [1]), &inputs, &[0, 1, 2, 3])
}

#[test]
fn kernels_compile_at_full_size() {
    in_process("kernels::kernels_compile_at_full_size", plugins::environment("tpu"), || {
        let plugin = plugin("tpu");
        let programs = [("gate_up", product(5760, true)), ("down", product(2944, false))];
        let programs = programs.into_iter().chain([("ring", attention(128)), ("full", attention(4608))]);
        for (name, module) in programs {
            let signature = &module.main().expect("a main function").signature;
            for generation in ["v4:1x1x1", "v5e:1x1", "v5p:1x1x1", "v6e:1x1", "tpu7x:1x1x1"] {
                let topology = plugin.topology(generation, &[]).expect("a topology");
                let start = std::time::Instant::now();
                let executable = plugin
                    .compile(&topology, &module.text(), signature, &CompileOptions::default())
                    .unwrap_or_else(|error| panic!("{name} for {generation}: {error}"));
                println!("{name} for {generation}: {:.1} s", start.elapsed().as_secs_f64());
                let program = executable.optimized_program().expect("a program").hlo_module.expect("a module");
                let all = || program.computations.iter().flat_map(|computation| &computation.instructions);
                let calls = all().filter(|instruction| instruction.custom_call_target == "tpu_custom_call");
                assert_eq!(calls.count(), 1, "{name} for {generation}");
                // Codes and cache reach the kernel as they lie: nothing copies them.
                let copies = all().filter(|instruction| instruction.opcode.contains("copy"));
                let elements = copies.filter_map(|copy| copy.shape.as_ref());
                let largest = elements.map(|shape| shape.dimensions.iter().product::<i64>()).max().unwrap_or_default();
                assert!(largest <= 4 * 2944, "{name} for {generation} copies {largest} elements");
            }
        }
    });
}

/// Two layers of gpt-oss-20b, one of each kind.
#[test]
fn a_decode_step_with_kernels_fits_and_has_fewer_ops() {
    in_process("kernels::a_decode_step_with_kernels_fits_and_has_fewer_ops", plugins::environment("tpu"), || {
        let layer_kinds = vec![LayerKind::Sliding, LayerKind::Full];
        let config = Config { layers: 2, layer_kinds, ..Config::gpt_oss_20b() };
        let target = Target::named("v5e-1").expect("a target");
        let plan = Plan::new(&target, Strategy::new(Precision::Mxfp4), 4096);
        let written = |kernels| {
            let mut plan = plan.clone();
            plan.spelling.kernels = kernels;
            program(&config, &plan, Phase::Decode { steps: 1 }).unwrap_or_else(|problem| panic!("{problem}"))
        };
        let ops = |module: &Module| module.census().values().sum::<usize>();
        let (plain, kernels) = (written(Kernels::Plain), written(Kernels::Mosaic));
        println!("{} ops in plain StableHLO, {} with kernels", ops(&plain), ops(&kernels));
        assert!(ops(&kernels) < ops(&plain));

        let plugin = plugin("tpu");
        let topology = plugin.topology("v5e:1x1", &[]).expect("a topology");
        let signature = &kernels.main().expect("a main function").signature;
        let executable = plugin
            .compile(&topology, &kernels.text_with_locations(), signature, &CompileOptions::for_signature(signature))
            .unwrap_or_else(|error| panic!("{error}"));
        let memory = executable.memory_stats().expect("a memory report");
        let held = memory.argument + memory.output + memory.temp - memory.alias;
        assert!(held < target.hbm_bytes.expect("a device's memory"), "{memory:?}");
        assert!(memory.temp < 64 << 20, "no copy of a matrix: {memory:?}");

        let cost = Cost::of(&executable.optimized_program().expect("a program"));
        let runs: Vec<(&str, u64)> = cost.kernels.iter().map(|row| (row.name.as_str(), row.trips)).collect();
        assert_eq!(runs, [("decode_attention", 2), ("mxfp4_product", 2), ("mxfp4_product", 2)]);
        assert!(cost.uncosted.iter().all(|row| row.custom_call_target.as_deref() != Some("tpu_custom_call")));
        // Four experts of two layers in 4 bits, and their scales.
        let codes = 2 * 4 * (5760 + 2944) * 2880 / 2;
        assert!(cost.kernel_bytes() > codes && cost.kernel_bytes() < 2 * codes, "{}", cost.kernel_bytes());
    });
}
