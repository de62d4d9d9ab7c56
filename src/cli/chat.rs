//! `precast chat`: a conversation, line by line.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::conversation::{ConversationArguments, Effort};
use super::failure::{Failure, INTERRUPTED};
use super::generation::{SamplingArguments, request};
use super::model::{BundleArguments, ModelArguments, open};
use super::report::tell;
use super::transcript::{Form, Transcript};
use super::turn::harmony;
use super::{interrupt, terminal};
use crate::chat::{Dialogue, Tokenizer};
use crate::runner::{Session, Stop};

/// Hold a conversation
#[derive(Args)]
#[command(after_help = "\
A line is a question; a backslash at its end continues it on the next line. Ctrl-C ends an answer, and at the prompt the \
conversation; so does the end of input. Lines can be piped in.

Commands: /help, /clear, /effort low|medium|high, /save FILE, /quit

A model that is given by name is fetched after asking, packed if that gains something, compiled, and the next time all of it is here.

Examples:
  precast chat gpt-oss-20b
  precast chat demo
  precast chat --model gpt-oss-20b/ --effort high --temperature 1
  printf 'What is the capital of France?\\nAnd of Spain?\\n' | precast chat demo")]
pub struct Chat {
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// The most tokens of one answer [default: as many as the context holds]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_new: Option<u32>,
    /// Tokens that the conversation may have [default: 4096, or what the model allows]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    #[command(flatten)]
    sampling: SamplingArguments,
    #[command(flatten)]
    conversation: ConversationArguments,
}

const HELP: &str = "\
/clear                    forget the conversation
/effort low|medium|high   how long the model thinks, from the next question on
/save FILE                write the conversation as JSON, as `precast tokens --conversation` reads it
/quit                     leave
A backslash at the end of a line continues it on the next line.
";

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Question(&'a str),
    Nothing,
    Help,
    Clear,
    Effort(Option<&'a str>),
    Save(Option<&'a str>),
    Quit,
    Unknown(&'a str),
}

impl Chat {
    pub fn run(self, quiet: bool) -> Result<ExitCode, Failure> {
        Tokenizer::preload();
        let mut session = open(&self.model.setup_with(&self.bundle, self.context, 1)?)?;
        let mut dialogue = self.conversation.open();
        let interactive = std::io::stdin().is_terminal();
        if interactive && !quiet {
            terminal::complain(&format!("{}: /help lists what else can be typed\n", session.config().name));
        }
        while let Some(input) = read_question(interactive)? {
            match line(&input) {
                Line::Nothing => {}
                Line::Help => terminal::complain(HELP),
                Line::Quit => break,
                Line::Clear => dialogue.clear(),
                Line::Effort(name) => match name.and_then(|name| Effort::from_str(name, true).ok()) {
                    Some(effort) => dialogue.system_mut().reasoning_effort = Some(effort.into()),
                    None => terminal::complain("/effort takes one of `low`, `medium`, `high`\n"),
                },
                Line::Save(Some(file)) => match save(&dialogue, Path::new(file)) {
                    Ok(()) => terminal::complain(&format!("saved to `{file}`\n")),
                    Err(failure) => drop(failure.tell()),
                },
                Line::Save(None) => terminal::complain("/save takes a file name\n"),
                Line::Unknown(command) => {
                    terminal::complain(&format!("there is no `{command}`; /help lists what there is\n"));
                }
                Line::Question(question) => {
                    if !interactive {
                        terminal::print(format!("> {}\n", question.replace('\n', "\n  ")))?;
                    }
                    let interrupted = self.answer(&mut session, &mut dialogue, question, quiet)?;
                    // At a terminal the conversation goes on; what feeds a pipe meant all of it.
                    if interrupted && !interactive {
                        return Ok(ExitCode::from(INTERRUPTED));
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Asks, shows the answer, and keeps both in the conversation; whether it was interrupted. A turn that cannot be taken leaves
    /// the conversation as it was.
    fn answer(
        &self,
        session: &mut Session,
        dialogue: &mut Dialogue,
        question: &str,
        quiet: bool,
    ) -> Result<bool, Failure> {
        let before = dialogue.clone();
        dialogue.add_user(question);
        let prompt = dialogue.render()?;
        let room = session.setup().context;
        if prompt.len() >= room {
            *dialogue = before;
            terminal::complain(&format!(
                "with this question the conversation has {} tokens, the context holds {room}; /clear starts anew\n",
                prompt.len()
            ));
            return Ok(false);
        }
        let max_new = self.max_new.map_or(room, |max_new| max_new as usize);
        let vocabulary = session.config().vocabulary;
        let request = request(prompt, max_new, self.sampling.sampling(), true, vocabulary);
        let turn = harmony(session, &request, &mut Transcript::new(Form::Whole, quiet))?;
        if !quiet {
            tell(&turn.generation);
        } else if turn.generation.stop == Stop::Interrupted {
            terminal::complain("interrupted\n");
        }
        terminal::print("\n")?;
        dialogue.add_assistant(turn.messages);
        Ok(turn.generation.stop == Stop::Interrupted)
    }
}

/// The next question, of one line or several; none at the end of input.
fn read_question(interactive: bool) -> Result<Option<String>, Failure> {
    let mut question = String::new();
    let _prompting = interrupt::prompting();
    loop {
        if interactive {
            terminal::complain(if question.is_empty() { "> " } else { "… " });
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        let read = read.map_err(|error| Failure::new("cannot read standard input").because(error))?;
        if read == 0 {
            return Ok((!question.trim().is_empty()).then_some(question));
        }
        let line = line.trim_end_matches(['\n', '\r']);
        match line.strip_suffix('\\') {
            Some(start) => question += &format!("{start}\n"),
            None => return Ok(Some(question + line)),
        }
    }
}

fn line(input: &str) -> Line<'_> {
    let input = input.trim();
    if input.is_empty() {
        return Line::Nothing;
    }
    // A path is a question too: a command is one word of letters.
    let (word, rest) = input.split_once(char::is_whitespace).unwrap_or((input, ""));
    let rest = Some(rest.trim()).filter(|rest| !rest.is_empty());
    match word.strip_prefix('/') {
        Some("help") => Line::Help,
        Some("clear") => Line::Clear,
        Some("effort") => Line::Effort(rest),
        Some("save") => Line::Save(rest),
        Some("quit" | "exit") => Line::Quit,
        Some(name) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()) => Line::Unknown(word),
        _ => Line::Question(input),
    }
}

fn save(dialogue: &Dialogue, path: &Path) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&dialogue.conversation()).map_err(|error| {
        Failure::new("the conversation cannot be written as JSON; this is a bug in precast").because(error)
    })?;
    std::fs::write(path, text + "\n").map_err(|error| Failure::file("write", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_questions() {
        let rows = [
            ("  What? ", Line::Question("What?")),
            ("", Line::Nothing),
            ("/help", Line::Help),
            ("/effort high", Line::Effort(Some("high"))),
            ("/save", Line::Save(None)),
            ("/save my file.json", Line::Save(Some("my file.json"))),
            ("/quit", Line::Quit),
            ("/bye", Line::Unknown("/bye")),
            ("/etc/hosts is what?", Line::Question("/etc/hosts is what?")),
        ];
        for (input, expected) in rows {
            assert_eq!(line(input), expected, "{input:?}");
        }
    }
}
