//! Sampling on the device against the exact distribution: every filter, by a chi-square test over fixed seeds.

#[path = "support/device.rs"]
mod device;

use hlo::ElementType;
use precast::graph::sampler;

const ROWS: usize = 64;
/// Not a multiple of anything that the graph folds by.
const VOCABULARY: usize = 1013;
const LAUNCHES: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Filter {
    temperature: f32,
    top_k: i32,
    top_p: f32,
    min_p: f32,
}

/// A few likely tokens, many unlikely ones.
fn logits() -> Vec<f32> {
    (0..VOCABULARY).map(|token| ((token * 7919 % VOCABULARY) as f32 / VOCABULARY as f32).powi(6) * 9.0).collect()
}

/// The distribution by definition, in f64: temperature, then top-k, top-p over what is left, min-p.
fn exact(logits: &[f32], filter: &Filter) -> Vec<f64> {
    let peak = logits.iter().copied().fold(f32::MIN, f32::max);
    let mut weights: Vec<f64> =
        logits.iter().map(|logit| (f64::from(logit - peak) / f64::from(filter.temperature)).exp()).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
    if filter.top_k > 0 {
        order.iter().skip(filter.top_k as usize).for_each(|token| weights[*token] = 0.0);
    }
    let (total, mut before) = (weights.iter().sum::<f64>(), 0.0);
    for token in &order {
        let weight = weights[*token];
        if before >= f64::from(filter.top_p) * total || weight < f64::from(filter.min_p) {
            weights[*token] = 0.0;
        }
        before += weight;
    }
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

fn draw(filter: &Filter, seed: u64) -> Vec<i32> {
    let client = device::client("cpu");
    let executable = device::compile(&client, &sampler(ROWS, VOCABULARY).expect("a sampler"));
    let logits: Vec<f32> = std::iter::repeat_n(logits(), ROWS).flatten().collect();
    (0..LAUNCHES)
        .flat_map(|launch| {
            let positions = [launch as i32; ROWS];
            let seeds: Vec<u64> = (0..ROWS as u64).map(|row| seed * 1000 + row).collect();
            let results = device::run(
                &executable,
                &[
                    bytemuck::cast_slice(&logits),
                    bytemuck::cast_slice(&positions),
                    bytemuck::cast_slice(&[filter.temperature; ROWS]),
                    bytemuck::cast_slice(&[filter.top_k; ROWS]),
                    bytemuck::cast_slice(&[filter.top_p; ROWS]),
                    bytemuck::cast_slice(&[filter.min_p; ROWS]),
                    bytemuck::cast_slice(&seeds),
                ],
            );
            assert_eq!(results[0].ty().element, ElementType::S32);
            bytemuck::pod_collect_to_vec::<u8, i32>(&results[0].to_host().expect("tokens"))
        })
        .collect()
}

#[test]
fn draws_follow_the_exact_distribution() {
    let open = Filter { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0 };
    let rows = [
        open,
        Filter { temperature: 0.7, ..open },
        Filter { temperature: 1.6, top_k: 40, ..open },
        Filter { top_p: 0.8, ..open },
        Filter { min_p: 0.05, ..open },
        Filter { temperature: 1.3, top_k: 100, top_p: 0.9, min_p: 0.02 },
    ];
    for filter in rows {
        let drawn = draw(&filter, 1);
        let expected = exact(&logits(), &filter);
        let mut counts = vec![0usize; VOCABULARY];
        drawn.iter().for_each(|token| counts[*token as usize] += 1);
        let forbidden = counts.iter().zip(&expected).find(|(count, share)| **count > 0 && **share == 0.0);
        assert_eq!(forbidden, None, "{filter:?} drew a token that it filters");

        // Tokens too rare for the test's approximation count together.
        let (mut statistic, mut cells, mut rare) = (0.0, 0usize, (0usize, 0.0));
        let n = drawn.len() as f64;
        for (count, share) in counts.iter().zip(&expected) {
            if share * n >= 5.0 {
                statistic += (*count as f64 - share * n).powi(2) / (share * n);
                cells += 1;
            } else {
                rare = (rare.0 + count, rare.1 + share);
            }
        }
        if rare.1 * n >= 5.0 {
            statistic += (rare.0 as f64 - rare.1 * n).powi(2) / (rare.1 * n);
            cells += 1;
        }
        // Chi-square with k degrees of freedom has mean k and variance 2k; 4.5 deviations are one in a hundred thousand.
        let freedom = (cells - 1) as f64;
        let deviations = (statistic - freedom) / (2.0 * freedom).sqrt();
        println!("{filter:?}: {cells} cells, {deviations:+.2} deviations");
        assert!(deviations.abs() < 4.5, "{filter:?}: chi-square {statistic} over {freedom} degrees of freedom");
    }
}

#[test]
fn a_seed_gives_its_tokens_again_and_another_seed_others() {
    let filter = Filter { temperature: 1.0, top_k: 0, top_p: 0.95, min_p: 0.0 };
    let first = draw(&filter, 7);
    assert_eq!(first, draw(&filter, 7));
    assert_ne!(first, draw(&filter, 8));
}

#[test]
fn temperature_zero_takes_the_first_of_the_likeliest() {
    let filter = Filter { temperature: 0.0, top_k: 3, top_p: 0.5, min_p: 0.5 };
    let logits = logits();
    let best = logits.iter().copied().fold(f32::MIN, f32::max);
    let expected = logits.iter().position(|logit| *logit == best).expect("a likeliest token") as i32;
    assert!(draw(&filter, 3).iter().all(|token| *token == expected));
}
