//! How fast products are on this machine: bytes of weights a second for one row, operations a second for many, at each level.
//!
//! `cargo run --release -p kernels --example speed -- [THREADS]`; a layer of gpt-oss-20b's experts, read from memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use half::bf16;
use kernels::{Experts, Level, Matrix, Rows, Values, Workers, answer, product};

/// gpt-oss-20b's.
const HIDDEN: usize = 2880;
const EXPERTS: usize = 32;
const CHOSEN: usize = 4;

struct Threads(usize);

impl Workers for Threads {
    fn count(&self) -> usize {
        self.0
    }

    fn each(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(own) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|own| *own < tasks) {
                task(own);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.0 {
                scope.spawn(work);
            }
            work();
        });
    }
}

/// The shortest of some runs.
fn best(mut run: impl FnMut()) -> Duration {
    let until = Instant::now() + Duration::from_secs(2);
    let mut best = Duration::MAX;
    while Instant::now() < until {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed());
    }
    best
}

fn main() {
    let threads = std::env::args().nth(1).and_then(|word| word.parse().ok());
    let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |count| count.get()));
    let workers = Threads(threads);
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    };
    let mut bytes = |count: usize, least: u32, range: u32| -> Vec<u8> {
        (0..count).map(|_| (least + random() % range) as u8).collect()
    };
    let gate_up = bytes(EXPERTS * 2 * HIDDEN * HIDDEN / 2, 0, 256);
    let gate_up_scales = bytes(EXPERTS * 2 * HIDDEN * HIDDEN / 32, 115, 8);
    let down = bytes(EXPERTS * HIDDEN * HIDDEN / 2, 0, 256);
    let down_scales = bytes(EXPERTS * HIDDEN * HIDDEN / 32, 115, 8);
    let bias = vec![0.0; EXPERTS * 2 * HIDDEN];
    let matrix =
        |codes, scales, outputs| Matrix::new(Values::Mxfp4 { codes, scales }, outputs, HIDDEN).expect("sizes that fit");
    let experts = Experts {
        gate_up: matrix(&gate_up, &gate_up_scales, EXPERTS * 2 * HIDDEN),
        gate_up_bias: &bias,
        down: matrix(&down, &down_scales, EXPERTS * HIDDEN),
        down_bias: &bias[..EXPERTS * HIDDEN],
        count: EXPERTS,
        limit: 7.0,
        alpha: 1.702,
    };
    let dense: Vec<bf16> =
        bytes(4 * HIDDEN * 5120, 0, 256).iter().map(|byte| bf16::from_f32(f32::from(*byte))).collect();
    let dense = Matrix::new(Values::Bf16(&dense), 4 * 5120, HIDDEN).expect("sizes that fit");
    let codes: Vec<i8> = bytes(4 * HIDDEN * 5120, 0, 256).iter().map(|byte| *byte as i8).collect();
    let scales = vec![1.0; 4 * 5120];
    let narrow =
        Matrix::new(Values::Int8 { codes: &codes, scales: &scales }, 4 * 5120, HIDDEN).expect("sizes that fit");

    println!("{threads} threads; bytes are those of the weights");
    println!("{:9} {:>5}  {:>22}  {:>22}  {:>22}", "level", "rows", "mxfp4 experts", "bf16", "int8");
    for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
        for n in [1, 2, 4, 16, 128, 512] {
            let rows: Vec<bf16> = (0..n * HIDDEN).map(|at| bf16::from_f32((at % 17) as f32 - 8.0)).collect();
            let mut answers = vec![0.0; n * HIDDEN];
            let mut turn = 0;
            let mut asked = 0;
            let time = best(|| {
                turn += 1;
                let mut shares = vec![0.0; n * EXPERTS];
                for at in 0..n * CHOSEN {
                    shares[at / CHOSEN * EXPERTS + (at * 5 + at / 32 + turn * 4) % EXPERTS] = 0.25;
                }
                asked = (0..EXPERTS)
                    .filter(|expert| shares.iter().skip(*expert).step_by(EXPERTS).any(|share| *share != 0.0))
                    .count();
                answer(level, &experts, Rows::Bf16(&rows), &shares, &mut answers, &workers).expect("sizes that fit");
            });
            let expert = 3 * HIDDEN * HIDDEN;
            let show = |time: Duration, bytes: usize, products: usize| {
                let seconds = time.as_secs_f64();
                format!(
                    "{:5.1} GB/s {:5.0} GFLOP/s",
                    bytes as f64 / seconds / 1e9,
                    2.0 * products as f64 / seconds / 1e9
                )
            };
            let experts = show(time, asked * expert * 17 / 32, n * CHOSEN * expert);
            let dense = [(&dense, 2), (&narrow, 1)].map(|(matrix, size)| {
                let mut sums = vec![0.0; n * matrix.outputs()];
                let time =
                    best(|| product(level, Rows::Bf16(&rows), matrix, &mut sums, &workers).expect("sizes that fit"));
                let values = matrix.outputs() * HIDDEN;
                show(time, values * size, n * values)
            });
            println!("{:9} {n:5}  {experts}  {}  {}", level.name(), dense[0], dense[1]);
        }
    }
}
