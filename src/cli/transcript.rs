//! How generated messages are shown: each under its channel's name, coloured on a terminal. It knows no session.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};

use super::failure::Failure;
use super::terminal;
use crate::chat::conversation::FINAL;

/// Where the channels go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All to standard output, each under its name: a conversation to read.
    Whole,
    /// The final text alone to standard output, the rest to standard error: an answer for the next program.
    Answer,
    /// Nowhere: a report follows.
    Nothing,
}

impl Form {
    /// A person gets the whole, a pipe gets the answer.
    pub fn for_stdout() -> Form {
        if std::io::stdout().is_terminal() { Form::Whole } else { Form::Answer }
    }
}

/// Shows messages piece by piece as they are generated.
pub struct Transcript {
    form: Form,
    /// Thoughts that do not go to standard output are left out entirely.
    quiet: bool,
    channel: Option<String>,
    messages: usize,
    line_is_open: bool,
}

impl Transcript {
    pub fn new(form: Form, quiet: bool) -> Transcript {
        Transcript { form, quiet, channel: None, messages: 0, line_is_open: false }
    }

    /// A message begins; `recipient` is the tool that it is for, if any.
    pub fn begin(&mut self, channel: Option<&str>, recipient: Option<&str>) -> Result<(), Failure> {
        self.end()?;
        let channel = channel.unwrap_or("no channel").to_owned();
        let label = match recipient {
            Some(recipient) => format!("[{channel} to {recipient}]"),
            None => format!("[{channel}]"),
        };
        let gap = if self.messages > 0 { "\n" } else { "" };
        self.messages += 1;
        let style = style(&channel).bold();
        self.channel = Some(channel);
        // An answer for the next program has nothing around it.
        if !self.is_answer() {
            self.write(&format!("{gap}{style}{label}{style:#}\n"))?;
        }
        Ok(())
    }

    /// More text of the message.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        self.line_is_open = !text.ends_with('\n');
        if self.is_answer() {
            return self.write(text);
        }
        let style = style(self.channel.as_deref().unwrap_or_default());
        self.write(&format!("{style}{}{style:#}", visible(text)))
    }

    /// The message is over, or the generation is.
    pub fn end(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.line_is_open) {
            self.write("\n")?;
        }
        self.channel = None;
        Ok(())
    }

    fn is_answer(&self) -> bool {
        self.form == Form::Answer && self.channel.as_deref() == Some(FINAL)
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        match self.form {
            Form::Whole => terminal::print(text),
            Form::Answer if self.channel.as_deref() == Some(FINAL) => terminal::print(text),
            Form::Answer if !self.quiet => {
                terminal::complain(text);
                Ok(())
            }
            Form::Answer | Form::Nothing => Ok(()),
        }
    }
}

fn style(channel: &str) -> Style {
    match channel {
        FINAL => Style::new(),
        "commentary" => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        _ => Style::new().dimmed(),
    }
}

/// `text` without what a terminal would obey: a model must not move the cursor.
fn visible(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_nothing_to_obey() {
        assert_eq!(visible("a\u{1b}[2Jb\r\n\tc"), "a[2Jb\n\tc");
    }
}
