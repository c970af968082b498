//! `[auth.…]` of the kind `jwt`.

use std::path::PathBuf;
use std::time::Duration;

use bounded_http::parse_keys_url;
use jose::{Algorithm, JwksSettings, KeySource};
use reqwest::Url;
use zeroize::Zeroizing;

use super::MIN_SECRET_BYTES;
use crate::auth::{CredentialSource, JwtSettings};
use crate::config::reader::Section;
use crate::config::sections::{DAY, MINUTE, SECOND, read_keys_url};
use crate::secret::Secret;

pub(super) fn read_jwt(section: &mut Section<'_, '_>, issuer: Option<&str>) -> Option<JwtSettings> {
    let credential_source = read_credential_source(section);
    let token_types = read_token_types(section);
    let audience = read_audience(section);
    let algorithms = read_algorithms(section);
    let keys = read_keys(section, issuer);
    let leeway = section.read_duration("leeway", Duration::ZERO..=5 * MINUTE);
    let (algorithms, keys) = (algorithms?, keys?);
    let symmetric = matches!(keys, KeySource::Secret(_));
    if algorithms.iter().any(|algorithm| algorithm.is_symmetric() != symmetric) {
        // Accepting both would let an attacker sign with the public key as if it were the shared secret.
        section.reject(
            "algorithms",
            format!("{algorithms:?} with {}", if symmetric { "a shared secret" } else { "public keys" }),
            "HS algorithms only with a secret, all others only with public keys",
        );
        return None;
    }
    Some(JwtSettings {
        credential_source: credential_source?,
        token_types: token_types?,
        audience: audience?,
        algorithms,
        keys,
        leeway: leeway?,
    })
}

/// Whether the name is a token, as names of headers and cookies are: RFC 9110, section 5.6.2.
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

pub(super) fn read_credential_source(section: &mut Section<'_, '_>) -> Option<CredentialSource> {
    section.parse("credential_source", "\"bearer\", \"cookie:NAME\" or \"header:NAME\"", |text| {
        match text.split_once(':') {
            None if text == "bearer" => Ok(CredentialSource::Bearer),
            Some(("cookie", name)) if is_token(name) => Ok(CredentialSource::Cookie(name.to_owned())),
            Some(("header", name)) if is_token(name) => Ok(CredentialSource::Header(name.to_ascii_lowercase())),
            _ => Err("it is none of them"),
        }
    })
}

/// Reads `typ`. The prefix `application/` may be left out, as in tokens.
fn read_token_types(section: &mut Section<'_, '_>) -> Option<Vec<String>> {
    let types = section.read_list("typ", "a list of typ values, as in [\"at+jwt\"]; empty for any")?;
    Some(types.iter().map(|typ| typ.trim_start_matches("application/").to_owned()).collect())
}

fn read_audience(section: &mut Section<'_, '_>) -> Option<Vec<String>> {
    const ALLOWED: &str = "a list of one or more aud values, none of them empty";
    let audience = section.read_list("audience", ALLOWED)?;
    if audience.is_empty() || audience.iter().any(String::is_empty) {
        section.reject("audience", format!("{audience:?}"), ALLOWED);
        return None;
    }
    Some(audience)
}

fn read_algorithms(section: &mut Section<'_, '_>) -> Option<Vec<Algorithm>> {
    let known: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    let allowed = format!("a list of {}", known.join(", "));
    let names = section.read_list("algorithms", &allowed)?;
    let found: Option<Vec<Algorithm>> = names.iter().map(|name| Algorithm::from_name(name)).collect();
    match found {
        Some(found) if !found.is_empty() => Some(found),
        _ => {
            section.reject("algorithms", format!("{names:?}"), allowed);
            None
        }
    }
}

fn read_keys(section: &mut Section<'_, '_>, issuer: Option<&str>) -> Option<KeySource> {
    let discovery = section.read_flag("discovery");
    let set: Vec<&str> = ["jwks_url", "key_file", "secret"]
        .into_iter()
        .filter(|key| section.has(key))
        .chain((discovery == Some(true)).then_some("discovery"))
        .collect();
    let url = read_keys_url(section, "jwks_url");
    let to_jwks_settings = read_jwks_settings(section);
    let file = section.parse_optional("key_file", "a path", |text| match text {
        "" => Err("it is empty"),
        path => Ok(PathBuf::from(path)),
    });
    let secret = section.read_secret("secret");
    let [only] = set[..] else {
        let found = if set.is_empty() { "none of them".to_owned() } else { set.join(" and ") };
        section.reject("jwks_url", found, "exactly one of discovery, jwks_url, key_file and secret");
        return None;
    };
    match only {
        "secret" => {
            let secret = check_shared_secret(section, "secret", secret?)?;
            Some(KeySource::Secret(Zeroizing::new(secret.expose().to_vec())))
        }
        "key_file" => file.map(KeySource::File),
        "discovery" => {
            let issuer = issuer?;
            let document = discovery_url(section, issuer)?;
            Some(KeySource::Jwks(to_jwks_settings?(document, Some(issuer.to_owned()))))
        }
        _ => Some(KeySource::Jwks(to_jwks_settings?(url?, None))),
    }
}

/// Checks that a secret shared with another party is long enough not to be guessed.
pub(super) fn check_shared_secret(section: &mut Section<'_, '_>, key: &str, secret: Secret) -> Option<Secret> {
    if secret.expose().len() < MIN_SECRET_BYTES {
        let found = format!("a secret of {} bytes", secret.expose().len());
        section.reject(key, found, format!("at least {MIN_SECRET_BYTES} bytes"));
        return None;
    }
    Some(secret)
}

/// The document has a fixed path under the issuer: OpenID Connect Discovery 1.0, section 4.
fn discovery_url(section: &mut Section<'_, '_>, issuer: &str) -> Option<Url> {
    let document = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    match parse_keys_url(&document) {
        Ok(url) => Some(url),
        Err(why) => {
            let allowed = "if discovery is true, an https URL, or an http one on loopback";
            section.reject("issuer", format!("{issuer:?} ({why})"), allowed);
            None
        }
    }
}

/// Reads how published keys are fetched. The result takes their URL, and the issuer if that is its discovery document.
pub(super) fn read_jwks_settings(
    section: &mut Section<'_, '_>,
) -> Option<impl FnOnce(Url, Option<String>) -> JwksSettings + use<>> {
    let refresh_interval = section.read_duration("jwks_refresh_interval", SECOND..=DAY);
    let min_refresh_interval = section.read_duration("jwks_min_refresh_interval", SECOND..=DAY);
    let max_age = section.read_duration("jwks_max_age", MINUTE..=365 * DAY);
    let timeout = section.read_duration("jwks_timeout", Duration::from_millis(100)..=MINUTE);
    let (refresh_interval, max_age) = (refresh_interval?, max_age?);
    if max_age <= refresh_interval {
        let found = humantime::format_duration(max_age).to_string();
        section.reject("jwks_max_age", found, "more than jwks_refresh_interval");
        return None;
    }
    let (min_refresh_interval, timeout) = (min_refresh_interval?, timeout?);
    Some(move |url, discovery_issuer| JwksSettings {
        url,
        discovery_issuer,
        refresh_interval,
        min_refresh_interval,
        max_age,
        timeout,
    })
}
