//! Integration tests: real servers on port 0, real clients, a clock that the test moves.

#![expect(clippy::unwrap_used, reason = "clippy takes only the test functions for tests, not their helpers")]

mod emulator;
mod peers;
