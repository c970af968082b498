//! The bearer with which a running tokenvend is asked: where it is found, and over which URLs it may travel.
//! Never an argument: everybody on the machine can read those.

use std::path::Path;

use zeroize::Zeroizing;

/// Where it is looked for when no file is named.
pub(super) const VARIABLE: &str = "TOKENVEND_BEARER";

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum BearerError {
    /// Nobody said where it is.
    #[error("there is no bearer: name its file (--bearer-file), or set {VARIABLE}")]
    Missing,
    /// The file cannot be read.
    #[error("the bearer's file {0} cannot be read: {1}")]
    Unreadable(String, std::io::Error),
    /// It is none.
    #[error("the bearer is empty, or no token: it has white space or odd characters in it")]
    Odd,
}

/// The bearer of this file, or else this one of the environment.
pub(super) fn find(file: Option<&Path>, variable: Option<&str>) -> Result<Zeroizing<String>, BearerError> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| BearerError::Unreadable(path.display().to_string(), error))?,
        None => variable.map(str::to_owned).ok_or(BearerError::Missing)?,
    };
    let text = Zeroizing::new(text);
    let bearer = text.trim();
    // A file made for AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE holds the whole header.
    let bearer = bearer.strip_prefix("Bearer ").unwrap_or(bearer).trim_start();
    if bearer.is_empty() || !bearer.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(BearerError::Odd);
    }
    Ok(Zeroizing::new(bearer.to_owned()))
}
