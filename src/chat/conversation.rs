//! Messages and what is in them, in the JSON form that openai-harmony serializes. It must not know tokens.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// The channels that gpt-oss was trained on, in the order that its system message names them.
pub const CHANNELS: [&str; 3] = [ANALYSIS, "commentary", FINAL];
/// Thoughts, not for the user.
pub const ANALYSIS: &str = "analysis";
/// The answer.
pub const FINAL: &str = "final";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    pub messages: Vec<Message>,
}

/// One message. `content_type` is as the model wrote it, such as `<|constrain|>json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    /// The tool's name, or a further name of another role.
    #[serde(default)]
    pub name: Option<String>,
    /// Read from a string, too: that is one part of text.
    #[serde(deserialize_with = "string_or_parts")]
    pub content: Vec<Content>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The tool that is called, or who a tool answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

impl Message {
    /// A message of text with nothing else in its header.
    pub fn text(role: Role, text: impl Into<String>) -> Message {
        Message::new(role, Content::Text { text: text.into() })
    }

    pub fn new(role: Role, content: Content) -> Message {
        Message { role, name: None, content: vec![content], channel: None, recipient: None, content_type: None }
    }

    pub fn on_channel(self, channel: impl Into<String>) -> Message {
        Message { channel: Some(channel.into()), ..self }
    }

    /// The parts that are plain text, joined.
    pub fn plain_text(&self) -> String {
        let texts = self.content.iter().filter_map(|part| match part {
            Content::Text { text } => Some(text.as_str()),
            Content::SystemContent(_) | Content::DeveloperContent(_) => None,
        });
        texts.collect()
    }

    pub(super) fn is_on(&self, channel: &str) -> bool {
        self.channel.as_deref() == Some(channel)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Assistant,
    System,
    Developer,
    Tool,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
            Role::Developer => "developer",
            Role::Tool => "tool",
        }
    }

    pub fn from_name(name: &str) -> Option<Role> {
        let roles = [Role::User, Role::Assistant, Role::System, Role::Developer, Role::Tool];
        roles.into_iter().find(|role| role.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    Text {
        text: String,
    },
    /// Only in a system message.
    SystemContent(SystemContent),
    /// Only in a developer message.
    DeveloperContent(DeveloperContent),
}

/// What a system message says. A field that is absent from the JSON is absent from the message: the defaults are those
/// of [`SystemContent::default`] only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemContent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_identity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Such as `2025-06-28`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_start_date: Option<String>,
    /// Such as `2024-06`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge_cutoff: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_config: Option<ChannelConfig>,
    /// By namespace, rendered in the order of their keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<BTreeMap<String, ToolNamespace>>,
}

impl Default for SystemContent {
    /// The system message that gpt-oss was trained with: medium effort, no date, all channels, no tools.
    fn default() -> SystemContent {
        SystemContent {
            model_identity: Some("You are ChatGPT, a large language model trained by OpenAI.".to_owned()),
            reasoning_effort: Some(ReasoningEffort::Medium),
            conversation_start_date: None,
            knowledge_cutoff: Some("2024-06".to_owned()),
            channel_config: Some(ChannelConfig {
                valid_channels: CHANNELS.map(str::to_owned).to_vec(),
                channel_required: true,
            }),
            tools: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReasoningEffort {
    #[serde(alias = "low")]
    Low,
    #[serde(alias = "medium")]
    Medium,
    #[serde(alias = "high")]
    High,
}

impl ReasoningEffort {
    pub fn name(self) -> &'static str {
        match self {
            ReasoningEffort::Low => "low",
            ReasoningEffort::Medium => "medium",
            ReasoningEffort::High => "high",
        }
    }
}

impl fmt::Display for ReasoningEffort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ReasoningEffort {
    type Err = String;

    fn from_str(name: &str) -> Result<ReasoningEffort, String> {
        let efforts = [ReasoningEffort::Low, ReasoningEffort::Medium, ReasoningEffort::High];
        let found = efforts.into_iter().find(|effort| effort.name() == name);
        found.ok_or_else(|| format!("effort is `{name}`, expected `low`, `medium` or `high`"))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelConfig {
    /// Nothing is said of channels when it is empty.
    pub valid_channels: Vec<String>,
    pub channel_required: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeveloperContent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// By namespace; the user's own functions are in `functions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<BTreeMap<String, ToolNamespace>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolNamespace {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub tools: Vec<ToolDescription>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolDescription {
    pub name: String,
    pub description: String,
    /// JSON schema of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<serde_json::Value>,
}

fn string_or_parts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Content>, D::Error> {
    struct StringOrParts;

    impl<'de> Visitor<'de> for StringOrParts {
        type Value = Vec<Content>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a list of content parts")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<Content>, E> {
            Ok(vec![Content::Text { text: text.to_owned() }])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Vec<Content>, A::Error> {
            Deserialize::deserialize(SeqAccessDeserializer::new(parts))
        }
    }

    deserializer.deserialize_any(StringOrParts)
}
