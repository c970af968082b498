//! `[auth.…]` of the kind `jwt`.

use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::{Algorithm, AlgorithmFamily};

use super::LEAST_SECRET_BYTES;
use crate::auth::Carrier;
use crate::config::reader::Section;
use crate::config::sections::{DAY, MINUTE, SECOND, keys_url};
use crate::config::settings::{JwksSettings, JwtSettings, KeySource};

const ALGORITHMS: [(&str, Algorithm); 12] = [
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
    ("HS256", Algorithm::HS256),
    ("HS384", Algorithm::HS384),
    ("HS512", Algorithm::HS512),
];

pub(super) fn jwt(section: &mut Section<'_, '_>) -> Option<JwtSettings> {
    let carrier = carrier(section);
    let audience = audience(section);
    let algorithms = algorithms(section);
    let keys = keys(section);
    let leeway = section.duration("leeway", Duration::ZERO..=5 * MINUTE);
    let (algorithms, keys) = (algorithms?, keys?);
    let symmetric = matches!(keys, KeySource::Secret(_));
    if algorithms.iter().any(|algorithm| (algorithm.family() == AlgorithmFamily::Hmac) != symmetric) {
        // Whoever takes both lets an attacker sign with the public key as if it were the shared secret.
        section.fault(
            "algorithms",
            format!("{algorithms:?} with {}", if symmetric { "a shared secret" } else { "public keys" }),
            "HS algorithms with a secret only, all others with public keys only",
        );
        return None;
    }
    Some(JwtSettings { carrier: carrier?, audience: audience?, algorithms, keys, leeway: leeway? })
}

/// `bearer`, `cookie:NAME` or `header:NAME`.
fn carrier(section: &mut Section<'_, '_>) -> Option<Carrier> {
    section.parsed("carrier", "\"bearer\", \"cookie:NAME\" or \"header:NAME\"", |text| {
        let is_name = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
        };
        match text.split_once(':') {
            None if text == "bearer" => Ok(Carrier::Bearer),
            Some(("cookie", name)) if is_name(name) => Ok(Carrier::Cookie(name.to_owned())),
            Some(("header", name)) if is_name(name) => Ok(Carrier::Header(name.to_ascii_lowercase())),
            _ => Err("it is none of them"),
        }
    })
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
    let allowed = format!("a list of {}", ALGORITHMS.map(|(name, _)| name).join(", "));
    let names = section.list("algorithms", &allowed)?;
    let find = |name: &String| ALGORITHMS.iter().find(|(other, _)| other == name).map(|(_, found)| *found);
    let found: Option<Vec<Algorithm>> = names.iter().map(find).collect();
    match found {
        Some(found) if !found.is_empty() => Some(found),
        _ => {
            section.fault("algorithms", format!("{names:?}"), allowed);
            None
        }
    }
}

fn keys(section: &mut Section<'_, '_>) -> Option<KeySource> {
    let set: Vec<&str> =
        ["jwks_url", "key_file", "secret"].into_iter().filter(|key| section.has(key)).collect();
    let jwks = jwks(section);
    let file = section.optional("key_file", "a path", |text| match text {
        "" => Err("it is empty"),
        path => Ok(PathBuf::from(path)),
    });
    let secret = section.secret("secret");
    if set.len() != 1 {
        let found = if set.is_empty() { "none of them".to_owned() } else { set.join(" and ") };
        section.fault("jwks_url", found, "exactly one of jwks_url, key_file and secret");
        return None;
    }
    if let Some(secret) = secret {
        if secret.expose().len() < LEAST_SECRET_BYTES {
            let found = format!("a secret of {} bytes", secret.expose().len());
            section.fault("secret", found, format!("at least {LEAST_SECRET_BYTES} bytes"));
            return None;
        }
        return Some(KeySource::Secret(secret));
    }
    jwks.map(KeySource::Jwks).or_else(|| file.map(KeySource::File))
}

fn jwks(section: &mut Section<'_, '_>) -> Option<JwksSettings> {
    let url = keys_url(section, "jwks_url");
    let refresh = section.duration("jwks_refresh", SECOND..=DAY);
    let min_interval = section.duration("jwks_min_interval", SECOND..=DAY);
    let timeout = section.duration("jwks_timeout", Duration::from_millis(100)..=MINUTE);
    Some(JwksSettings { url: url?, refresh: refresh?, min_interval: min_interval?, timeout: timeout? })
}
