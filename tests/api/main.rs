//! Integration tests: real servers on port 0, real clients, a clock that the test moves.

mod emulator;
mod peers;
