//! What a hub says of a file's content: the SHA-256 of large files, git's own name of all others.

use std::fmt;
use std::io::{self, Read};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::digest::hex;

/// A file's digest, in lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    Sha256(String),
    /// SHA-1 of `blob SIZE\0` and the content, as git names it.
    GitBlob(String),
}

impl Checksum {
    /// The checksum that has these digits; none if their number is that of neither kind.
    pub fn of_digits(digits: &str) -> Option<Checksum> {
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        match digits.len() {
            64 if hexadecimal => Some(Checksum::Sha256(digits.to_owned())),
            40 if hexadecimal => Some(Checksum::GitBlob(digits.to_owned())),
            _ => None,
        }
    }

    pub fn digits(&self) -> &str {
        match self {
            Checksum::Sha256(digits) | Checksum::GitBlob(digits) => digits,
        }
    }

    /// As people and reports name the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Checksum::Sha256(_) => "SHA-256",
            Checksum::GitBlob(_) => "git's SHA-1",
        }
    }

    /// That `file` has other digits.
    pub(super) fn unlike(&self, file: &dyn fmt::Display, found: &str) -> String {
        format!("`{file}` has {} {found}, the hub says {}", self.kind(), self.digits())
    }

    /// 16 digits, enough to tell the contents that a file had apart.
    pub(super) fn identity(&self) -> &str {
        &self.digits()[..16]
    }

    /// The digits that everything in `content`, of so many bytes, has; `read` is told of every piece.
    pub fn digits_of(&self, content: &mut impl Read, bytes: u64, mut read: impl FnMut(usize)) -> io::Result<String> {
        let mut hasher = Hasher::new(self, bytes);
        let mut piece = vec![0; 1 << 20];
        loop {
            match content.read(&mut piece)? {
                0 => return Ok(hasher.digits()),
                count => {
                    hasher.update(&piece[..count]);
                    read(count);
                }
            }
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind(), self.digits())
    }
}

/// Takes content piece by piece.
pub(super) enum Hasher {
    Sha256(Sha256),
    GitBlob(Sha1),
}

impl Hasher {
    /// For a file of so many bytes, with a checksum of this kind.
    pub fn new(kind: &Checksum, bytes: u64) -> Hasher {
        match kind {
            Checksum::Sha256(_) => Hasher::Sha256(Sha256::new()),
            Checksum::GitBlob(_) => Hasher::GitBlob(Sha1::new_with_prefix(format!("blob {bytes}\0"))),
        }
    }

    pub fn update(&mut self, piece: &[u8]) {
        match self {
            Hasher::Sha256(hasher) => hasher.update(piece),
            Hasher::GitBlob(hasher) => hasher.update(piece),
        }
    }

    pub fn digits(self) -> String {
        match self {
            Hasher::Sha256(hasher) => hex(&hasher.finalize()),
            Hasher::GitBlob(hasher) => hex(&hasher.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_git_and_of_sha256sum() {
        // `printf hello | git hash-object --stdin`, `printf hello | sha256sum`
        for digits in [
            "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0",
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        ] {
            let checksum = Checksum::of_digits(digits).expect("a checksum");
            assert_eq!(checksum.digits_of(&mut &b"hello"[..], 5, |_| {}).expect("it is read"), digits);
        }
        assert_eq!(Checksum::of_digits("B6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"), None);
    }
}
