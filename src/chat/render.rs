//! A conversation as the token ids that the model continues. It must not know where a conversation comes from.
//!
//! The ids are those of openai-harmony's `render_conversation_for_completion`; fixtures compare them one for one.

use thiserror::Error;

use super::conversation::{
    ANALYSIS, Content, Conversation, DeveloperContent, FINAL, Message, Role, SystemContent, ToolNamespace,
};
use super::tokenizer::{CALL, CHANNEL, CONSTRAIN, END, MESSAGE, START, Tokenizer};
use super::typescript::tools_section;

/// How the constrained format is marked in a content type.
pub(super) const CONSTRAIN_NAME: &str = "<|constrain|>";

#[derive(Debug, Error)]
pub enum HarmonyError {
    #[error("message {index} has role `tool` and no name")]
    UnnamedTool { index: usize },
    #[error("message {index} has role `{}` and a part of type `{content}`", role.name())]
    MisplacedContent { index: usize, role: Role, content: &'static str },
    #[error("the conversation is not one: {problem}")]
    Json { problem: serde_json::Error },
}

impl HarmonyError {
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            HarmonyError::UnnamedTool { .. } => "give it the tool's name, such as `functions.get_weather`".to_owned(),
            HarmonyError::MisplacedContent { content, .. } => {
                format!("`{content}` belongs in a message of role `{}`", content.trim_end_matches("_content"))
            }
            HarmonyError::Json { .. } => {
                r#"expected `{"messages": [{"role": "user", "content": "…"}]}` as openai-harmony serializes it"#
                    .to_owned()
            }
        })
    }
}

/// Renders `conversation`, ready for the assistant's turn: the ids end with `<|start|>assistant`.
///
/// Finished thoughts go as openai-harmony's default has it: when the last assistant message is on `final`, `analysis`
/// before the first `final` is dropped. [`Conversation::without_finished_thoughts`] drops all of them, which is what
/// gpt-oss was trained on, and is what a [`super::Dialogue`] does first.
///
/// Fails on a tool message without a name, and on system or developer content in a message of another role.
pub fn render_for_completion(conversation: &Conversation) -> Result<Vec<u32>, HarmonyError> {
    let mut renderer = Renderer { ids: Vec::new(), has_functions: has_functions(conversation) };
    let forgotten = forgotten_thoughts(conversation);
    for (index, message) in conversation.messages.iter().enumerate() {
        if index >= forgotten || !message.is_on(ANALYSIS) {
            renderer.message(index, message)?;
        }
    }
    renderer.ids.push(START);
    renderer.text(Role::Assistant.name());
    Ok(renderer.ids)
}

impl Conversation {
    /// Without the `analysis` before the last `final`. That of a turn which still waits for a tool stays, since the
    /// model goes on from it.
    pub fn without_finished_thoughts(&self) -> Conversation {
        let last_final = self.messages.iter().rposition(|message| message.is_on(FINAL)).unwrap_or(0);
        let stays = |(index, message): &(usize, &Message)| *index >= last_final || !message.is_on(ANALYSIS);
        let messages = self.messages.iter().enumerate().filter(stays).map(|(_, message)| message.clone()).collect();
        Conversation { messages }
    }
}

/// How many messages lose their `analysis` by openai-harmony's rule.
fn forgotten_thoughts(conversation: &Conversation) -> usize {
    let messages = &conversation.messages;
    let last = messages.iter().rfind(|message| message.role == Role::Assistant);
    if !last.is_some_and(|message| message.is_on(FINAL)) {
        return 0;
    }
    messages.iter().position(|message| message.is_on(FINAL)).unwrap_or(0)
}

fn has_functions(conversation: &Conversation) -> bool {
    let parts = conversation.messages.iter().flat_map(|message| &message.content);
    let mut developers = parts.filter_map(|part| match part {
        Content::DeveloperContent(developer) => developer.tools.as_ref(),
        Content::SystemContent(_) | Content::Text { .. } => None,
    });
    developers.any(|tools| tools.get("functions").is_some_and(|namespace: &ToolNamespace| !namespace.tools.is_empty()))
}

struct Renderer {
    ids: Vec<u32>,
    has_functions: bool,
}

impl Renderer {
    /// Each call is tokenized on its own, so where the calls are cut is part of the format.
    fn text(&mut self, text: &str) {
        self.ids.append(&mut Tokenizer::o200k().encode(text));
    }

    fn message(&mut self, index: usize, message: &Message) -> Result<(), HarmonyError> {
        self.ids.push(START);
        match (message.role, &message.name) {
            (Role::Tool, Some(name)) => self.text(name),
            (Role::Tool, None) => return Err(HarmonyError::UnnamedTool { index }),
            (role, name) => {
                self.text(role.name());
                if let Some(name) = name {
                    self.text(&format!(":{name}"));
                }
            }
        }
        if let Some(recipient) = message.recipient.as_ref().filter(|recipient| *recipient != "all") {
            self.text(&format!(" to={recipient}"));
        }
        if let Some(channel) = &message.channel {
            self.ids.push(CHANNEL);
            self.text(channel);
        }
        if let Some(content_type) = &message.content_type {
            match content_type.strip_prefix(CONSTRAIN_NAME) {
                Some(format) => {
                    self.text(" ");
                    self.ids.push(CONSTRAIN);
                    self.text(format);
                }
                None => self.text(&format!(" {content_type}")),
            }
        }
        self.ids.push(MESSAGE);
        for part in &message.content {
            let misplaced = |content| HarmonyError::MisplacedContent { index, role: message.role, content };
            match part {
                Content::Text { text } => self.text(text),
                Content::SystemContent(_) if message.role != Role::System => return Err(misplaced("system_content")),
                Content::SystemContent(system) => self.text(&system_text(system, self.has_functions)),
                Content::DeveloperContent(_) if message.role != Role::Developer => {
                    return Err(misplaced("developer_content"));
                }
                Content::DeveloperContent(developer) => self.text(&developer_text(developer)),
            }
        }
        let calls_a_tool = message.role == Role::Assistant && message.recipient.is_some();
        self.ids.push(if calls_a_tool { CALL } else { END });
        Ok(())
    }
}

fn system_text(system: &SystemContent, has_functions: bool) -> String {
    let mut sections = Vec::new();
    let top = [
        system.model_identity.clone(),
        system.knowledge_cutoff.as_ref().map(|cutoff| format!("Knowledge cutoff: {cutoff}")),
        system.conversation_start_date.as_ref().map(|date| format!("Current date: {date}")),
    ];
    let top = top.into_iter().flatten().collect::<Vec<_>>();
    if !top.is_empty() {
        sections.push(top.join("\n"));
    }
    if let Some(effort) = system.reasoning_effort {
        sections.push(format!("Reasoning: {effort}"));
    }
    if let Some(tools) = system.tools.as_ref().filter(|tools| !tools.is_empty()) {
        sections.push(tools_section(tools));
    }
    if let Some(config) = system.channel_config.as_ref().filter(|config| !config.valid_channels.is_empty()) {
        let mut channels = format!("# Valid channels: {}.", config.valid_channels.join(", "));
        if config.channel_required {
            channels.push_str(" Channel must be included for every message.");
        }
        if has_functions {
            channels.push_str("\nCalls to these tools must go to the commentary channel: 'functions'.");
        }
        sections.push(channels);
    }
    sections.join("\n\n")
}

fn developer_text(developer: &DeveloperContent) -> String {
    let mut sections = Vec::new();
    if let Some(instructions) = &developer.instructions {
        sections.push(format!("# Instructions\n\n{instructions}"));
    }
    if let Some(tools) = developer.tools.as_ref().filter(|tools| !tools.is_empty()) {
        sections.push(tools_section(tools));
    }
    sections.join("\n\n")
}
