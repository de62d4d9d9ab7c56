//! Writing a packed file: several tensors at a time, each in pieces of a few megabytes, so that memory stays small whatever the model.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use super::error::PackedError;
use super::journal::{Journal, Line};
use super::manifest::{FORMAT, Manifest, TensorEntry};
use super::slots::{Slot, slots, tensors};
use super::{DATA_ALIGN, KEY};
use crate::digest::hex;
use crate::disk;
use crate::partial::folder;
use crate::plan::Plan;
use crate::progress::{Event, Progress, Unit};
use crate::weights::arrangement::Part;
use crate::weights::checkpoint::Checkpoint;
use crate::weights::header::encode;
use crate::weights::loss::{Loss, Losses};
use crate::weights::mxfp4::halve;
use crate::weights::pack::{Counter, Packing};

/// Bytes of a piece: large enough to be worth a call of the system, small enough to stay in a cache.
const PIECE_BYTES: usize = 2 << 20;

/// What is to be packed, and for what.
pub struct Packer<'a> {
    pub checkpoint: &'a Checkpoint,
    pub plan: &'a Plan,
    /// As `--target` takes it.
    pub target: &'a str,
    /// What [`Manifest::tokenizer`] is to say.
    pub tokenizer: &'a str,
    /// Tensors that are made at a time.
    pub threads: usize,
}

/// What was packed.
#[derive(Clone, Debug)]
pub struct Written {
    pub manifest: Manifest,
    /// Of the whole file.
    pub bytes: u64,
    /// Of tensors that an interrupted packing had left whole.
    pub resumed_bytes: u64,
}

impl Packer<'_> {
    /// Writes the file `out` at once: a reader finds the old one or the new. Goes on where the same packing was interrupted.
    ///
    /// Fails before the first byte where the disk has no room, and as [`crate::weights::pack::fill`] does.
    pub fn write(&self, out: &Path, progress: &dyn Progress) -> Result<Written, PackedError> {
        let same = |file: &Path| matches!((file.canonicalize(), out.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if let Some(file) = self.checkpoint.files().find(|file| same(file)) {
            return Err(PackedError::Source { file: file.to_owned() });
        }
        let slots = slots(self.checkpoint.config(), self.plan)?;
        let start = self.header(&slots, None).len();
        let journal = Journal::open(out, &self.identity(&slots)?)?;
        let total = (start + slots.last().map_or(0, |slot| slot.bytes.end)) as u64;
        if let Err(error) = disk::check(folder(out), total.saturating_sub(disk::allocated(journal.data()))) {
            if journal.earlier.is_empty() {
                journal.discard();
            }
            return Err(error.into());
        }
        let writing = |source| PackedError::File { doing: "write", file: out.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).open(journal.data()).map_err(writing)?;
        if file.metadata().map_err(writing)?.len() != total {
            file.set_len(total).map_err(writing)?;
        }

        let work = Work { packer: self, slots: &slots, start: start as u64, out, journal: &journal, progress };
        progress.report(Event::Begin { what: "pack", total: Some(total - start as u64), unit: Unit::Bytes });
        let (lines, resumed_bytes) = match work.run(self.threads) {
            Ok(done) => done,
            // Another checkpoint will be packed, if one is: what is written of this one helps nobody.
            Err(error @ PackedError::Checkpoint(_)) => {
                journal.discard();
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        progress.report(Event::End(""));

        let header = self.header(&slots, Some(&lines));
        assert_eq!(header.len(), start, "room was left for every line");
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&header)).map_err(writing)?;
        progress.report(Event::Begin { what: "bring to disk", total: None, unit: Unit::Bytes });
        file.sync_all().map_err(writing)?;
        progress.report(Event::End(""));
        journal.finish(out)?;
        Ok(Written { manifest: self.manifest(&slots, Some(&lines)), bytes: total, resumed_bytes })
    }

    /// What the file is made of and for, as 16 digits: an interrupted packing goes on only with its own.
    fn identity(&self, slots: &[Slot]) -> Result<String, PackedError> {
        let mut digest = Sha256::new();
        for file in self.checkpoint.files() {
            let failed = |source| PackedError::File { doing: "read", file: file.to_owned(), source };
            let metadata = file.metadata().map_err(failed)?;
            let path = file.canonicalize().map_err(failed)?;
            digest.update(format!("{path:?} {} {:?}\n", metadata.len(), metadata.modified().map_err(failed)?));
        }
        digest.update(serde_json::to_string(&self.manifest(&[], None)).unwrap_or_default());
        for slot in slots {
            digest.update(format!("{:?}\n", slot.weight));
        }
        Ok(hex(&digest.finalize())[..16].to_owned())
    }

    /// Without lines, every tensor with a digest of zeros and the longest losses that can be told.
    fn manifest(&self, slots: &[Slot], lines: Option<&[Line]>) -> Manifest {
        let longest = Loss {
            values: u64::MAX,
            inexact: u64::MAX,
            flushed_to_zero: u64::MAX,
            saturated: u64::MAX,
            worst_relative_error: 1.234_567_890_123_456_7e-300,
            mean_relative_error: 1.234_567_890_123_456_7e-300,
        };
        let longest = Losses { scaled: longest, plain_cast: longest };
        let tensor = |(place, slot): (usize, &Slot)| {
            let line = lines.map(|lines| &lines[place]);
            TensorEntry {
                name: slot.weight.name.clone(),
                ty: slot.weight.ty.to_string(),
                sharding: slot.weight.sharding.words(),
                parts: slot.devices.len(),
                sha256: line.map_or_else(|| "0".repeat(64), |line| line.sha256.clone()),
                losses: line.map_or(Some(longest), |line| line.losses),
            }
        };
        let strategy = self.plan.strategy;
        Manifest {
            format: FORMAT,
            made_by: concat!("precast ", env!("CARGO_PKG_VERSION")).to_owned(),
            config: self.checkpoint.config().to_hugging_face_json(),
            tokenizer: self.tokenizer.to_owned(),
            target: self.target.to_owned(),
            devices: self.plan.devices,
            weights: strategy.experts.name().to_owned(),
            dense: strategy.dense.name().to_owned(),
            compute: strategy.compute.to_string(),
            tensors: slots.iter().enumerate().map(tensor).collect(),
        }
    }

    /// The first bytes of the file, as long with lines as without.
    fn header(&self, slots: &[Slot], lines: Option<&[Line]>) -> Vec<u8> {
        let encoded = |lines| {
            let text = serde_json::to_string(&self.manifest(slots, lines)).unwrap_or_default();
            let tensors = tensors(slots);
            let tensors = tensors.iter().map(|(name, ty, bytes)| (name.as_str(), ty, *bytes));
            encode(&BTreeMap::from([(KEY.to_owned(), text)]), tensors, DATA_ALIGN)
        };
        let longest = encoded(None);
        let Some(lines) = lines else { return longest };
        let mut header = encoded(Some(lines));
        header.resize(longest.len(), b' ');
        let length = (header.len() - 8) as u64;
        header[..8].copy_from_slice(&length.to_le_bytes());
        header
    }
}

/// The work that threads share.
struct Work<'a> {
    packer: &'a Packer<'a>,
    slots: &'a [Slot],
    /// Where the data begins.
    start: u64,
    out: &'a Path,
    journal: &'a Journal,
    progress: &'a dyn Progress,
}

impl Work<'_> {
    /// Makes every tensor, in the order of the file as far as threads allow: their lines, and the bytes that were there before.
    fn run(&self, threads: usize) -> Result<(Vec<Line>, u64), PackedError> {
        let (next, resumed, failed) = (AtomicUsize::new(0), Mutex::new(0), AtomicBool::new(false));
        let lines: Mutex<Vec<Option<Line>>> = Mutex::new(vec![None; self.slots.len()]);
        let work = || -> Result<(), PackedError> {
            // Each has its own place in the file.
            let file = OpenOptions::new().read(true).write(true).open(self.journal.data());
            let file = &mut file.map_err(|source| self.failed("write", source))?;
            while !failed.load(Ordering::Relaxed) {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(slot) = self.slots.get(place) else { break };
                let line = match self.earlier(slot, file)? {
                    Some(line) => {
                        *locked(&resumed) += slot.bytes.len() as u64;
                        line
                    }
                    None => {
                        let line = self.make(slot, file)?;
                        self.journal.add(&line)?;
                        line
                    }
                };
                locked(&lines)[place] = Some(line);
            }
            Ok(())
        };
        let work = || work().inspect_err(|_| failed.store(true, Ordering::Relaxed));
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
            let outcomes = workers.into_iter().map(|worker| match worker.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            // All of them end before the first error is told.
            outcomes.collect::<Vec<_>>().into_iter().collect::<Result<(), _>>()
        })?;
        let lines = lines.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        let resumed = *locked(&resumed);
        Ok((lines.into_iter().flatten().collect(), resumed))
    }

    /// The line of a tensor that is whole already.
    fn earlier(&self, slot: &Slot, file: &mut File) -> Result<Option<Line>, PackedError> {
        let Some(line) = self.journal.earlier.get(&slot.weight.name) else { return Ok(None) };
        let mut digest = Sha256::new();
        let mut piece = vec![0; PIECE_BYTES];
        let mut left = slot.bytes.len();
        self.seek(slot, file)?;
        while left > 0 {
            let piece = &mut piece[..left.min(PIECE_BYTES)];
            file.read_exact(piece).map_err(|source| self.failed("read", source))?;
            digest.update(&piece);
            left -= piece.len();
        }
        if hex(&digest.finalize()) != line.sha256 {
            return Ok(None);
        }
        self.progress.report(Event::Advance(slot.bytes.len() as u64));
        Ok(Some(line.clone()))
    }

    /// Writes a tensor, part by part.
    fn make(&self, slot: &Slot, file: &mut File) -> Result<Line, PackedError> {
        let packing = Packing::new(self.packer.checkpoint, &slot.weight)?;
        let (mut digest, mut counter) = (Sha256::new(), Counter::new(&slot.weight));
        let (mut host, mut halved) = (Vec::new(), Vec::new());
        self.seek(slot, file)?;
        for &device in &slot.devices {
            let Some(part) = packing.arrangement().part(&slot.division, device) else {
                let problem = format!("{} of {} is neither rows nor columns", slot.division, slot.weight.ty);
                return Err(PackedError::Division { weight: slot.weight.name.clone(), problem });
            };
            let unit = packing.bytes(packing.unit(), part.columns.len());
            let rows = (PIECE_BYTES / unit.max(1)).max(1) * packing.unit();
            for first in part.rows.clone().step_by(rows) {
                let piece = Part { rows: first..(first + rows).min(part.rows.end), ..part.clone() };
                host.resize(packing.bytes(piece.rows.len(), piece.columns.len()), 0);
                packing.fill(&piece, &mut host, &mut counter)?;
                let bytes = if slot.is_halved() {
                    halved.resize(host.len() / 2, 0);
                    halve(&host, &mut halved);
                    &halved
                } else {
                    &host
                };
                digest.update(bytes);
                file.write_all(bytes).map_err(|source| self.failed("write", source))?;
                self.progress.report(Event::Advance(bytes.len() as u64));
            }
        }
        Ok(Line { tensor: slot.weight.name.clone(), sha256: hex(&digest.finalize()), losses: counter.losses() })
    }

    fn seek(&self, slot: &Slot, file: &mut File) -> Result<(), PackedError> {
        let place = SeekFrom::Start(self.start + slot.bytes.start as u64);
        file.seek(place).map(|_| ()).map_err(|source| self.failed("write", source))
    }

    fn failed(&self, doing: &'static str, source: std::io::Error) -> PackedError {
        PackedError::File { doing, file: self.out.to_owned(), source }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
