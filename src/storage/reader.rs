//! An object on its way here, part by part.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::{Error, GetResult, ObjectMeta};

use super::Version;
use super::error::StorageError;
use super::store::{Store, cause};

/// The rest of an object from where it was asked for.
pub struct Reader {
    store: Store,
    name: String,
    meta: ObjectMeta,
    parts: BoxStream<'static, Result<Vec<u8>, Error>>,
}

impl Reader {
    pub(super) fn new(store: Store, name: &str, result: GetResult) -> Reader {
        let meta = result.meta.clone();
        let parts = result.into_stream().map(|part| part.map(Vec::from)).boxed();
        Reader { store, name: name.to_owned(), meta, parts }
    }

    /// Of the whole object.
    pub fn bytes(&self) -> u64 {
        self.meta.size
    }

    pub fn version(&self) -> Version {
        Version { etag: self.meta.e_tag.clone(), generation: self.meta.version.clone() }
    }

    /// The next bytes; none at the end. What is cut is asked for again where it was cut, as long as it is the same object.
    pub fn part(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        match self.store.wait("read", &self.name, self.parts.next())? {
            None => Ok(None),
            Some(Ok(part)) => Ok(Some(part)),
            Some(Err(error)) => Err(self.store.failed("read", &self.name, cause(&error))),
        }
    }
}
