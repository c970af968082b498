//! Where keys come from.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use zeroize::Zeroizing;

/// Where the keys of a signer come from.
#[derive(Clone)]
pub enum KeySource {
    /// A JWKS over HTTP.
    Jwks(JwksSettings),
    /// A file that contains a JWKS or a PEM public key.
    File(PathBuf),
    /// A shared secret, for the HMAC algorithms. Not shown by `Debug`.
    Secret(Zeroizing<Vec<u8>>),
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwks(settings) => f.debug_tuple("Jwks").field(settings).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Secret(_) => f.write_str("Secret([redacted])"),
        }
    }
}

/// A JWKS over HTTP.
#[derive(Debug, Clone)]
pub struct JwksSettings {
    /// The key set, or the discovery document that names its URL.
    pub url: Url,
    /// The issuer, if `url` is its discovery document.
    pub discovery_issuer: Option<String>,
    /// Time between two fetches.
    pub refresh_interval: Duration,
    /// Minimum time between two fetches that are caused by tokens: an unknown `kid` triggers one.
    pub min_refresh_interval: Duration,
    /// The age at which keys are no longer used.
    pub max_age: Duration,
    /// Time limit of one request.
    pub timeout: Duration,
}

impl JwksSettings {
    /// Settings for an issuer whose keys rarely change, such as Cognito: fetched once an hour, and at most every 10 s when
    /// a token names an unknown key; used for up to 7 days without a successful fetch.
    pub fn new(url: Url, timeout: Duration) -> Self {
        Self {
            url,
            discovery_issuer: None,
            refresh_interval: Duration::from_secs(3600),
            min_refresh_interval: Duration::from_secs(10),
            max_age: Duration::from_secs(7 * 24 * 3600),
            timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_secret_is_not_shown() {
        let source = KeySource::Secret(Zeroizing::new(b"hush".to_vec()));
        assert_eq!(format!("{source:?}"), "Secret([redacted])");
    }
}
