//! The state of an interactive chat: who the model is told it is, and what was said. It must not know a terminal.

use super::conversation::{Content, Conversation, DeveloperContent, Message, Role, SystemContent};
use super::render::{HarmonyError, render_for_completion};

/// A chat that grows by turns.
#[derive(Clone, Debug)]
pub struct Dialogue {
    system: SystemContent,
    developer: Option<DeveloperContent>,
    turns: Vec<Message>,
}

impl Dialogue {
    /// A chat with the system message `system` (identity, effort, date, cutoff) and nothing said.
    pub fn new(system: SystemContent) -> Dialogue {
        Dialogue { system, developer: None, turns: Vec::new() }
    }

    /// The developer's instructions, which the model ranks above the user's.
    pub fn with_instructions(self, instructions: impl Into<String>) -> Dialogue {
        self.with_developer(DeveloperContent { instructions: Some(instructions.into()), tools: None })
    }

    pub fn with_developer(self, developer: DeveloperContent) -> Dialogue {
        Dialogue { developer: Some(developer), ..self }
    }

    /// What the next turns are told; what was said stays.
    pub fn system_mut(&mut self) -> &mut SystemContent {
        &mut self.system
    }

    pub fn add_user(&mut self, text: impl Into<String>) {
        self.turns.push(Message::text(Role::User, text));
    }

    /// What the model said: the messages of a [`super::StreamParser`].
    pub fn add_assistant(&mut self, messages: impl IntoIterator<Item = Message>) {
        self.turns.extend(messages);
    }

    /// Forgets what was said.
    pub fn clear(&mut self) {
        self.turns.clear();
    }

    /// The conversation that the model continues, without the thoughts of finished turns.
    pub fn conversation(&self) -> Conversation {
        let system = Message::new(Role::System, Content::SystemContent(self.system.clone()));
        let developer = self.developer.clone();
        let developer = developer.map(|content| Message::new(Role::Developer, Content::DeveloperContent(content)));
        let messages = std::iter::once(system).chain(developer).chain(self.turns.iter().cloned()).collect();
        Conversation { messages }.without_finished_thoughts()
    }

    /// The ids to generate from: they end with `<|start|>assistant`.
    pub fn render(&self) -> Result<Vec<u32>, HarmonyError> {
        render_for_completion(&self.conversation())
    }
}
