//! Opening a packed file, and the bytes of its weights where they lie in the map.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hlo::ElementType;
use sha2::{Digest, Sha256};

use super::error::PackedError;
use super::manifest::{FORMAT, Manifest};
use super::slots::{Slot, slots};
use super::{KEY, PADDING};
use crate::config::Config;
use crate::digest::hex;
use crate::plan::{Plan, Precision, Strategy};
use crate::progress::{Event, Progress, Unit};
use crate::target::Target;
use crate::weights::header::{Entry, Header};
use crate::weights::map::{Map, MappedBytes};

/// A mapped file whose header and manifest are good. Checksums are compared by [`Packed::verify`], not at opening.
#[derive(Debug)]
pub struct Packed {
    map: Arc<Map>,
    config: Config,
    manifest: Manifest,
    tensors: BTreeMap<String, Entry>,
}

/// The weights of a packed file for one plan: exactly those that its programs take.
pub(in crate::weights) struct Fitted<'a> {
    packed: &'a Packed,
    pub(in crate::weights) slots: BTreeMap<String, Slot>,
}

impl Packed {
    /// Reads header and manifest, which takes milliseconds. A model that is none of the published ones is called as the file is.
    pub fn open(file: &Path) -> Result<Packed, PackedError> {
        let named = || PathBuf::from(file);
        let map = Map::open(file).map_err(|source| PackedError::File { doing: "read", file: named(), source })?;
        let header = Header::parse(map.bytes())
            .map_err(|problem| PackedError::Header { file: named(), problem: Box::new(problem) })?;
        let text = header.metadata.get(KEY).ok_or_else(|| PackedError::NotPacked { file: named() })?;
        let unsound = |problem: String| PackedError::Manifest { file: named(), problem };
        let value: serde_json::Value = serde_json::from_str(text).map_err(|error| unsound(error.to_string()))?;
        match value["format"].as_u64() {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(found) => return Err(PackedError::Format { file: named(), found, expected: FORMAT }),
            None => return Err(unsound("it tells no format".to_owned())),
        }
        let manifest: Manifest = serde_json::from_value(value).map_err(|error| unsound(error.to_string()))?;
        let name = file.file_stem().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned());
        let config = Config::from_json(&manifest.config.to_string())?;
        let config = if Config::named(&config.name).is_some() { config } else { Config { name, ..config } };
        if let Some(missing) = manifest.tensors.iter().find(|tensor| !header.tensors.contains_key(&tensor.name)) {
            return Err(unsound(format!("it lists tensor `{}`, which is not there", missing.name)));
        }
        let mut tensors = header.tensors;
        tensors.retain(|name, _| !name.starts_with(PADDING));
        if tensors.len() != manifest.tensors.len() {
            let listed = manifest.tensors.len();
            return Err(unsound(format!("it lists {listed} tensors, the header has {}", tensors.len())));
        }
        Ok(Packed { map, config, manifest, tensors })
    }

    pub fn file(&self) -> &Path {
        self.map.path()
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Of the whole file.
    pub fn bytes(&self) -> u64 {
        self.map.bytes().len() as u64
    }

    /// Where the bytes of a tensor are in the file, if there is one of this name.
    pub fn tensor_bytes(&self, name: &str) -> Option<u64> {
        self.tensors.get(name).map(|entry| entry.bytes.len() as u64)
    }

    /// Compares every tensor with its checksum; reads the whole file.
    pub fn verify(&self, progress: &dyn Progress) -> Result<(), PackedError> {
        use rayon::prelude::*;
        progress.report(Event::Begin { what: "verify", total: Some(self.bytes()), unit: Unit::Bytes });
        let check = |tensor: &super::TensorEntry| {
            let bytes = &self.map.bytes()[self.tensors[&tensor.name].bytes.clone()];
            let mut digest = Sha256::new();
            for piece in bytes.chunks(1 << 22) {
                digest.update(piece);
                progress.report(Event::Advance(piece.len() as u64));
            }
            let found = hex(&digest.finalize());
            if found == tensor.sha256 {
                return Ok(());
            }
            let (tensor, expected) = (tensor.name.clone(), tensor.sha256.clone());
            Err(PackedError::Checksum { tensor, file: self.file().to_owned(), found, expected })
        };
        self.manifest.tensors.par_iter().map(check).find_map_first(Result::err).map_or(Ok(()), Err)?;
        progress.report(Event::End(""));
        Ok(())
    }

    /// Reads the whole file into the system's cache, in the background: in order, which a disk does several times as fast as in the order
    /// in which a model first touches its experts. Whatever is read already costs nothing.
    pub fn read_ahead(&self) {
        let map = self.map.clone();
        // Without it pages come when they are touched.
        let _ = std::thread::Builder::new().name("read ahead".to_owned()).spawn(move || map.read_ahead());
    }

    /// A plan that takes these weights, of the smallest sizes.
    pub fn plan(&self) -> Result<Plan, PackedError> {
        let Manifest { target, weights, dense, .. } = &self.manifest;
        let unknown = || PackedError::Target { file: self.file().to_owned(), target: target.clone() };
        let known = Target::named(target).map_err(|_| unknown())?;
        let precision = |name: &str| {
            let problem = format!("it tells of weights in `{name}`");
            Precision::named(name).ok_or(PackedError::Manifest { file: self.file().to_owned(), problem })
        };
        let compute =
            if self.manifest.compute == ElementType::F32.to_string() { ElementType::F32 } else { ElementType::Bf16 };
        let strategy = Strategy { experts: precision(weights)?, dense: precision(dense)?, ..Strategy::plain(compute) };
        Ok(Plan::new(&known, strategy, 1))
    }

    /// The weights as `plan` has them. Fails if they were packed for another target or strategy.
    pub(in crate::weights) fn fitted(&self, plan: &Plan) -> Result<Fitted<'_>, PackedError> {
        let devices = |count: usize| if count == 1 { "one device".to_owned() } else { format!("{count} devices") };
        if !self.manifest.is_for(plan.strategy, plan.devices) {
            let asked = plan.strategy;
            return Err(PackedError::Other {
                file: self.file().to_owned(),
                target: self.manifest.target.clone(),
                devices: devices(self.manifest.devices),
                packed: self.manifest.storage(),
                asked: format!("{} experts, {} else on {}", asked.experts, asked.dense, devices(plan.devices)),
            });
        }
        let slots = slots(&self.config, plan)?;
        for slot in &slots {
            let expected = || format!("{} in parts of {}", slot.weight.ty, slot.stored);
            let listed = self.manifest.tensors.iter().find(|tensor| tensor.name == slot.weight.name);
            let found = self.tensors.get(&slot.weight.name).zip(listed);
            let is_same = found.is_some_and(|(entry, listed)| {
                (&entry.ty, &listed.ty, &listed.sharding)
                    == (&slot.stored, &slot.weight.ty.to_string(), &slot.weight.sharding.words())
            });
            if !is_same {
                return Err(PackedError::Weight {
                    weight: slot.weight.name.clone(),
                    found: found.map_or("missing".to_owned(), |(entry, listed)| {
                        format!("{} in parts of {}", listed.ty, entry.ty)
                    }),
                    expected: expected(),
                    file: self.file().to_owned(),
                });
            }
        }
        let slots = slots.into_iter().map(|slot| (slot.weight.name.clone(), slot)).collect();
        Ok(Fitted { packed: self, slots })
    }
}

impl Fitted<'_> {
    pub fn file(&self) -> &Path {
        self.packed.file()
    }

    /// The bytes of part number `part` of a weight, as the file has them: two codes of four bits share a byte.
    pub fn part(&self, slot: &Slot, part: usize) -> Option<MappedBytes> {
        let all = &self.packed.tensors.get(&slot.weight.name)?.bytes;
        let start = all.start + part * slot.part_bytes();
        MappedBytes::new(&self.packed.map, start..start + slot.part_bytes())
    }
}
