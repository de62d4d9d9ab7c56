//! Generated token ids as messages, while they arrive. It must not know who generates them or who shows them.
//!
//! A well-formed stream gives the messages of openai-harmony. A malformed one gives the closest messages and warnings:
//! a turn never fails, and no text is lost.

use serde::Serialize;

use super::conversation::{Content, Message, Role};
use super::header::{Draft, Header, Marker};
use super::tokenizer::{
    CALL, CHANNEL, CONSTRAIN, END, ENDOFTEXT, MESSAGE, RETURN, SPECIAL, START, STARTOFTEXT, Tokenizer,
};
use super::utf8::Utf8Stream;

/// What a token brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A message begins.
    MessageStart { role: Role, channel: Option<String>, recipient: Option<String> },
    /// More text of the message that began last: whole characters.
    Text(String),
    /// The message is over.
    MessageEnd,
    /// Something was malformed; [`StreamParser::warnings`] keeps it.
    Warning(String),
}

/// All of a token sequence, in the JSON form of `precast tokens --parse`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parsed {
    pub messages: Vec<Message>,
    pub warnings: Vec<String>,
}

/// Parses what the model said after `<|start|>assistant`, or a whole conversation from its first `<|start|>` on.
pub fn parse(ids: &[u32]) -> Parsed {
    let mut parser = StreamParser::new();
    for &id in ids {
        parser.push(id);
    }
    parser.finish();
    Parsed { messages: parser.messages, warnings: parser.warnings }
}

/// Turns tokens into messages one at a time.
pub struct StreamParser {
    state: State,
    utf8: Utf8Stream,
    messages: Vec<Message>,
    warnings: Vec<String>,
    /// What the current token brought so far.
    events: Vec<Event>,
}

enum State {
    /// After a message: `<|start|>` is due.
    Between,
    Header(Draft),
    Content {
        header: Header,
        text: String,
    },
}

impl Default for StreamParser {
    fn default() -> StreamParser {
        StreamParser::new()
    }
}

impl StreamParser {
    /// A parser of what follows `<|start|>assistant`; a `<|start|>` at the very beginning is understood too.
    pub fn new() -> StreamParser {
        StreamParser {
            state: State::Header(Draft::after_assistant()),
            utf8: Utf8Stream::new(),
            messages: Vec::new(),
            warnings: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Takes the next token, stop tokens included.
    pub fn push(&mut self, id: u32) -> Vec<Event> {
        match Tokenizer::o200k().decode_bytes(&[id]) {
            Err(error) => self.warn(error.to_string()),
            Ok(name) if SPECIAL.contains(&id) => {
                let cut = self.utf8.finish();
                self.text(&cut);
                self.special(id, &String::from_utf8_lossy(&name));
            }
            Ok(bytes) => {
                if matches!(self.state, State::Between) {
                    self.warn("text where `<|start|>` was expected".to_owned());
                    self.state = State::Header(Draft::after_assistant());
                }
                let text = self.utf8.push(&bytes);
                self.text(&text);
            }
        }
        std::mem::take(&mut self.events)
    }

    /// Ends the stream. A message that is still open was truncated: it comes out as far as it came.
    pub fn finish(&mut self) -> Vec<Event> {
        let cut = self.utf8.finish();
        self.text(&cut);
        match std::mem::replace(&mut self.state, State::Between) {
            State::Between => {}
            State::Header(draft) if draft.is_blank() && draft.follows_assistant() => {}
            State::Header(draft) => {
                self.warn("truncated in a message header".to_owned());
                self.close_header(&draft);
            }
            State::Content { header, text } => {
                self.warn("truncated in a message".to_owned());
                self.close(header, text);
            }
        }
        std::mem::take(&mut self.events)
    }

    /// The messages that are over.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match &mut self.state {
            State::Between => {}
            State::Content { text: content, .. } => {
                content.push_str(text);
                self.events.push(Event::Text(text.to_owned()));
            }
            State::Header(draft) => {
                draft.push(text);
                if draft.is_hopeless() {
                    let draft = draft.clone();
                    self.warn("message without `<|message|>`".to_owned());
                    let (header, body) = self.read_as_text(&draft);
                    self.open(header);
                    self.text(&body);
                }
            }
        }
    }

    fn special(&mut self, id: u32, name: &str) {
        let state = std::mem::replace(&mut self.state, State::Between);
        match (id, state) {
            (START, State::Between) => self.state = State::Header(Draft::after_start()),
            (START, State::Header(draft)) => {
                if !(draft.is_blank() && draft.follows_assistant()) {
                    self.warn("`<|start|>` in a message header".to_owned());
                    self.close_header(&draft);
                }
                self.state = State::Header(Draft::after_start());
            }
            (START | CHANNEL, State::Content { header, text }) => {
                self.warn(format!("message ended by `{name}`"));
                self.close(header, text);
                if id == START {
                    self.state = State::Header(Draft::after_start());
                } else {
                    self.begin_with_channel();
                }
            }
            (CHANNEL, State::Between) => {
                self.warn("`<|channel|>` where `<|start|>` was expected".to_owned());
                self.begin_with_channel();
            }
            (CHANNEL | CONSTRAIN, State::Header(mut draft)) => {
                draft.mark(if id == CHANNEL { Marker::Channel } else { Marker::Constrain });
                self.state = State::Header(draft);
            }
            (MESSAGE, State::Header(draft)) => {
                let mut warnings = Vec::new();
                let header = draft.read(&mut warnings);
                warnings.into_iter().for_each(|warning| self.warn(warning));
                self.open(header);
            }
            (MESSAGE, State::Between) => {
                self.warn("`<|message|>` where `<|start|>` was expected".to_owned());
                self.open(Header::assistant());
            }
            (END | RETURN | CALL, State::Content { header, text }) => self.close(header, text),
            (ENDOFTEXT, State::Content { header, text }) => {
                self.warn(format!("message ended by `{name}`"));
                self.close(header, text);
            }
            (END | RETURN | CALL | ENDOFTEXT, State::Header(draft)) => {
                self.warn(format!("message header ended by `{name}`"));
                self.close_header(&draft);
            }
            // Padding.
            (ENDOFTEXT, State::Between) => {}
            (STARTOFTEXT, State::Header(draft)) if draft.is_blank() => self.state = State::Header(draft),
            (_, state) => {
                self.state = state;
                self.warn(format!("stray `{name}`"));
            }
        }
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning.clone());
        self.events.push(Event::Warning(warning));
    }

    /// `<|start|>assistant` is missing before `<|channel|>`.
    fn begin_with_channel(&mut self) {
        let mut draft = Draft::after_assistant();
        draft.mark(Marker::Channel);
        self.state = State::Header(draft);
    }

    fn open(&mut self, header: Header) {
        let (channel, recipient) = (header.channel.clone(), header.recipient.clone());
        self.events.push(Event::MessageStart { role: header.role, channel, recipient });
        self.state = State::Content { header, text: String::new() };
    }

    /// What a header was that turned out to be text.
    fn read_as_text(&mut self, draft: &Draft) -> (Header, String) {
        let mut warnings = Vec::new();
        let read = draft.read_as_text(&mut warnings);
        warnings.into_iter().for_each(|warning| self.warn(warning));
        read
    }

    /// Ends a header that had no `<|message|>`. One that only named a role was no message.
    fn close_header(&mut self, draft: &Draft) {
        let (header, body) = self.read_as_text(draft);
        let says_nothing = header.channel.is_none() && header.recipient.is_none() && header.content_type.is_none();
        if !(says_nothing && body.trim().is_empty()) {
            self.open(header);
            self.text(&body);
            if let State::Content { header, text } = std::mem::replace(&mut self.state, State::Between) {
                self.close(header, text);
            }
        }
    }

    fn close(&mut self, header: Header, text: String) {
        let Header { role, name, channel, recipient, content_type } = header;
        self.messages.push(Message {
            role,
            name,
            content: vec![Content::Text { text }],
            channel,
            recipient,
            content_type,
        });
        self.events.push(Event::MessageEnd);
        self.state = State::Between;
    }
}
