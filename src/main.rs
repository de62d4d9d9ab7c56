//! The `precast` program.

fn main() {}
