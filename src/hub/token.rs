//! The user's token for a hub. It is shown to nobody, and sent to nobody else.

use std::fmt;

/// A token, and what it was read from.
#[derive(Clone)]
pub struct Token {
    secret: String,
    /// Such as `HF_TOKEN`, or a file.
    pub from: String,
}

impl Token {
    /// None if there is nothing in it, or something that no header may hold.
    pub fn new(secret: &str, from: impl Into<String>) -> Option<Token> {
        let secret = secret.trim();
        let sound = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic());
        sound.then(|| Token { secret: secret.to_owned(), from: from.into() })
    }

    /// What the header `Authorization` says.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.secret)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Token from {}", self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown() {
        let token = Token::new(" hf_secret\n", "HF_TOKEN").expect("a token");
        assert_eq!(
            (token.header().as_str(), format!("{token:?}").as_str()),
            ("Bearer hf_secret", "Token from HF_TOKEN")
        );
        assert!(Token::new(" \n", "").is_none() && Token::new("a\r\nHost: b", "").is_none());
    }
}
