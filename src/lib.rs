//! precast: an ahead-of-time compiler and runner for gpt-oss on XLA devices.
//!
//! The layers, in reading order; none imports one that stands below it in this list:
//! `hlo` (its own crate) | `config` `digest` `disk` `partial` `progress` `target` | `hub` `signature` `storage` | `plan` | `graph` | `estimate` | `weights` `pjrt` | `bundle` | `golden` | `chat` `runner` | `cli`.

pub mod config;
pub mod digest;
pub mod disk;
pub mod partial;
pub mod progress;
pub mod target;

pub mod hub;
pub mod signature;
pub mod storage;

pub mod plan;

pub mod graph;

pub mod estimate;

pub mod pjrt;
pub mod weights;

pub mod bundle;

pub mod golden;

pub mod chat;
pub mod runner;

pub mod cli;
