//! `precast run`: one prompt, one answer.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::conversation::ConversationArguments;
use super::failure::{Failure, INTERRUPTED};
use super::generation::{SamplingArguments, request};
use super::model::{BundleArguments, ModelArguments, Positions, open_for_prompt};
use super::report::{Speeds, stop_name, tell};
use super::transcript::{Form, Transcript};
use super::turn::{ChannelText, Turn, harmony, raw, text};
use super::{input, terminal};
use crate::chat::Tokenizer;
use crate::chat::conversation::FINAL;
use crate::runner::Stop;

/// Answer one prompt
#[derive(Args)]
#[command(after_help = "\
The prompt becomes the question of a Harmony conversation. On a terminal every channel is shown under its name; into a pipe \
goes the final text alone, while the model's thoughts go to standard error (-q drops them). With --raw the prompt is text to \
continue, and what is generated is printed as it is. --json has every channel, and under `text` all that was generated with its \
special tokens.

A prompt of `-`, or none, is read from standard input. A model that is given by name is fetched first, after asking or with --yes; the \
steps are told on standard error.

Examples:
  precast run demo --prompt \"What is the capital of France?\"
  precast run gpt-oss-20b --yes --prompt \"Name three rivers\"
  echo \"Name three rivers\" | precast run --model gpt-oss-20b/ -q > answer.txt
  precast run --model gpt-oss-20b/ --raw --prompt \"Once upon a time\" --temperature 1 --seed 7 --max-new 200
  precast run s3://models/gpt-oss-20b.cpu --trust release.key.pub --model gpt-oss-20b/ --prompt \"Name three rivers\"
  precast run --model gpt-oss-20b/ --tokens @ids.txt --max-new 40 --ignore-stop --compute f32 --json")]
pub struct Run {
    #[command(flatten)]
    bundle: BundleArguments,
    #[command(flatten)]
    model: ModelArguments,
    /// Question, or with --raw text to continue; `-` reads standard input
    #[arg(long, value_name = "TEXT", conflicts_with = "tokens")]
    prompt: Option<String>,
    /// Token ids instead of text, or @FILE with token ids
    #[arg(long, value_name = "1,2,3|@FILE")]
    tokens: Option<String>,
    /// The most tokens to generate
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    max_new: u32,
    /// Take the prompt as plain text to continue
    #[arg(long)]
    raw: bool,
    /// Take names such as <|start|> in a raw prompt for the special tokens
    #[arg(long, requires = "raw")]
    special: bool,
    /// Do not end at the tokens that end a turn
    #[arg(long)]
    ignore_stop: bool,
    /// Tokens that prompt and answer may have together [default: 4096, or more if they need it]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    #[command(flatten)]
    sampling: SamplingArguments,
    #[command(flatten)]
    conversation: ConversationArguments,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    model: String,
    prompt_tokens: usize,
    tokens: Vec<u32>,
    /// Natural logarithms of the tokens' probabilities.
    logprobs: Vec<f32>,
    text: String,
    channels: Vec<ChannelText>,
    warnings: Vec<String>,
    stop: &'static str,
    stop_token: Option<u32>,
    seed: u64,
    #[serde(flatten)]
    speeds: Speeds,
    peak_rss_bytes: Option<u64>,
}

impl Run {
    pub fn run(self, quiet: bool) -> Result<ExitCode, Failure> {
        let prompt = self.prompt_tokens()?;
        let max_new = self.max_new as usize;
        // The prompt must fit; how much of the answer does, the context decides, which is made for all of it where that can be.
        let positions = Positions { needed: prompt.len() + 1, wanted: prompt.len() + max_new };
        let setup = self.model.setup_with(&self.bundle, self.context, positions)?;
        let mut session = open_for_prompt(&setup, prompt.len())?;
        let vocabulary = session.config().vocabulary;
        let sampling = self.sampling.sampling();
        let request = request(prompt, max_new, sampling, !self.ignore_stop, vocabulary);
        let form = if self.json { Form::Nothing } else { Form::for_stdout() };
        let turn = match self.raw {
            true => raw(&mut session, &request, !self.json)?,
            false => harmony(&mut session, &request, &mut Transcript::new(form, quiet))?,
        };
        if self.json {
            terminal::print_json(&report(&turn, session.config().name.clone(), sampling.seed))?;
        } else if form == Form::Answer && !self.raw && !turn.channels().iter().any(is_final) {
            terminal::complain("the model has not come to a final answer\n");
        }
        if !quiet {
            tell(&turn.generation);
            if sampling.temperature > 0.0 {
                terminal::complain(&format!("drawn with `--seed {}`\n", sampling.seed));
            }
        }
        Ok(match turn.generation.stop {
            Stop::Interrupted => ExitCode::from(INTERRUPTED),
            _ => ExitCode::SUCCESS,
        })
    }

    fn prompt_tokens(&self) -> Result<Vec<u32>, Failure> {
        if let Some(tokens) = &self.tokens {
            return input::token_list("--tokens", tokens);
        }
        let Some(prompt) = input::prompt(self.prompt.as_deref())? else {
            let failure = Failure::usage(
                "there is no prompt: neither `--prompt` nor `--tokens` is given, nor is anything piped in",
            );
            return Err(failure.hint("use `precast chat` for a conversation"));
        };
        if prompt.trim().is_empty() {
            return Err(Failure::usage("the prompt is empty"));
        }
        if self.raw {
            let tokenizer = Tokenizer::o200k();
            let tokens = if self.special { tokenizer.encode_special(&prompt) } else { tokenizer.encode(&prompt) };
            return Ok(tokens);
        }
        let mut dialogue = self.conversation.open();
        dialogue.add_user(prompt.trim_end_matches('\n'));
        Ok(dialogue.render()?)
    }
}

fn is_final(message: &ChannelText) -> bool {
    message.channel.as_deref() == Some(FINAL)
}

fn report(turn: &Turn, model: String, seed: u64) -> Report {
    let generation = &turn.generation;
    Report {
        model,
        prompt_tokens: generation.prompt_tokens,
        tokens: generation.tokens.clone(),
        logprobs: generation.logprobs.clone(),
        text: text(&generation.tokens),
        channels: turn.channels(),
        warnings: turn.warnings.clone(),
        stop: stop_name(generation.stop),
        stop_token: if let Stop::Token(token) = generation.stop { Some(token) } else { None },
        seed,
        speeds: Speeds::of(generation),
        peak_rss_bytes: terminal::peak_memory(),
    }
}
