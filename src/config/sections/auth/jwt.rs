//! `[auth.…]` of the kind `jwt`.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::LEAST_SECRET_BYTES;
use crate::auth::{CredentialSource, JwtSettings};
use crate::config;
use crate::config::reader::Section;
use crate::config::sections::{DAY, MINUTE, SECOND, keys_url};
use crate::config::settings::{JwksSettings, KeySource};
use crate::jws::Algorithm;
use crate::secret::Secret;

pub(super) fn jwt(section: &mut Section<'_, '_>, issuer: Option<&str>) -> Option<JwtSettings> {
    let carrier = carrier(section);
    let kinds = kinds(section);
    let audience = audience(section);
    let algorithms = algorithms(section);
    let keys = keys(section, issuer);
    let leeway = section.duration("leeway", Duration::ZERO..=5 * MINUTE);
    let (algorithms, keys) = (algorithms?, keys?);
    let symmetric = matches!(keys, KeySource::Secret(_));
    if algorithms.iter().any(|algorithm| algorithm.is_symmetric() != symmetric) {
        // Whoever takes both lets an attacker sign with the public key as if it were the shared secret.
        section.fault(
            "algorithms",
            format!("{algorithms:?} with {}", if symmetric { "a shared secret" } else { "public keys" }),
            "HS algorithms with a secret only, all others with public keys only",
        );
        return None;
    }
    Some(JwtSettings {
        carrier: carrier?,
        kinds: kinds?,
        audience: audience?,
        algorithms,
        keys,
        leeway: leeway?,
    })
}

/// What names of headers and cookies are made of: RFC 9110, section 5.6.2.
pub(super) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// `bearer`, `cookie:NAME` or `header:NAME`.
pub(super) fn carrier(section: &mut Section<'_, '_>) -> Option<CredentialSource> {
    section.parsed("carrier", "\"bearer\", \"cookie:NAME\" or \"header:NAME\"", |text| {
        match text.split_once(':') {
            None if text == "bearer" => Ok(CredentialSource::Bearer),
            Some(("cookie", name)) if is_token(name) => Ok(CredentialSource::Cookie(name.to_owned())),
            Some(("header", name)) if is_token(name) => {
                Ok(CredentialSource::Header(name.to_ascii_lowercase()))
            }
            _ => Err("it is none of them"),
        }
    })
}

/// `application/` may be left out, as in tokens.
fn kinds(section: &mut Section<'_, '_>) -> Option<Vec<String>> {
    let kinds = section.list("typ", "a list of typ values, as in [\"at+jwt\"]; empty for any")?;
    Some(kinds.iter().map(|kind| kind.trim_start_matches("application/").to_owned()).collect())
}

fn audience(section: &mut Section<'_, '_>) -> Option<Vec<String>> {
    const ALLOWED: &str = "a list of one or more aud values, none of them empty";
    let audience = section.list("audience", ALLOWED)?;
    if audience.is_empty() || audience.iter().any(String::is_empty) {
        section.fault("audience", format!("{audience:?}"), ALLOWED);
        return None;
    }
    Some(audience)
}

fn algorithms(section: &mut Section<'_, '_>) -> Option<Vec<Algorithm>> {
    let known: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    let allowed = format!("a list of {}", known.join(", "));
    let names = section.list("algorithms", &allowed)?;
    let found: Option<Vec<Algorithm>> = names.iter().map(|name| Algorithm::named(name)).collect();
    match found {
        Some(found) if !found.is_empty() => Some(found),
        _ => {
            section.fault("algorithms", format!("{names:?}"), allowed);
            None
        }
    }
}

fn keys(section: &mut Section<'_, '_>, issuer: Option<&str>) -> Option<KeySource> {
    let discovery = section.flag("discovery");
    let set: Vec<&str> = ["jwks_url", "key_file", "secret"]
        .into_iter()
        .filter(|key| section.has(key))
        .chain((discovery == Some(true)).then_some("discovery"))
        .collect();
    let url = keys_url(section, "jwks_url");
    let fetching = fetching(section);
    let file = section.optional("key_file", "a path", |text| match text {
        "" => Err("it is empty"),
        path => Ok(PathBuf::from(path)),
    });
    let secret = section.secret("secret");
    let [only] = set[..] else {
        let found = if set.is_empty() { "none of them".to_owned() } else { set.join(" and ") };
        section.fault("jwks_url", found, "exactly one of discovery, jwks_url, key_file and secret");
        return None;
    };
    match only {
        "secret" => shared(section, "secret", secret?).map(KeySource::Secret),
        "key_file" => file.map(KeySource::File),
        "discovery" => {
            let issuer = issuer?;
            let document = discovery_document(section, issuer)?;
            Some(KeySource::Jwks(fetching?(document, Some(issuer.to_owned()))))
        }
        _ => Some(KeySource::Jwks(fetching?(url?, None))),
    }
}

/// A secret of our own and one other party's, long enough that nobody guesses it.
pub(super) fn shared(section: &mut Section<'_, '_>, key: &str, secret: Secret) -> Option<Secret> {
    if secret.expose().len() < LEAST_SECRET_BYTES {
        let found = format!("a secret of {} bytes", secret.expose().len());
        section.fault(key, found, format!("at least {LEAST_SECRET_BYTES} bytes"));
        return None;
    }
    Some(secret)
}

/// The document is at a fixed place below the issuer: OpenID Connect Discovery 1.0, section 4.
fn discovery_document(section: &mut Section<'_, '_>, issuer: &str) -> Option<Url> {
    let document = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    match config::keys_url(&document) {
        Ok(url) => Some(url),
        Err(why) => {
            let allowed = "with discovery, an https URL, or an http one on loopback";
            section.fault("issuer", format!("{issuer:?} ({why})"), allowed);
            None
        }
    }
}

/// How published keys are fetched, wherever they are.
pub(super) fn fetching(
    section: &mut Section<'_, '_>,
) -> Option<impl FnOnce(Url, Option<String>) -> JwksSettings + use<>> {
    let refresh = section.duration("jwks_refresh", SECOND..=DAY);
    let min_interval = section.duration("jwks_min_interval", SECOND..=DAY);
    let max_age = section.duration("jwks_max_age", MINUTE..=365 * DAY);
    let timeout = section.duration("jwks_timeout", Duration::from_millis(100)..=MINUTE);
    let (refresh, max_age) = (refresh?, max_age?);
    if max_age <= refresh {
        let found = humantime::format_duration(max_age).to_string();
        section.fault("jwks_max_age", found, "more than jwks_refresh");
        return None;
    }
    let (min_interval, timeout) = (min_interval?, timeout?);
    Some(move |url, discovered_for| JwksSettings {
        url,
        discovered_for,
        refresh,
        min_interval,
        max_age,
        timeout,
    })
}
