//! What the verb `tokens` answers: a conversation or text as ids, ids as messages. It must not know the command line.

use serde::Serialize;

use super::conversation::Conversation;
use super::parser::{Parsed, parse};
use super::render::{HarmonyError, render_for_completion};
use super::tokenizer::Tokenizer;

/// `{"ids": [...]}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ids {
    pub ids: Vec<u32>,
}

/// `--conversation`: the ids of `{"messages": [...]}`, ready for the assistant's turn.
pub fn of_conversation(json: &str) -> Result<Ids, HarmonyError> {
    let conversation = serde_json::from_str::<Conversation>(json).map_err(|problem| HarmonyError::Json { problem })?;
    Ok(Ids { ids: render_for_completion(&conversation)? })
}

/// `--text`: the ids of ordinary text.
pub fn of_text(text: &str) -> Ids {
    Ids { ids: Tokenizer::o200k().encode(text) }
}

/// `--text --special`: the ids of text in which special tokens are recognised by their names.
pub fn of_special_text(text: &str) -> Ids {
    Ids { ids: Tokenizer::o200k().encode_special(text) }
}

/// `--parse`: the messages that `ids` are, and what was malformed.
pub fn to_messages(ids: &[u32]) -> Parsed {
    parse(ids)
}
