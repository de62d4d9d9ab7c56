//! Detached signatures in minisign's format, and the two halves of a key. Knows bytes, and not what they are; the tools `minisign` and
//! `rsign` read what is written here, and write what is read here.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use minisign::{KeyPair, PublicKey, PublicKeyBox, SecretKey, SecretKeyBox, SignatureBox};
use minisign_verify::Signature;

/// What ends the name of a signature, after the name of what is signed.
pub const END: &str = ".minisig";

/// A signature is some 300 bytes; a comment may make it longer.
pub const BYTES_MAX: u64 = 8 << 10;

/// What ends the name of a public key, after the name of its secret half.
const PUBLIC_END: &str = ".pub";

/// A public key: what is signed by its secret half is believed.
#[derive(Clone)]
pub struct Trust {
    key: minisign_verify::PublicKey,
    id: String,
    text: String,
}

/// A secret key, decrypted.
#[derive(Clone)]
pub struct Signer {
    key: SecretKey,
}

/// Why a key cannot be had or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("`{text}` is neither a file nor a public key: {problem}")]
    Public { text: String, problem: String },
    #[error("`{}` holds no {half} key: {problem}", file.display())]
    Content { file: PathBuf, half: &'static str, problem: String },
    #[error("key in `{}` is not opened: {problem}", file.display())]
    Password { file: PathBuf, problem: String },
    #[error("cannot {doing} `{}`: {source}", file.display())]
    File { doing: &'static str, file: PathBuf, source: io::Error },
    #[error("cannot make a key: {problem}")]
    Make { problem: String },
}

/// Why a signature is not believed: a clause that reads on after the name of what is signed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistrust {
    #[error("is not signed")]
    Unsigned,
    #[error("is signed by key {found}, expected {expected}")]
    OtherKey { found: String, expected: String },
    #[error("is not what key {key} has signed")]
    Forged { key: String },
    #[error("has a signature that cannot be read: {problem}")]
    Unreadable { problem: String },
}

impl Trust {
    /// The key that `text` is, or that the file of this name holds.
    pub fn named(text: &str) -> Result<Trust, KeyError> {
        let file = Path::new(text);
        if !file.exists() {
            let failed = |problem| KeyError::Public { text: text.to_owned(), problem };
            let key = PublicKey::from_base64(text.trim()).map_err(|error| told(&error));
            return key.and_then(|key| Trust::of(&key)).map_err(failed);
        }
        let content = read(file)?;
        let key = PublicKeyBox::from_string(&content).and_then(PublicKeyBox::into_public_key);
        let failed = |problem| KeyError::Content { file: file.to_owned(), half: "public", problem };
        key.map_err(|error| told(&error)).and_then(|key| Trust::of(&key)).map_err(failed)
    }

    fn of(key: &PublicKey) -> Result<Trust, String> {
        let text = key.to_base64();
        let checking = minisign_verify::PublicKey::from_base64(&text).map_err(|error| error.to_string())?;
        Ok(Trust { key: checking, id: id(key.keynum()), text })
    }

    /// The key's number as minisign shows it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as it can be typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Refuses `content` unless `signature` is this key's and of every byte of it.
    pub fn check(&self, content: &[u8], signature: &[u8]) -> Result<(), Mistrust> {
        let unreadable = |problem: String| Mistrust::Unreadable { problem };
        let text = std::str::from_utf8(signature).map_err(|error| unreadable(error.to_string()))?;
        let signature = Signature::decode(text).map_err(|error| unreadable(error.to_string()))?;
        let legacy = false;
        match self.key.verify(content, &signature, legacy) {
            Ok(()) => Ok(()),
            Err(minisign_verify::Error::UnexpectedKeyId) => {
                let made = SignatureBox::from_string(text).map_err(|error| unreadable(told(&error)))?;
                Err(Mistrust::OtherKey { found: id(made.keynum()), expected: self.id.clone() })
            }
            Err(minisign_verify::Error::UnexpectedAlgorithm) => {
                Err(unreadable("it is of a kind that is no longer made".to_owned()))
            }
            Err(_) => Err(Mistrust::Forged { key: self.id.clone() }),
        }
    }
}

impl Signer {
    /// The secret key in `file`. `password` is asked for one if the key has one.
    pub fn read(file: &Path, password: impl FnOnce() -> io::Result<String>) -> Result<Signer, KeyError> {
        let content = || read(file).map(SecretKeyBox::from);
        let plain = content()?.into_unencrypted_secret_key();
        let problem = match plain {
            Ok(key) => return Ok(Signer { key }),
            Err(error) => told(&error),
        };
        // The one thing that only an encrypted key is told.
        if !problem.contains("encrypted") {
            return Err(KeyError::Content { file: file.to_owned(), half: "secret", problem });
        }
        let refused = |problem| KeyError::Password { file: file.to_owned(), problem };
        let password = password().map_err(|error| refused(error.to_string()))?;
        match content()?.into_secret_key(Some(password)) {
            Ok(key) => Ok(Signer { key }),
            Err(error) => Err(refused(told(&error))),
        }
    }

    /// Makes a key: the secret half in `file`, for its owner alone, and the public half in `file` with `.pub` after it. Neither may be
    /// there before.
    pub fn make(file: &Path, password: Option<String>) -> Result<(Signer, PathBuf), KeyError> {
        let failed = |problem: minisign::PError| KeyError::Make { problem: told(&problem) };
        let KeyPair { pk, sk } = KeyPair::generate_unencrypted_keypair().map_err(failed)?;
        let KeyPair { pk, sk: stored } = match password {
            Some(password) => KeyPair::generate_encrypted_keypair(Some(password)).map_err(failed)?,
            None => KeyPair { pk, sk },
        };
        let comment = format!("minisign secret key {}", id(pk.keynum()));
        let secret = stored.to_box(Some(&comment)).map_err(failed)?.to_bytes();
        let mut public = file.as_os_str().to_owned();
        public.push(PUBLIC_END);
        let public = PathBuf::from(public);
        let content = pk.to_box().map_err(failed)?.to_bytes();
        create(file, &secret, 0o600)?;
        if let Err(error) = create(&public, &content, 0o644) {
            // Half a key is none.
            let _ = std::fs::remove_file(file);
            return Err(error);
        }
        Ok((Signer { key: stored }, public))
    }

    /// What is signed by this key is believed by the other half.
    pub fn trust(&self) -> Result<Trust, KeyError> {
        let key = PublicKey::from_secret_key(&self.key).map_err(|error| told(&error));
        key.and_then(|key| Trust::of(&key)).map_err(|problem| KeyError::Make { problem })
    }

    /// The signature of `content`, with a comment of one line that it covers as well.
    pub fn sign(&self, content: &[u8], comment: &str) -> Result<Vec<u8>, KeyError> {
        let signature = minisign::sign(None, &self.key, content, Some(comment), None);
        signature.map(|made| made.to_bytes()).map_err(|problem| KeyError::Make { problem: told(&problem) })
    }
}

/// Nothing secret.
impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer({})", id(self.key.keynum()))
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Trust({})", self.id())
    }
}

impl KeyError {
    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            KeyError::Public { .. } | KeyError::Content { half: "public", .. } => {
                Some("`precast sign --new-key FILE` writes a public key into `FILE.pub`".to_owned())
            }
            KeyError::Content { .. } => Some("`precast sign --new-key FILE` makes one".to_owned()),
            KeyError::Password { .. } => Some("put its password into `PRECAST_SIGN_PASSWORD`".to_owned()),
            KeyError::File { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
                Some("keys are never replaced: name a new file".to_owned())
            }
            _ => None,
        }
    }
}

/// What the crate says, without the name of its error.
fn told(error: &minisign::PError) -> String {
    error.to_string().trim().to_lowercase()
}

fn id(number: &[u8]) -> String {
    number.iter().rev().map(|byte| format!("{byte:02X}")).collect()
}

fn read(file: &Path) -> Result<String, KeyError> {
    std::fs::read_to_string(file).map_err(|source| KeyError::File { doing: "read", file: file.to_owned(), source })
}

fn create(file: &Path, content: &[u8], mode: u32) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let written = options.open(file).and_then(|mut out| out.write_all(content).and_then(|()| out.sync_all()));
    written.map_err(|source| KeyError::File { doing: "create", file: file.to_owned(), source })
}
