//! Conversations as text and as tokens: the vocabulary, the Harmony format and back. It must not know a device or a model.
//!
//! [`tokenizer`] text to ids | [`conversation`] the messages and their JSON | [`render`] conversation to ids, with
//! [`typescript`] for its tools | [`header`] [`parser`] generated ids to messages | [`dialogue`] a chat's state |
//! [`tokens`] what the verb `tokens` prints.

pub mod conversation;
pub mod dialogue;
pub mod header;
pub mod parser;
pub mod render;
pub mod tokenizer;
pub mod tokens;
pub mod typescript;
pub mod utf8;

pub use conversation::{
    ChannelConfig, Content, Conversation, DeveloperContent, Message, ReasoningEffort, Role, SystemContent,
    ToolDescription, ToolNamespace,
};
pub use dialogue::Dialogue;
pub use parser::{Event, Parsed, StreamParser, parse};
pub use render::{HarmonyError, render_for_completion};
pub use tokenizer::{STOP_TOKENS, Tokenizer, TokenizerError};
