//! The built-in model: unpacked once into the user's cache folder, under a name that its checksum gives.

use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::failure::Failure;
use crate::bundle::Cache;

const ARCHIVE: &[u8] = include_bytes!("../../demo/gpt-oss-demo.zip");

/// The folder that holds the built-in model. Whatever stands there is whole: it was renamed into place.
pub fn folder() -> Result<PathBuf, Failure> {
    let cache = Cache::default_root().ok_or_else(|| {
        Failure::new("the built-in model has no place: neither `PRECAST_CACHE_DIR` nor `HOME` says where its folder is")
    })?;
    unpack(ARCHIVE, &cache.join("models"))
}

fn unpack(archive: &[u8], models: &Path) -> Result<PathBuf, Failure> {
    let checksum = format!("{:x}", Sha256::digest(archive));
    // The folder's name is the model's, so the checksum stands above it.
    let parent = models.join(&checksum[..16]);
    let place = parent.join("gpt-oss-demo");
    if place.is_dir() {
        return Ok(place);
    }
    fs::create_dir_all(&parent).map_err(|error| Failure::file("create", &parent, &error))?;
    let unfinished = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(&parent);
    let unfinished = unfinished.map_err(|error| Failure::file("create a folder in", &parent, &error))?;
    let broken = |error: zip::result::ZipError| Failure::new("the built-in model cannot be unpacked").because(error);
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).map_err(broken)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken)?;
        let Some(name) = entry.enclosed_name().and_then(|path| path.file_name().map(PathBuf::from)) else { continue };
        if entry.is_dir() {
            continue;
        }
        let path = unfinished.path().join(name);
        let unwritten = |error: std::io::Error| Failure::file("write", &path, &error);
        let mut file = File::create(&path).map_err(unwritten)?;
        std::io::copy(&mut entry, &mut file).map_err(unwritten)?;
        file.sync_all().map_err(unwritten)?;
    }
    let unfinished = unfinished.keep();
    if let Err(error) = fs::rename(&unfinished, &place) {
        let _ = fs::remove_dir_all(&unfinished);
        // Another process was first, and what it put there is the same.
        if !place.is_dir() {
            return Err(Failure::file("create", &place, &error));
        }
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacking_twice_gives_one_whole_folder() {
        let models = tempfile::tempdir().unwrap();
        let [first, second] = [(); 2].map(|()| unpack(ARCHIVE, models.path()).unwrap_or_else(|_| panic!("unpacks")));
        assert_eq!(first, second);
        assert!(first.join("config.json").is_file());
        assert_eq!(fs::read_dir(first.parent().unwrap()).unwrap().count(), 1);
    }
}
