//! Axis letters: `"tgmd,sgd->gtms"` read into operands and result, and matched with shapes.

use crate::types::TensorType;

/// The letters of every operand and of the result.
pub(crate) struct Axes<'a> {
    pub operands: Vec<&'a str>,
    pub result: &'a str,
}

/// Reads `spec` for `count` operands. No letter may stand twice in one operand or in the result.
pub(crate) fn parse(spec: &str, count: usize) -> Result<Axes<'_>, String> {
    let (left, result) = spec.split_once("->").ok_or_else(|| format!("`{spec}` has no `->`"))?;
    let operands: Vec<&str> = left.split(',').collect();
    if operands.len() != count {
        return Err(format!("`{spec}` names {} operands, {count} given", operands.len()));
    }
    for letters in operands.iter().chain([&result]) {
        for (place, letter) in letters.char_indices() {
            if !letter.is_ascii_lowercase() {
                return Err(format!("`{letter}` in `{spec}` is not a lower-case letter"));
            }
            if letters[..place].contains(letter) {
                return Err(format!("axis `{letter}` stands twice in `{letters}` of `{spec}`"));
            }
        }
    }
    Ok(Axes { operands, result })
}

/// The size that `letter` has in `ty`, whose axes are `letters`.
pub(crate) fn size(letters: &str, ty: &TensorType, letter: char) -> Option<usize> {
    letters.find(letter).map(|axis| ty.dims[axis])
}

/// Checks that `ty` has one axis a letter.
pub(crate) fn check_rank(letters: &str, ty: &TensorType) -> Result<(), String> {
    if letters.len() == ty.rank() {
        return Ok(());
    }
    Err(format!("`{letters}` names {} axes, but the operand is {ty}", letters.len()))
}

/// The axes of `letters` that stand in `wanted`, in the order of `wanted`.
pub(crate) fn positions(letters: &str, wanted: &str) -> Vec<usize> {
    wanted.chars().filter_map(|letter| letters.find(letter)).collect()
}
