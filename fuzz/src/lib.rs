//! Properties that must hold for all inputs: one file for each kind of input. The fuzz targets check them with generated
//! bytes, and `tests/api/fuzzing.rs` with those of `seeds/`, so that an input that fuzzing found is checked with every
//! change.
//!
//! Headers and claims are checked through the service's public `AuthenticatorChain`. The properties of private items are
//! in `jose::fuzzing` and `tokenvend::http::fuzzing`.

mod authenticators;
pub mod claims;
pub mod forwarded;
pub mod headers;
