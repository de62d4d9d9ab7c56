//! What a compiler says when a program needs more memory than there is, read into numbers. Knows no plugin.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a program does not fit the device that it was compiled for. Bytes are per device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// The memory that does not suffice: `HBM`, or `VMEM`, which is on the chip; empty where the compiler does not say.
    pub memory: String,
    /// Arguments, results and temporaries together; `None` where the compiler does not say.
    pub needed_bytes: Option<u64>,
    pub available_bytes: Option<u64>,
    /// The first line of what the compiler said.
    pub said: String,
}

impl Shortage {
    /// Reads the text of a `RESOURCE_EXHAUSTED` from a compiler.
    ///
    /// The words are libtpu's (XLA's TPU compiler); units there are binary. Of other words only the first line is kept.
    pub(super) fn read(text: &str) -> Shortage {
        let said = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message").to_string();
        let found = exceeding(text).or_else(|| used(text)).or_else(|| scoped(text)).or_else(|| allocation(text));
        match found {
            Some((memory, needed, available)) => Shortage {
                memory: memory.to_uppercase(),
                needed_bytes: Some(needed),
                available_bytes: Some(available),
                said,
            },
            None => Shortage { memory: String::new(), needed_bytes: None, available_bytes: None, said },
        }
    }

    /// The way out, if one is known.
    pub(super) fn hint(&self) -> String {
        match self.memory.as_str() {
            "VMEM" => "a smaller prefill bucket or batch needs less memory on the chip".into(),
            _ => "`precast plan` lists what fits; a smaller `--context` or `--batch`, smaller `--prefill` buckets or weights of \
                  fewer bits need less"
                .into(),
        }
    }
}

/// As a clause: `needs 39.4 GiB of HBM, a device has 31.2 GiB`.
impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.needed_bytes, self.available_bytes) {
            (Some(needed), Some(available)) => {
                write!(f, "it needs {} of {}, a device has {}", Size(needed), self.memory, Size(available))
            }
            _ => f.write_str(&self.said),
        }
    }
}

/// `… (39.37G) exceeds available HBM (31.24G)`
fn exceeding(text: &str) -> Option<(&str, u64, u64)> {
    let (before, after) = text.split_once(" exceeds available ")?;
    let needed = before.trim_end().strip_suffix(')')?.rsplit('(').next()?;
    let (memory, rest) = after.split_once(" (")?;
    Some((memory, size(needed)?, size(rest.split(')').next()?)?))
}

/// `Used 39.37G of 31.24G hbm.`
fn used(text: &str) -> Option<(&str, u64, u64)> {
    let mut words = text.split_once("Used ")?.1.split_whitespace();
    let (needed, of, available, memory) = (words.next()?, words.next()?, words.next()?, words.next()?);
    (of == "of").then_some(())?;
    Some((memory.trim_end_matches(['.', ',']), size(needed)?, size(available)?))
}

/// `Scoped allocation with size 17.04M and limit 16.00M exceeded scoped vmem limit`
fn scoped(text: &str) -> Option<(&str, u64, u64)> {
    let (needed, rest) = text.split_once("allocation with size ")?.1.split_once(" and limit ")?;
    let (available, rest) = rest.split_once(" exceeded scoped ")?;
    Some((rest.split_whitespace().next()?, size(needed)?, size(available)?))
}

/// `Allocation (size=536870912) would exceed memory (size=134217728) :: … space=vmem …`
fn allocation(text: &str) -> Option<(&str, u64, u64)> {
    let (before, after) = text.split_once(" would exceed memory (size=")?;
    let needed = before.rsplit_once("(size=")?.1.strip_suffix(')')?;
    let (available, rest) = after.split_once(')')?;
    let memory = rest.split_once("space=")?.1.split(|letter: char| !letter.is_ascii_alphanumeric()).next()?;
    Some((memory, size(needed)?, size(available)?))
}

/// `31.24G` in bytes; a number without a unit is bytes.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = match text.chars().last()? {
        'K' => 1_u64 << 10,
        'M' => 1 << 20,
        'G' => 1 << 30,
        'T' => 1 << 40,
        _ => 1,
    };
    let number: f64 = text.trim_end_matches(['K', 'M', 'G', 'T', 'B']).parse().ok()?;
    // Beyond 2^53 a count of bytes is nonsense, and not exact.
    let bytes = number * unit as f64;
    (0.0..9e15).contains(&bytes).then_some(bytes.round() as u64)
}

/// Bytes in GiB, or MiB below one of them, to two decimals as the compiler itself counts.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes < 1 << 30 => write!(f, "{:.2} MiB", bytes as f64 / (1_u64 << 20) as f64),
            bytes => write!(f, "{:.2} GiB", bytes as f64 / (1_u64 << 30) as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_read_from_every_wording() {
        let rows = [
            (
                "E1000: CompileTimeHbmOom: Ran out of memory on HBM, the total memory required for HLO temporaries (39.37G) \
                 exceeds available HBM (31.24G). HLO module: decode_16.\nmore",
                "it needs 39.37 GiB of HBM, a device has 31.24 GiB",
            ),
            (
                "Ran out of memory in memory space hbm. Used 16.50G of 15.48G hbm. Exceeded hbm capacity by 1.02G.",
                "it needs 16.50 GiB of HBM, a device has 15.48 GiB",
            ),
            (
                "Ran out of memory in memory space vmem. Scoped allocation with size 17.04M and limit 16.00M exceeded scoped \
                 vmem limit by 1.04M.",
                "it needs 17.04 MiB of VMEM, a device has 16.00 MiB",
            ),
            (
                "Allocation (size=536870912) would exceed memory (size=134217728) :: #allocation7 [shape = 'u8[1]', \
                 space=vmem, size = 0x1]",
                "it needs 512.00 MiB of VMEM, a device has 128.00 MiB",
            ),
        ];
        for (text, expected) in rows {
            assert_eq!(Shortage::read(text).to_string(), expected);
        }
    }

    #[test]
    fn of_other_words_the_first_line_is_kept() {
        for text in
            ["", "\n\n", "no more (x) exceeds available HBM (y)", "Used of", "(1e300G) exceeds available HBM (1G)"]
        {
            let shortage = Shortage::read(text);
            let line = text.lines().find(|line| !line.is_empty()).unwrap_or("no message");
            assert_eq!((shortage.needed_bytes, shortage.to_string().as_str()), (None, line));
        }
    }
}
