//! A store at a place: what it is made of, and what can be asked of it.

use std::fmt;
use std::future::Future;
use std::path::Path as File;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientConfigKey, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
    RetryConfig, UpdateVersion,
};
use tokio::runtime::Runtime;

use super::error::{Cause, StorageError};
use super::place::{Address, Place, Scheme};
use super::reader::Reader;
use super::{Limits, Object, Version};

/// Objects below one place.
#[derive(Clone)]
pub struct Store {
    place: Place,
    prefix: Path,
    limits: Limits,
    /// Waits for every byte of an answer.
    reads: Arc<dyn ObjectStore>,
    /// Waits for an answer as a whole, which comes when all is sent.
    writes: Arc<dyn ObjectStore>,
}

/// No request takes longer; what it may take is bounded otherwise.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Bytes a second that a connection has at least.
const SLOWEST: u64 = 256 << 10;

/// Where requests are worked on while somebody waits for them.
static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    // Whoever makes a client of TLS next takes what is set here: ring, which the hub's client has as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("storage").enable_all().build()
});

impl Store {
    /// The store at `place`. Asks nothing of it yet, but a folder is created if it is absent.
    pub fn open(place: &Place, limits: Limits) -> Result<Store, StorageError> {
        let failed = |cause| StorageError { place: place.to_string(), doing: "use", cause };
        if let Err(error) = &*RUNTIME {
            return Err(failed(Cause::Failed(error.to_string())));
        }
        let of = |error: Error| failed(cause(&error));
        let (prefix, reads, writes) = match place {
            Place::Folder(folder) => {
                let store = folder_store(folder).map_err(|error| failed(Cause::Failed(error.to_string())))?;
                (Path::default(), store.clone(), store)
            }
            Place::Remote(address) => {
                let prefix = match address.scheme {
                    Scheme::S3 | Scheme::Gs => Path::from_url_path(&address.path),
                    Scheme::Http | Scheme::Https => Ok(Path::default()),
                };
                let prefix = prefix.map_err(|error| failed(Cause::Name(error.to_string())))?;
                let build = |silence| build(address, limits, silence).map_err(of);
                (prefix, build(limits.read)?, build(LONGEST)?)
            }
        };
        Ok(Store { place: place.clone(), prefix, limits, reads, writes })
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The object `name`; none if there is no such object. Fails if it has more than `most` bytes.
    pub fn get(&self, name: &str, most: u64) -> Result<Option<Object>, StorageError> {
        let Some(mut reader) = self.read(name, 0)? else { return Ok(None) };
        if reader.bytes() > most {
            return Err(self.failed("read", name, Cause::Large { bytes: reader.bytes(), most }));
        }
        let (began, patience) = (Instant::now(), self.patience(reader.bytes()));
        let mut bytes = Vec::new();
        while let Some(part) = reader.part()? {
            bytes.extend_from_slice(&part);
            if began.elapsed() > patience {
                let words = format!("it has not given it within {} s", patience.as_secs());
                return Err(self.failed("read", name, Cause::Failed(words)));
            }
            if bytes.len() as u64 > most {
                return Err(self.failed("read", name, Cause::Large { bytes: bytes.len() as u64, most }));
            }
        }
        Ok(Some(Object { bytes, version: reader.version() }))
    }

    /// The version of object `name`; none if there is no such object.
    pub fn version(&self, name: &str) -> Result<Option<Version>, StorageError> {
        match self.wait("read", name, self.reads.head(&self.path(name)))? {
            Ok(meta) => Ok(Some(Version { etag: meta.e_tag, generation: meta.version })),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", name, cause(&error))),
        }
    }

    /// The bytes of object `name` from `from` on, part by part; none if there is no such object.
    pub fn read(&self, name: &str, from: u64) -> Result<Option<Reader>, StorageError> {
        let range = (from > 0).then_some(GetRange::Offset(from));
        let options = GetOptions { range, ..GetOptions::default() };
        match self.wait("read", name, self.reads.get_opts(&self.path(name), options))? {
            Ok(result) => Ok(Some(Reader::new(self.clone(), name, result))),
            Err(error) => match cause(&error) {
                // A bucket that is not there is a mistake, an object that is not there is none.
                cause @ Cause::NoBucket(_) => Err(self.failed("read", name, cause)),
                _ if matches!(error, Error::NotFound { .. }) => Ok(None),
                cause => Err(self.failed("read", name, cause)),
            },
        }
    }

    /// Puts an object where there is none. False if there is one.
    pub fn put_new(&self, name: &str, bytes: Vec<u8>) -> Result<bool, StorageError> {
        self.put(name, bytes, PutMode::Create)
    }

    /// Puts an object in the place of another, if that is still of this version. False if it is not.
    pub fn replace(&self, name: &str, bytes: Vec<u8>, version: &Version) -> Result<bool, StorageError> {
        if let Place::Folder(_) = self.place {
            // A file system has no such condition: what another writer does in between is lost.
            return match self.version(name)? {
                Some(found) if found == *version => self.put(name, bytes, PutMode::Overwrite),
                _ => Ok(false),
            };
        }
        let version = UpdateVersion { e_tag: version.etag.clone(), version: version.generation.clone() };
        self.put(name, bytes, PutMode::Update(version))
    }

    fn put(&self, name: &str, bytes: Vec<u8>, mode: PutMode) -> Result<bool, StorageError> {
        if self.place.is_read_only() {
            return Err(self.failed("write", name, Cause::ReadOnly));
        }
        let patience = self.patience(bytes.len() as u64);
        let path = self.path(name);
        let put = async {
            let put = self.writes.put_opts(&path, PutPayload::from(bytes), mode.into());
            tokio::time::timeout(patience, put).await
        };
        match self.wait("write", name, put)? {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(Error::AlreadyExists { .. } | Error::Precondition { .. })) => Ok(false),
            Ok(Err(error)) => Err(self.failed("write", name, cause(&error))),
            Err(_) => {
                let words = format!("it has not taken it within {} s", patience.as_secs());
                Err(self.failed("write", name, Cause::Failed(words)))
            }
        }
    }

    pub(super) fn wait<F: Future>(&self, doing: &'static str, name: &str, work: F) -> Result<F::Output, StorageError> {
        match &*RUNTIME {
            Ok(runtime) => Ok(runtime.block_on(work)),
            Err(error) => Err(self.failed(doing, name, Cause::Failed(error.to_string()))),
        }
    }

    pub(super) fn failed(&self, doing: &'static str, name: &str, cause: Cause) -> StorageError {
        StorageError { place: format!("{}/{name}", self.place.to_string().trim_end_matches('/')), doing, cause }
    }

    /// A store may take long over much, and none may take for ever.
    fn patience(&self, bytes: u64) -> Duration {
        self.limits.whole + Duration::from_secs(bytes / SLOWEST)
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.parts().chain(Path::from(name).parts()).collect()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Store({})", self.place)
    }
}

fn folder_store(folder: &File) -> Result<Arc<dyn ObjectStore>, Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?))
}

/// `silence` is how long a request may be without a byte of its answer.
fn build(address: &Address, limits: Limits, silence: Duration) -> Result<Arc<dyn ObjectStore>, Error> {
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: limits.retries,
        retry_timeout: limits.retry,
    };
    let seconds = |time: Duration| format!("{} seconds", time.as_secs());
    let client = [
        (ClientConfigKey::ConnectTimeout, seconds(limits.connect)),
        (ClientConfigKey::Timeout, seconds(LONGEST)),
        (ClientConfigKey::ReadTimeout, seconds(silence)),
    ];
    let url = address.to_string();
    Ok(match address.scheme {
        Scheme::S3 => {
            let builder = AmazonS3Builder::from_env().with_url(url);
            let set =
                |builder: AmazonS3Builder, (key, value)| builder.with_config(AmazonS3ConfigKey::Client(key), value);
            let builder = client.into_iter().fold(builder, set);
            // Where no credentials are set, the machine is asked for its own, which it has at once or not at all.
            let asking = RetryConfig { max_retries: 1, ..retry.clone() };
            let credentials = builder.clone().with_retry(asking).build()?.credentials().clone();
            Arc::new(builder.with_retry(retry).with_credentials(credentials).build()?)
        }
        Scheme::Gs => {
            let builder = GoogleCloudStorageBuilder::from_env().with_url(url).with_retry(retry);
            let set = |builder: GoogleCloudStorageBuilder, (key, value)| {
                builder.with_config(GoogleConfigKey::Client(key), value)
            };
            Arc::new(client.into_iter().fold(builder, set).build()?)
        }
        Scheme::Http | Scheme::Https => {
            let builder = HttpBuilder::new().with_url(url).with_retry(retry);
            // Whoever writes `http` means it.
            let builder = builder.with_config(ClientConfigKey::AllowHttp, "true");
            let set = |builder: HttpBuilder, (key, value)| builder.with_config(key, value);
            Arc::new(client.into_iter().fold(builder, set).build()?)
        }
    })
}

/// Why `error` happened: a store's own words, or the innermost cause, none of which names more than the place does.
pub(super) fn cause(error: &Error) -> Cause {
    let whole = error.to_string();
    let element = |name: &str| {
        let (_, rest) = whole.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(shortened(text))
    };
    // Where machines ask for the credentials of the role that they have, before anything else is asked.
    let asks_for_role = ["169.254.169.254", "metadata.google.internal", "169.254.170.2"];
    if asks_for_role.iter().any(|host| whole.contains(host)) {
        return Cause::Credentials("no credentials are set, and this machine has none of its own".to_owned());
    }
    let status = whole.split_once("non-2xx status code: ").map(|(_, rest)| rest.split(':').next().unwrap_or_default());
    let words = match (status, element("Code"), element("Message")) {
        (_, Some(code), Some(message)) => format!("it answers {code}: {message}"),
        (Some(status), _, _) => format!("it answers {}", shortened(status)),
        _ => shortened(&innermost(error)),
    };
    match element("Code").as_deref() {
        Some("NoSuchBucket") => return Cause::NoBucket(words),
        Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken") => {
            return Cause::Credentials(words);
        }
        _ => {}
    }
    match error {
        Error::Unauthenticated { .. } => Cause::Credentials(words),
        Error::PermissionDenied { .. } => Cause::Denied(words),
        _ => Cause::Failed(words),
    }
}

fn innermost(error: &Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// On one line, and short enough to read.
fn shortened(text: &str) -> String {
    text.trim().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(200).collect()
}
