//! One turn: a generation, shown as it comes, read as Harmony or as plain text. It knows no option.

use std::ops::ControlFlow;

use serde::Serialize;

use super::failure::Failure;
use super::transcript::Transcript;
use super::{interrupt, terminal};
use crate::chat::{Event, Message, StreamParser, Tokenizer};
use crate::runner::{Generation, Request, Session, Stop};

/// What came of a turn.
pub struct Turn {
    pub generation: Generation,
    /// Complete or broken off; none for a raw turn.
    pub messages: Vec<Message>,
    /// What the parser had to guess.
    pub warnings: Vec<String>,
}

/// A model that lost its way breaks the format all the time; `--json` has every warning.
const WARNINGS_TOLD: usize = 3;

/// The text of one message, as JSON shows it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ChannelText {
    pub channel: Option<String>,
    pub text: String,
}

impl Turn {
    pub fn channels(&self) -> Vec<ChannelText> {
        self.messages
            .iter()
            .map(|message| ChannelText { channel: message.channel.clone(), text: message.plain_text() })
            .collect()
    }
}

/// Generates, and shows the messages as they come.
pub fn harmony(session: &mut Session, request: &Request, transcript: &mut Transcript) -> Result<Turn, Failure> {
    let mut parser = StreamParser::new();
    let generation = generate(session, request, |tokens| {
        tokens.iter().flat_map(|&token| parser.push(token)).try_for_each(|event| show(transcript, &event))
    })?;
    let malformed = parser.warnings().len();
    parser.finish().iter().try_for_each(|event| show(transcript, event))?;
    transcript.end()?;
    let warnings = parser.warnings().to_vec();
    // A message that a limit cut short is no surprise; one that the model itself left open is.
    let surprising = if matches!(generation.stop, Stop::Token(_)) { warnings.len() } else { malformed };
    for warning in warnings[..surprising].iter().take(WARNINGS_TOLD) {
        log::warn!("the model broke its own format: {warning}");
    }
    if surprising > WARNINGS_TOLD {
        log::warn!("and {} times more", surprising - WARNINGS_TOLD);
    }
    Ok(Turn { generation, messages: parser.messages().to_vec(), warnings })
}

/// Generates, and prints the text as it comes if `shown`.
pub fn raw(session: &mut Session, request: &Request, shown: bool) -> Result<Turn, Failure> {
    let generation = generate(session, request, |tokens| match shown {
        true => terminal::print_bytes(&bytes(tokens)),
        false => Ok(()),
    })?;
    if shown {
        terminal::print("\n")?;
    }
    Ok(Turn { generation, messages: Vec::new(), warnings: Vec::new() })
}

/// The text of tokens as they are, special ones by name; what is no UTF-8 or no token becomes U+FFFD.
pub fn text(tokens: &[u32]) -> String {
    String::from_utf8_lossy(&bytes(tokens)).into_owned()
}

fn bytes(tokens: &[u32]) -> Vec<u8> {
    let tokenizer = Tokenizer::o200k();
    let unknown = || "\u{fffd}".into();
    tokens.iter().flat_map(|&token| tokenizer.decode_bytes(&[token]).unwrap_or_else(|_| unknown())).collect()
}

/// Generates until it is over, Ctrl-C asks to stop, or nobody reads what `take` prints.
fn generate(
    session: &mut Session,
    request: &Request,
    mut take: impl FnMut(&[u32]) -> Result<(), Failure>,
) -> Result<Generation, Failure> {
    let generating = interrupt::generating();
    let mut failure = None;
    let generation = session.generate(request, &mut |tokens| match take(tokens) {
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
        Ok(()) if interrupt::asked() => ControlFlow::Break(()),
        Ok(()) => ControlFlow::Continue(()),
    });
    drop(generating);
    match failure {
        Some(failure) => Err(failure),
        None => Ok(generation?),
    }
}

fn show(transcript: &mut Transcript, event: &Event) -> Result<(), Failure> {
    match event {
        Event::MessageStart { channel, recipient, .. } => transcript.begin(channel.as_deref(), recipient.as_deref()),
        Event::Text(text) => transcript.text(text),
        Event::MessageEnd => transcript.end(),
        Event::Warning(_) => Ok(()),
    }
}
