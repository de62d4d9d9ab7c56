//! graph
pub mod params;
