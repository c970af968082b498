//! `[auth.…]` of the kind `jwt`.

use std::convert::Infallible;
use std::time::Duration;

use bounded_http::parse_keys_url;
use jose::{Algorithm, JwksSettings, KeySource};
use reqwest::Url;
use zeroize::Zeroizing;

use crate::auth::{CredentialSource, JwtSettings};
use crate::config::reader::{Bound, Section};
use crate::config::sections::{DAY, MILLISECOND, MINUTE, SECOND, read_keys_url};

pub(super) fn read_jwt(section: &mut Section<'_, '_>, issuer: &str) -> Option<JwtSettings> {
    let algorithms = read_algorithms(section);
    let keys = read_keys(section, issuer);
    if let Some(keys) = &keys {
        let symmetric = matches!(keys, KeySource::Secret(_));
        if algorithms.iter().any(|algorithm| algorithm.is_symmetric() != symmetric) {
            // Accepting both would let an attacker sign with the public key as if it were the shared secret.
            section.reject(
                "algorithms",
                format!("{algorithms:?} with {}", if symmetric { "a shared secret" } else { "public keys" }),
                "HS algorithms only with a secret, all others only with public keys",
            );
        }
    }
    Some(JwtSettings {
        credential_source: read_credential_source(section),
        token_types: read_token_types(section),
        audience: section.read_texts("audience"),
        algorithms,
        leeway: section.read_duration("leeway", Duration::ZERO..=5 * MINUTE),
        keys: keys?,
    })
}

/// Whether the name is a token, as names of headers and cookies are: RFC 9110, section 5.6.2.
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

pub(super) fn read_credential_source(section: &mut Section<'_, '_>) -> CredentialSource {
    let source =
        section.parse("credential_source", "\"bearer\", \"cookie:NAME\" or \"header:NAME\"", |text| {
            match text.split_once(':') {
                None if text == "bearer" => Ok(CredentialSource::Bearer),
                Some(("cookie", name)) if is_token(name) => Ok(CredentialSource::Cookie(name.to_owned())),
                Some(("header", name)) if is_token(name) => Ok(CredentialSource::Header(name.to_ascii_lowercase())),
                _ => Err("it is none of them"),
            }
        });
    source.unwrap_or(CredentialSource::Bearer)
}

/// Reads `typ`. The prefix `application/` may be left out, as in tokens.
fn read_token_types(section: &mut Section<'_, '_>) -> Vec<String> {
    section.parse_list("typ", "a list of typ values, as in [\"at+jwt\"]; empty for any", |typ| {
        Ok::<_, Infallible>(typ.trim_start_matches("application/").to_owned())
    })
}

fn read_algorithms(section: &mut Section<'_, '_>) -> Vec<Algorithm> {
    let known: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    section.parse_nonempty_list("algorithms", &format!("a list of {}", known.join(", ")), |name| {
        Algorithm::from_name(name).ok_or("it is none of them")
    })
}

fn read_keys(section: &mut Section<'_, '_>, issuer: &str) -> Option<KeySource> {
    let is_discovery = section.read_flag("discovery");
    let url = if is_discovery { discovery_url(section, issuer) } else { None };
    let url = read_keys_url(section, "jwks_url").or(url);
    let jwks = read_jwks_settings(section, url, is_discovery.then(|| issuer.to_owned()));
    let file = section.read_optional_path("key_file", "a path");
    let secret = section.read_long_secret("secret");
    let mut set = Vec::from(["jwks_url", "key_file", "secret"]);
    set.retain(|key| section.has(key));
    set.extend(is_discovery.then_some("discovery"));
    if set.len() != 1 {
        let found = if set.is_empty() { "none of them".to_owned() } else { set.join(" and ") };
        section.reject("jwks_url", found, "exactly one of discovery, jwks_url, key_file and secret");
        return None;
    }
    let secret = secret.map(|secret| KeySource::Secret(Zeroizing::new(secret.expose().to_vec())));
    secret.or(file.map(KeySource::File)).or(jwks.map(KeySource::Jwks))
}

/// The document has a fixed path under the issuer: OpenID Connect Discovery 1.0, section 4.
fn discovery_url(section: &mut Section<'_, '_>, issuer: &str) -> Option<Url> {
    let document = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    match parse_keys_url(&document) {
        Ok(url) => Some(url),
        Err(why) if section.is_key_valid("issuer") => {
            let allowed = "if discovery is true, an https URL, or an http one on loopback";
            section.reject("issuer", format!("{issuer:?} ({why})"), allowed);
            None
        }
        Err(_) => None,
    }
}

/// Reads how the keys at a URL are fetched. If that is a discovery document, `discovery_issuer` is its issuer.
pub(super) fn read_jwks_settings(
    section: &mut Section<'_, '_>,
    url: Option<Url>,
    discovery_issuer: Option<String>,
) -> Option<JwksSettings> {
    let refresh_interval = section.read_duration("jwks_refresh_interval", SECOND..=DAY);
    let min_refresh_interval = section.read_duration("jwks_min_refresh_interval", SECOND..=DAY);
    let max_age = section.read_duration("jwks_max_age", MINUTE..=365 * DAY);
    let timeout = section.read_duration("jwks_timeout", 100 * MILLISECOND..=MINUTE);
    let path = section.key_path("jwks_refresh_interval");
    let least = Bound { path: &path, duration: refresh_interval };
    if max_age <= refresh_interval {
        section.reject_duration("jwks_max_age", max_age, least, format!("more than {least}"));
    }
    Some(JwksSettings { url: url?, discovery_issuer, refresh_interval, min_refresh_interval, max_age, timeout })
}
