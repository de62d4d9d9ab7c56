//! Files brought here: many connections write at their places into one file, and behind them it is checked, while it grows.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::address::{Address, quoted};
use super::checksum::Hasher;
use super::client::{About, Client, Fault, Method, Reply};
use super::error::HubError;
use super::listing::{Entry, Listing};
use super::patience::Patience;
use super::pieces::{Claim, Pieces, gaps};
use super::queue::{Job, Mode, Queue};
use crate::partial::{Partial, folder};
use crate::progress::{Event, Progress};

/// Bytes that are read and written at a time.
const BUFFER: usize = 256 << 10;
/// Answers that contradict the listing, until the server is believed to mean them.
const MOST_LIES: u32 = 2;

/// A file on its way.
pub struct Item<'a> {
    pub entry: &'a Entry,
    /// Its final name.
    pub out: PathBuf,
    partial: Partial,
    pieces: Pieces,
    /// What processes before this one say that they have written, each within one piece.
    claims: Vec<Claim>,
    /// Where the hub said that it lies, until that is refused.
    source: Mutex<Option<Address>>,
    lies: AtomicU32,
}

impl<'a> Item<'a> {
    /// Takes up what is left of an interrupted fetch of the same content, or begins it.
    pub fn open(entry: &'a Entry, out: PathBuf) -> Result<Item<'a>, HubError> {
        let failed = |source| HubError::File { doing: "write", file: out.clone(), source };
        std::fs::create_dir_all(folder(&out)).map_err(failed)?;
        let partial = Partial::open(&out, entry.checksum.identity())?;
        let data = OpenOptions::new().write(true).open(partial.data()).map_err(failed)?;
        let pieces = Pieces::of(entry.bytes);
        let claims = if data.metadata().map_err(failed)?.len() == entry.bytes {
            let all = partial.earlier.iter().filter_map(|line| Claim::parse(line));
            all.filter(|claim| pieces.of_range(&claim.range).is_some()).collect()
        } else {
            data.set_len(entry.bytes).map_err(failed)?;
            Vec::new()
        };
        Ok(Item { entry, out, partial, pieces, claims, source: Mutex::default(), lies: AtomicU32::new(0) })
    }

    /// Bytes that are said to be written.
    pub fn claimed_bytes(&self) -> u64 {
        let ranges = self.claims.iter().map(|claim| claim.range.clone()).collect();
        let missing: u64 = gaps(0..self.entry.bytes, ranges).iter().map(|gap| gap.end - gap.start).sum();
        self.entry.bytes - missing
    }

    fn failed(&self, doing: &'static str) -> impl Fn(std::io::Error) -> HubError + '_ {
        move |source| HubError::File { doing, file: self.partial.data().to_owned(), source }
    }

    fn data(&self) -> Result<File, HubError> {
        OpenOptions::new().read(true).write(true).open(self.partial.data()).map_err(self.failed("write"))
    }

    /// Where it was last found.
    fn found_at(&self) -> Option<Address> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, address: Option<Address>) {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// The server says what contradicts the listing: that may be an accident, until it says so again.
    fn lie(&self, error: HubError) -> Fault {
        self.remember(None);
        match self.lies.fetch_add(1, Ordering::Relaxed) {
            MOST_LIES.. => error.into(),
            _ => Fault::passing(error.to_string()),
        }
    }
}

/// A file that came here and is not what the hub says.
pub struct Wrong {
    /// Place in the items.
    pub item: usize,
    pub found: String,
    pub address: String,
}

/// Counts of bytes.
#[derive(Debug, Default)]
pub struct Counts {
    /// That servers sent.
    pub received: AtomicU64,
    /// That were there, and did not have to be fetched.
    pub resumed: AtomicU64,
}

/// Several files brought here at once.
pub struct Transfer<'a> {
    pub client: &'a Client,
    pub listing: &'a Listing,
    pub items: &'a [Item<'a>],
    pub counts: &'a Counts,
    pub progress: &'a dyn Progress,
}

impl Transfer<'_> {
    /// Brings all of them under their final names, except those whose content is wrong: of these nothing is kept.
    pub fn run(&self) -> Result<Vec<Wrong>, HubError> {
        let queue = Queue::new(self.items.iter().map(|item| item.pieces.count()));
        let stopped = |error: HubError| {
            queue.stop();
            self.client.shared.stop.store(true, Ordering::Relaxed);
            error
        };
        self.client.shared.stop.store(false, Ordering::Relaxed);
        let work = || -> Result<(), HubError> {
            let _ends = EndsWaiting(&queue);
            while let Some(job) = queue.take() {
                self.work(&queue, &job).map_err(stopped)?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.client.limits.connections.max(1)).map(|_| scope.spawn(work)).collect();
            let wrong = self.check(&queue).map_err(stopped);
            let outcomes = workers.into_iter().map(|worker| match worker.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            // All of them end before the first error is told.
            outcomes.collect::<Vec<_>>().into_iter().collect::<Result<(), _>>()?;
            wrong
        })
    }

    /// Follows the connections through the files, and finishes each file that is whole.
    fn check(&self, queue: &Queue) -> Result<Vec<Wrong>, HubError> {
        let mut wrong = Vec::new();
        let mut buffer = vec![0; 1 << 20];
        for (number, item) in self.items.iter().enumerate() {
            let mut file = item.data()?;
            let mut hasher = Hasher::new(&item.entry.checksum, item.entry.bytes);
            for piece in 0..item.pieces.count() {
                if !queue.wait(number, piece) {
                    return Ok(wrong);
                }
                let range = item.pieces.range(piece);
                let mut left = (range.end - range.start) as usize;
                while left > 0 {
                    let part = &mut buffer[..left.min(1 << 20)];
                    file.read_exact(part).map_err(item.failed("read"))?;
                    hasher.update(part);
                    left -= part.len();
                }
            }
            let found = hasher.digits();
            if found == item.entry.checksum.digits() {
                file.sync_all().map_err(item.failed("write"))?;
                item.partial.finish(&item.out)?;
            } else {
                item.partial.discard();
                let address = item.found_at().map_or_else(String::new, |address| address.to_string());
                wrong.push(Wrong { item: number, found, address });
            }
        }
        Ok(wrong)
    }

    /// Does a job: what of it is not there already is fetched.
    fn work(&self, queue: &Queue, job: &Job) -> Result<(), HubError> {
        let item = &self.items[job.file];
        let mut course =
            Course { transfer: self, queue, number: job.file, item, file: item.data()?, left: VecDeque::new() };
        course.want(&job.pieces)?;
        let mut patience = Patience::new(&self.client.limits, &self.client.shared, self.progress);
        while !course.left.is_empty() && !self.client.shared.stop.load(Ordering::Relaxed) {
            let before = course.left_bytes();
            let outcome = course.stream();
            if course.left_bytes() < before {
                patience.renew();
            }
            match outcome {
                Ok(()) => {}
                Err(Fault::Lasting(error)) => return Err(*error),
                Err(Fault::Passing { cause, wait }) => {
                    let address = item.found_at().map_or_else(|| self.address(item), Ok)?;
                    patience.again(&address, &cause, wait)?;
                }
            }
        }
        Ok(())
    }

    /// The hub's address of a file.
    fn address(&self, item: &Item<'_>) -> Result<Address, HubError> {
        let (repository, commit) = (&self.listing.repository, &self.listing.commit);
        self.client.address(&format!("/{repository}/resolve/{commit}/{}", quoted(&item.entry.path, true)))
    }

    fn about(&self) -> About<'_> {
        About { repository: &self.listing.repository, revision: &self.listing.revision }
    }
}

/// A thread that panics lets nobody wait for what it had taken.
struct EndsWaiting<'a>(&'a Queue);

impl Drop for EndsWaiting<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

/// One thread's way through a file.
struct Course<'a> {
    transfer: &'a Transfer<'a>,
    queue: &'a Queue,
    /// Of the file.
    number: usize,
    item: &'a Item<'a>,
    file: File,
    /// What it has to fetch, in order, each within one piece.
    left: VecDeque<Range<u64>>,
}

impl Course<'_> {
    fn left_bytes(&self) -> u64 {
        self.left.iter().map(|range| range.end - range.start).sum()
    }

    /// Adds pieces to what is left, except for what is there: a claim is believed if the bytes have its checksum.
    fn want(&mut self, pieces: &[usize]) -> Result<(), HubError> {
        for &piece in pieces {
            let range = self.item.pieces.range(piece);
            let mut there = Vec::new();
            let within = self.item.claims.iter().filter(|claim| range.contains(&claim.range.start));
            for claim in within {
                if claim.holds(&mut self.file).map_err(self.item.failed("read"))? {
                    there.push(claim.range.clone());
                }
            }
            let missing = gaps(range.clone(), there);
            let missing_bytes: u64 = missing.iter().map(|gap| gap.end - gap.start).sum();
            self.transfer.counts.resumed.fetch_add(range.end - range.start - missing_bytes, Ordering::Relaxed);
            if missing.is_empty() {
                self.queue.done(self.number, piece);
            }
            self.left.extend(missing);
        }
        self.left.make_contiguous().sort_by_key(|range| range.start);
        Ok(())
    }

    /// Asks for the next range, and writes what comes.
    fn stream(&mut self) -> Result<(), Fault> {
        let Some(next) = self.left.front().cloned() else { return Ok(()) };
        let (client, entry) = (self.transfer.client, self.item.entry);
        let source = self.source()?;
        let whole = self.queue.mode(self.number) == Mode::Single || next == (0..entry.bytes);
        let mut reply = client.follow(Method::Get, &source, (!whole).then_some(&next))?;
        match reply.status() {
            206 if !whole => {
                let end = self.ranged(&reply, &next)?;
                self.queue.learn(self.number, Mode::Ranged);
                self.receive(&mut reply, next.start..end)
            }
            200 => {
                if let Some(found) = reply.number("content-length").filter(|found| *found != entry.bytes) {
                    let kind = reply.header("content-type").map_or(String::new(), |kind| format!(" of {kind}"));
                    return Err(self.item.lie(self.length(&reply, format!("{found} bytes{kind}"))));
                }
                if !whole {
                    self.one_stream(&reply.address, "has no ranges")?;
                }
                self.receive(&mut reply, 0..entry.bytes)
            }
            416 => Err(self.item.lie(self.length(&reply, format!("shorter than {} bytes", next.end)))),
            // What a storage was signed for has its time.
            401 | 403 | 404 | 410 if !reply.address.same_server(client.endpoint()) => {
                self.item.remember(None);
                Err(Fault::passing(format!("the storage answers {}; the hub is asked again", reply.status())))
            }
            206 => Err(Fault::passing("it answers with a range that nobody asked for")),
            _ => Err(client.refusal(&mut reply, self.transfer.about())),
        }
    }

    /// Where to ask: large files lie in a storage, whose address the hub gives once for many requests.
    fn source(&self) -> Result<Address, Fault> {
        if let Some(address) = self.item.found_at() {
            return Ok(address);
        }
        let entry = self.item.entry;
        let address = self.transfer.address(self.item)?;
        let located = self.transfer.client.locate(&address, self.transfer.about())?;
        let contradicts = |problem: String| HubError::Answer { address: address.to_string(), problem };
        if let Some(size) = located.linked_size.filter(|size| *size != entry.bytes) {
            let problem = format!("it lists `{}` with {} bytes and links to {size}", entry.path, entry.bytes);
            return Err(contradicts(problem).into());
        }
        let plain = |etag: &String| etag.trim_start_matches("W/").trim_matches('"').to_owned();
        if let Some(etag) = located.linked_etag.as_ref().map(plain).filter(|etag| etag != entry.checksum.digits()) {
            let problem = format!("it lists `{}` with {} and links to {etag}", entry.path, entry.checksum);
            return Err(contradicts(problem).into());
        }
        let listed = &self.transfer.listing.commit;
        if let Some(commit) = located.commit.filter(|commit| commit != listed) {
            return Err(contradicts(format!("it answers from commit {commit}, asked for is {listed}")).into());
        }
        self.item.remember(Some(located.address.clone()));
        Ok(located.address)
    }

    /// Where the bytes end that a partial answer brings. Fails if they are not those that were asked for.
    fn ranged(&self, reply: &Reply, asked: &Range<u64>) -> Result<u64, Fault> {
        let header = reply.header("content-range").unwrap_or_default().to_owned();
        let Some((found, total)) =
            content_range(&header).filter(|(found, _)| found.start == asked.start && found.end <= asked.end)
        else {
            let cause = format!("asked for bytes {} to {}, it answers with `{header}`", asked.start, asked.end - 1);
            if self.item.lies.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_LIES {
                self.item.lies.store(0, Ordering::Relaxed);
                self.queue.learn(self.number, Mode::Ranged);
                self.tell_one_stream(&reply.address, "answers with other ranges than those asked for");
            }
            return Err(Fault::passing(cause));
        };
        match total.filter(|total| *total != self.item.entry.bytes) {
            Some(total) => Err(self.item.lie(self.length(reply, format!("{total} bytes")))),
            None => Ok(found.end),
        }
    }

    fn length(&self, reply: &Reply, found: String) -> HubError {
        HubError::Length {
            path: self.item.entry.path.clone(),
            address: reply.address.to_string(),
            found,
            expected: self.item.entry.bytes,
        }
    }

    /// The file comes only as a whole: this thread takes all that is left of it.
    fn one_stream(&mut self, address: &Address, why: &str) -> Result<(), HubError> {
        self.tell_one_stream(address, why);
        let rest = self.queue.take_rest(self.number);
        self.want(&rest)
    }

    fn tell_one_stream(&self, address: &Address, why: &str) {
        if self.queue.learn(self.number, Mode::Single) {
            let sentence = format!(
                "`{}` {why}: `{}` comes in one stream, and from its beginning after every cut",
                address.host(),
                self.item.entry.path
            );
            self.transfer.progress.report(Event::Note(&sentence));
        }
    }

    /// Writes what of the answer's bytes `within` is wanted, and notes it as it goes. Ends early when nothing more is wanted.
    fn receive(&mut self, reply: &mut Reply, within: Range<u64>) -> Result<(), Fault> {
        let mut reader = reply.reader();
        let mut buffer = vec![0; BUFFER];
        let mut at = within.start;
        let mut run = Run { start: at, end: at, hasher: crc32fast::Hasher::new() };
        let outcome = loop {
            let Some(next) = self.left.front().cloned().filter(|_| at < within.end) else { break Ok(()) };
            let wanted = at >= next.start;
            let limit = (if wanted { next.end } else { next.start }).min(within.end) - at;
            // Not beyond what the next note is to be about.
            let step = self.item.pieces.step() - (run.end - run.start);
            let part = limit.min(BUFFER as u64).min(step) as usize;
            let count = match reader.read(&mut buffer[..part]) {
                Ok(0) => break Err(Fault::passing(format!("it ends after {at} of {} bytes", within.end))),
                Ok(count) => count,
                Err(error) => break Err(Fault::passing(format!("it is cut after {at} bytes: {error}"))),
            };
            self.transfer.counts.received.fetch_add(count as u64, Ordering::Relaxed);
            if wanted {
                if run.end != at || run.start == run.end {
                    self.note(&mut run)?;
                    run = Run { start: at, end: at, hasher: crc32fast::Hasher::new() };
                    self.file.seek(SeekFrom::Start(at)).map_err(self.item.failed("write"))?;
                }
                self.file.write_all(&buffer[..count]).map_err(self.item.failed("write"))?;
                run.hasher.update(&buffer[..count]);
                run.end += count as u64;
                self.transfer.progress.report(Event::Advance(count as u64));
                self.advance(&mut run)?;
            }
            at += count as u64;
        };
        self.note(&mut run)?;
        if at == within.end {
            // Only a body that was seen to end leaves its connection to the next request.
            let _ = reader.read(&mut buffer[..1]);
        }
        outcome
    }

    /// What is left begins after the run; a range that is done is noted, a run that is long enough too.
    fn advance(&mut self, run: &mut Run) -> Result<(), HubError> {
        let Some(range) = self.left.front_mut() else { return Ok(()) };
        range.start = run.end;
        let (is_done, end) = (range.start == range.end, range.end);
        if is_done || run.end - run.start >= self.item.pieces.step() {
            self.note(run)?;
        }
        if is_done {
            self.left.pop_front();
            let piece = |range: &Range<u64>| self.item.pieces.of_range(range);
            let done = piece(&(end - 1..end));
            if let Some(done) = done.filter(|_| self.left.front().and_then(piece) != done) {
                self.queue.done(self.number, done);
            }
        }
        Ok(())
    }

    /// Notes what was written since the last note, and begins anew.
    fn note(&self, run: &mut Run) -> Result<(), HubError> {
        if run.start < run.end {
            let hasher = std::mem::take(&mut run.hasher);
            let claim = Claim { range: run.start..run.end, crc32: hasher.finalize() };
            self.item.partial.add(&claim.line())?;
            run.start = run.end;
        }
        Ok(())
    }
}

/// Bytes that were written and not yet noted.
struct Run {
    start: u64,
    end: u64,
    hasher: crc32fast::Hasher,
}

/// The range and the size of the whole, if it is told, of a header `Content-Range`.
fn content_range(header: &str) -> Option<(Range<u64>, Option<u64>)> {
    let (range, total) = header.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    (first <= last).then(|| (first..last.saturating_add(1), total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_as_it_is_written() {
        assert_eq!(content_range("bytes 10-19/100"), Some((10..20, Some(100))));
        assert_eq!(content_range("bytes 0-0/*"), Some((0..1, None)));
        for header in ["", "bytes */100", "bytes 19-10/100", "bytes 1-2", "items 1-2/3", "bytes 1-2/x"] {
            assert_eq!(content_range(header), None, "{header}");
        }
    }
}
