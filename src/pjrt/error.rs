//! What can go wrong between precast and a plugin. Knows no plugin object, only facts about a call.

use std::fmt;
use std::path::PathBuf;

use hlo::TensorType;

/// A failed call, a plugin that does not do, or arguments that would have been wrong.
#[derive(Debug, thiserror::Error)]
pub enum PjrtError {
    #[error("plugin cannot be loaded: {cause}\n  in `{}`", path.display())]
    Open { path: PathBuf, cause: String },
    #[error("library is not a PJRT plugin: {cause}\n  in `{}`", path.display())]
    NotAPlugin { path: PathBuf, cause: String },
    #[error(
        "plugin speaks PJRT C API {major}.{minor}, precast needs 0.{minimum} or a later 0.x\n  in `{}`", path.display()
    )]
    Version { path: PathBuf, major: i32, minor: i32, minimum: i32 },
    #[error("plugin has no `{function}`; it speaks PJRT C API 0.{minor}\n  in `{}`", path.display())]
    Missing { function: &'static str, minor: i32, path: PathBuf },
    /// The plugin refused. `message` is whole; only its first line is displayed.
    #[error("`{function}` failed with {code}: {}", first_line(message))]
    Call { function: &'static str, code: Code, message: String },
    /// The plugin answered what no plugin should.
    #[error("`{function}` of the plugin answered nonsense: {problem}")]
    Malformed { function: &'static str, problem: String },
    #[error("{found} arguments given, the program takes {expected}")]
    ArgumentCount { found: usize, expected: usize },
    #[error("argument {index} `{name}` is {found}, the program takes {expected}")]
    ArgumentType { index: usize, name: String, found: TensorType, expected: TensorType },
    #[error(
        "argument {index} `{name}` is {}, the program {} it",
        if *donated { "donated" } else { "kept" }, if *donated { "only reads" } else { "takes over" }
    )]
    Donation { index: usize, name: String, donated: bool },
    #[error("argument {index} `{name}` lies on {found}, the program runs on {expected}")]
    ArgumentDevice { index: usize, name: String, found: String, expected: String },
    #[error("argument {index} `{name}` lies in {found}, the program takes {expected}")]
    ArgumentSharding { index: usize, name: String, found: String, expected: String },
    /// A mesh that does not do for the tensor or the devices that it should divide.
    #[error("{problem}")]
    Sharding { problem: String },
    #[error("{found} bytes given for {ty}, which takes {expected}")]
    Bytes { ty: TensorType, found: usize, expected: usize },
    #[error("{ty} is too large to be addressed")]
    TooLarge { ty: TensorType },
    /// The executable is not the program whose signature was given.
    #[error("executable `{executable}` has {found}, its signature says {expected}")]
    Signature { executable: String, found: String, expected: String },
    #[error("{what} belongs to another client")]
    Foreign { what: String },
    #[error("executable `{executable}` runs on {found} devices, its signature is for {expected}")]
    Devices { executable: String, found: usize, expected: usize },
    #[error("threads of a client cannot be limited: {cause}")]
    Threads { cause: String },
}

impl PjrtError {
    /// The plugin's code, if it was the plugin that refused.
    pub fn code(&self) -> Option<Code> {
        match self {
            PjrtError::Call { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The plugin's whole message, if it was the plugin that refused.
    pub fn message(&self) -> Option<&str> {
        match self {
            PjrtError::Call { message, .. } => Some(message),
            _ => None,
        }
    }

    /// The way out, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            PjrtError::Open { .. } | PjrtError::NotAPlugin { .. } | PjrtError::Missing { .. } => {
                Some("`precast plugins install cpu` gets a plugin that does".into())
            }
            PjrtError::Version { .. } => {
                Some("`precast plugins install` gets a version that precast was tested with".into())
            }
            PjrtError::Call { code: Code::ResourceExhausted, .. } => {
                Some("a smaller context, batch or prefill bucket needs less memory".into())
            }
            PjrtError::Call { code: Code::Aborted, message, .. } if message.contains("lockfile") => {
                Some("another process uses the TPU; `ALLOW_MULTIPLE_LIBTPU_LOAD=1` allows compiling beside it".into())
            }
            _ => None,
        }
    }
}

pub(super) fn first_line(message: &str) -> &str {
    message.lines().find(|line| !line.trim().is_empty()).unwrap_or("no message").trim_end()
}

/// What a program gives, in words.
pub(super) fn results(types: &[TensorType]) -> String {
    let list: Vec<String> = types.iter().map(TensorType::to_string).collect();
    format!("results ({})", list.join(", "))
}

/// `PJRT_Error_Code`: the canonical codes of Abseil.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Cancelled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
    /// A number that the header does not know, 0 among them: an error is never OK.
    Other(i32),
}

const CODES: [(Code, i32, &str); 16] = [
    (Code::Cancelled, 1, "CANCELLED"),
    (Code::Unknown, 2, "UNKNOWN"),
    (Code::InvalidArgument, 3, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, 4, "DEADLINE_EXCEEDED"),
    (Code::NotFound, 5, "NOT_FOUND"),
    (Code::AlreadyExists, 6, "ALREADY_EXISTS"),
    (Code::PermissionDenied, 7, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, 8, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, 9, "FAILED_PRECONDITION"),
    (Code::Aborted, 10, "ABORTED"),
    (Code::OutOfRange, 11, "OUT_OF_RANGE"),
    (Code::Unimplemented, 12, "UNIMPLEMENTED"),
    (Code::Internal, 13, "INTERNAL"),
    (Code::Unavailable, 14, "UNAVAILABLE"),
    (Code::DataLoss, 15, "DATA_LOSS"),
    (Code::Unauthenticated, 16, "UNAUTHENTICATED"),
];

impl From<i32> for Code {
    fn from(number: i32) -> Code {
        CODES.iter().find(|row| row.1 == number).map_or(Code::Other(number), |row| row.0)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Code::Other(number) => write!(f, "code {number}"),
            known => f.write_str(CODES.iter().find(|row| row.0 == *known).map_or("", |row| row.2)),
        }
    }
}
