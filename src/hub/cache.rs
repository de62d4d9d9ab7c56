//! The hub's cache as all its tools share it: contents by checksum in `blobs`, names in `snapshots`, branches and tags in `refs`.

use std::io;
use std::path::{Path, PathBuf};

use super::checksum::Checksum;
use super::error::HubError;
use super::listing::{Entry, Listing, is_commit};
use super::repository::Repository;

/// A folder of repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    pub fn new(root: PathBuf) -> Cache {
        Cache { root }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The content with this checksum, whether it is there or not.
    pub fn blob(&self, repository: &Repository, checksum: &Checksum) -> PathBuf {
        self.folder(repository).join("blobs").join(checksum.digits())
    }

    /// The files of a commit by their names, whether they are there or not.
    pub fn snapshot(&self, repository: &Repository, commit: &str) -> PathBuf {
        self.folder(repository).join("snapshots").join(commit)
    }

    /// The content of an entry, if something of its size is there.
    pub fn find(&self, repository: &Repository, entry: &Entry) -> Option<PathBuf> {
        let blob = self.blob(repository, &entry.checksum);
        is_of_size(&blob, entry.bytes).then_some(blob)
    }

    /// Gives the content of `entry`, which is in `blobs`, its name in the snapshot of `commit`.
    pub fn link(&self, repository: &Repository, commit: &str, entry: &Entry) -> Result<(), HubError> {
        let name = self.snapshot(repository, commit).join(&entry.path);
        let failed = |source| HubError::File { doing: "write", file: name.clone(), source };
        let depth = entry.path.split('/').count() + 1;
        let blob = PathBuf::from("../".repeat(depth)).join("blobs").join(entry.checksum.digits());
        if std::fs::read_link(&name).is_ok_and(|found| found == blob) {
            return Ok(());
        }
        std::fs::create_dir_all(name.parent().unwrap_or(&name)).map_err(failed)?;
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        link(&blob, &name, &self.blob(repository, &entry.checksum)).map_err(failed)
    }

    /// Notes that `revision` is `commit`; a commit is so without.
    pub fn name_commit(&self, repository: &Repository, revision: &str, commit: &str) -> Result<(), HubError> {
        let name = self.reference(repository, revision);
        if revision == commit || std::fs::read_to_string(&name).is_ok_and(|found| found == commit) {
            return Ok(());
        }
        let failed = |source| HubError::File { doing: "write", file: name.clone(), source };
        let folder = name.parent().unwrap_or(&name);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let temporary = folder.join(format!(".{}", std::process::id()));
        std::fs::write(&temporary, commit).and_then(|()| std::fs::rename(&temporary, &name)).map_err(failed)
    }

    /// The commit that a revision was when it was fetched last; none if it never was.
    pub fn commit(&self, repository: &Repository, revision: &str) -> Option<String> {
        let sound = revision.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let named = sound.then(|| std::fs::read_to_string(self.reference(repository, revision)).ok()).flatten();
        let commit = named.map_or_else(|| revision.to_owned(), |commit| commit.trim().to_owned());
        is_commit(&commit).then_some(commit)
    }

    /// The error that it has nothing of a revision.
    pub fn absent(&self, repository: &Repository, revision: &str) -> HubError {
        let (repository, revision) = (repository.to_string(), revision.to_owned());
        HubError::NotCached { repository, revision, cache: self.root.clone() }
    }

    /// What the cache holds of a revision, which may be less than the hub does.
    pub fn listing(&self, repository: &Repository, revision: &str) -> Result<Listing, HubError> {
        let missing = || self.absent(repository, revision);
        let commit = self.commit(repository, revision).ok_or_else(missing)?;
        let folder = self.snapshot(repository, &commit);
        let mut names = Vec::new();
        collect(&folder, "", &mut names).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => HubError::File { doing: "read", file: folder.clone(), source },
        })?;
        names.sort();
        let entry = |path: String| {
            let name = folder.join(&path);
            let failed = |source| HubError::File { doing: "read", file: name.clone(), source };
            let bytes = name.metadata().map_err(failed)?.len();
            let target = std::fs::read_link(&name).map_err(failed)?;
            let digits = target.file_name().and_then(|digits| digits.to_str()).unwrap_or_default();
            let checksum = Checksum::of_digits(digits)
                .ok_or_else(|| failed(io::Error::other(format!("it is a link to `{digits}`, which is no checksum"))))?;
            Entry::new(&path, bytes, checksum)
        };
        let entries = names.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Listing { repository: repository.clone(), revision: revision.to_owned(), commit, entries })
    }

    fn folder(&self, repository: &Repository) -> PathBuf {
        self.root.join(repository.folder())
    }

    fn reference(&self, repository: &Repository, revision: &str) -> PathBuf {
        self.folder(repository).join("refs").join(revision)
    }
}

/// Whether there is a file of so many bytes.
pub(super) fn is_of_size(file: &Path, bytes: u64) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.len() == bytes)
}

/// The paths of all files below `folder`; hidden partial ones are never in a snapshot.
fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| io::Error::other("a name is not UTF-8"))?;
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), names)?;
        } else {
            names.push(path);
        }
    }
    Ok(())
}

/// Makes `name` a link to `relative`, which is `blob`.
#[cfg(unix)]
fn link(relative: &Path, name: &Path, _blob: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(relative, name)
}

/// Links of this kind need rights there: the content itself gets a second name.
#[cfg(not(unix))]
fn link(_relative: &Path, name: &Path, blob: &Path) -> io::Result<()> {
    std::fs::hard_link(blob, name)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_listed_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path().to_owned());
        let repository: Repository = "ada/small".parse().expect("a repository");
        let commit = "c".repeat(40);
        let missing = cache.listing(&repository, "main").expect_err("nothing is there").to_string();
        assert!(missing.contains("does not hold `ada/small` at `main`"), "{missing}");
        let checksum = Checksum::of_digits(&"d".repeat(64)).expect("a checksum");
        let entry = Entry::new("original/deep/a.bin", 5, checksum).expect("an entry");
        let blob = cache.blob(&repository, &entry.checksum);
        std::fs::create_dir_all(blob.parent().expect("a folder")).expect("a folder");
        assert_eq!(cache.find(&repository, &entry), None);
        std::fs::write(&blob, "hello").expect("a file");
        assert_eq!(cache.find(&repository, &entry), Some(blob));
        for _ in 0..2 {
            cache.link(&repository, &commit, &entry).expect("a link");
            cache.name_commit(&repository, "refs/pr/1", &commit).expect("a reference");
        }
        let name = cache.snapshot(&repository, &commit).join(&entry.path);
        assert_eq!(std::fs::read_to_string(name).expect("the link leads to it"), "hello");
        for revision in ["refs/pr/1", &commit] {
            let listing = cache.listing(&repository, revision).expect("a listing");
            assert_eq!((listing.commit, listing.entries), (commit.clone(), vec![entry.clone()]));
        }
        assert!(cache.listing(&repository, "../../etc").is_err());
    }
}
