//! The runner: binds weights to compiled programs and generates tokens. It knows token ids and devices, never text.
//!
//! Reading order: `session` (what is loaded), `cache` (keys and values on the device, and what they hold), `generate`, `score`,
//! `divergence` (how far predictions are from others), `pace` (how long a step takes).

mod bind;
mod cache;
mod divergence;
mod error;
mod generate;
mod pace;
mod score;
mod session;

pub use divergence::{Comparison, Divergence, Prediction, TextDivergence};
pub use error::RunError;
pub use generate::{Generation, Request, Sampling, Stop};
pub use session::{Session, Setup};
