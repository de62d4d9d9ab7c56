//! What parent and child say to each other, and how it is framed: a head with two lengths, JSON, bytes. Knows streams, and no
//! plugin and no process.

use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Job;
use crate::bundle::cost::Cost;
use crate::bundle::entry::Memory;
use crate::bundle::error::Refusal;
use crate::bundle::identity::Compiler;
use crate::bundle::manifest::{MeshEntry, ParameterEntry, TypeEntry};
use crate::bundle::shortage::Shortage;
use crate::pjrt::CompileOptions;

/// Raised whenever parent and child would misunderstand each other otherwise: the program may be replaced while it runs.
pub(super) const PROTOCOL: u32 = 2;

#[derive(Serialize, Deserialize)]
pub(super) enum Request {
    /// Load the plugin and find the devices. The first request, and only that. Whichever side ends last removes `scratch`.
    Open { protocol: u32, job: Job, scratch: PathBuf },
    /// Compile; the program's text is attached.
    Compile {
        program: String,
        mesh: Option<MeshEntry>,
        parameters: Vec<ParameterEntry>,
        results: Vec<TypeEntry>,
        options: CompileOptions,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    Opened(Opened),
    /// The executable as the plugin wrote it down is attached.
    Compiled {
        memory: Memory,
        cost: Option<Cost>,
        layouts: Vec<String>,
        seconds: f64,
    },
    DoesNotFit(Shortage),
    /// What went wrong without ending the child.
    Refused(Refusal),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Opened {
    pub compiler: Compiler,
    pub hbm_bytes: Option<u64>,
}

const MAGIC: [u8; 4] = *b"pcw1";

/// A signature of thousands of parameters is a megabyte; anything longer is nonsense.
const MESSAGE_BYTES_MAX: u64 = 64 << 20;

/// A proto of two gigabytes is the largest that a plugin can write.
const ATTACHED_BYTES_MAX: u64 = 4 << 30;

/// Sends one message with the bytes that belong to it.
pub(super) fn send(out: &mut impl Write, message: &impl Serialize, attached: &[u8]) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    let mut head = Vec::with_capacity(20 + json.len());
    head.extend(MAGIC);
    head.extend((json.len() as u64).to_le_bytes());
    head.extend((attached.len() as u64).to_le_bytes());
    head.extend(json);
    out.write_all(&head)?;
    out.write_all(attached)?;
    out.flush()
}

/// The next message; `None` where the other side ended between two. What breaks off within a message, or is none, is an error.
pub(super) fn receive<M: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<(M, Vec<u8>)>> {
    let head = read(input, 20)?;
    if head.is_empty() {
        return Ok(None);
    }
    let length =
        |place: usize| head.get(place..place + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    let (Some(message), Some(attached)) = (length(4), length(12)) else { return Err(ErrorKind::UnexpectedEof.into()) };
    if !head.starts_with(&MAGIC) || message > MESSAGE_BYTES_MAX || attached > ATTACHED_BYTES_MAX {
        return Err(io::Error::new(ErrorKind::InvalidData, "what came is no message"));
    }
    let json = whole(input, message)?;
    let attached = whole(input, attached)?;
    Ok(Some((serde_json::from_slice(&json)?, attached)))
}

fn whole(input: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let bytes = read(input, length)?;
    if bytes.len() as u64 == length { Ok(bytes) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// Up to `length` bytes; memory is only taken for what comes.
fn read(input: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed() -> Vec<u8> {
        let mut out = Vec::new();
        send(&mut out, &vec!["one".to_string(), "two".to_string()], b"bytes").expect("written");
        out
    }

    #[test]
    fn a_message_comes_back_and_then_the_end() {
        let bytes = [framed(), framed()].concat();
        let mut input = bytes.as_slice();
        for _ in 0..2 {
            let (words, attached) = receive::<Vec<String>>(&mut input).expect("sound").expect("a message");
            assert_eq!((words.len(), attached.as_slice()), (2, b"bytes".as_slice()));
        }
        assert!(receive::<Vec<String>>(&mut input).expect("the end").is_none());
    }

    #[test]
    fn what_breaks_off_anywhere_is_an_error() {
        let sound = framed();
        for length in 1..sound.len() {
            assert!(receive::<Vec<String>>(&mut &sound[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn what_is_no_message_is_an_error_and_takes_no_memory() {
        let mut wrong = framed();
        wrong[0] ^= 1;
        assert!(receive::<Vec<String>>(&mut wrong.as_slice()).is_err());
        let mut endless = framed();
        endless[4..12].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(receive::<Vec<String>>(&mut endless.as_slice()).is_err());
        let mut long = framed();
        long[12..20].copy_from_slice(&(1_u64 << 31).to_le_bytes());
        assert!(receive::<Vec<String>>(&mut long.as_slice()).is_err());
    }
}
