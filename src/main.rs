//! The `tokenvend` command.

fn main() {}
