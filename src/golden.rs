//! Goldens: what a model's programs were when somebody last looked, so that a change shows. `record` is what is kept, `emit` makes
//! it anew from the graphs alone, `compile` adds what a compiler says, `difference` compares, `matrix` shows what fits where.
//! Knows plans, programs and compilers' figures, and no command line.

mod case;
mod compile;
mod difference;
mod emit;
mod matrix;
mod record;

use std::path::PathBuf;

pub use case::Case;
pub use compile::compile;
pub use difference::{Change, changes};
pub use emit::emit;
pub use matrix::matrix;
pub use record::{Compiled, Exchange, Figures, Golden, Row, Text, Verdict};

/// Why goldens cannot be read, made or written.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    #[error("cannot {action} `{}`: {source}", file.display())]
    Io { action: &'static str, file: PathBuf, source: std::io::Error },
    #[error("`{}` holds no goldens: {problem}", file.display())]
    Content { file: PathBuf, problem: String },
    #[error("`{}` has goldens of format {found}, this precast reads {expected}", file.display())]
    Format { file: PathBuf, found: u64, expected: u32 },
    #[error("`{}` is for {found}, expected {expected}", file.display())]
    Sizes { file: PathBuf, found: String, expected: String },
    #[error("a row says {key} `{found}`, which means nothing here")]
    Row { key: &'static str, found: String },
    #[error("the graph `{program}` cannot be built: {problem}\n  this is a bug in precast")]
    Graph { program: String, problem: String },
}

impl GoldenError {
    /// Whether there is nothing yet, which is no mistake where something is about to be made.
    pub fn is_absence(&self) -> bool {
        matches!(self, GoldenError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }

    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            error if error.is_absence() => Some("`precast golden bless` writes the first ones".into()),
            GoldenError::Sizes { .. } => Some("use another `--dir` for other sizes".into()),
            GoldenError::Content { .. } | GoldenError::Format { .. } | GoldenError::Row { .. } => {
                Some("`precast golden bless` makes them anew; remove the file first".into())
            }
            _ => None,
        }
    }
}
