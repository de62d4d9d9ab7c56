//! What the integration tests share.

pub mod parity;
pub mod synthetic;
