//! The options that open a Harmony conversation, and the conversation that they open. It knows no session.

use clap::{Args, ValueEnum};

use crate::chat::{Dialogue, ReasoningEffort, SystemContent};

/// What stands before the first question.
#[derive(Args, Default)]
pub struct ConversationArguments {
    /// How long the model thinks
    #[arg(long, value_enum, default_value_t, help_heading = "Conversation")]
    effort: Effort,
    /// Who the model is, instead of what gpt-oss is told by default
    #[arg(long, value_name = "TEXT", help_heading = "Conversation")]
    system: Option<String>,
    /// Instructions: what people elsewhere call the system prompt
    #[arg(long, value_name = "TEXT", help_heading = "Conversation")]
    developer: Option<String>,
    /// Date that the model is told [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date, help_heading = "Conversation")]
    date: Option<jiff::civil::Date>,
    /// Month up to which the model is told that it knows [default: 2024-06]
    #[arg(long, value_name = "YYYY-MM", value_parser = month, help_heading = "Conversation")]
    knowledge_cutoff: Option<String>,
}

/// How long the model thinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Effort {
    Low,
    #[default]
    Medium,
    High,
}

impl From<Effort> for ReasoningEffort {
    fn from(effort: Effort) -> ReasoningEffort {
        match effort {
            Effort::Low => ReasoningEffort::Low,
            Effort::Medium => ReasoningEffort::Medium,
            Effort::High => ReasoningEffort::High,
        }
    }
}

impl ConversationArguments {
    /// A conversation that waits for its first question.
    pub fn open(&self) -> Dialogue {
        let date = self.date.unwrap_or_else(|| jiff::Zoned::now().date());
        let default = SystemContent::default();
        let dialogue = Dialogue::new(SystemContent {
            model_identity: self.system.clone().or(default.model_identity),
            reasoning_effort: Some(self.effort.into()),
            conversation_start_date: Some(date.to_string()),
            knowledge_cutoff: self.knowledge_cutoff.clone().or(default.knowledge_cutoff),
            ..default
        });
        match &self.developer {
            Some(instructions) => dialogue.with_instructions(instructions),
            None => dialogue,
        }
    }
}

fn date(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse().map_err(|_| "expected a date such as `2025-06-28`".to_owned())
}

fn month(text: &str) -> Result<String, String> {
    match format!("{text}-01").parse::<jiff::civil::Date>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected a month such as `2024-06`".to_owned()),
    }
}
