//! `[auth.…]` of services: the kinds `static_key` and `client_certificate`, and `[auth.NAME.act_as]` of all kinds.

use super::jwt::read_credential_source;
use crate::auth::{ActAsSettings, AuthenticatorSettings, CertificateMatcher, StaticKeySettings, UserPattern};
use crate::config::reader::Section;
use crate::config::sections::pool_policy::read_conditions;

pub(super) const CERTIFICATES: &str = "a list of one or more of \"SHA256:HEX\", \"DNS:NAME\" and \"URI:URI\"";

/// Whether all callers of this kind are services.
pub(super) fn are_services(kind: &AuthenticatorSettings) -> bool {
    matches!(kind, AuthenticatorSettings::StaticKey(_) | AuthenticatorSettings::ClientCertificate(_))
}

pub(super) fn read_static_key(section: &mut Section<'_, '_>) -> StaticKeySettings {
    const ALLOWED: &str = "a list of SHA-256 digests in hex, as tokenvend generate-key prints them";
    let credential_source = read_credential_source(section);
    let digests = section.parse_unshown_list("key_sha256", ALLOWED, "an invalid digest, or none", parse_digest);
    StaticKeySettings { credential_source, digests }
}

fn parse_digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    hex::decode_to_slice(hex, &mut digest).ok()?;
    Some(digest)
}

pub(super) fn read_certificates(section: &mut Section<'_, '_>) -> Vec<CertificateMatcher> {
    section.parse_nonempty_list("certificates", CERTIFICATES, CertificateMatcher::parse)
}

/// Reads which callers are services, and the users they may act as; none if all callers are users.
/// `are_services`: all callers of this kind are services.
pub(super) fn read_act_as(section: &mut Section<'_, '_>, are_services: bool) -> Option<ActAsSettings> {
    const USERS: &str = "a list of one or more user ids, in which * stands for one or more characters: [\"app:*\"]";
    if section.names("act_as").is_empty() && !are_services {
        return None;
    }
    let mut section = section.subsection("act_as");
    let conditions = read_conditions(&mut section);
    let users = section.parse_nonempty_list("users", USERS, UserPattern::parse);
    if are_services && !conditions.is_empty() {
        let found = "scope, audience or claims, which this kind's services do not have";
        section.reject("users", found, "only users");
    }
    if !are_services && conditions.is_empty() && section.is_valid() {
        let allowed = "at least one of scope, audience and claims, with values that users do not have";
        section.reject("scope", "nothing that distinguishes services from users", allowed);
    }
    if users.iter().any(UserPattern::matches_everyone) {
        let path = section.key_path("users");
        section.warn(format!("{path} lets a service act as every user, those of other issuers included."));
    }
    Some(ActAsSettings { conditions, users: users.into() })
}
