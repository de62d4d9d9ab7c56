//! Products at every level of this processor, over all forms of storage and random sizes, against sums in f64.

use half::bf16;
use kernels::{Alone, BLOCK, Experts, Level, Matrix, Rows, Values, Workers, answer, product};
use proptest::prelude::*;

/// A matrix's bytes, and the numbers that they stand for.
#[derive(Clone, Debug)]
struct Stored {
    form: usize,
    outputs: usize,
    inputs: usize,
    f32s: Vec<f32>,
    bf16s: Vec<bf16>,
    codes: Vec<u8>,
    signed: Vec<i8>,
    scales: Vec<f32>,
    powers: Vec<u8>,
    means: Vec<f64>,
}

const FORMS: [&str; 5] = ["f32", "bf16", "int8", "fp8", "mxfp4"];
const E2M1: [f64; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];

/// E4M3FN by its definition.
fn fp8(code: u8) -> f64 {
    let (exponent, mantissa) = (i32::from(code >> 3 & 15), f64::from(code & 7));
    let value = match exponent {
        0 => mantissa / 8.0 * 2f64.powi(-6),
        _ => (1.0 + mantissa / 8.0) * 2f64.powi(exponent - 7),
    };
    if code >> 7 == 1 { -value } else { value }
}

impl Stored {
    fn new(form: usize, outputs: usize, inputs: usize, mut random: impl FnMut() -> u32) -> Stored {
        let count = outputs * inputs;
        let mut of = |range: u32| (0..count).map(|_| random() % range).collect::<Vec<u32>>();
        let numbers = of(2001);
        let bytes: Vec<u8> = of(256).into_iter().map(|byte| byte as u8).collect();
        let powers: Vec<u8> = of(20).into_iter().map(|power| if power == 0 { 0 } else { 110 + power as u8 }).collect();
        let f32s: Vec<f32> = numbers.iter().map(|number| (*number as f32 - 1000.0) / 300.0).collect();
        let bf16s: Vec<bf16> = f32s.iter().map(|value| bf16::from_f32(*value)).collect();
        // E4M3FN has no number for these two.
        let codes: Vec<u8> =
            bytes.iter().map(|byte| if FORMS[form] == "fp8" && byte & 0x7f == 0x7f { 0x70 } else { *byte }).collect();
        let signed: Vec<i8> = bytes.iter().map(|byte| (*byte as i8).max(-127)).collect();
        let scales: Vec<f32> = powers[..outputs].iter().map(|power| f32::from(*power) / 64.0).collect();
        let mean = |at: usize| match FORMS[form] {
            "f32" => f64::from(f32s[at]),
            "bf16" => f64::from(bf16s[at]),
            "int8" => f64::from(signed[at]) * f64::from(scales[at / inputs]),
            "fp8" => fp8(codes[at]) * f64::from(scales[at / inputs]),
            _ => {
                let code = codes[at / 2] >> (at % 2 * 4) & 15;
                let value = E2M1[usize::from(code & 7)] * if code & 8 == 0 { 1.0 } else { -1.0 };
                let power = powers[at / BLOCK];
                if power == 0 { 0.0 } else { value * 2f64.powi(i32::from(power) - 127) }
            }
        };
        let means = (0..count).map(mean).collect();
        Stored { form, outputs, inputs, f32s, bf16s, codes, signed, scales, powers, means }
    }

    fn matrix(&self) -> Matrix<'_> {
        let count = self.outputs * self.inputs;
        let values = match FORMS[self.form] {
            "f32" => Values::F32(&self.f32s),
            "bf16" => Values::Bf16(&self.bf16s),
            "int8" => Values::Int8 { codes: &self.signed, scales: &self.scales },
            "fp8" => Values::Fp8 { codes: &self.codes, scales: &self.scales },
            _ => Values::Mxfp4 { codes: &self.codes[..count / 2], scales: &self.powers[..count / BLOCK] },
        };
        Matrix::new(values, self.outputs, self.inputs).expect("sizes that fit")
    }

    /// The product with one row, and the sum of the magnitudes that went into it.
    fn times(&self, row: &[f64], output: usize) -> (f64, f64) {
        let own = &self.means[output * self.inputs..(output + 1) * self.inputs];
        let products = row.iter().zip(own).map(|(a, b)| a * b);
        (products.clone().sum(), products.map(f64::abs).sum())
    }

    /// By how much the product with a row may differ whose blocks are rounded to 16 bits.
    fn rounding(&self, row: &[f64], output: usize) -> f64 {
        let own = &self.means[output * self.inputs..(output + 1) * self.inputs];
        let blocks = row.chunks(BLOCK).zip(own.chunks(BLOCK));
        let each = blocks.map(|(row, own)| {
            let largest = row.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
            largest / 65_024.0 * own.iter().map(|value| value.abs()).sum::<f64>()
        });
        each.sum()
    }
}

fn random(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(2) + 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    }
}

/// Does every task twice as many threads at once as there are.
struct Threads;

impl Workers for Threads {
    fn count(&self) -> usize {
        2
    }

    fn each(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        std::thread::scope(|scope| {
            for first in 0..2 {
                scope.spawn(move || (first..tasks).step_by(2).for_each(task));
            }
        });
    }
}

fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| level.is_available())
}

/// Rows as bf16 and as f32 that bf16 has not.
fn rows(n: usize, length: usize, random: &mut impl FnMut() -> u32) -> (Vec<bf16>, Vec<f32>) {
    let narrow = (0..n * length).map(|_| bf16::from_f32((random() % 513) as f32 / 256.0 - 1.0)).collect();
    (narrow, (0..n * length).map(|_| (random() % 100_003) as f32 / 50_000.0 - 1.0).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn products_are_those_of_f64(
        seed: u64, form in 0_usize..5, n in 1_usize..11, outputs in 1_usize..150, blocks in 1_usize..40, odd in 0_usize..32,
    ) {
        let mut random = random(seed);
        let inputs = blocks * BLOCK - if FORMS[form] == "mxfp4" { 0 } else { odd };
        let stored = Stored::new(form, outputs, inputs, &mut random);
        let (narrow, wide) = rows(n, inputs, &mut random);
        for level in levels() {
            for is_narrow in [true, false] {
                let given = if is_narrow { Rows::Bf16(&narrow) } else { Rows::F32(&wide) };
                let mut sums = vec![f32::NAN; n * outputs];
                product(level, given, &stored.matrix(), &mut sums, &Threads).expect("sizes that fit");
                for (at, sum) in sums.iter().enumerate() {
                    let numbers = at / outputs * inputs..(at / outputs + 1) * inputs;
                    let row: Vec<f64> = match is_narrow {
                        true => narrow[numbers].iter().map(|value| f64::from(*value)).collect(),
                        false => wide[numbers].iter().map(|value| f64::from(*value)).collect(),
                    };
                    let mut stored = stored.clone();
                    // Between rows of bf16 and numbers of f32, products are of bf16.
                    if is_narrow && FORMS[form] == "f32" && level == Level::Avx512 {
                        stored.means = stored.f32s.iter().map(|value| f64::from(bf16::from_f32(*value))).collect();
                    }
                    let (exact, magnitude) = stored.times(&row, at % outputs);
                    let rounded = is_narrow && level == Level::Avx2 && matches!(FORMS[form], "int8" | "mxfp4");
                    let rounding = if rounded { stored.rounding(&row, at % outputs) } else { 0.0 };
                    prop_assert!(
                        (f64::from(*sum) - exact).abs() <= magnitude * 1e-6 + rounding + 1e-30,
                        "{} {level:?} narrow {is_narrow} at {at}: {sum}, exactly {exact}", FORMS[form]
                    );
                }
            }
        }
    }

    #[test]
    fn experts_answer_as_their_formulas_say(
        seed: u64, form in 0_usize..5, n in 1_usize..9, count in 1_usize..6, blocks in 1_usize..6, few in 1_usize..40,
    ) {
        let mut random = random(seed);
        let (c, f, o) = (blocks * BLOCK, (7 - blocks) * BLOCK, few);
        let gate_up = Stored::new(form, count * 2 * f, c, &mut random);
        let down = Stored::new(form, count * o, f, &mut random);
        let mut bias = |length: usize| (0..length).map(|_| (random() % 200) as f32 / 100.0 - 1.0).collect::<Vec<f32>>();
        let (gate_up_bias, down_bias) = (bias(count * 2 * f), bias(count * o));
        let (narrow, wide) = rows(n, c, &mut random);
        let narrow_as_wide: Vec<f32> = narrow.iter().map(|value| value.to_f32()).collect();
        // About half of the experts are asked; of one row perhaps none.
        let shares: Vec<f32> = (0..n * count).map(|_| (random() % 8) as f32 / 8.0).map(|share| if share < 0.5 { 0.0 } else { share }).collect();
        let experts = Experts {
            gate_up: gate_up.matrix(), gate_up_bias: &gate_up_bias, down: down.matrix(), down_bias: &down_bias,
            count, limit: 7.0, alpha: 1.702,
        };
        let exact = |rows: &[f32]| -> Vec<(f64, f64)> { (0..n * o).map(|at| {
            let row: Vec<f64> = rows[at / o * c..(at / o + 1) * c].iter().map(|value| f64::from(*value)).collect();
            let mut total = (0.0, 0.0);
            for expert in 0..count {
                let share = f64::from(shares[at / o * count + expert]);
                let inner: Vec<f64> = (0..f).map(|channel| {
                    let of = |output: usize| gate_up.times(&row, output).0 + f64::from(gate_up_bias[output]);
                    let (gate, up) = (of((expert * f + channel) * 2).min(7.0), of((expert * f + channel) * 2 + 1).clamp(-7.0, 7.0));
                    gate / (1.0 + (-1.702 * gate).exp()) * (up + 1.0)
                }).collect();
                let (sum, magnitude) = down.times(&inner, expert * o + at % o);
                total.0 += share * (sum + f64::from(down_bias[expert * o + at % o]));
                total.1 += share * (magnitude + 1.0);
            }
            total
        }).collect() };
        // What is between the products of a row of bf16 is rounded to bf16.
        for (rows, exact, precision) in
            [(Rows::F32(&wide), exact(&wide), 2e-5), (Rows::Bf16(&narrow), exact(&narrow_as_wide), 1.0 / 256.0)]
        {
            for level in levels() {
                let mut answers = vec![f32::NAN; n * o];
                answer(level, &experts, rows, &shares, &mut answers, &Alone).expect("sizes that fit");
                for (at, (answer, (exact, magnitude))) in answers.iter().zip(&exact).enumerate() {
                    prop_assert!(
                        (f64::from(*answer) - exact).abs() <= magnitude * precision + 1e-30,
                        "{} {level:?} narrow {} at {at}: {answer}, exactly {exact}", FORMS[form], matches!(rows, Rows::Bf16(_))
                    );
                }
            }
        }
    }
}

#[test]
fn a_block_of_a_row_changes_no_other() {
    let mut random = random(7);
    let inputs = 5 * BLOCK;
    for form in [1, 2, 4] {
        let stored = Stored::new(form, 40, inputs, &mut random);
        let (ordinary, _) = rows(1, inputs, &mut random);
        let of = |value: f32, at: usize| {
            let mut row = ordinary.clone();
            row[at] = bf16::from_f32(value);
            row
        };
        for level in levels() {
            let product = |row: &[bf16]| {
                let mut sums = vec![0.0; 40];
                product(level, Rows::Bf16(row), &stored.matrix(), &mut sums, &Alone).expect("sizes that fit");
                sums
            };
            // Of all that is not zero, only the outlier's block may be rounded more coarsely.
            let outlier = of(30_000.0, 40);
            let exact: Vec<f64> = outlier.iter().map(|value| f64::from(*value)).collect();
            for (output, sum) in product(&outlier).into_iter().enumerate() {
                let (mean, magnitude) = stored.times(&exact, output);
                let difference = (f64::from(sum) - mean).abs();
                assert!(
                    difference <= magnitude * 1e-6 + stored.rounding(&exact, output),
                    "{form} {level:?} {output}: {sum}"
                );
            }
            // Smaller than can be told from zero.
            assert!(
                product(&vec![bf16::from_f32(1e-37); inputs]).iter().all(|sum| sum.abs() < 1e-30),
                "{form} {level:?}"
            );
            assert_eq!(product(&vec![bf16::ZERO; inputs]), vec![0.0; 40], "{form} {level:?}");
            for wrong in [f32::NAN, f32::INFINITY] {
                let found = product(&of(wrong, 70));
                let touched = (0..40).filter(|output| stored.means[output * inputs + 70] != 0.0);
                touched.for_each(|output| assert!(!found[output].is_finite(), "{form} {level:?} {wrong} {output}"));
            }
        }
    }
}

#[test]
fn rows_of_bf16_have_what_is_between_two_products_rounded() {
    // A row of one 1, a gate and an up that are exact, and outputs that tell the inner channel: it must be a bf16.
    let (c, f) = (32, 32);
    let ones: Vec<f32> =
        (0..2 * f * c).map(|at| if at % c == 0 { 0.3 + (at / c) as f32 * 0.01 } else { 0.0 }).collect();
    let identity: Vec<f32> = (0..f * f).map(|at| if at / f == at % f { 1.0 } else { 0.0 }).collect();
    let zeros = vec![0.0; 2 * f];
    let experts = Experts {
        gate_up: Matrix::new(Values::F32(&ones), 2 * f, c).unwrap(),
        gate_up_bias: &zeros,
        down: Matrix::new(Values::F32(&identity), f, f).unwrap(),
        down_bias: &zeros[..f],
        count: 1,
        limit: 7.0,
        alpha: 1.702,
    };
    let row: Vec<bf16> = (0..c).map(|at| if at == 0 { bf16::ONE } else { bf16::ZERO }).collect();
    for level in levels() {
        let mut answers = vec![0.0; f];
        answer(level, &experts, Rows::Bf16(&row), &[1.0], &mut answers, &Alone).unwrap();
        assert!(answers.iter().all(|answer| bf16::from_f32(*answer).to_f32() == *answer), "{level:?}: {answers:?}");
        assert!(answers[0] > 0.2 && answers[f - 1] > answers[0], "{level:?}: {answers:?}");
    }
}

#[test]
fn sizes_that_do_not_fit_are_told() {
    let (codes, scales) = (vec![0_u8; 64], vec![0_u8; 3]);
    let error = Matrix::new(Values::Mxfp4 { codes: &codes, scales: &scales }, 4, 32).unwrap_err();
    assert_eq!(error, "a matrix of 4 × 32 needs 4 scales, and has 3");
    let error = Matrix::new(Values::Mxfp4 { codes: &codes, scales: &scales }, 4, 30).unwrap_err();
    assert_eq!(error, "rows of 30 values are not whole blocks of 32, as MXFP4 has them");
    let values = vec![0.0_f32; 12];
    let matrix = Matrix::new(Values::F32(&values), 3, 4).unwrap();
    let error = product(Level::best(), Rows::F32(&values[..5]), &matrix, &mut [0.0; 3], &Alone).unwrap_err();
    assert_eq!(error, "5 numbers are no whole rows of 4");
    let error = product(Level::best(), Rows::F32(&values[..8]), &matrix, &mut [0.0; 3], &Alone).unwrap_err();
    assert_eq!(error, "2 rows times 3 outputs do not fit into 3 numbers");
}
