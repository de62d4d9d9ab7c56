//! The host's kernels, where programs find them: foreign functions of a CPU plugin.

use std::sync::OnceLock;

use hlo::ElementType;
use kernels::{Experts, Level, Matrix, Rows, Values};

use crate::pjrt::{Call, Client, Foreign, Operand, PjrtError};

/// Names a level of instructions to use instead of the processor's best.
const LEVEL: &str = "PRECAST_SIMD";

/// Makes the kernels known to the plugin of `client`, if it is one for the host.
pub fn provide(client: &Client) -> Result<(), PjrtError> {
    if client.platform_name() == "cpu" {
        client.plugin().register::<Product>()?;
        client.plugin().register::<Answer>()?;
    }
    Ok(())
}

/// The instructions that kernels use here.
pub fn level() -> Level {
    static LEVEL_HERE: OnceLock<Level> = OnceLock::new();
    *LEVEL_HERE.get_or_init(|| {
        let Ok(word) = std::env::var(LEVEL) else { return Level::best() };
        match Level::named(&word).filter(|level| level.is_available()) {
            Some(level) => level,
            None => {
                let best = Level::best();
                log::warn!("{LEVEL}={word} is no level of this processor; {} is used", best.name());
                best
            }
        }
    })
}

/// A row times a matrix, or many.
struct Product;

impl Foreign for Product {
    const NAME: &'static str = kernels::PRODUCT;

    fn call(call: &mut Call<'_>) -> Result<(), String> {
        let [x, values, scales @ ..] = call.all_arguments() else { return Err("fewer than 2 arguments".into()) };
        let [outputs, inputs] = values.dims() else { return Err(format!("{} is no matrix", values.ty())) };
        let matrix = matrix(values, scales.first(), *outputs, *inputs)?;
        let rows = rows(x)?;
        let sums = call.result::<f32>()?;
        kernels::product(level(), rows, &matrix, sums, &call.threads())
    }
}

/// A layer's experts.
struct Answer;

impl Foreign for Answer {
    const NAME: &'static str = kernels::EXPERTS;

    fn call(call: &mut Call<'_>) -> Result<(), String> {
        let arguments = call.all_arguments().to_vec();
        let (x, shares, gate_up, gate_up_bias, down, down_bias) = match &arguments[..] {
            [x, shares, gate_up, gate_up_bias, down, down_bias] => {
                (x, shares, (gate_up, None), gate_up_bias, (down, None), down_bias)
            }
            [x, shares, gate_up, gate_up_scales, gate_up_bias, down, down_scales, down_bias] => {
                (x, shares, (gate_up, Some(gate_up_scales)), gate_up_bias, (down, Some(down_scales)), down_bias)
            }
            other => return Err(format!("{} arguments, expected 6, or 8 with scales", other.len())),
        };
        let ([_, channels], [_, count], [.., outputs]) = (x.dims(), shares.dims(), down_bias.dims()) else {
            return Err(format!("rows {}, shares {}, biases {}", x.ty(), shares.ty(), down_bias.ty()));
        };
        let width = gate_up_bias.ty().count() / count.max(&1) / 2;
        let experts = Experts {
            gate_up: matrix(gate_up.0, gate_up.1, count * 2 * width, *channels)?,
            gate_up_bias: gate_up_bias.numbers()?,
            down: matrix(down.0, down.1, count * outputs, width)?,
            down_bias: down_bias.numbers()?,
            count: *count,
            limit: call.attribute("limit")? as f32,
            alpha: call.attribute("alpha")? as f32,
        };
        let (rows, shares) = (rows(x)?, shares.numbers()?);
        let answers = call.result::<f32>()?;
        kernels::answer(level(), &experts, rows, shares, answers, &call.threads())
    }
}

fn rows<'a>(x: &Operand<'a>) -> Result<Rows<'a>, String> {
    match x.ty().element {
        ElementType::Bf16 => Ok(Rows::Bf16(x.numbers()?)),
        _ => Ok(Rows::F32(x.numbers()?)),
    }
}

/// A matrix by its type: bytes of codes are MXFP4.
fn matrix<'a>(
    values: &Operand<'a>,
    scales: Option<&Operand<'a>>,
    outputs: usize,
    inputs: usize,
) -> Result<Matrix<'a>, String> {
    let values = match (values.ty().element, scales) {
        (ElementType::F32, None) => Values::F32(values.numbers()?),
        (ElementType::Bf16, None) => Values::Bf16(values.numbers()?),
        (ElementType::S8, Some(scales)) => Values::Int8 { codes: values.numbers()?, scales: scales.numbers()? },
        (ElementType::F8E4M3FN, Some(scales)) => Values::Fp8 { codes: values.numbers()?, scales: scales.numbers()? },
        (ElementType::U8, Some(scales)) => Values::Mxfp4 { codes: values.numbers()?, scales: scales.numbers()? },
        (_, scales) => {
            let with = if scales.is_some() { "with" } else { "without" };
            return Err(format!("no matrix is stored as {} {with} scales", values.ty()));
        }
    };
    Matrix::new(values, outputs, inputs)
}
