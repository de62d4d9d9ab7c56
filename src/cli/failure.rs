//! What goes wrong at the command line, how it is printed, and the exit code it ends with. It knows no verb.

use std::error::Error;
use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::terminal;
use crate::bundle::BundleError;
use crate::pjrt::{Code, PjrtError};
use crate::runner::RunError;
use crate::storage::StorageError;
use crate::weights::packed::PackedError;

/// Exit codes besides 0, which is done; 130 is the shell's for a program that Ctrl-C ended.
pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;
pub const DOES_NOT_FIT: u8 = 3;
pub const INTERRUPTED: u8 = 130;

/// Why a verb ends early.
#[derive(Debug)]
pub enum Failure {
    /// Whoever read standard output has left: nothing is wrong, and nobody wants more.
    ReaderGone,
    /// To be told to the person at the terminal.
    Told(Box<Told>),
}

/// A message, the facts below it, the way out, and the exit code.
#[derive(Debug)]
pub struct Told {
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    code: u8,
}

impl Failure {
    /// Something failed while doing what was asked.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure::with_code(message, FAILED)
    }

    /// What was asked cannot be meant.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::with_code(message, USAGE)
    }

    /// A file could not be read, written or made: `doing` says which, such as ``read `prompt.txt` ``.
    pub fn file(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
        Failure::new(format!("cannot {doing} `{}`", path.display())).because(error)
    }

    pub fn with_code(message: impl Into<String>, code: u8) -> Failure {
        Failure::Told(Box::new(Told { message: message.into(), causes: Vec::new(), hint: None, code }))
    }

    /// An error of a layer below with everything that its sources add.
    pub fn of(error: &dyn Error, hint: Option<String>, code: u8) -> Failure {
        let mut failure = Failure::with_code(error.to_string(), code);
        let mut source = error.source();
        while let Some(cause) = source {
            failure = failure.because(cause);
            source = cause.source();
        }
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// Adds a fact below the message, unless the lines above say it already.
    pub fn because(mut self, cause: impl Display) -> Failure {
        if let Failure::Told(told) = &mut self {
            let cause = cause.to_string();
            let last = told.causes.last().unwrap_or(&told.message);
            if !last.contains(&cause) {
                told.causes.push(cause);
            }
        }
        self
    }

    /// Adds the way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        if let Failure::Told(told) = &mut self {
            told.hint = Some(hint.into());
        }
        self
    }

    /// The message with what is below it, and the way out.
    pub fn parts(self) -> (String, Option<String>) {
        match self {
            Failure::ReaderGone => (String::new(), None),
            Failure::Told(told) => {
                let told = *told;
                let lines = std::iter::once(told.message).chain(told.causes);
                (lines.collect::<Vec<_>>().join("\n"), told.hint)
            }
        }
    }

    /// Prints the failure to standard error and gives the code to end with.
    pub fn tell(self) -> ExitCode {
        let Failure::Told(told) = self else { return ExitCode::SUCCESS };
        let error = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let hint = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
        let mut text = format!("{error}error:{error:#} {}\n", told.message);
        for cause in &told.causes {
            for line in cause.lines() {
                text += &format!("  {line}\n");
            }
        }
        if let Some(way_out) = &told.hint {
            text += &format!("\n{hint}hint:{hint:#} {way_out}\n");
        }
        terminal::complain(&text);
        ExitCode::from(told.code)
    }
}

/// Every layer's errors know their hint; here they get their exit code.
macro_rules! layers {
    ($($error:ty: $code:expr;)*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                let code: fn(&$error) -> u8 = $code;
                Failure::of(&error, error.hint(), code(&error))
            }
        }
    )*};
}

layers! {
    crate::target::TargetError: |_| USAGE;
    crate::config::ConfigError: |_| FAILED;
    crate::hub::HubError: |error| if error.is_usage() { USAGE } else { FAILED };
    crate::pjrt::plugins::PluginsError: |error| match error {
        crate::pjrt::plugins::PluginsError::Unknown { .. } => USAGE,
        _ => FAILED,
    };
    PjrtError: of_plugin;
    crate::chat::TokenizerError: |_| FAILED;
    crate::chat::HarmonyError: |_| USAGE;
    crate::weights::CheckpointError: |_| FAILED;
    PackedError: of_packed;
    BundleError: of_bundle;
    crate::storage::StorageError: of_storage;
    crate::signature::KeyError: |error| if matches!(error, crate::signature::KeyError::Public { .. }) { USAGE } else { FAILED };
    crate::golden::GoldenError: |_| FAILED;
    RunError: of_run;
}

fn of_plugin(error: &PjrtError) -> u8 {
    match error.code() {
        Some(Code::ResourceExhausted) => DOES_NOT_FIT,
        _ => FAILED,
    }
}

fn of_bundle(error: &BundleError) -> u8 {
    match error {
        BundleError::Compile { source, .. } => of_plugin(source),
        BundleError::DoesNotFit { .. } => DOES_NOT_FIT,
        BundleError::Storage(error) => of_storage(error),
        _ => FAILED,
    }
}

fn of_storage(error: &StorageError) -> u8 {
    if error.is_usage() { USAGE } else { FAILED }
}

/// Options that ask for what a file does not hold.
fn of_packed(error: &PackedError) -> u8 {
    match error {
        PackedError::Other { .. } | PackedError::Source { .. } => USAGE,
        _ => FAILED,
    }
}

/// What was asked for can be wrong in ways that only a session notices.
fn of_run(error: &RunError) -> u8 {
    match error {
        RunError::Pjrt(error) => of_plugin(error),
        RunError::Bundle(error) => of_bundle(error),
        RunError::Weights(error) => of_packed(error),
        RunError::EmptyPrompt
        | RunError::PromptTooLong { .. }
        | RunError::UnknownToken { .. }
        | RunError::Sampling { .. }
        | RunError::ContextTooLong { .. }
        | RunError::NoPrefill => USAGE,
        _ => FAILED,
    }
}
