//! A question to the person at the terminal, before something that takes long or much. It knows no verb.

use std::io::{IsTerminal, Write};

use super::failure::Failure;
use super::terminal;

/// Whether somebody can see a question and answer it.
pub fn can_be_asked() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks; an empty line is a yes, the end of input a no.
pub fn agreed(question: &str) -> Result<bool, Failure> {
    terminal::complain(&format!("{question} [Y/n] "));
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    let read = read.map_err(|error| Failure::new("cannot read the answer").because(error))?;
    Ok(read > 0 && matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}
