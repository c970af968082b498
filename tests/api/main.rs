//! Integration tests: real servers on port 0, real clients, a clock that the test moves.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy takes only the test functions for tests, not their helpers"
)]

mod emulator;
mod peers;
