//! Kernels as loops on a host: what they compute, against arithmetic written out here, for random shapes, codes, scales and choices.

#[allow(dead_code, reason = "other tests run sessions")]
#[path = "support/device.rs"]
mod device;

use half::bf16;
use hlo::kernel::Kernel;
use hlo::{Builder, ElementType::*, Module, Tensor, TensorType};
use precast::config::{Config, LayerKind};
use precast::graph::kernel::{Attention, Product};
use precast::graph::{Block, Phase, block};
use precast::pjrt::Client;
use precast::plan::{Kernels, Plan, Precision, Spelling, Strategy as Stored};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};

const BLOCK: usize = 32;

/// The values of E2M1 by code.
const E2M1: [f64; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];

/// The kernel alone as a program, its lists of numbers first.
fn module(kernel: &Kernel, numbers: &[TensorType], inputs: &[(&str, TensorType)], same: &[usize]) -> Module {
    let b = Builder::new("kernel");
    b.function("main", || {
        let numbers: Vec<Tensor<'_>> = numbers.iter().map(|ty| b.argument("numbers", ty)).collect();
        let inputs: Vec<Tensor<'_>> = inputs.iter().map(|(name, ty)| b.argument(name, ty)).collect();
        let inputs: Vec<Tensor<'_>> = same.iter().map(|&input| inputs[input]).collect();
        kernel.plain(&b, &numbers, &inputs)
    });
    b.finish().unwrap_or_else(|problem| panic!("{problem}"))
}

fn run(client: &Client, module: &Module, inputs: &[&[u8]]) -> Vec<f32> {
    let executable = device::compile(client, module);
    let results = device::run(&executable, inputs);
    bytemuck::pod_collect_to_vec::<u8, f32>(&results[0].to_host().expect("results"))
}

/// Bytes of numbers that bf16 has.
fn bf16s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect()
}

#[derive(Clone, Debug)]
struct Asked {
    product: Product,
    picks: Vec<i32>,
    x: Vec<f32>,
    codes: Vec<u8>,
    /// Exponents of the scales.
    scales: Vec<i8>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let sizes = (1_usize..=3, 1_usize..=3, 1_usize..=9, 1_usize..=3, any::<bool>());
    sizes.prop_flat_map(|(sixteenths, chosen, blocks, outputs, shared)| {
        // Whole tiles of scales, whatever the blocks of an expert are, so that experts begin inside of them.
        let experts = 16 * sixteenths / greatest_common_divisor(16 * sixteenths, blocks);
        let experts = if (experts * blocks).is_multiple_of(16) { experts } else { 16 };
        let product = Product { experts, chosen, blocks, outputs: 8 * outputs, shared: shared || chosen == 1 };
        let inputs = blocks * BLOCK;
        let rows = if product.shared { 1 } else { chosen };
        (
            Just(product),
            prop::collection::vec(0..experts as i32, chosen),
            prop::collection::vec((-256_i16..=256).prop_map(|x| f32::from(x) / 64.0), rows * inputs),
            prop::collection::vec(0_u8..16, experts * inputs * product.outputs),
            prop::collection::vec(-40_i8..=20, experts * blocks * product.outputs),
        )
            .prop_map(|(product, picks, x, codes, scales)| Asked { product, picks, x, codes, scales })
    })
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl Asked {
    fn found(&self, client: &Client) -> Vec<f32> {
        let Product { experts, chosen, blocks, outputs, shared } = self.product;
        let kernel = self.product.kernel().unwrap_or_else(|problem| panic!("{problem}"));
        let (at_once, rows) = (self.product.blocks_at_once(), if shared { 1 } else { chosen });
        let x = TensorType::new(Bf16, [rows, blocks / at_once, 1, at_once * BLOCK]);
        let codes = TensorType::new(F4E2M1FN, [1, experts, blocks, BLOCK, outputs]);
        let scales = TensorType::new(Bf16, [1, experts * blocks, outputs]);
        let inputs = [("x", x), ("codes", codes), ("scales", scales)];
        let same: Vec<usize> = (0..kernel.inputs()).map(|input| input.min(2)).collect();
        let module = module(&kernel, &[TensorType::new(S32, [chosen])], &inputs, &same);
        let scales: Vec<f32> = self.scales.iter().map(|scale| f32::from(*scale).exp2()).collect();
        run(client, &module, &[bytemuck::cast_slice(&self.picks), &bf16s(&self.x), &self.codes, &bf16s(&scales)])
    }

    /// The same in f64, and what the magnitudes of all addends come to.
    fn expected(&self) -> Vec<(f64, f64)> {
        let Product { blocks, outputs, shared, .. } = self.product;
        let inputs = blocks * BLOCK;
        let answer = |(row, pick): (usize, &i32)| {
            let row = if shared { 0 } else { row };
            let expert = *pick as usize;
            (0..outputs)
                .map(|output| {
                    (0..inputs).fold((0.0, 0.0), |(sum, size), input| {
                        let code = self.codes[(expert * inputs + input) * outputs + output];
                        let sign = if code >= 8 { -1.0 } else { 1.0 };
                        let scale = self.scales[(expert * blocks + input / BLOCK) * outputs + output];
                        let weight = sign * E2M1[usize::from(code & 7)] * f64::from(scale).exp2();
                        let product = f64::from(self.x[row * inputs + input]) * weight;
                        (sum + product, size + product.abs())
                    })
                })
                .collect::<Vec<_>>()
        };
        self.picks.iter().enumerate().flat_map(answer).collect()
    }
}

#[test]
fn chosen_experts_are_unpacked_exactly_and_multiplied() {
    let client = device::client("cpu");
    let mut runner = TestRunner::new_with_rng(
        Cases { cases: 24, ..Cases::default() },
        prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
    );
    runner
        .run(&asked(), |asked| {
            let found = asked.found(&client);
            let expected = asked.expected();
            prop_assert_eq!(found.len(), expected.len());
            for (found, (sum, size)) in found.iter().zip(expected) {
                // Every product is exact; a sum of some hundred of them in f32 is rounded that often, by a 2^-24th each time.
                let tolerance = size * f64::from(2_f32.powi(-16));
                prop_assert!(
                    (f64::from(*found) - sum).abs() <= tolerance,
                    "{found} instead of {sum} in {:?}",
                    asked.product
                );
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// Every code by itself, with the least and the largest of usual scales: one input that is 1, so that nothing is summed.
#[test]
fn every_code_keeps_its_value_and_sign() {
    let client = device::client("cpu");
    let product = Product { experts: 16, chosen: 1, blocks: 1, outputs: 32, shared: true };
    for scale in [-100_i8, -1, 0, 7, 100] {
        let mut codes = vec![0_u8; 16 * BLOCK * 32];
        // Input 5 of expert 3.
        let row = (3 * BLOCK + 5) * 32;
        codes[row..row + 16].copy_from_slice(&std::array::from_fn::<u8, 16, _>(|code| code as u8));
        let mut x = vec![0.0; BLOCK];
        x[5] = 1.0;
        let asked = Asked { product, picks: vec![3], x, codes, scales: vec![scale; 16 * 32] };
        let found = asked.found(&client);
        let expected: Vec<f32> = asked.expected().iter().map(|(sum, _)| *sum as f32).collect();
        assert_eq!(found, expected, "2^{scale}");
    }
}

#[derive(Clone, Debug)]
struct Looked {
    attention: Attention,
    positions: Vec<i32>,
    numbers: Vec<f32>,
}

fn looked() -> impl Strategy<Value = Looked> {
    // One block, several of them, and a ring of fewer slots than a register has lanes.
    let slots = prop::sample::select(vec![40_usize, 128, 384, 1024, 1536]);
    let sizes = (1_usize..=2, 1_usize..=3, 1_usize..=5, 1_usize..=4, slots);
    sizes.prop_flat_map(|(sequences, groups, members, channels, slots)| {
        let attention = Attention { sequences, groups, members, channels: 4 * channels, slots };
        let count = sequences * groups * 4 * channels * (members + 2 * slots) + groups * members;
        (
            Just(attention),
            // Beyond the last slot too, as in a ring that has gone around.
            prop::collection::vec(0..(slots as i32 * 5 / 4), sequences),
            // Eight bits, which bf16 has.
            prop::collection::vec((-255_i16..=255).prop_map(|x| f32::from(x) / 64.0), count),
        )
            .prop_map(|(attention, positions, numbers)| Looked { attention, positions, numbers })
    })
}

impl Looked {
    /// Queries, keys, values and sinks.
    fn parts(&self) -> [&[f32]; 4] {
        let Attention { sequences, groups, members, channels, slots } = self.attention;
        let (queries, rest) = self.numbers.split_at(sequences * groups * members * channels);
        let (keys, rest) = rest.split_at(sequences * groups * channels * slots);
        let (values, sinks) = rest.split_at(sequences * groups * channels * slots);
        [queries, keys, values, sinks]
    }

    fn found(&self, client: &Client) -> Vec<f32> {
        let Attention { sequences, groups, members, channels, slots } = self.attention;
        let kernel = self.attention.kernel().unwrap_or_else(|problem| panic!("{problem}"));
        let cache = TensorType::new(Bf16, [sequences, groups, channels, slots]);
        let queries = TensorType::new(Bf16, [sequences, groups, members, channels]);
        let sinks = TensorType::new(F32, [groups, members, 1]);
        let inputs = [("queries", queries), ("keys", cache.clone()), ("values", cache), ("sinks", sinks)];
        let module = module(&kernel, &[TensorType::new(S32, [sequences])], &inputs, &[0, 1, 2, 3]);
        let [queries, keys, values, sinks] = self.parts();
        let [queries, keys, values] = [queries, keys, values].map(bf16s);
        let inputs = [bytemuck::cast_slice(&self.positions), &queries, &keys, &values, bytemuck::cast_slice(sinks)];
        run(client, &module, &inputs)
    }

    fn expected(&self) -> Vec<f64> {
        let Attention { sequences, groups, members, channels, slots } = self.attention;
        let [queries, keys, values, sinks] = self.parts();
        let mut answers = Vec::new();
        for sequence in 0..sequences {
            for group in 0..groups {
                let of = |cache: &[f32], channel: usize, slot: usize| {
                    f64::from(cache[((sequence * groups + group) * channels + channel) * slots + slot])
                };
                for member in 0..members {
                    let row = ((sequence * groups + group) * members + member) * channels;
                    let seen = slots.min(self.positions[sequence] as usize + 1);
                    let logit = |slot: usize| {
                        let channel = |channel| f64::from(queries[row + channel]) * of(keys, channel, slot);
                        (0..channels).map(channel).sum::<f64>() / (channels as f64).sqrt()
                    };
                    let logits: Vec<f64> = (0..seen).map(logit).collect();
                    let sink = f64::from(sinks[group * members + member]);
                    let peak = logits.iter().copied().fold(sink, f64::max);
                    let total: f64 = logits.iter().map(|logit| (logit - peak).exp()).sum::<f64>() + (sink - peak).exp();
                    answers.extend((0..channels).map(|channel| {
                        let brought = |(slot, logit): (usize, &f64)| (logit - peak).exp() * of(values, channel, slot);
                        logits.iter().enumerate().map(brought).sum::<f64>() / total
                    }));
                }
            }
        }
        answers
    }
}

#[test]
fn attention_sees_the_slots_up_to_the_position_and_its_sinks() {
    let client = device::client("cpu");
    let mut runner = TestRunner::new_with_rng(
        Cases { cases: 24, ..Cases::default() },
        prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
    );
    runner
        .run(&looked(), |looked| {
            let (found, expected) = (looked.found(&client), looked.expected());
            prop_assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                // Weights become bf16, which has eight bits of significand; values are 4 at most.
                let error = (f64::from(*found) - expected).abs();
                prop_assert!(error <= 4.0 / 256.0, "{found} instead of {expected} in {:?}", looked.attention);
            }
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// A model whose scales are whole tiles, of which no two dimensions are equal.
fn config() -> Config {
    Config {
        name: "kernels".into(),
        layers: 2,
        hidden: 160,
        vocabulary: 304,
        experts: 16,
        experts_per_token: 3,
        expert_width: 96,
        query_heads: 20,
        kv_heads: 4,
        head_dim: 24,
        sliding_window: 40,
        layer_kinds: vec![LayerKind::Sliding, LayerKind::Full],
        ..Config::gpt_oss_20b()
    }
}

/// Numbers for a parameter by its name and type, the same on every call.
fn filled(name: &str, ty: &TensorType) -> Vec<u8> {
    let mut state = name.bytes().fold(2166136261_u32, |state, byte| (state ^ u32::from(byte)).wrapping_mul(16777619));
    let mut next = || {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        state >> 16
    };
    (0..ty.count())
        .flat_map(|_| match ty.element {
            F4E2M1FN => vec![(next() % 16) as u8],
            Bf16 if name.ends_with(".scales") => bf16s(&[(-4.0 - (next() % 4) as f32).exp2()]),
            Bf16 => bf16s(&[next() as f32 / 65536.0 - 0.5]),
            F32 => (next() as f32 / 65536.0 - 0.5).to_le_bytes().to_vec(),
            S32 => 33_i32.to_le_bytes().to_vec(),
            other => panic!("{name} of {other}"),
        })
        .collect()
}

#[test]
fn parts_of_a_decode_step_say_the_same_with_kernels() {
    let client = device::client("cpu");
    let config = config();
    for part in [Block::Moe, Block::Attention(LayerKind::Sliding), Block::Attention(LayerKind::Full)] {
        let results = [Kernels::Plain, Kernels::Loops].map(|kernels| {
            let spelling = Spelling { kernels, ..Spelling::TPU };
            let plan = Plan { spelling, ..Plan::host(Stored::new(Precision::Mxfp4), 256).sized(1, &[48]) };
            let module = block(&config, &plan, part, Phase::Decode { steps: 1 }).expect("a block");
            let executable = device::compile(&client, &module);
            let parameters = executable.signature().parameters.clone();
            let inputs: Vec<Vec<u8>> = parameters.iter().map(|of| filled(&of.name, &of.ty)).collect();
            let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
            let results = device::run(&executable, &inputs);
            let last = results.last().expect("the stream").to_host().expect("results");
            (module.census(), bytemuck::pod_collect_to_vec::<u8, f32>(&last))
        });
        let [(plain_ops, plain), (loop_ops, loops)] = results;
        assert_ne!(plain_ops, loop_ops, "{part:?} has no kernel");
        let largest = plain.iter().fold(0_f32, |largest, value| largest.max(value.abs()));
        let apart = plain.iter().zip(&loops).fold(0_f32, |most, (plain, loops)| most.max((plain - loops).abs()));
        println!("{part:?}: {apart:.1e} apart, of values up to {largest:.1}");
        assert!(largest > 0.1 && loops.iter().all(|value| value.is_finite()), "{part:?} says something");
        // A sum in another order may round to the next bf16, of eight bits, before the product that follows.
        assert!(apart <= largest / 128.0, "{part:?}: {apart} apart, of values up to {largest}");
    }
}
