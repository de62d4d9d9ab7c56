//! `precast score`: logits of every position of a text, into a file or compared with those of a plainer strategy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use serde_json::json;

use super::failure::Failure;
use super::model::{Compute, ModelArguments, open_to_score};
use super::score_against::{Reference, score, text};
use super::score_file::{header, write_beside, write_rows};
use super::{input, terminal};
use crate::chat::Tokenizer;
use crate::plan::Strategy;
use crate::runner::{Setup, TextDivergence};

/// Show what a precision does to the logits of a text, or write them to a file
#[derive(Args)]
#[command(after_help = "\
With --against the text is scored twice, one model after the other in memory: as --weights, --dense, --kv and --compute say, and in \
plain bf16 or f32. Shown are the Kullback-Leibler divergence KL(plain || chosen) of the predictions in nats, how often the likeliest \
token is the same, the differences of the logits, and the text's perplexity in both. The plain logits wait in a temporary file, \
four bytes for each token and word of the vocabulary: beside --out, or in the folder that TMPDIR names.

The file of --out holds one tensor, `logits`, f32 [tokens, vocabulary]: row n is the prediction after token n.

Examples:
  precast score gpt-oss-20b --text @book.txt --weights fp8 --against bf16
  precast score --model gpt-oss-20b/ --text @book.txt --weights mxfp4 --dense int8 --kv fp8 --against bf16 --json
  precast score --model demo --tokens 200006,17360,200008 --out logits.safetensors
  precast score --model gpt-oss-20b/ --tokens @ids.txt --compute f32 --out logits.safetensors")]
#[command(group = ArgGroup::new("input").required(true).args(["tokens", "text"]))]
pub struct Score {
    /// Model: `gpt-oss-20b`, `gpt-oss-120b`, `OWNER/NAME` on a hub, `demo`, a folder or a packed file
    #[arg(value_name = "MODEL")]
    subject: Option<String>,
    #[command(flatten)]
    model: ModelArguments,
    /// Token ids, or @FILE with token ids
    #[arg(long, value_name = "1,2,3|@FILE")]
    tokens: Option<String>,
    /// Text, or @FILE with text; names of special tokens are ordinary text
    #[arg(long, value_name = "TEXT|@FILE")]
    text: Option<String>,
    /// Compare with everything in this type
    #[arg(long, value_enum, value_name = "TYPE")]
    against: Option<Compute>,
    /// Positions that the cache holds [default: 4096, or more if the tokens need it]
    #[arg(long, value_name = "N")]
    context: Option<usize>,
    /// File to write the logits to; may be left out with --against
    #[arg(long, value_name = "FILE", required_unless_present = "against")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Score {
    pub fn run(self) -> Result<ExitCode, Failure> {
        let tokens = self.input()?;
        let setup = self.model.setup(self.subject.as_deref(), self.context, tokens.len())?;
        let strategy = setup.strategy;
        let mut reference = self.reference(&setup, &tokens)?;
        let mut session = open_to_score(&setup)?;
        let (model, vocabulary) = (session.config().name.clone(), session.config().vocabulary);
        let mut report = json!({
            "model": model,
            "tokens": tokens.len(),
            "vocabulary": vocabulary,
            "compute": Compute::of(&setup).name(),
            "weights": strategy.experts.name(),
            "dense": strategy.dense.name(),
            "kv": strategy.cache.name(),
        });
        let mut judge = |keep: &mut dyn FnMut(&[f32]) -> Result<(), Failure>| match &mut reference {
            Some(reference) => reference.judge(&mut session, &tokens, keep).map(Some),
            None => score(&mut session, &tokens, "score", keep).map(|()| None),
        };
        let found: Option<TextDivergence> = match &self.out {
            Some(out) => {
                let texts = report.as_object().into_iter().flatten();
                let texts =
                    texts.map(|(name, value)| (name.clone(), value.as_str().map_or(value.to_string(), str::to_owned)));
                let mut metadata: BTreeMap<String, String> = texts.collect();
                metadata.insert("made_by".to_owned(), concat!("precast ", env!("CARGO_PKG_VERSION")).to_owned());
                report["out"] = json!(out);
                write_beside(out, |file| {
                    write_rows(out, file, &header([tokens.len(), vocabulary], &metadata))?;
                    judge(&mut |logits| {
                        let bytes: Vec<u8> = logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
                        write_rows(out, file, &bytes)
                    })
                })?
            }
            None => judge(&mut |_| Ok(()))?,
        };
        if let (Some(against), Some(found)) = (self.against, &found) {
            report["exact"] = strategy.is_exact().into();
            report["against"] = against.name().into();
            let figures = json!(found);
            for (name, figure) in figures.as_object().into_iter().flatten() {
                report[name] = figure.clone();
            }
        }
        if self.json {
            terminal::print_json(&report)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let (Some(against), Some(found)) = (self.against, &found) {
            terminal::print(text(&model, tokens.len(), strategy, against, found))?;
        }
        if let Some(out) = &self.out {
            terminal::print(format!("{}: logits f32 [{}, {vocabulary}]\n", out.display(), tokens.len()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn input(&self) -> Result<Vec<u32>, Failure> {
        if let Some(list) = &self.tokens {
            return input::token_list("--tokens", list);
        }
        let text = input::text_or_file(self.text.as_deref().unwrap_or_default())?;
        let tokens = Tokenizer::o200k().encode(&text);
        if tokens.is_empty() {
            return Err(Failure::usage("the text is empty, expected at least a word"));
        }
        Ok(tokens)
    }

    /// The plain logits that `--against` asks for, scored before the model that they judge is opened.
    fn reference(&self, setup: &Setup, tokens: &[u32]) -> Result<Option<Reference>, Failure> {
        let Some(against) = self.against else { return Ok(None) };
        if tokens.len() < 2 {
            let failure = Failure::usage("a text of 1 token has no perplexity: `--against` needs 2 tokens at least");
            return Err(failure.hint("give a longer text; a page of it makes the figures steady"));
        }
        let plain = Strategy::plain(against.element());
        if setup.strategy == plain {
            let failure =
                Failure::usage(format!("`--against {0}` would compare plain {0} with itself", against.name()));
            return Err(failure.hint("say what is to be judged with `--weights`, `--dense`, `--kv` or `--compute`"));
        }
        let setup = Setup { strategy: plain, ..setup.clone() };
        Reference::score(&setup, against, tokens, self.out.as_deref()).map(Some)
    }
}
