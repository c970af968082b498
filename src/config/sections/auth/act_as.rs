//! `[auth.…]` of backends: the kinds `static_key` and `certificate`, and `[auth.NAME.on_behalf]` of all kinds.

use super::jwt::carrier;
use crate::auth::{ActAsSettings, CertificateMatcher, StaticKeySettings, UserPattern};
use crate::config::reader::Section;
use crate::config::sections::pool_policy::conditions;

pub(super) fn static_key(section: &mut Section<'_, '_>) -> Option<StaticKeySettings> {
    const ALLOWED: &str = "a list of SHA-256 digests in hex, as tokenvend new-key prints them";
    let carrier = carrier(section);
    let texts = section.list("key_sha256", ALLOWED)?;
    let digests: Option<Vec<[u8; 32]>> = texts.iter().map(|text| digest(text)).collect();
    match digests {
        Some(digests) if !digests.is_empty() => Some(StaticKeySettings { carrier: carrier?, digests }),
        _ => {
            // Not shown: it may be the key itself, put there by mistake.
            section.fault("key_sha256", "something else", ALLOWED);
            None
        }
    }
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// `certificates`: names that certificates of the listener's clients bear.
pub(super) fn certificates(section: &mut Section<'_, '_>) -> Option<Vec<CertificateMatcher>> {
    const ALLOWED: &str = "a list of one or more of \"SHA256:HEX\", \"DNS:NAME\" and \"URI:URI\"";
    let texts = section.list("certificates", ALLOWED)?;
    let names: Result<Vec<_>, String> = texts
        .iter()
        .map(|text| CertificateMatcher::parse(text).map_err(|why| format!("{text:?} ({why})")))
        .collect();
    match names {
        Ok(names) if !names.is_empty() => Some(names),
        found => {
            section.fault("certificates", found.err().unwrap_or("nothing".to_owned()), ALLOWED);
            None
        }
    }
}

/// Who is a service, and for whom it may act; `Some(None)`: whoever comes this way is a user. `are_services`: whoever
/// comes this way is one.
pub(super) fn on_behalf(section: &mut Section<'_, '_>, are_services: bool) -> Option<Option<ActAsSettings>> {
    const USERS: &str = "a list of one or more names of users, in which * stands for any text: [\"app:*\"]";
    if section.names("on_behalf").is_empty() && !are_services {
        return Some(None);
    }
    let mut section = section.inner("on_behalf");
    let who = conditions(&mut section);
    let texts = section.list("users", USERS);
    let (who, texts) = (who?, texts?);
    let users: Result<Vec<UserPattern>, String> = texts
        .iter()
        .map(|text| UserPattern::parse(text).map_err(|why| format!("{text:?} ({why})")))
        .collect();
    let users = match users {
        Ok(users) if !users.is_empty() => users,
        found => {
            section.fault("users", found.err().unwrap_or("nobody".to_owned()), USERS);
            return None;
        }
    };
    if are_services && !who.is_empty() {
        let found = "scope, audience or claims, which this kind's services do not have";
        section.fault("users", found, "users alone");
        return None;
    }
    if !are_services && who.is_empty() {
        let allowed = "at least one of scope, audience and claims, which users do not have";
        section.fault("scope", "nothing that tells services from users", allowed);
        return None;
    }
    if users.iter().any(UserPattern::matches_everyone) {
        let path = section.path_of("users");
        section.warn(format!("{path} lets a service act for every user, those of other issuers included."));
    }
    Some(Some(ActAsSettings { who, users: users.into() }))
}
