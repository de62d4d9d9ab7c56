//! Text out of bytes that arrive in pieces, cut anywhere. It must not know tokens.

/// Holds back the bytes of a character until it is whole. Bytes that can be no character become U+FFFD, exactly as
/// [`String::from_utf8_lossy`] would have it for all the bytes at once.
#[derive(Clone, Debug, Default)]
pub struct Utf8Stream {
    /// The beginning of one character: at most three bytes.
    pending: Vec<u8>,
}

impl Utf8Stream {
    pub fn new() -> Utf8Stream {
        Utf8Stream::default()
    }

    /// The text that `bytes` complete.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        if self.pending.is_empty()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return text.to_owned();
        }
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        let mut taken = 0;
        for chunk in self.pending.utf8_chunks() {
            text.push_str(chunk.valid());
            taken += chunk.valid().len();
            let at_end = taken + chunk.invalid().len() == self.pending.len();
            if at_end && is_unfinished(chunk.invalid()) {
                break;
            }
            if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
                taken += chunk.invalid().len();
            }
        }
        self.pending.drain(..taken);
        text
    }

    /// What is left when nothing more comes: nothing, or U+FFFD for a character that was cut.
    pub fn finish(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.pending).into_owned();
        self.pending.clear();
        text
    }
}

/// Whether further bytes could make a character of `bytes`.
fn is_unfinished(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cuts_do_not_show(bytes: Vec<u8>, text: String, cuts in prop::collection::vec(0usize..40, 0..8)) {
            let bytes = [text.as_bytes(), &bytes, text.as_bytes()].concat();
            let mut stream = Utf8Stream::new();
            let mut out = String::new();
            let mut rest = &bytes[..];
            for cut in cuts {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                out += &stream.push(piece);
                prop_assert!(stream.pending.len() <= 3);
                rest = after;
            }
            out += &stream.push(rest);
            out += &stream.finish();
            prop_assert_eq!(out, String::from_utf8_lossy(&bytes));
        }
    }
}
