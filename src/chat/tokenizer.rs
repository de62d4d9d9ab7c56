//! The o200k vocabulary: text to token ids and back. It must not know what a message is.
//!
//! The ranks are compiled into the binary by the crate `tiktoken-rs`; [`Tokenizer::verify`] proves that they are the
//! published ones.

use std::collections::HashSet;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use thiserror::Error;

use crate::digest::sha256;
use tiktoken_rs::CoreBPE;

pub const STARTOFTEXT: u32 = 199_998;
pub const ENDOFTEXT: u32 = 199_999;
/// Ends the last message of a turn.
pub const RETURN: u32 = 200_002;
pub const CONSTRAIN: u32 = 200_003;
pub const CHANNEL: u32 = 200_005;
pub const START: u32 = 200_006;
/// Ends a message after which the turn goes on.
pub const END: u32 = 200_007;
pub const MESSAGE: u32 = 200_008;
/// Ends a message that calls a tool, and with it the turn.
pub const CALL: u32 = 200_012;

/// What ends the assistant's turn. `<|end|>` is not among them: it ends one message.
pub const STOP_TOKENS: [u32; 2] = [RETURN, CALL];

/// Ids that stand for no text.
pub const SPECIAL: RangeInclusive<u32> = STARTOFTEXT..=VOCABULARY - 1;
/// Ids in the vocabulary, reserved ones included: the rows of gpt-oss's embedding.
pub const VOCABULARY: u32 = 201_088;

/// Of the published `o200k_base.tiktoken`.
macro_rules! published_sha256 {
    () => {
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
    };
}

/// What a file says that was made for this tokenizer: its name, and the digest of the published `o200k_base.tiktoken`.
pub const IDENTITY: &str = concat!("o200k_harmony sha256:", published_sha256!());

const PUBLISHED_SHA256: &str = published_sha256!();

#[derive(Debug, Error, PartialEq)]
pub enum TokenizerError {
    #[error("token id {id} is outside the vocabulary of {vocabulary}")]
    UnknownId { id: u32, vocabulary: u32 },
    #[error("the vocabulary in this binary has SHA-256 {found}, the published o200k_base has {expected}")]
    Checksum { found: String, expected: String },
}

impl TokenizerError {
    pub fn hint(&self) -> Option<String> {
        match self {
            TokenizerError::UnknownId { .. } => Some(format!("ids go from 0 to {}", VOCABULARY - 1)),
            TokenizerError::Checksum { .. } => Some("build precast again from its own `Cargo.lock`".to_owned()),
        }
    }
}

/// The tokenizer of gpt-oss, `o200k_harmony`.
pub struct Tokenizer {
    bpe: CoreBPE,
}

impl Tokenizer {
    /// The one tokenizer of the process. The first call builds its tables, which takes a tenth of a second or two:
    /// see [`Tokenizer::preload`].
    pub fn o200k() -> &'static Tokenizer {
        static O200K: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer {
            bpe: tiktoken_rs::o200k_harmony().expect("the compiled-in vocabulary is well-formed"),
        });
        &O200K
    }

    /// Begins to build the tables on a thread of its own, while the caller compiles or reads weights.
    pub fn preload() {
        // Without a thread the first use builds them.
        let _ = std::thread::Builder::new().name("tokenizer".to_owned()).spawn(Tokenizer::o200k);
    }

    /// The ids of `text`. The names of special tokens in it are ordinary text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.encode_allowing(text, &HashSet::new())
    }

    /// The ids of `text`, in which names such as `<|start|>` stand for the special tokens.
    pub fn encode_special(&self, text: &str) -> Vec<u32> {
        self.encode_allowing(text, &self.bpe.special_tokens())
    }

    /// The splitting pattern backtracks over white space and gives up after about half a million of it in a row; such a
    /// run is cut in the middle. The ids then still decode to `text`, but may not be the shortest.
    fn encode_allowing(&self, text: &str, special: &HashSet<&str>) -> Vec<u32> {
        match self.bpe.encode(text, special) {
            Ok((ids, _)) => ids,
            Err(_) => {
                let (left, right) = text.split_at(middle_of_longest_blank(text));
                let mut ids = self.encode_allowing(left, special);
                ids.append(&mut self.encode_allowing(right, special));
                ids
            }
        }
    }

    /// The bytes that `ids` stand for; they need not be whole characters. Special tokens give their names.
    pub fn decode_bytes(&self, ids: &[u32]) -> Result<Vec<u8>, TokenizerError> {
        let unknown =
            |error: tiktoken_rs::DecodeKeyError| TokenizerError::UnknownId { id: error.token, vocabulary: VOCABULARY };
        self.bpe.decode_bytes(ids).map_err(unknown)
    }

    /// Rebuilds the published vocabulary file from the tables and compares its SHA-256.
    pub fn verify(&self) -> Result<(), TokenizerError> {
        let mut file = String::with_capacity(4 << 20);
        for id in 0..STARTOFTEXT {
            push_base64(&mut file, &self.decode_bytes(&[id])?);
            let _ = writeln!(file, " {id}");
        }
        let found = sha256(file.as_bytes());
        if found != PUBLISHED_SHA256 {
            return Err(TokenizerError::Checksum { found, expected: PUBLISHED_SHA256.to_owned() });
        }
        Ok(())
    }
}

/// A character border inside the longest run of white space, or of the whole text if there is none.
/// Both sides are shorter than `text`, which must have two characters or more.
fn middle_of_longest_blank(text: &str) -> usize {
    let runs = text.split(|c: char| !c.is_whitespace());
    let longest = runs.max_by_key(|run| run.len()).filter(|run| run.len() > 1).unwrap_or(text);
    let start = longest.as_ptr() as usize - text.as_ptr() as usize;
    let middle = start + longest.len() / 2;
    let border = (1..=middle).rev().find(|&at| text.is_char_boundary(at));
    border.or_else(|| text.char_indices().nth(1).map(|(at, _)| at)).unwrap_or(text.len())
}

/// Base64 with padding, as the vocabulary file has it.
fn push_base64(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            out.push(if digit <= group.len() { DIGITS[index as usize] as char } else { '=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vocabulary_is_the_published_one() {
        assert_eq!(Tokenizer::o200k().verify(), Ok(()));
    }

    #[test]
    fn special_tokens_have_their_names() {
        let named = [
            (STARTOFTEXT, "<|startoftext|>"),
            (ENDOFTEXT, "<|endoftext|>"),
            (RETURN, "<|return|>"),
            (CONSTRAIN, "<|constrain|>"),
            (CHANNEL, "<|channel|>"),
            (START, "<|start|>"),
            (END, "<|end|>"),
            (MESSAGE, "<|message|>"),
            (CALL, "<|call|>"),
            (200_013, "<|reserved_200013|>"),
            (VOCABULARY - 1, "<|reserved_201087|>"),
        ];
        let tokenizer = Tokenizer::o200k();
        for (id, name) in named {
            assert_eq!(tokenizer.decode_bytes(&[id]).unwrap(), name.as_bytes());
            assert_eq!(tokenizer.encode_special(name), [id]);
            assert!(tokenizer.encode(name).iter().all(|id| !SPECIAL.contains(id)));
        }
        let outside = TokenizerError::UnknownId { id: VOCABULARY, vocabulary: VOCABULARY };
        assert_eq!(tokenizer.decode_bytes(&[0, VOCABULARY]), Err(outside));
    }

    #[test]
    fn a_million_blanks_are_text_too() {
        let tokenizer = Tokenizer::o200k();
        for blank in [" ", "\u{3000}", "\t"] {
            let text = format!("a{}b", blank.repeat(1_000_000));
            assert_eq!(tokenizer.decode_bytes(&tokenizer.encode(&text)).unwrap(), text.as_bytes());
        }
    }
}
