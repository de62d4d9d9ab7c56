//! A mixture of experts: rows are brought together by the expert that they chose, whose matrices are read once.

use std::ops::Range;

use crate::columns::Columns;
use crate::level::Level;
use crate::lines::Lines;
use crate::matrix::Matrix;
use crate::number::Number;
use crate::product::{Rows, of_part};
use crate::workers::{Workers, share};

/// The experts of a layer and the gate between their two products.
#[derive(Clone, Copy, Debug)]
pub struct Experts<'a> {
    /// Of all experts one after another, `[e·2f, c]`: gates and ups by turns.
    pub gate_up: Matrix<'a>,
    /// `[e, 2f]`
    pub gate_up_bias: &'a [f32],
    /// `[e·o, f]`
    pub down: Matrix<'a>,
    /// `[e, o]`
    pub down_bias: &'a [f32],
    /// Experts in all.
    pub count: usize,
    /// What gates are clamped to from above, and ups from both sides.
    pub limit: f32,
    /// The factor in the gate's sigmoid.
    pub alpha: f32,
}

impl Experts<'_> {
    fn channels(&self) -> usize {
        self.gate_up.outputs() / self.count / 2
    }

    fn outputs(&self) -> usize {
        self.down.outputs() / self.count
    }

    /// Says what does not fit.
    fn check(&self, rows: Rows<'_>, shares: &[f32], answers: &[f32]) -> Result<(), String> {
        let (e, c, f, o) = (self.count, self.gate_up.inputs(), self.channels(), self.outputs());
        let fits = |what: &str, found: usize, expected: usize| match found == expected {
            true => Ok(()),
            false => Err(format!("{what} of {e} experts, {c} to {f} to {o} channels: {found} numbers, not {expected}")),
        };
        if [e, c, f, o].contains(&0) {
            return Err(format!("{e} experts from {c} to {f} to {o} channels"));
        }
        fits("gates and ups", self.gate_up.outputs(), e * 2 * f)?;
        fits("biases of gates and ups", self.gate_up_bias.len(), e * 2 * f)?;
        fits("outputs", self.down.outputs(), e * o)?;
        fits("inputs of the last product", self.down.inputs(), f)?;
        fits("biases of outputs", self.down_bias.len(), e * o)?;
        let n = answers.len() / o;
        fits("answers", answers.len(), n * o)?;
        fits("rows", rows.numbers(), n * c)?;
        fits("shares", shares.len(), n * e)
    }
}

/// What experts answer to `rows` `[n, c]`, each in proportion to its share `[n, e]`: `answers` f32 `[n, o]`. An expert with a share of 0
/// is not asked.
///
/// Fails, with a sentence, if sizes do not fit each other.
pub fn answer(
    level: Level,
    experts: &Experts<'_>,
    rows: Rows<'_>,
    shares: &[f32],
    answers: &mut [f32],
    workers: &dyn Workers,
) -> Result<(), String> {
    experts.check(rows, shares, answers)?;
    let asked = Asked::new(experts.count, shares);
    match rows {
        #[cfg(target_arch = "x86_64")]
        Rows::Bf16(rows) if level == Level::Avx512 => in_turn(level, experts, rows, true, &asked, answers, workers),
        _ => in_turn(level, experts, &rows.to_f32(), matches!(rows, Rows::Bf16(_)), &asked, answers, workers),
    }
    Ok(())
}

/// Who is asked what.
struct Asked {
    /// Experts that are asked anything, in order, and which of the questions are theirs.
    groups: Vec<(usize, Range<usize>)>,
    /// Row and share of each question, by expert.
    questions: Vec<(usize, f32)>,
}

impl Asked {
    fn new(experts: usize, shares: &[f32]) -> Asked {
        let (mut groups, mut questions) = (Vec::new(), Vec::new());
        for expert in 0..experts {
            let first = questions.len();
            let own = shares.iter().skip(expert).step_by(experts).copied().enumerate();
            questions.extend(own.filter(|(_, share)| *share != 0.0));
            if first < questions.len() {
                groups.push((expert, first..questions.len()));
            }
        }
        Asked { groups, questions }
    }
}

/// Both products, in numbers of type `T`; what is between them is rounded to bf16 if it is `narrow`.
fn in_turn<T: Number>(
    level: Level,
    experts: &Experts<'_>,
    rows: &[T],
    narrow: bool,
    asked: &Asked,
    answers: &mut [f32],
    workers: &dyn Workers,
) {
    let (c, f, o) = (experts.gate_up.inputs(), experts.channels(), experts.outputs());
    let row = |row: usize| &rows[row * c..(row + 1) * c];
    let of_group = |(_, own): &(usize, Range<usize>)| {
        let own: Vec<T> = asked.questions[own.clone()].iter().flat_map(|(of, _)| row(*of)).copied().collect();
        Lines::new(level, own.into(), narrow, &experts.gate_up)
    };
    let questions: Vec<Lines<'_, T>> = asked.groups.iter().map(of_group).collect();

    let mut inner = vec![T::ZERO; asked.questions.len() * f];
    let columns = Columns::new(&mut inner, f);
    let own_channels = share(asked.groups.len() * f, workers);
    let parts = f.div_ceil(own_channels);
    workers.each(asked.groups.len() * parts, &|task| {
        let (group, part) = (task / parts, task % parts);
        let (expert, own) = &asked.groups[group];
        let first = part * own_channels;
        let range = first..(first + own_channels).min(f);
        let outputs = expert * 2 * f + 2 * range.start..expert * 2 * f + 2 * range.end;
        let mut sums = vec![0.0; own.len() * outputs.len()];
        of_part(level, &questions[group], &experts.gate_up, outputs.clone(), &mut sums);
        let bias = &experts.gate_up_bias[outputs.clone()];
        for (question, sums) in own.clone().zip(sums.chunks_exact(outputs.len())) {
            // SAFETY: no other task has these channels of this expert's questions, and nothing else of them is borrowed here.
            let into = unsafe { columns.part(question, range.clone()) };
            for ((pair, bias), into) in sums.chunks_exact(2).zip(bias.chunks_exact(2)).zip(into) {
                *into = T::of(experts.gate(pair[0] + bias[0], pair[1] + bias[1]), narrow);
            }
        }
    });

    let of_group = |(_, own): &(usize, Range<usize>)| {
        Lines::new(level, inner[own.start * f..own.end * f].into(), narrow, &experts.down)
    };
    let inner: Vec<Lines<'_, T>> = asked.groups.iter().map(of_group).collect();
    let n = answers.len() / o;
    let columns = Columns::new(answers, o);
    let own_outputs = share(o, workers);
    workers.each(o.div_ceil(own_outputs), &|task| {
        let range = task * own_outputs..((task + 1) * own_outputs).min(o);
        let width = range.len();
        let mut answers = vec![0.0; n * width];
        let mut sums = Vec::new();
        for ((expert, own), inner) in asked.groups.iter().zip(&inner) {
            let outputs = expert * o + range.start..expert * o + range.end;
            sums.resize(own.len() * width, 0.0);
            of_part(level, inner, &experts.down, outputs.clone(), &mut sums);
            let bias = &experts.down_bias[outputs];
            for ((row, share), sums) in asked.questions[own.clone()].iter().zip(sums.chunks_exact(width)) {
                for ((answer, sum), bias) in answers[row * width..][..width].iter_mut().zip(sums).zip(bias) {
                    *answer += share * (sum + bias);
                }
            }
        }
        for (row, answers) in answers.chunks_exact(width).enumerate() {
            // SAFETY: no other task has these outputs, and nothing else of them is borrowed here.
            unsafe { columns.part(row, range.clone()) }.copy_from_slice(answers);
        }
    });
}

impl Experts<'_> {
    /// `gate · σ(α gate) · (up + 1)`, the gate clamped from above and the up from both sides.
    fn gate(&self, gate: f32, up: f32) -> f32 {
        // Not `min`, which would turn what is no number into the limit.
        let gate = if gate > self.limit { self.limit } else { gate };
        let up = up.clamp(-self.limit, self.limit);
        gate / (1.0 + (-self.alpha * gate).exp()) * (up + 1.0)
    }
}
