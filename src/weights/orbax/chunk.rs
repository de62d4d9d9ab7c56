//! One chunk of an array: its bytes, which may be compressed, checked or divided once more, told into their places in the array. Compressed
//! ones are read piece by piece, so that memory does not grow with them.

use std::io::{self, Read};

use ruzstd::decoding::StreamingDecoder;

use super::error::ChunkProblem;
use crate::weights::header::coordinates;

/// How the bytes of a chunk are kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Codec {
    Plain(Pipe),
    /// Chunks of size `inner` one after another, in any order, and an index that says where.
    Sharded {
        inner: Vec<usize>,
        pipe: Pipe,
        index: Index,
    },
}

/// What was done to bytes: compressed, then a checksum put after them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pipe {
    pub zstd: bool,
    pub checksum: bool,
}

impl Pipe {
    pub const NONE: Pipe = Pipe { zstd: false, checksum: false };
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Index {
    pub at_start: bool,
    pub checksum: bool,
}

/// The part of an array that a chunk fills. The array is row-major from its row `first_row` on; where the chunk leaves it, nothing is kept.
pub(super) struct Target<'a> {
    pub dims: &'a [usize],
    /// Bytes of an element.
    pub width: usize,
    /// Of the array from row `first_row` on to its end or before.
    pub out: &'a mut [u8],
    pub first_row: usize,
}

/// Where an index says that an inner chunk is, if it holds nothing but what is not stored.
const NOWHERE: u64 = u64::MAX;

impl Codec {
    /// Writes the chunk of size `chunk` whose first element is at `origin` into the target.
    pub fn decode(
        &self,
        bytes: &[u8],
        chunk: &[usize],
        origin: &[usize],
        target: &mut Target<'_>,
    ) -> Result<(), ChunkProblem> {
        let Codec::Sharded { inner, pipe, index } = self else {
            let Codec::Plain(pipe) = self else { return Ok(()) };
            return pipe.decode(bytes, chunk, origin, target);
        };
        let counts: Vec<usize> = chunk.iter().zip(inner).map(|(whole, part)| whole / part).collect();
        let count: usize = counts.iter().product();
        for number in 0..count {
            let (start, end) = index.entry(bytes, number, count)?;
            if (start, end) == (NOWHERE, NOWHERE) {
                continue;
            }
            let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
            let found = range.and_then(|(start, end)| bytes.get(start..end));
            let outside = ChunkProblem::Inner { inner: number, start, end, bytes: bytes.len() };
            let place = coordinates(number, &counts);
            let origin: Vec<usize> = (0..inner.len()).map(|axis| origin[axis] + place[axis] * inner[axis]).collect();
            // Beyond the edge of the array, where a whole shard has more than it.
            if origin.iter().zip(target.dims).all(|(origin, dim)| origin < dim) {
                pipe.decode(found.ok_or(outside)?, inner, &origin, target)?;
            }
        }
        Ok(())
    }
}

impl Index {
    /// Where inner chunk `number` of `count` begins and ends.
    fn entry(self, shard: &[u8], number: usize, count: usize) -> Result<(u64, u64), ChunkProblem> {
        let checksum = if self.checksum { CHECKSUM_BYTES } else { 0 };
        let short = |expected| ChunkProblem::Length { found: shard.len(), expected };
        let bytes = count.checked_mul(16).and_then(|bytes| bytes.checked_add(checksum)).ok_or(short(usize::MAX))?;
        let start = if self.at_start { Some(0) } else { shard.len().checked_sub(bytes) };
        let index = start.and_then(|start| shard.get(start..start.checked_add(bytes)?)).ok_or(short(bytes))?;
        // Once is enough.
        let index = if self.checksum && number == 0 { checked(index)? } else { index };
        let word = |at: usize| index.as_chunks::<8>().0.get(at).map_or(NOWHERE, |word| u64::from_le_bytes(*word));
        let (start, bytes) = (word(2 * number), word(2 * number + 1));
        Ok((start, if bytes == NOWHERE { NOWHERE } else { start.saturating_add(bytes) }))
    }
}

const CHECKSUM_BYTES: usize = 4;

/// The bytes without the checksum at their end, which they must have.
fn checked(bytes: &[u8]) -> Result<&[u8], ChunkProblem> {
    let (content, checksum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(ChunkProblem::Length { found: bytes.len(), expected: CHECKSUM_BYTES })?;
    let (found, expected) = (crc32c::crc32c(content), u32::from_le_bytes(*checksum));
    if found == expected { Ok(content) } else { Err(ChunkProblem::Checksum { found, expected }) }
}

impl Pipe {
    fn decode(
        self,
        bytes: &[u8],
        chunk: &[usize],
        origin: &[usize],
        target: &mut Target<'_>,
    ) -> Result<(), ChunkProblem> {
        let mut bytes = if self.checksum { checked(bytes)? } else { bytes };
        let expected = chunk.iter().product::<usize>() * target.width;
        if !self.zstd {
            if bytes.len() != expected {
                return Err(ChunkProblem::Length { found: bytes.len(), expected });
            }
            return place(&mut bytes, chunk, origin, target).map_err(|error| zstd_problem(&error));
        }
        let decoder = StreamingDecoder::new(bytes).map_err(|error| zstd_problem(&error))?;
        let mut counted = Counted { from: decoder, bytes: 0 };
        match place(&mut counted, chunk, origin, target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && counted.from.decoder.is_finished() => {
                return Err(ChunkProblem::Short { found: counted.bytes, expected });
            }
            Err(error) => return Err(zstd_problem(&error)),
        }
        let more = counted.read(&mut [0]).map_err(|error| zstd_problem(&error))?;
        if more > 0 || !counted.from.get_ref().is_empty() {
            return Err(ChunkProblem::Long { expected });
        }
        let decoder = counted.from.into_frame_decoder();
        match (decoder.get_calculated_checksum(), decoder.get_checksum_from_data()) {
            (Some(found), Some(expected)) if found != expected => {
                let problem = format!("its content has checksum {found:08x}, expected {expected:08x}");
                Err(ChunkProblem::Zstd { problem })
            }
            _ => Ok(()),
        }
    }
}

fn zstd_problem(error: &impl ToString) -> ChunkProblem {
    ChunkProblem::Zstd { problem: error.to_string() }
}

/// Counts what is read.
struct Counted<R> {
    from: R,
    bytes: usize,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.from.read(out)?;
        self.bytes += bytes;
        Ok(bytes)
    }
}

/// Reads a chunk row-major, and keeps of it what is in the array.
fn place(from: &mut impl Read, chunk: &[usize], origin: &[usize], target: &mut Target<'_>) -> io::Result<()> {
    let Target { dims, width, out, first_row } = target;
    // The last axis that is not whole in the chunk: what lies within it is one run in both.
    let split = (0..dims.len()).rev().find(|&axis| chunk[axis] != dims[axis]).unwrap_or(0);
    let Some(&of_chunk) = chunk.get(split) else { return from.read_exact(&mut out[..*width]) };
    let below: usize = dims[split + 1..].iter().product::<usize>() * *width;
    let kept = of_chunk.min(dims[split].saturating_sub(origin[split])) * below;
    let skipped = of_chunk * below - kept;
    let rows: usize = chunk[..split].iter().product();
    for row in 0..rows {
        let place = coordinates(row, &chunk[..split]);
        let place: Vec<usize> = (0..split).map(|axis| origin[axis] + place[axis]).chain([origin[split]]).collect();
        if place.iter().zip(dims.iter()).any(|(place, dim)| place >= dim) {
            skip(from, kept + skipped)?;
            continue;
        }
        let index = place.iter().zip(dims.iter()).fold(0, |index, (place, dim)| index * dim + place);
        let start = index * below - *first_row * dims[1..].iter().product::<usize>() * *width;
        from.read_exact(&mut out[start..start + kept])?;
        skip(from, skipped)?;
    }
    Ok(())
}

fn skip(from: &mut impl Read, bytes: usize) -> io::Result<()> {
    match io::copy(&mut from.take(bytes as u64), &mut io::sink())? {
        found if found == bytes as u64 => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
