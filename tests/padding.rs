//! What stands behind a chunk's tokens asks no expert: whatever it is, nothing is added to it, and nothing of it reaches a token.

#[path = "support/device.rs"]
mod device;
#[path = "support/tiny.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod tiny;

use hlo::ElementType::F32;
use precast::graph::{Block, Phase, block};
use precast::plan::{Plan, Strategy};

/// Values of either sign, below one.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn padding_asks_no_expert() {
    let client = device::client("cpu");
    let config = tiny::config();
    let plan = Plan { largest_prefill: 64, ..Plan::host(Strategy::plain(F32), 700) };
    // All rows by each expert, and by blocks.
    for (tokens, count) in [(8, 3), (64, 20)] {
        let module = block(&config, &plan, Block::Moe, Phase::Prefill { tokens }).expect("a module");
        let executable = device::compile(&client, &module);
        let parameters = executable.signature().parameters.clone();
        let answer = |behind: f32| {
            let inputs: Vec<Vec<u8>> = parameters
                .iter()
                .zip(1..)
                .map(|(parameter, seed)| match parameter.name.as_str() {
                    "sequence" | "start" => 0_i32.to_le_bytes().to_vec(),
                    "count" => i32::try_from(count).expect("a count").to_le_bytes().to_vec(),
                    name => {
                        let mut values = noise(parameter.ty.count(), seed);
                        if name == "x" {
                            values[count * config.hidden..].iter_mut().for_each(|value| *value *= behind);
                        }
                        values.iter().flat_map(|value| value.to_le_bytes()).collect()
                    }
                })
                .collect();
            let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
            let stream = device::run(&executable, &inputs)[0].to_host().expect("a download");
            let stream: Vec<f32> = stream.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            let place = parameters.iter().position(|parameter| parameter.name == "x").expect("a stream");
            let before: Vec<f32> = inputs[place].as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            (before, stream)
        };
        let (before, after) = answer(1.0);
        let of_tokens = count * config.hidden;
        assert_eq!(before[of_tokens..], after[of_tokens..], "{tokens} rows: padding is as it was");
        assert_ne!(before[..of_tokens], after[..of_tokens], "{tokens} rows: tokens are not");
        let (_, other) = answer(-100.0);
        assert_eq!(after[..of_tokens], other[..of_tokens], "{tokens} rows: whatever is behind them");
    }
}
