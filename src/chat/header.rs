//! A message's header while its tokens arrive, and what it says once it is over. It must not know the text that follows.
//!
//! A header is `<|start|>ROLE to=RECIPIENT<|channel|>CHANNEL <|constrain|>TYPE<|message|>`, the recipient also after the
//! channel. Nothing here fails: what cannot be understood becomes a warning that quotes it.

use super::conversation::{CHANNELS, Role};
use super::render::CONSTRAIN_NAME;

/// What a header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    pub role: Role,
    pub name: Option<String>,
    pub channel: Option<String>,
    pub recipient: Option<String>,
    pub content_type: Option<String>,
}

impl Header {
    pub(super) fn assistant() -> Header {
        Header { role: Role::Assistant, name: None, channel: None, recipient: None, content_type: None }
    }
}

/// What stands before a piece of a header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Marker {
    Start,
    Channel,
    Constrain,
}

/// A header whose tokens are still coming.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The tokens `<|start|>assistant` came before, in the prompt.
    follows_assistant: bool,
    pieces: Vec<(Marker, String)>,
}

/// Longer than any header that gpt-oss was trained on: what is longer is text whose `<|message|>` is missing.
const MAX_BYTES: usize = 256;
const MAX_WORDS: usize = 4;
const MAX_WORDS_WITH_CHANNEL: usize = 6;

impl Draft {
    /// A header after `<|start|>assistant`.
    pub fn after_assistant() -> Draft {
        Draft { follows_assistant: true, pieces: vec![(Marker::Start, String::new())] }
    }

    /// A header after `<|start|>`.
    pub fn after_start() -> Draft {
        Draft { follows_assistant: false, ..Draft::after_assistant() }
    }

    pub fn follows_assistant(&self) -> bool {
        self.follows_assistant
    }

    pub fn mark(&mut self, marker: Marker) {
        self.pieces.push((marker, String::new()));
    }

    pub fn push(&mut self, text: &str) {
        if let Some((_, piece)) = self.pieces.last_mut() {
            piece.push_str(text);
        }
    }

    pub fn is_blank(&self) -> bool {
        self.pieces.len() == 1 && self.pieces[0].1.trim().is_empty()
    }

    /// Whether this is no header but text.
    pub fn is_hopeless(&self) -> bool {
        let has_channel = self.pieces.iter().any(|(marker, _)| *marker == Marker::Channel);
        let max_words = if has_channel { MAX_WORDS_WITH_CHANNEL } else { MAX_WORDS };
        let texts = || self.pieces.iter().map(|(_, text)| text);
        texts().map(String::len).sum::<usize>() > MAX_BYTES
            || texts().map(|text| text.split_whitespace().count()).sum::<usize>() > max_words
    }

    /// Reads a header that ended with `<|message|>`. What it does not understand is in the warnings.
    pub fn read(&self, warnings: &mut Vec<String>) -> Header {
        let mut header = Header::assistant();
        let mut words = Vec::new();
        for (marker, text) in &self.pieces {
            let rest = match marker {
                Marker::Start => text,
                Marker::Channel => {
                    let text = text.trim_start();
                    let (channel, rest) = text.split_at(text.find(ends_a_channel).unwrap_or(text.len()));
                    set_channel(&mut header, channel, warnings);
                    rest
                }
                Marker::Constrain => {
                    let (format, rest) = first_word(text).unwrap_or_default();
                    set(&mut header.content_type, "content types", format!("{CONSTRAIN_NAME}{format}"), warnings);
                    rest
                }
            };
            words.extend(rest.split_ascii_whitespace());
        }
        if self.follows_assistant {
            words.splice(..usize::from(words.first() == Some(&"assistant")), []);
        } else {
            read_role(&mut header, &mut words, warnings);
        }
        read_recipient(&mut header, &mut words);

        if let Some(at) = words.iter().position(|word| header.channel.is_none() && CHANNELS.contains(word)) {
            let channel = words.remove(at);
            warnings.push(format!("channel `{channel}` stands in a message header without `<|channel|>`"));
            header.channel = Some(channel.to_owned());
        }
        if !words.is_empty() {
            warnings.push(format!("unexpected words in a message header: `{}`", words.join(" ")));
        }
        warn_of_channel(&header, warnings);
        header
    }

    /// Reads a header that never ended, and the text that it turned out to be.
    pub fn read_as_text(&self, warnings: &mut Vec<String>) -> (Header, String) {
        let mut header = Header::assistant();
        let mut body = String::new();
        for (marker, text) in &self.pieces {
            let mut rest = match marker {
                Marker::Start => match first_word(text).map(|(word, rest)| (Role::from_name(word), rest)) {
                    Some((Some(role), rest)) if role == Role::Assistant || !self.follows_assistant => {
                        header.role = role;
                        header.name = (role == Role::Tool).then(|| role.name().to_owned());
                        rest.trim_start()
                    }
                    _ => text,
                },
                Marker::Channel => {
                    let (channel, rest) = loose_channel(text.trim_start());
                    set_channel(&mut header, channel, warnings);
                    rest.trim_start()
                }
                Marker::Constrain => {
                    let text = text.trim_start();
                    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
                    set(
                        &mut header.content_type,
                        "content types",
                        format!("{CONSTRAIN_NAME}{}", &text[..end]),
                        warnings,
                    );
                    text[end..].trim_start()
                }
            };
            if let Some((recipient, after)) =
                first_word(rest).and_then(|(word, after)| Some((word.strip_prefix("to=")?, after)))
            {
                set(&mut header.recipient, "recipients", recipient.to_owned(), warnings);
                rest = after.trim_start();
            }
            body.push_str(rest);
        }
        warn_of_channel(&header, warnings);
        (header, body)
    }
}

/// Takes the role out of `words`: a role, a role with a name (`user:ann`, which openai-harmony renders and cannot read),
/// or a tool's name.
fn read_role(header: &mut Header, words: &mut Vec<&str>, warnings: &mut Vec<String>) {
    let Some(&word) = words.first().filter(|word| !word.starts_with("to=")) else {
        warnings.push("message header without a role".to_owned());
        return;
    };
    words.remove(0);
    let fused = word.strip_prefix("assistant").filter(|channel| CHANNELS.contains(channel));
    if let Some(role) = Role::from_name(word) {
        header.role = role;
        header.name = (role == Role::Tool).then(|| word.to_owned());
    } else if let Some((role, name)) =
        word.split_once(':').and_then(|(role, name)| Some((Role::from_name(role)?, name)))
    {
        header.role = role;
        header.name = Some(name.to_owned());
    } else if let Some(channel) = fused {
        words.insert(0, channel);
    } else {
        header.role = Role::Tool;
        header.name = Some(word.to_owned());
    }
}

/// Takes the recipient and the content type out of `words`. A word alone is a recipient, as in openai-harmony; unlike
/// there, `<|constrain|>json` alone is a content type.
fn read_recipient(header: &mut Header, words: &mut Vec<&str>) {
    let marked = words.iter().rposition(|word| word.starts_with("to="));
    let type_is_open = header.content_type.is_none();
    let content_type = match marked {
        _ if !type_is_open => None,
        Some(at) => (at + 1 < words.len()).then(|| words.pop()).flatten(),
        None => (words.len() > 1).then(|| words.pop()).flatten(),
    };
    header.content_type = header.content_type.take().or(content_type.map(str::to_owned));
    header.recipient = match marked {
        Some(at) => Some(words.remove(at)["to=".len()..].to_owned()),
        None if words.last().is_some_and(|word| !CHANNELS.contains(word) || header.channel.is_some()) => {
            words.pop().map(str::to_owned)
        }
        None => None,
    };
}

fn set_channel(header: &mut Header, channel: &str, warnings: &mut Vec<String>) {
    if channel.is_empty() {
        warnings.push("`<|channel|>` without a channel".to_owned());
        return;
    }
    set(&mut header.channel, "channels", channel.to_owned(), warnings);
}

/// What is said last holds.
fn set(slot: &mut Option<String>, what: &str, value: String, warnings: &mut Vec<String>) {
    if let Some(earlier) = slot.replace(value.clone()) {
        warnings.push(format!("message header with two {what}: `{earlier}` gives way to `{value}`"));
    }
}

fn warn_of_channel(header: &Header, warnings: &mut Vec<String>) {
    if let Some(channel) = header.channel.as_ref().filter(|channel| !CHANNELS.contains(&channel.as_str())) {
        warnings.push(format!("unknown channel `{channel}`"));
    }
}

fn ends_a_channel(c: char) -> bool {
    c.is_whitespace() || c == '<'
}

/// The channel that `text` begins with, when its own text may follow without a gap: `analysisWe need`.
fn loose_channel(text: &str) -> (&str, &str) {
    let fused = CHANNELS.iter().find(|channel| {
        text.strip_prefix(**channel)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() && !c.is_uppercase()))
    });
    let end = fused.map(|channel| channel.len()).or_else(|| text.find(ends_a_channel));
    text.split_at(end.unwrap_or(text.len()))
}

fn first_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    (!text.is_empty()).then(|| text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())))
}
