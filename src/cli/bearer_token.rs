//! Bearer token for calls to a running tokenvend: where it is read from, and to which URLs it may be sent.
//!
//! It is never an argument, because every user of the machine can list arguments.

use std::path::Path;

use zeroize::Zeroizing;

/// Environment variable with the token, if no file is given.
pub(super) const VARIABLE: &str = "TOKENVEND_BEARER";

/// Why there is no bearer token.
#[derive(Debug, thiserror::Error)]
pub(super) enum BearerError {
    #[error("no bearer token: give its file (--bearer-file), or set {VARIABLE}")]
    Missing,
    #[error("the bearer token file {0} cannot be read: {1}")]
    Unreadable(String, std::io::Error),
    #[error("the bearer token is empty, or has white space or other characters that no token has")]
    Malformed,
}

/// Reads the token from the file if one is given, else takes the value of the environment variable.
pub(super) fn find(file: Option<&Path>, variable: Option<&str>) -> Result<Zeroizing<String>, BearerError> {
    let text = match file {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| BearerError::Unreadable(path.display().to_string(), error))?
        }
        None => variable.map(str::to_owned).ok_or(BearerError::Missing)?,
    };
    let text = Zeroizing::new(text);
    let bearer = text.trim();
    // A file made for AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE holds the whole header.
    let bearer = bearer.strip_prefix("Bearer ").unwrap_or(bearer).trim_start();
    if bearer.is_empty() || !bearer.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(BearerError::Malformed);
    }
    Ok(Zeroizing::new(bearer.to_owned()))
}
