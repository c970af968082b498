//! `[auth.…]`: the ways of authenticating.

use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::{Algorithm, AlgorithmFamily};

use super::pools::is_name;
use super::{DAY, MINUTE, SECOND, keys_url};
use crate::config::reader::{Reader, Section};
use crate::config::settings::{AuthSettings, JwksSettings, JwtSettings, KeySource};

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

/// A shared secret as long as the shortest hash: RFC 7518, section 3.2.
const LEAST_SECRET_BYTES: usize = 32;

pub(super) fn all(reader: &mut Reader<'_>) -> Option<Vec<AuthSettings>> {
    let names = reader.names("auth");
    if names.is_empty() {
        reader.fault("auth", "no way of authenticating", "at least one table [auth.NAME]");
        return None;
    }
    let read = |name: &String| {
        let section = &mut reader.section(format!("auth.{name}"));
        section.choice("kind", &[("jwt", ())]);
        jwt(section).map(|jwt| AuthSettings { name: name.clone(), jwt })
    };
    // Collected first, so that a fault in one does not hide those in the next.
    let all: Vec<Option<AuthSettings>> = names.iter().map(read).collect();
    for name in names.iter().filter(|name| !is_name(name)) {
        let allowed = "names of 1 to 64 lower-case letters, digits, '-' and '_'";
        reader.fault(&format!("auth.{name}"), format!("the name {name:?}"), allowed);
    }
    let all: Vec<AuthSettings> = all.into_iter().collect::<Option<_>>()?;
    for (at, one) in all.iter().enumerate() {
        if let Some(other) = all.iter().take(at).find(|other| other.jwt.issuer == one.jwt.issuer) {
            let path = format!("auth.{}.issuer", one.name);
            let found = format!("{:?}, as auth.{} has it", one.jwt.issuer, other.name);
            reader.fault(&path, found, "an issuer of its own");
            return None;
        }
        let is_within =
            |a: &AuthSettings, b: &AuthSettings| a.jwt.user_prefix.starts_with(&b.jwt.user_prefix);
        if let Some(other) = all.iter().take(at).find(|other| is_within(one, other) || is_within(other, one))
        {
            let path = format!("auth.{}.user_prefix", one.name);
            let found = format!(
                "{:?} beside the {:?} of auth.{}",
                one.jwt.user_prefix, other.jwt.user_prefix, other.name
            );
            let allowed = "prefixes of which none begins with another: else a user of one issuer could be \
                           taken for a user of the other";
            reader.fault(&path, found, allowed);
            return None;
        }
    }
    Some(all)
}

fn jwt(section: &mut Section<'_, '_>) -> Option<JwtSettings> {
    let issuer = section.text("issuer");
    let audience = audience(section);
    let algorithms = algorithms(section);
    let keys = keys(section);
    let user_claim = section.claim_path("user_claim");
    let user_prefix = section.parsed("user_prefix", "text without control characters", |text| {
        if text.chars().any(char::is_control) { Err("it has one") } else { Ok(text.to_owned()) }
    });
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
    Some(JwtSettings {
        issuer: issuer?,
        audience: audience?,
        algorithms,
        keys,
        user_claim: user_claim?,
        user_prefix: user_prefix?,
        leeway: leeway?,
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
