//! Verification of JWS signatures (RFC 7515), by keys that are configured or fetched.
//!
//! What a token says about its own signature is a claim like any other. The caller lists the algorithms, and the keys are
//! those that the caller trusts, each bound to its algorithm family. `jku`, `x5u` and `jwk` ("use this key") are not read.

#![warn(missing_docs)]

mod algorithm;
mod error;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod header;
mod jwk;
mod jwks_client;
mod jws;
mod key;
mod key_provider;
mod key_set;
mod observer;
mod remote_jwks;
mod remote_keys_by_id;
mod settings;
mod unique_json;

pub use algorithm::Algorithm;
pub use error::{FetchError, KeySetError, KeysError};
pub use jws::{InvalidJws, Jws, VerifyError};
pub use key_provider::KeyProvider;
pub use observer::JwksObserver;
pub use settings::{JwksSettings, KeySource};
