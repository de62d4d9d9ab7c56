//! What stands in for stores in a build without the feature `remote`: none can be opened, so none is there to be asked.

use super::error::{Cause, StorageError};
use super::{Limits, Object, Place, Version};

/// Nothing has this type.
#[derive(Clone, Debug)]
pub enum Store {}

/// Nothing has this type.
#[derive(Debug)]
pub enum Reader {}

impl Store {
    /// Fails, and names the feature.
    pub fn open(place: &Place, _: Limits) -> Result<Store, StorageError> {
        Err(StorageError { place: place.to_string(), doing: "use", cause: Cause::Feature })
    }

    pub fn place(&self) -> &Place {
        match *self {}
    }

    pub fn get(&self, _: &str, _: u64) -> Result<Option<Object>, StorageError> {
        match *self {}
    }

    pub fn version(&self, _: &str) -> Result<Option<Version>, StorageError> {
        match *self {}
    }

    pub fn read(&self, _: &str, _: u64) -> Result<Option<Reader>, StorageError> {
        match *self {}
    }

    pub fn put_new(&self, _: &str, _: Vec<u8>) -> Result<bool, StorageError> {
        match *self {}
    }

    pub fn replace(&self, _: &str, _: Vec<u8>, _: &Version) -> Result<bool, StorageError> {
        match *self {}
    }
}

impl Reader {
    pub fn bytes(&self) -> u64 {
        match *self {}
    }

    pub fn part(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        match *self {}
    }
}
