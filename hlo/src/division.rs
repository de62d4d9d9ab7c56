//! The parts that the devices of a mesh hold of one tensor, and the bytes of each part in a host array of the whole.

use std::fmt;
use std::ops::Range;

use crate::sharding::{Mesh, Sharding};
use crate::types::TensorType;

/// The parts of a tensor on the devices of a program, in their order; there is at least one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// The whole tensor.
    pub ty: TensorType,
    /// What each device holds.
    pub local: TensorType,
    sharding: Sharding,
    /// Where the part of each device begins along every axis.
    places: Vec<Vec<usize>>,
}

/// Shown as `parts of f32[2, 6] by ["row"]`.
impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "parts of {} by {}", self.local, self.sharding)
    }
}

impl Division {
    /// Fails on no device, and where the mesh cannot divide `ty` so, as [`Sharding::local`] does. Without a mesh every device holds all.
    pub fn new(ty: &TensorType, sharding: &Sharding, mesh: Option<&Mesh>, devices: usize) -> Result<Division, String> {
        if devices == 0 {
            return Err(format!("{ty} on no device"));
        }
        let Some(mesh) = mesh else {
            let places = vec![vec![0; ty.rank()]; devices];
            return Ok(Division { ty: ty.clone(), local: ty.clone(), sharding: Sharding::default(), places });
        };
        let local = sharding.local(mesh, ty)?;
        let places = (0..devices).map(|device| sharding.place(mesh, &local, device)).collect();
        Ok(Division { ty: ty.clone(), local, sharding: sharding.clone(), places })
    }

    /// Where the part of `device` begins along every axis.
    pub fn place(&self, device: usize) -> &[usize] {
        &self.places[device]
    }

    /// Whether both have the same part on every device, by whatever name.
    pub fn is_same(&self, other: &Division) -> bool {
        self.local == other.local && self.places == other.places
    }

    /// Whether every device holds all of it.
    pub fn is_whole(&self) -> bool {
        self.local == self.ty
    }

    /// The first device of each part that differs from those before.
    pub fn distinct(&self) -> impl Iterator<Item = usize> {
        (0..self.places.len()).filter(|&device| !self.places[..device].contains(&self.places[device]))
    }

    /// Which of the distinct parts `device` holds, counted in the order of [`Division::distinct`].
    pub fn part_of(&self, device: usize) -> usize {
        self.distinct().take_while(|&first| self.places[first] != self.places[device]).count()
    }

    /// The bytes of a row-major host array of the whole tensor that make up the part of `device`, in the part's own order:
    /// runs of equal length.
    pub fn runs(&self, device: usize) -> impl Iterator<Item = Range<usize>> {
        let (dims, local, place) = (&self.ty.dims, &self.local.dims, &self.places[device]);
        let element = self.ty.element.host_bytes();
        // Behind the last divided axis everything is the part's, so one run takes that axis and all behind it.
        let inner = (0..dims.len()).rfind(|&axis| dims[axis] != local[axis]).unwrap_or(0);
        let length = local[inner.min(local.len())..].iter().product::<usize>() * element;
        let count = if length == 0 { 0 } else { local[..inner].iter().product() };
        (0..count).map(move |run| {
            let (mut rest, mut stride, mut start) = (run, element, 0);
            for axis in (0..dims.len()).rev() {
                let index = if axis < inner { rest % local[axis] } else { 0 };
                if axis < inner {
                    rest /= local[axis];
                }
                start += (place[axis] + index) * stride;
                stride *= dims[axis];
            }
            start..start + length
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ElementType::Bf16;

    fn division(dims: &[usize], words: &[&str]) -> Division {
        let mesh = Mesh::new("mesh", &[("row", 2), ("column", 3)]).expect("a mesh");
        let ty = TensorType::new(Bf16, dims);
        Division::new(&ty, &Sharding::new(words), Some(&mesh), 6).expect("a division")
    }

    /// The runs of device 4, which stands in row 1 and column 1: where each begins and ends, counted in elements.
    fn runs(dims: &[usize], words: &[&str]) -> Vec<(usize, usize)> {
        division(dims, words).runs(4).map(|run| (run.start / 2, run.end / 2)).collect()
    }

    #[test]
    fn a_part_is_cut_in_the_longest_runs() {
        assert_eq!(runs(&[4, 6], &["", ""]), [(0, 24)]);
        assert_eq!(runs(&[4, 6], &["row", ""]), [(12, 24)]);
        assert_eq!(runs(&[4, 6], &["", "column"]), [(2, 4), (8, 10), (14, 16), (20, 22)]);
        assert_eq!(runs(&[4, 6], &["row", "column"]), [(14, 16), (20, 22)]);
        assert_eq!(runs(&[2, 2, 6, 5], &["", "row", "column", ""]), [(40, 50), (100, 110)]);
        assert_eq!(runs(&[], &[]), [(0, 1)]);
        assert_eq!(runs(&[4, 0], &["row", ""]), []);
    }

    /// Every element of the whole lies in exactly one of the distinct parts.
    #[test]
    fn the_parts_make_up_the_whole() {
        for words in [["", ""], ["row", ""], ["column", "row"], ["", "column,row"], ["row,column", ""]] {
            let division = division(&[12, 6], &words);
            let mut seen = [0; 144];
            for run in division.distinct().flat_map(|device| division.runs(device)) {
                run.for_each(|byte| seen[byte] += 1);
            }
            assert_eq!(seen, [1; 144], "{words:?}");
            assert_eq!(division.is_whole(), words == ["", ""]);
            let parts: Vec<usize> = division.distinct().collect();
            assert!((0..6).all(|device| division.place(parts[division.part_of(device)]) == division.place(device)));
        }
    }
}
