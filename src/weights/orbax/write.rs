//! Writing a checkpoint that Orbax restores: zarr of version 2, every array in one chunk as it lies in memory, so that we map it again. The
//! folder has another name until it is whole.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::error::OrbaxError;
use super::metadata::Metadata;
use super::place::{METADATA, UNFINISHED};
use super::values::leads_out;
use super::zarr;
use crate::partial::{folder, is_at, sync_folder};
use crate::weights::header::StoredType;

/// A checkpoint in the making, held by this process alone until it is dropped.
#[derive(Debug)]
pub struct Writer {
    out: PathBuf,
    /// As Orbax itself calls what it has not finished, so that its tools clear it away.
    unfinished: PathBuf,
    arrays: Vec<(String, Vec<usize>)>,
    /// `config.json`. Its lock goes with it.
    _held: File,
}

impl Writer {
    /// Begins the checkpoint `out`, which is a folder without anything in it or not there yet, with this text as its `config.json`.
    ///
    /// Fails if another process is writing it. What an interrupted one left is cleared away.
    pub fn new(out: &Path, config: &str) -> Result<Writer, OrbaxError> {
        let out = out.canonicalize().unwrap_or_else(|_| out.to_owned());
        let is_free = match fs::read_dir(&out) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        let name = out.file_name().filter(|_| is_free).map(ToOwned::to_owned);
        let mut name = name.ok_or_else(|| OrbaxError::Exists { folder: out.clone() })?;
        name.push(UNFINISHED);
        let unfinished = folder(&out).join(name);
        fs::create_dir_all(&unfinished).map_err(writing(&unfinished))?;

        let file = unfinished.join("config.json");
        let mut held =
            OpenOptions::new().create(true).truncate(false).write(true).open(&file).map_err(writing(&file))?;
        let busy = || OrbaxError::Busy { folder: out.clone() };
        match held.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy()),
            Err(TryLockError::Error(source)) => return Err(writing(&file)(source)),
        }
        // Another process may have finished between our opening and our lock, and renamed the folder away from us.
        if !is_at(&held, &file) {
            return Err(busy());
        }
        clear(&unfinished, &file).map_err(writing(&unfinished))?;
        held.set_len(0).and_then(|()| held.write_all(config.as_bytes())).map_err(writing(&file))?;
        held.sync_all().map_err(writing(&file))?;
        Ok(Writer { out, unfinished, arrays: Vec::new(), _held: held })
    }

    /// Adds an array, whose keys in the tree are the parts of `name` between dots. `fill` writes its bytes, little-endian and row-major.
    pub fn array<E: From<OrbaxError>>(
        &mut self,
        name: &str,
        ty: &StoredType,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let place = self.unfinished.join(name);
        // Orbax itself refuses to save arrays without elements.
        let described = zarr::describe(ty).filter(|_| !ty.dims.contains(&0) && !leads_out(name) && !name.contains('/'));
        let text = described.ok_or_else(|| OrbaxError::Element { array: name.to_owned(), ty: ty.clone() })?;
        fs::create_dir(&place).map_err(writing(&place))?;
        write(&place.join(".zarray"), text.as_bytes())?;
        let file = place.join(zarr::only_key(ty));
        let mut out = BufWriter::new(File::create(&file).map_err(writing(&file))?);
        fill(&mut out)?;
        let made = out.into_inner().map_err(|error| writing(&file)(error.into_error()))?;
        let found = made.metadata().map_err(writing(&file))?.len();
        assert_eq!(Some(found as usize), ty.host_bytes(), "array `{name}` is filled");
        made.sync_all().map_err(writing(&file))?;
        sync_folder(&place).map_err(writing(&place))?;
        self.arrays.push((name.to_owned(), ty.dims.clone()));
        Ok(())
    }

    /// Gives the checkpoint its name.
    pub fn finish(self) -> Result<(), OrbaxError> {
        let tree = self.arrays.iter().map(|(name, dims)| (name.split('.').collect(), &dims[..]));
        write(&self.unfinished.join(METADATA), Metadata::write(tree).as_bytes())?;
        // What Orbax does not need to restore, and tools around it look for.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let about = json!({
            "item_handlers": null, "metrics": {}, "performance_metrics": {}, "init_timestamp_nsecs": now,
            "commit_timestamp_nsecs": now, "custom_metadata": {},
        });
        write(&self.unfinished.join("_CHECKPOINT_METADATA"), about.to_string().as_bytes())?;
        write(&self.unfinished.join("commit_success.txt"), b"Written by precast\n")?;
        sync_folder(&self.unfinished).map_err(writing(&self.unfinished))?;
        // Over an empty folder, if there is one.
        fs::rename(&self.unfinished, &self.out).map_err(writing(&self.out))?;
        sync_folder(folder(&self.out)).map_err(writing(&self.out))
    }

    /// Removes what was written.
    pub fn discard(self) {
        let _ = fs::remove_dir_all(&self.unfinished);
    }
}

fn writing(file: &Path) -> impl Fn(io::Error) -> OrbaxError {
    let file = file.to_owned();
    move |source| OrbaxError::Write { file: file.clone(), source }
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), OrbaxError> {
    let mut out = File::create(file).map_err(writing(file))?;
    out.write_all(bytes).and_then(|()| out.sync_all()).map_err(writing(file))
}

/// Removes everything in a folder but one file.
fn clear(folder: &Path, kept: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else if path != kept {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
