//! `precast demo`: the whole program with no other input, on the built-in model.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anstyle::Style;
use clap::Args;

use super::conversation::ConversationArguments;
use super::failure::{Failure, INTERRUPTED};
use super::generation::request;
use super::model::{Compute, ModelArguments, StorageArguments, open};
use super::report::tell;
use super::sharing::SharingArguments;
use super::subject::NameArguments;
use super::terminal;
use super::transcript::{Form, Transcript};
use super::turn::harmony;
use crate::chat::Tokenizer;
use crate::runner::{Sampling, Stop};

/// Chat with the built-in model on the CPU
#[derive(Args)]
#[command(after_help = "\
The built-in model has the architecture of gpt-oss and was trained on facts about countries; it knows nothing else. If the \
CPU's plugin is not here it is fetched through pip, after asking on a terminal; PRECAST_NO_INSTALL=1 forbids that.

Examples:
  precast demo
  precast demo --prompt \"Which countries border Austria?\"")]
pub struct Demo {
    /// Question, instead of the usual three
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Library to load instead of the plugin that `precast plugins list` shows
    #[arg(long, value_name = "PATH")]
    plugin: Option<PathBuf>,
    /// Threads of the device [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

const QUESTIONS: [&str; 3] =
    ["What is the capital of France?", "Which currency is used in Japan?", "Who wrote Hamlet?"];

impl Demo {
    pub fn run(self, quiet: bool) -> Result<ExitCode, Failure> {
        let began = Instant::now();
        Tokenizer::preload();
        let model = ModelArguments {
            model: Some("demo".into()),
            name: NameArguments::default(),
            target: None,
            compute: Some(Compute::F32),
            storage: StorageArguments::default(),
            plugin: self.plugin,
            threads: self.threads,
            no_kernels: false,
            sharing: SharingArguments::default(),
        };
        let mut session = open(&model.setup(None, None, 1)?)?;
        let ready = began.elapsed();
        let questions: Vec<&str> = match &self.prompt {
            Some(prompt) => vec![prompt],
            None => QUESTIONS.to_vec(),
        };
        let bold = Style::new().bold();
        for question in questions {
            terminal::print(format!("{bold}> {question}{bold:#}\n\n"))?;
            // Each question begins a conversation of its own: the model was trained on single questions.
            let mut dialogue = ConversationArguments::default().open();
            dialogue.add_user(question);
            let prompt = dialogue.render()?;
            let (room, vocabulary) = (session.setup().context, session.config().vocabulary);
            let request = request(prompt, room, Sampling::GREEDY, true, vocabulary);
            let turn = harmony(&mut session, &request, &mut Transcript::new(Form::Whole, quiet))?;
            if !quiet {
                tell(&turn.generation);
            }
            terminal::print("\n")?;
            if turn.generation.stop == Stop::Interrupted {
                return Ok(ExitCode::from(INTERRUPTED));
            }
        }
        if !quiet {
            terminal::complain(&format!(
                "{}: ready {:.2} s after the start; `precast chat --model demo` goes on\n",
                session.config().name,
                ready.as_secs_f64()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
