//! Checks of configured URLs.

use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// Why a URL is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// It is not an absolute URL.
    #[error(transparent)]
    Syntax(<Url as FromStr>::Err),
    /// It contains a user or a password, which would be shown wherever the URL is.
    #[error("it contains a user or a password")]
    Userinfo,
    /// It is not confidential: see [`is_confidential`].
    #[error("an attacker on the network path could replace the keys")]
    Insecure,
}

/// A URL without a user or a password.
///
/// # Errors
/// What is wrong with it.
pub fn parse_url(text: &str) -> Result<Url, InvalidUrl> {
    let url = Url::parse(text).map_err(InvalidUrl::Syntax)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidUrl::Userinfo);
    }
    Ok(url)
}

/// The URL of keys that verify signatures: https, or http on loopback, without a user or a password.
///
/// # Errors
/// What is wrong with it.
pub fn parse_keys_url(text: &str) -> Result<Url, InvalidUrl> {
    parse_url(text).and_then(|url| if is_confidential(&url) { Ok(url) } else { Err(InvalidUrl::Insecure) })
}

/// Whether requests to this URL are encrypted, or stay on this machine: https, or http on loopback.
pub fn is_confidential(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// Whether the host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            ip.is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_encrypted_or_from_this_machine() {
        for good in ["https://a/k", "http://localhost:1/k", "http://127.1.2.3/k", "http://[::1]:8/k"] {
            assert!(parse_keys_url(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://a/k", InvalidUrl::Insecure),
            ("http://localhost.example/k", InvalidUrl::Insecure),
            ("http://128.0.0.1/k", InvalidUrl::Insecure),
            ("ftp://localhost/k", InvalidUrl::Insecure),
            ("https://user@a/k", InvalidUrl::Userinfo),
            ("https://:password@a/k", InvalidUrl::Userinfo),
        ] {
            assert_eq!(parse_keys_url(bad), Err(why), "{bad}");
        }
        assert!(matches!(parse_keys_url("/k"), Err(InvalidUrl::Syntax(_))));
    }
}
