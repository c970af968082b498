//! `[auth.…]` of services: the kinds `static_key` and `client_certificate`, and `[auth.NAME.act_as]` of all kinds.

use super::jwt::read_credential_source;
use crate::auth::{ActAsSettings, CertificateMatcher, StaticKeySettings, UserPattern};
use crate::config::reader::Section;
use crate::config::sections::pool_policy::read_conditions;

pub(super) fn read_static_key(section: &mut Section<'_, '_>) -> Option<StaticKeySettings> {
    const ALLOWED: &str = "a list of SHA-256 digests in hex, as tokenvend generate-key prints them";
    let credential_source = read_credential_source(section);
    let texts = section.read_list("key_sha256", ALLOWED)?;
    let digests: Option<Vec<[u8; 32]>> = texts.iter().map(|text| parse_digest(text)).collect();
    match digests {
        Some(digests) if !digests.is_empty() => {
            Some(StaticKeySettings { credential_source: credential_source?, digests })
        }
        _ => {
            // Not shown: it may be the key itself, set here by mistake.
            section.reject("key_sha256", "an invalid digest, or none", ALLOWED);
            None
        }
    }
}

fn parse_digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(hex, &mut digest).ok()?;
    Some(digest)
}

pub(super) fn read_certificates(section: &mut Section<'_, '_>) -> Option<Vec<CertificateMatcher>> {
    const ALLOWED: &str = "a list of one or more of \"SHA256:HEX\", \"DNS:NAME\" and \"URI:URI\"";
    let texts = section.read_list("certificates", ALLOWED)?;
    let names: Result<Vec<_>, String> =
        texts.iter().map(|text| CertificateMatcher::parse(text).map_err(|why| format!("{text:?} ({why})"))).collect();
    match names {
        Ok(names) if !names.is_empty() => Some(names),
        found => {
            section.reject("certificates", found.err().unwrap_or("nothing".to_owned()), ALLOWED);
            None
        }
    }
}

/// Reads which callers are services, and the users they may act as; `Some(None)` if all callers are users.
/// `are_services`: all callers of this kind are services.
pub(super) fn read_act_as(section: &mut Section<'_, '_>, are_services: bool) -> Option<Option<ActAsSettings>> {
    const USERS: &str = "a list of one or more user ids, in which * stands for one or more characters: [\"app:*\"]";
    if section.names("act_as").is_empty() && !are_services {
        return Some(None);
    }
    let mut section = section.subsection("act_as");
    let conditions = read_conditions(&mut section);
    let texts = section.read_list("users", USERS);
    let (conditions, texts) = (conditions?, texts?);
    let users: Result<Vec<UserPattern>, String> =
        texts.iter().map(|text| UserPattern::parse(text).map_err(|why| format!("{text:?} ({why})"))).collect();
    let users = match users {
        Ok(users) if !users.is_empty() => users,
        found => {
            section.reject("users", found.err().unwrap_or("an empty list".to_owned()), USERS);
            return None;
        }
    };
    if are_services && !conditions.is_empty() {
        let found = "scope, audience or claims, which this kind's services do not have";
        section.reject("users", found, "only users");
        return None;
    }
    if !are_services && conditions.is_empty() {
        let allowed = "at least one of scope, audience and claims, with values that users do not have";
        section.reject("scope", "nothing that distinguishes services from users", allowed);
        return None;
    }
    if users.iter().any(UserPattern::matches_everyone) {
        let path = section.key_path("users");
        section.warn(format!("{path} lets a service act as every user, those of other issuers included."));
    }
    Some(Some(ActAsSettings { conditions, users: users.into() }))
}
