//! Places that a URL names: objects are read, put where nothing is, and replaced if they are still what they were. A blocking face over
//! the crate `object_store`; knows bytes and names, and not what they are.
//!
//! Credentials come from the environment (`AWS_…`, `GOOGLE_…`) and are in no message. `http` and `https` are only read.

#[cfg(not(feature = "remote"))]
mod absent;
mod error;
mod place;
#[cfg(feature = "remote")]
mod reader;
#[cfg(feature = "remote")]
mod store;

#[cfg(not(feature = "remote"))]
pub use absent::{Reader, Store};
pub use error::{Cause, StorageError};
pub use place::Place;
#[cfg(feature = "remote")]
pub use reader::Reader;
#[cfg(feature = "remote")]
pub use store::Store;

use std::time::Duration;

/// How long a store is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// Without a new byte.
    pub read: Duration,
    /// From the first try of a request until it is not tried again.
    pub retry: Duration,
    pub retries: usize,
    /// For an object as a whole, beside the time that its bytes take on a slow connection.
    pub whole: Duration,
}

impl Limits {
    /// For what can be had otherwise: a hanging store costs ten seconds.
    pub const PASSING: Limits = Limits {
        connect: Duration::from_secs(5),
        read: Duration::from_secs(10),
        retry: Duration::from_secs(10),
        retries: 2,
        whole: Duration::from_secs(15),
    };

    /// For what was asked for and is nowhere else.
    pub const PATIENT: Limits = Limits {
        connect: Duration::from_secs(10),
        read: Duration::from_secs(30),
        retry: Duration::from_secs(60),
        retries: 6,
        whole: Duration::from_secs(120),
    };
}

/// Which of the contents that an object has had; told by its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub(crate) etag: Option<String>,
    pub(crate) generation: Option<String>,
}

/// An object as it was when it was read.
#[derive(Clone, Debug)]
pub struct Object {
    pub bytes: Vec<u8>,
    pub version: Version,
}
