//! A hub of models: what a repository holds, and its files brought here whole. Knows the hub's routes and its cache, and no model.
//!
//! Reading order: `repository`, `listing` with `checksum` (what there is), `pattern` (what of it is wanted), `environment` with `token`
//! (what the user has set), `cache` (where it may lie already); `address`, `proxies`, `client` and `patience` (one exchange, and trying
//! again), `pieces` and `queue` (what is to be fetched), `transfer` (fetching it), `fetch` (all of it).

mod address;
mod cache;
mod checksum;
mod client;
mod environment;
mod error;
mod fetch;
mod listing;
mod patience;
mod pattern;
mod pieces;
mod proxies;
mod queue;
mod repository;
mod token;
mod transfer;

pub use cache::Cache;
pub use checksum::Checksum;
pub use client::Limits;
pub use environment::Environment;
pub use error::HubError;
pub use fetch::{Fetched, File, Hub, Origin, Place};
pub use listing::{Entry, Listing};
pub use pattern::Choice;
pub use repository::Repository;
