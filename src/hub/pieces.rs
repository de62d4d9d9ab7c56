//! How a file is divided for many connections, and which of it a process before this one has written.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// The pieces of a file of so many bytes. They depend on nothing else, so that what is left of an interrupted fetch fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces {
    bytes: u64,
    /// Of every piece but the last.
    size: u64,
}

const SMALLEST: u64 = 256 << 10;
const LARGEST: u64 = 32 << 20;

impl Pieces {
    pub fn of(bytes: u64) -> Pieces {
        Pieces { bytes, size: (bytes / 64).next_power_of_two().clamp(SMALLEST, LARGEST) }
    }

    pub fn count(&self) -> usize {
        self.bytes.div_ceil(self.size) as usize
    }

    pub fn range(&self, piece: usize) -> Range<u64> {
        let start = piece as u64 * self.size;
        start..(start + self.size).min(self.bytes)
    }

    /// The piece that a range lies in; none if it is empty, or lies in no one piece.
    pub fn of_range(&self, range: &Range<u64>) -> Option<usize> {
        let piece = (range.start / self.size) as usize;
        let within = self.range(piece);
        (range.start < range.end && range.end <= within.end).then_some(piece)
    }

    /// So many bytes are written before a line says that they are: what the end of a process can cost each connection.
    pub fn step(&self) -> u64 {
        (self.size / 8).clamp(64 << 10, 1 << 20)
    }
}

/// A line of the journal: a range that was written, with a checksum to believe it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub range: Range<u64>,
    pub crc32: u32,
}

impl Claim {
    pub fn line(&self) -> String {
        format!("{} {} {:08x}", self.range.start, self.range.end, self.crc32)
    }

    pub fn parse(line: &str) -> Option<Claim> {
        let mut words = line.split(' ');
        let (start, end, crc) = (words.next()?, words.next()?, words.next()?);
        let crc32 = (crc.len() == 8).then(|| u32::from_str_radix(crc, 16).ok()).flatten()?;
        words.next().is_none().then_some(Claim { range: start.parse().ok()?..end.parse().ok()?, crc32 })
    }

    /// Whether `file` holds what was written. A file that ends before does not.
    pub fn holds(&self, file: &mut File) -> io::Result<bool> {
        let mut hasher = crc32fast::Hasher::new();
        let mut piece = vec![0; 1 << 20];
        let mut left = self.range.end - self.range.start;
        file.seek(SeekFrom::Start(self.range.start))?;
        while left > 0 {
            let piece = &mut piece[..left.min(1 << 20) as usize];
            match file.read_exact(piece) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                read => read?,
            }
            hasher.update(piece);
            left -= piece.len() as u64;
        }
        Ok(hasher.finalize() == self.crc32)
    }
}

/// What of `whole` is in none of `ranges`.
pub fn gaps(whole: Range<u64>, mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut gaps = Vec::new();
    let mut at = whole.start;
    for range in ranges {
        if range.start > at {
            gaps.push(at..range.start.min(whole.end));
        }
        at = at.max(range.end);
    }
    if at < whole.end {
        gaps.push(at..whole.end);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_file_once() {
        for bytes in [0, 1, SMALLEST, SMALLEST + 1, 50_000_000, 14_000_000_000] {
            let pieces = Pieces::of(bytes);
            let mut at = 0;
            for piece in 0..pieces.count() {
                let range = pieces.range(piece);
                assert_eq!((range.start, pieces.of_range(&range)), (at, Some(piece)));
                assert!(range.end > range.start && pieces.step() <= pieces.size);
                at = range.end;
            }
            assert_eq!(at, bytes);
            assert_eq!(pieces.of_range(&(0..bytes + 1)), None);
        }
    }

    #[test]
    fn a_claim_is_believed_only_with_its_bytes() {
        let mut file = tempfile::tempfile().expect("a file");
        io::Write::write_all(&mut file, b"0123456789").expect("written");
        let claim = Claim { range: 2..6, crc32: crc32fast::hash(b"2345") };
        assert_eq!(Claim::parse(&claim.line()), Some(claim.clone()));
        assert!(claim.holds(&mut file).expect("read"));
        assert!(!Claim { range: 3..7, ..claim }.holds(&mut file).expect("read"));
        assert!(!Claim { range: 8..12, ..claim }.holds(&mut file).expect("read"));
        for line in ["", "2 6", "2 6 123", "2 6 1234567", "a 6 12345678", "2 6 12345678 9", "2 6 1234567812345678"] {
            assert_eq!(Claim::parse(line), None, "{line}");
        }
    }

    #[test]
    fn gaps_are_what_nothing_covers() {
        assert_eq!(gaps(10..20, vec![]).first(), Some(&(10..20)));
        assert_eq!(gaps(10..20, vec![14..16, 10..12]), [12..14, 16..20]);
        assert_eq!(gaps(10..20, vec![10..15, 12..14, 15..20]), []);
    }
}
