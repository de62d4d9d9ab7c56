//! Files of a repository in a folder or in the hub's cache: those that are here already are checked and used, all others brought.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::cache::{Cache, is_of_size};
use super::client::{Client, Limits};
use super::environment::Environment;
use super::error::HubError;
use super::listing::{Entry, Listing};
use super::repository::Repository;
use super::transfer::{Counts, Item, Transfer};
use crate::disk;
use crate::partial::{self, Partial};
use crate::progress::{Event, Progress, Unit};

/// A hub, and the cache of what was fetched from it.
#[derive(Debug)]
pub struct Hub {
    client: Client,
    cache: Cache,
    offline: bool,
}

/// Where files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Under their own paths.
    Folder(PathBuf),
    /// Where all tools of the hub find them.
    Cache,
}

/// Where a file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Hub,
    Cache,
    /// It was under its final name.
    Here,
}

/// A file that is whole and has its checksum.
#[derive(Clone, Debug)]
pub struct File {
    pub entry: Entry,
    pub at: PathBuf,
    pub origin: Origin,
}

/// What was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// All files lie below it.
    pub folder: PathBuf,
    pub files: Vec<File>,
    /// That servers sent.
    pub received_bytes: u64,
    /// That an interrupted fetch had left.
    pub resumed_bytes: u64,
    /// Requests that had to be repeated.
    pub retries: u64,
}

impl Hub {
    pub fn new(environment: &Environment, limits: Limits) -> Result<Hub, HubError> {
        let client = Client::new(environment, limits)?;
        Ok(Hub { client, cache: environment.cache.clone(), offline: environment.offline })
    }

    /// What a revision of a repository holds; offline, what the cache holds of it.
    pub fn listing(
        &self,
        repository: &Repository,
        revision: &str,
        progress: &dyn Progress,
    ) -> Result<Listing, HubError> {
        match self.offline {
            true => self.cache.listing(repository, revision),
            false => Listing::ask(&self.client, repository, revision, progress),
        }
    }

    /// Bytes of `wanted` that the cache does not have, by sizes alone: [`Hub::fetch`] compares contents.
    pub fn missing_bytes(&self, listing: &Listing, wanted: &[&Entry]) -> u64 {
        let missing = wanted.iter().filter(|entry| self.cache.find(&listing.repository, entry).is_none());
        let blob = |entry: &Entry| self.cache.blob(&listing.repository, &entry.checksum);
        missing.map(|entry| unwritten(entry, &blob(entry))).sum()
    }

    /// Brings `wanted` of a listing to their place, each checked and under its final name only as a whole.
    ///
    /// Fails before the first byte where the disk has no room. What a failure leaves is taken up by the next call.
    pub fn fetch(
        &self,
        listing: &Listing,
        wanted: &[&Entry],
        place: &Place,
        progress: &dyn Progress,
    ) -> Result<Fetched, HubError> {
        let folder = match place {
            Place::Folder(folder) => folder.clone(),
            Place::Cache => self.cache.snapshot(&listing.repository, &listing.commit),
        };
        let out = |entry: &Entry| match place {
            Place::Folder(folder) => folder.join(&entry.path),
            Place::Cache => self.cache.blob(&listing.repository, &entry.checksum),
        };
        let mut found = Vec::new();
        let mut missing: Vec<(&Entry, PathBuf)> = Vec::new();
        for (entry, origin) in wanted.iter().zip(self.look(listing, wanted, place, &out, progress)?) {
            match origin {
                Some(origin) => found.push((*entry, origin)),
                // Contents may have several names, and lie in the cache once.
                None if missing.iter().all(|(_, other)| *other != out(entry)) => missing.push((entry, out(entry))),
                None => {}
            }
        }
        self.check_room(&folder, &missing)?;
        for (entry, _) in found.iter().filter(|(_, origin)| *origin == Origin::Cache && *place != Place::Cache) {
            copy(&self.cache.blob(&listing.repository, &entry.checksum), &out(entry), entry)?;
        }
        let counts = Counts::default();
        self.bring(listing, missing, &counts, progress)?;
        let mut files = Vec::new();
        for entry in wanted {
            let origin = found.iter().find(|(one, _)| one == entry).map_or(Origin::Hub, |(_, origin)| *origin);
            if *place == Place::Cache {
                self.cache.link(&listing.repository, &listing.commit, entry)?;
            }
            files.push(File { entry: (*entry).clone(), at: folder.join(&entry.path), origin });
        }
        if *place == Place::Cache {
            self.cache.name_commit(&listing.repository, &listing.revision, &listing.commit)?;
        }
        Ok(Fetched {
            folder,
            files,
            received_bytes: counts.received.load(Ordering::Relaxed),
            resumed_bytes: counts.resumed.load(Ordering::Relaxed),
            retries: self.client.shared.retries.load(Ordering::Relaxed),
        })
    }

    /// Where each of `wanted` is already, with its checksum.
    fn look(
        &self,
        listing: &Listing,
        wanted: &[&Entry],
        place: &Place,
        out: &dyn Fn(&Entry) -> PathBuf,
        progress: &dyn Progress,
    ) -> Result<Vec<Option<Origin>>, HubError> {
        let candidates: Vec<Vec<(PathBuf, Origin)>> = wanted
            .iter()
            .map(|entry| {
                let own = if *place == Place::Cache { Origin::Cache } else { Origin::Here };
                let here = Some((out(entry), own)).filter(|(file, _)| is_of_size(file, entry.bytes));
                let cached = self.cache.find(&listing.repository, entry).map(|file| (file, Origin::Cache));
                here.into_iter().chain(cached.filter(|_| own == Origin::Here)).collect()
            })
            .collect();
        let with_one = wanted.iter().zip(&candidates).filter(|(_, files)| !files.is_empty());
        let total: u64 = with_one.map(|(entry, _)| entry.bytes).sum();
        if total > 0 {
            progress.report(Event::Begin { what: "check what is here", total: Some(total), unit: Unit::Bytes });
        }
        let mut origins = Vec::new();
        for (entry, files) in wanted.iter().zip(candidates) {
            let mut origin = None;
            for (file, of) in files {
                let failed = |source| HubError::File { doing: "read", file: file.clone(), source };
                let mut content = std::fs::File::open(&file).map_err(failed)?;
                let told = |count: usize| progress.report(Event::Advance(count as u64));
                let digits = entry.checksum.digits_of(&mut content, entry.bytes, told).map_err(failed)?;
                if digits == entry.checksum.digits() {
                    origin = Some(of);
                    break;
                }
                if self.offline && of == Origin::Cache {
                    return Err(HubError::Cached { file, found: digits, expected: entry.checksum.clone() });
                }
                let sentence = format!("{}: it is replaced", entry.checksum.unlike(&file.display(), &digits));
                progress.report(Event::Note(&sentence));
            }
            origins.push(origin);
        }
        if total > 0 {
            progress.report(Event::End(""));
        }
        if self.offline && origins.contains(&None) {
            let (repository, revision) = (listing.repository.to_string(), listing.revision.clone());
            return Err(HubError::NotCached { repository, revision, cache: self.cache.root().to_owned() });
        }
        Ok(origins)
    }

    /// Whether the disk has room for what is missing and not yet written.
    fn check_room(&self, folder: &Path, missing: &[(&Entry, PathBuf)]) -> Result<(), HubError> {
        let needed = missing.iter().map(|(entry, out)| unwritten(entry, out));
        Ok(disk::check(&disk::existing(folder), needed.sum())?)
    }

    /// Brings what is missing, and once more what came here wrong.
    fn bring(
        &self,
        listing: &Listing,
        mut missing: Vec<(&Entry, PathBuf)>,
        counts: &Counts,
        progress: &dyn Progress,
    ) -> Result<(), HubError> {
        let mut is_second = false;
        while !missing.is_empty() {
            let open = missing.iter().map(|(entry, out)| Item::open(entry, out.clone()));
            let items: Vec<Item<'_>> = open.collect::<Result<_, _>>()?;
            let claimed: u64 = items.iter().map(Item::claimed_bytes).sum();
            let all: u64 = items.iter().map(|item| item.entry.bytes).sum();
            if claimed > 0 {
                let sentence = format!("goes on from {:.1} %", 100.0 * claimed as f64 / all as f64);
                progress.report(Event::Note(&sentence));
            }
            progress.report(Event::Begin { what: "fetch", total: Some(all - claimed), unit: Unit::Bytes });
            let transfer = Transfer { client: &self.client, listing, items: &items, counts, progress };
            let wrong = transfer.run()?;
            progress.report(Event::End(""));
            for wrong in &wrong {
                let entry = items[wrong.item].entry;
                let found = &wrong.found;
                if is_second {
                    return Err(HubError::Checksum {
                        path: entry.path.clone(),
                        found: found.clone(),
                        expected: entry.checksum.clone(),
                        address: wrong.address.clone(),
                    });
                }
                let sentence = format!("{}: it is fetched once more", entry.checksum.unlike(&entry.path, found));
                progress.report(Event::Note(&sentence));
            }
            missing = wrong.iter().map(|wrong| missing[wrong.item].clone()).collect();
            is_second = true;
        }
        Ok(())
    }
}

/// Bytes of an entry that an interrupted fetch to `out` has not written.
fn unwritten(entry: &Entry, out: &Path) -> u64 {
    entry.bytes.saturating_sub(partial::allocated(out, entry.checksum.identity()))
}

/// Gives the content of `from` the name `to` as well: as a clone that shares its blocks, a second name, or a copy.
fn copy(from: &Path, to: &Path, entry: &Entry) -> Result<(), HubError> {
    let failed = |source| HubError::File { doing: "write", file: to.to_owned(), source };
    let folder = partial::folder(to);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let partial = Partial::open(to, entry.checksum.identity())?;
    if clone(from, partial.data()).is_err() {
        if second_name(from, &partial.data().with_extension("link"), to).is_ok() {
            partial.discard();
            return Ok(());
        }
        let room = disk::check(folder, entry.bytes).map_err(HubError::from);
        let copied = room.and_then(|()| std::fs::copy(from, partial.data()).map_err(failed));
        copied.inspect_err(|_| partial.discard())?;
        std::fs::File::open(partial.data()).and_then(|file| file.sync_all()).map_err(failed)?;
    }
    Ok(partial.finish(to)?)
}

/// A file of its own that shares its blocks with `from`, where the file system knows that.
#[cfg(target_os = "linux")]
fn clone(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (std::fs::File::open(from)?, std::fs::OpenOptions::new().write(true).open(to)?);
    Ok(rustix::fs::ioctl_ficlone(&to, &from)?)
}

#[cfg(not(target_os = "linux"))]
fn clone(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives the file `from` the name `to` as well, by way of a third one, so that what has that name now is replaced at once.
fn second_name(from: &Path, by_way: &Path, to: &Path) -> io::Result<()> {
    let _ = std::fs::remove_file(by_way);
    std::fs::hard_link(from, by_way)?;
    std::fs::rename(by_way, to)
}
