//! Where plugins are and how to get them.
