//! `precast tokens`: conversations and text as token ids, and token ids as messages. What it prints is always JSON.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::failure::Failure;
use super::{input, terminal};
use crate::chat::tokens;

/// Turn conversations and text into token ids, and back
#[derive(Args)]
#[command(after_help = "\
A conversation is {\"messages\": [...]} in the form that openai-harmony serializes; its ids end where the assistant begins. \
Names of special tokens in --text are ordinary text, unless --special is given. Output is JSON.

Examples:
  precast tokens --text \"Hello, world\"
  precast tokens --text \"<|start|>assistant\" --special
  precast tokens --conversation chat.json
  precast tokens --parse @ids.txt")]
#[command(group = clap::ArgGroup::new("what").required(true).args(["conversation", "text", "parse"]))]
pub struct Tokens {
    /// File with a conversation; `-` is standard input
    #[arg(long, value_name = "FILE.json")]
    conversation: Option<PathBuf>,
    /// Text; `-` is standard input
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Take names such as <|start|> in --text for the special tokens
    #[arg(long, requires = "text")]
    special: bool,
    /// Token ids, or @FILE with token ids, to read as what a model said
    #[arg(long, value_name = "1,2,3|@FILE")]
    parse: Option<String>,
    /// Print JSON, as is done anyway
    #[arg(long)]
    json: bool,
}

impl Tokens {
    pub fn run(self) -> Result<ExitCode, Failure> {
        if let Some(list) = &self.parse {
            terminal::print_json(&tokens::to_messages(&input::token_list("--parse", list)?))?;
        } else if let Some(text) = &self.text {
            let text = if text == "-" { input::read_text("-".as_ref())? } else { text.clone() };
            terminal::print_json(&if self.special { tokens::of_special_text(&text) } else { tokens::of_text(&text) })?;
        } else if let Some(file) = &self.conversation {
            terminal::print_json(&tokens::of_conversation(&input::read_text(file)?)?)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
