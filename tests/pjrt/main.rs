//! The PJRT binding against real plugins, which the tests install as `precast plugins install` does where they are missing.

mod cost;
mod install;
mod kernels;
mod layouts;
mod nonsense;
mod run;
mod shards;
mod sizes;
mod support;
mod targets;
mod tpu;
