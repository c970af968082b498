//! What must hold of any bytes: one file for each kind of them. The targets hand a fuzzer's bytes over, and the tests of
//! the service those of `seeds/` (`tests/api/fuzzing.rs`), so that what was found once is tried with every change.
//!
//! Headers and claims come in by the service's public `Authenticator`; what it keeps to itself has doors of its own,
//! `jose::fuzzing` and `tokenvend::http::fuzzing`, with what must hold there.

pub mod claims;
mod door;
pub mod forwarded;
pub mod headers;
