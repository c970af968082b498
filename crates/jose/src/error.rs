//! Errors of key sets and of their sources.

use std::io;
use std::path::PathBuf;

use bounded_http::{HttpError, InvalidUrl};
use reqwest::StatusCode;

use crate::algorithm::Algorithm;

/// Why a document contains no usable keys.
#[derive(Debug, thiserror::Error)]
pub enum KeySetError {
    /// It is not a JWKS.
    #[error("it is not a JWKS: {0}")]
    InvalidJwks(serde_json::Error),
    /// No key of the JWKS is a public key for a known signature algorithm.
    #[error("it has no key that can be used to verify signatures")]
    NoUsableKey,
    /// It is not PEM.
    #[error("it is neither a JWKS nor PEM: {0}")]
    InvalidPem(pem::PemError),
    /// The PEM block has this tag.
    #[error("it contains a {0:?}, a PUBLIC KEY is needed")]
    PemTag(String),
    /// The PEM key is for none of these algorithms.
    #[error("its key is not one for {}", names(.0))]
    KeyType(Vec<Algorithm>),
}

fn names(algorithms: &[Algorithm]) -> String {
    algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ")
}

/// Why keys could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The request failed, or the response is too large.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The response is not 2xx.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// The discovery document is not valid JSON, or lacks a member.
    #[error("the discovery document cannot be read: {0}")]
    InvalidDiscovery(serde_json::Error),
    /// The discovery document has another `issuer`.
    #[error("the discovery document is another issuer's")]
    IssuerMismatch,
    /// The `jwks_uri` of the discovery document is not accepted.
    #[error("the jwks_uri of the discovery document cannot be used: {0}")]
    JwksUri(InvalidUrl),
    /// The response contains no usable keys.
    #[error(transparent)]
    Keys(#[from] KeySetError),
}

/// Why there are no keys to verify signatures with.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The key file cannot be read.
    #[error("the key file {path} cannot be read: {error}", path = path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// The key file contains no usable keys.
    #[error("the key file {path} cannot be used: {error}", path = path.display())]
    FileContent {
        /// Its path.
        path: PathBuf,
        /// The cause.
        error: KeySetError,
    },
    /// The HTTP client cannot be created, because of the TLS configuration of this machine.
    #[error("cannot create an https client: {0}")]
    Client(#[from] reqwest::Error),
    /// The fetch failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The operating system returns no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}
