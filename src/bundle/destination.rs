//! Where a bundle goes: a folder, or an object store, which is asked what it has before anything is compiled. And the signature that a
//! bundle gets, now or later.

use std::path::PathBuf;

use super::assemble::{Assembled, assemble};
use super::error::BundleError;
use super::folder::{self, Built, Bundle, Contents, MANIFEST, MANIFEST_BYTES_MAX};
use super::manifest::Manifest;
use super::origin::{object, signature_object};
use crate::digest::sha256;
use crate::progress::{Event, Progress, Unit};
use crate::signature::Signer;
use crate::storage::{Cause, Limits, Place, StorageError, Store, Version};

/// A place that takes a bundle.
#[derive(Debug)]
pub struct Destination {
    to: To,
    signer: Option<Signer>,
}

#[derive(Debug)]
enum To {
    Folder(PathBuf),
    /// With the manifest that was there when it was asked.
    Store(Box<Store>, Option<Version>),
}

impl Destination {
    /// Asks a place elsewhere what it has: what is there later must be the same, or is another writer's. With `signer`, what is
    /// written is signed before anyone can see it.
    pub fn open(place: &Place, signer: Option<Signer>) -> Result<Destination, BundleError> {
        if place.is_read_only() {
            let (place, doing) = (place.to_string(), "write");
            return Err(StorageError { place, doing, cause: Cause::ReadOnly }.into());
        }
        let to = match place {
            Place::Folder(folder) => To::Folder(folder.clone()),
            Place::Remote(_) => {
                let store = Store::open(place, Limits::PATIENT)?;
                let found = store.get(MANIFEST, MANIFEST_BYTES_MAX)?;
                To::Store(Box::new(store), found.map(|found| found.version))
            }
        };
        Ok(Destination { to, signer })
    }

    /// Writes a bundle of `programs`: a reader finds the old one or this.
    pub fn write(
        self,
        contents: &Contents<'_>,
        programs: &[Built],
        progress: &dyn Progress,
    ) -> Result<Manifest, BundleError> {
        let assembled = assemble(contents, programs)?;
        let signer = self.signer.as_ref();
        let signature = signer.map(|signer| sign(signer, &assembled.manifest, &assembled.json)).transpose()?;
        match &self.to {
            To::Folder(folder) => drop(folder::write(folder, &assembled, signature.as_deref())?),
            To::Store(store, old) => {
                let bytes = assembled.files.iter().map(|file| file.content.len() as u64).sum();
                let what = format!("put the bundle to {}", store.place());
                progress.report(Event::Begin { what: &what, total: Some(bytes), unit: Unit::Bytes });
                let put = put(store, old.as_ref(), &assembled, signature, progress);
                progress.report(Event::End(if put.is_ok() { "" } else { "failed" }));
                put?;
            }
        }
        Ok(assembled.manifest)
    }
}

/// First what the manifest names, last the manifest, if what it replaces is still there.
fn put(
    store: &Store,
    old: Option<&Version>,
    assembled: &Assembled<'_>,
    signature: Option<Vec<u8>>,
    progress: &dyn Progress,
) -> Result<(), BundleError> {
    for file in &assembled.files {
        put_content(store, &object(&file.digest), file.content)?;
        progress.report(Event::Advance(file.content.len() as u64));
    }
    // Under its checksum too, by which a reader knows that it is whole.
    put_content(store, &object(&assembled.digest), &assembled.json)?;
    if let Some(signature) = signature {
        put_signature(store, &assembled.digest, signature)?;
    }
    let is_put = match old {
        None => store.put_new(MANIFEST, assembled.json.clone())?,
        Some(old) => store.replace(MANIFEST, assembled.json.clone(), old)?,
    };
    // Ours may have arrived although its answer did not, and another writer may have made the very same.
    let is_ours = || -> Result<bool, BundleError> {
        let found = store.get(MANIFEST, MANIFEST_BYTES_MAX)?;
        Ok(found.is_some_and(|found| found.bytes == assembled.json))
    };
    match is_put || is_ours()? {
        true => Ok(()),
        false => Err(BundleError::Raced { place: store.place().to_string() }),
    }
}

/// Puts content under the name of its checksum. What is there already is read: only what is not what its name says is replaced.
fn put_content(store: &Store, name: &str, content: &[u8]) -> Result<(), BundleError> {
    if store.put_new(name, content.to_vec())? {
        return Ok(());
    }
    let is_sound = match store.get(name, content.len() as u64) {
        Ok(found) => found.is_some_and(|found| found.bytes == content),
        Err(StorageError { cause: Cause::Large { .. }, .. }) => false,
        Err(error) => return Err(error.into()),
    };
    if is_sound {
        return Ok(());
    }
    log::warn!("`{}/{name}` is not what its name says, and is replaced", store.place());
    put_over(store, name, content.to_vec())
}

fn put_signature(store: &Store, manifest: &str, signature: Vec<u8>) -> Result<(), BundleError> {
    put_over(store, &signature_object(manifest), signature)
}

/// Puts an object whatever is there, unless another writer does so at the same time.
fn put_over(store: &Store, name: &str, content: Vec<u8>) -> Result<(), BundleError> {
    let is_put = match store.version(name)? {
        None => store.put_new(name, content)?,
        Some(old) => store.replace(name, content, &old)?,
    };
    if is_put { Ok(()) } else { Err(BundleError::Raced { place: format!("{}/{name}", store.place()) }) }
}

/// Signs the bundle at `place` after having read all of it. The checksum of the manifest that was signed.
pub fn sign_bundle(
    place: &Place,
    signer: &Signer,
    progress: &'static dyn Progress,
) -> Result<(Manifest, String), BundleError> {
    let bundle = Bundle::open_at(place, None, progress)?;
    bundle.verify()?;
    // The manifest that was checked, whatever stands in its place by now.
    let json = folder::manifest_of(bundle.folder())?;
    if Manifest::parse(&json, bundle.folder())? != *bundle.manifest() {
        return Err(BundleError::Raced { place: place.to_string() });
    }
    let signature = sign(signer, bundle.manifest(), &json)?;
    let digest = sha256(&json);
    match place {
        Place::Folder(folder) => folder::put_signature(folder, &signature)?,
        Place::Remote(_) => put_signature(&Store::open(place, Limits::PATIENT)?, &digest, signature)?,
    }
    Ok((bundle.manifest().clone(), digest))
}

fn sign(signer: &Signer, manifest: &Manifest, json: &[u8]) -> Result<Vec<u8>, BundleError> {
    let comment = format!("precast bundle, {} for {}, key {}", manifest.model, manifest.target, manifest.key().id());
    let line: String = comment.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    Ok(signer.sign(json, &line)?)
}
