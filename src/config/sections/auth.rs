//! `[auth.…]`: the ways of authenticating.

use std::path::PathBuf;
use std::time::Duration;

use jsonwebtoken::{Algorithm, AlgorithmFamily};

use super::pools::is_name;
use super::{DAY, MINUTE, SECOND, keys_url};
use crate::claims::template::Template;
use crate::config::reader::{Reader, Section};
use crate::config::settings::{AuthSettings, JwksSettings, JwtSettings, KeySource, UsersSettings};

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
        let is_within = |a: &AuthSettings, b: &AuthSettings| {
            a.jwt.user_id.beginning().starts_with(b.jwt.user_id.beginning())
        };
        if let Some(other) = all.iter().take(at).find(|other| is_within(one, other) || is_within(other, one))
        {
            let path = format!("auth.{}.user_id", one.name);
            let (own, others) = (one.jwt.user_id.beginning(), other.jwt.user_id.beginning());
            let found = format!("one that begins with {own:?} beside the {others:?} of auth.{}", other.name);
            let allowed = "templates whose fixed beginnings tell the issuers apart, none beginning with another, as in \
                           \"{iss}|{sub}\" or \"web:{sub}\": else a user of one could be taken for a user of the other";
            reader.fault(&path, found, allowed);
            return None;
        }
    }
    Some(all)
}

/// How users are called; said of all ways, so that the same user is one by whichever way it comes.
pub(super) fn users(reader: &mut Reader<'_>, ways: Option<&[AuthSettings]>) -> Option<UsersSettings> {
    let mut section = reader.section("users");
    let is_set = section.has("pseudonym_key");
    let key = section.secret("pseudonym_key");
    if !is_set {
        for way in ways.unwrap_or_default() {
            if way.jwt.user_id.claims().any(|claim| claim.root().eq_ignore_ascii_case("email")) {
                section.warn(format!(
                    "auth.{}.user_id has an e-mail address in it, which stands in clear in every token and changes \
                     when people do: use another claim, or set users.pseudonym_key.",
                    way.name
                ));
            }
        }
        return Some(UsersSettings { pseudonym_key: None });
    }
    let key = key?;
    if key.expose().len() < LEAST_SECRET_BYTES {
        let found = format!("a secret of {} bytes", key.expose().len());
        section.fault("pseudonym_key", found, format!("at least {LEAST_SECRET_BYTES} bytes"));
        return None;
    }
    Some(UsersSettings { pseudonym_key: Some(key) })
}

fn jwt(section: &mut Section<'_, '_>) -> Option<JwtSettings> {
    let issuer = section.text("issuer");
    let audience = audience(section);
    let algorithms = algorithms(section);
    let keys = keys(section);
    let user_id = user_id(section, issuer.as_deref());
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
        user_id: user_id?,
        leeway: leeway?,
    })
}

/// The template of user ids, with what is known of every token written in: the issuer.
fn user_id(section: &mut Section<'_, '_>, issuer: Option<&str>) -> Option<Template> {
    const ALLOWED: &str =
        "text with at least one claim in braces besides {iss}, as in \"{sub}\" or \"{iss}|{sub}\"";
    section.parsed("user_id", ALLOWED, |text| {
        if text.chars().any(char::is_control) {
            return Err("it has a control character".to_owned());
        }
        let template = Template::parse(text)?.knowing("iss", issuer.unwrap_or("{iss}"));
        if template.claims().next().is_none() {
            return Err("all users would be one".to_owned());
        }
        Ok(template)
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
