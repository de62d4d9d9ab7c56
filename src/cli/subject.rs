//! What a verb is to run: what its positional argument and `--model` mean. It reads no weights and knows no network.

use std::path::{Path, PathBuf};

use clap::Args;

use super::failure::Failure;
use super::terminal;
use crate::bundle::Bundle;
use crate::config::Config;
use crate::hub::Repository;
use crate::progress::{Event, Progress};

/// How a model that is given by name is brought here.
#[derive(Args, Default)]
pub struct NameArguments {
    /// Branch, tag or commit of a model that is given by name [default: main]
    #[arg(long, value_name = "REVISION", help_heading = "Model by name")]
    pub revision: Option<String>,
    /// Fetch it without asking
    #[arg(short, long, help_heading = "Model by name")]
    pub yes: bool,
    /// Use what is here, and no network
    #[arg(long, help_heading = "Model by name")]
    pub offline: bool,
}

/// A model, and the programs for it if they were compiled before.
#[derive(Debug, PartialEq, Eq)]
pub struct Subject {
    pub bundle: Option<PathBuf>,
    pub model: Model,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Model {
    /// A folder, a file, or `demo`.
    Here(String),
    Named(Name),
}

/// A repository of a hub at a revision.
#[derive(Debug, PartialEq, Eq)]
pub struct Name {
    pub repository: Repository,
    pub revision: String,
}

/// The file that makes a folder a bundle.
const OF_BUNDLE: &str = "manifest.json";

/// Who publishes the models that have a name of one word.
const PUBLISHER: &str = "openai";

impl Name {
    /// What the model is called: the repository without its owner.
    pub fn model(&self) -> String {
        let name = self.repository.to_string();
        name.rsplit('/').next().unwrap_or_default().to_owned()
    }
}

impl Subject {
    /// The only place that says what a positional argument is: beside `--model` a bundle, alone a model.
    ///
    /// A model is a path if something lies there, but for `demo`, and else a name; where both could be meant, the name in full is told.
    pub fn of(positional: Option<&str>, model: Option<&str>, name: &NameArguments) -> Result<Subject, Failure> {
        let (bundle, typed) = match (positional, model) {
            (Some(bundle), Some(model)) => (Some(bundle.into()), model),
            (None, Some(model)) => (None, model),
            (Some(alone), None) => (None, refuse_bundle(alone)?),
            (None, None) => {
                let failure = Failure::usage("neither a model's name nor `--model` is given");
                return Err(failure.hint("try `gpt-oss-20b`, or `demo` for the built-in model"));
            }
        };
        let model = Model::of(typed, name.revision.as_deref());
        if let (Model::Here(_), Some(revision)) = (&model, &name.revision) {
            let failure = Failure::usage(format!("`--revision {revision}` beside `{typed}`, which is no repository"));
            return Err(failure.hint("name one, such as `openai/gpt-oss-20b`, or leave `--revision` out"));
        }
        Ok(Subject { bundle, model })
    }
}

/// A bundle alone says nothing: it holds no weights. What a URL names can be nothing else.
fn refuse_bundle(alone: &str) -> Result<&str, Failure> {
    if alone.contains("://") {
        let failure =
            Failure::usage(format!("`{alone}` alone: a URL names a bundle, which holds programs and no weights"));
        return Err(failure.hint(format!("say where the weights are: `{alone} --model DIR`")));
    }
    if !Path::new(alone).join(OF_BUNDLE).is_file() {
        return Ok(alone);
    }
    let opened = Bundle::open(Path::new(alone))?;
    let model = &opened.manifest().model;
    let weights = if Config::named(model).is_some() { model } else { "DIR" };
    let failure = Failure::usage(format!("`{alone}` is a bundle of `{model}`, which holds programs and no weights"));
    Err(failure.hint(format!("say where the weights are: `{alone} --model {weights}`")))
}

impl Model {
    fn of(typed: &str, revision: Option<&str>) -> Model {
        let here = || Model::Here(typed.to_owned());
        let full = if Config::named(typed).is_some() { format!("{PUBLISHER}/{typed}") } else { typed.to_owned() };
        let Ok(repository) = full.parse::<Repository>() else { return here() };
        if Path::new(typed).exists() {
            if full != typed {
                let sentence = format!("`{typed}` is what lies here under that name; `{full}` is the repository");
                terminal::BAR.report(Event::Note(&sentence));
            }
            return here();
        }
        Model::Named(Name { repository, revision: revision.unwrap_or("main").to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `BUNDLE|MODEL`, or what is wrong.
    fn of(positional: Option<&str>, model: Option<&str>) -> String {
        match Subject::of(positional, model, &NameArguments::default()) {
            Err(failure) => failure.parts().0,
            Ok(Subject { bundle, model }) => {
                let bundle = bundle.map_or("-".to_owned(), |bundle| bundle.display().to_string());
                match model {
                    Model::Here(path) => format!("{bundle}|here {path}"),
                    Model::Named(name) => format!("{bundle}|{} at {}", name.repository, name.revision),
                }
            }
        }
    }

    #[test]
    fn a_name_is_told_from_a_path() {
        let rows = [
            (Some("gpt-oss-20b"), None, "-|openai/gpt-oss-20b at main"),
            (Some("ada/small"), None, "-|ada/small at main"),
            (None, Some("gpt-oss-120b"), "-|openai/gpt-oss-120b at main"),
            (Some("bundle/"), Some("ada/small"), "bundle/|ada/small at main"),
            (Some("ada/small"), Some("demo"), "ada/small|here demo"),
            // Folders of this repository: the first has a name of its own all the same.
            (Some("demo"), None, "-|here demo"),
            (Some("src/cli"), None, "-|here src/cli"),
            (Some("s3://bucket/bundle"), Some("demo"), "s3://bucket/bundle|here demo"),
            (Some("/nowhere"), None, "-|here /nowhere"),
        ];
        for (positional, model, expected) in rows {
            assert_eq!(of(positional, model), expected, "{positional:?} {model:?}");
        }
        assert!(of(None, None).contains("neither a model's name nor"));
        assert!(of(Some("s3://bucket/bundle"), None).contains("a URL names a bundle"));
        let revised = NameArguments { revision: Some("v1".to_owned()), ..NameArguments::default() };
        assert!(Subject::of(Some("demo"), None, &revised).is_err());
    }
}
