//! Conflicts between authenticators. It is an error if two of them could accept the same credential or give two users
//! the same id. It is a warning if one reads every credential before another can.

use reqwest::header::{AUTHORIZATION, HeaderName};

use super::act_as::are_services;
use crate::auth::{AuthSettings, AuthenticatorSettings, CertificateMatcher, CredentialSource};
use crate::config::reader::Reader;

/// A conflict of an authenticator with one that is tried before it.
struct Conflict {
    /// The key of the later one.
    key: &'static str,
    found: String,
    allowed: &'static str,
}

/// Checks that users of different issuers have different ids, and that no credential fits two authenticators. Only the
/// first conflict is reported, because one invalid template conflicts with those of all other authenticators.
pub(super) fn reject_conflicts(reader: &mut Reader<'_>, all: &[AuthSettings]) {
    for (at, later) in all.iter().enumerate() {
        let find = |earlier| find_credential_conflict(earlier, later).or_else(|| find_user_id_conflict(earlier, later));
        if let Some(Conflict { key, found, allowed }) = all.iter().take(at).find_map(find) {
            reader.reject(&format!("auth.{}.{key}", later.name), found, allowed);
            return;
        }
    }
}

fn find_credential_conflict(earlier: &AuthSettings, later: &AuthSettings) -> Option<Conflict> {
    use AuthenticatorSettings::{ClientCertificate, Gateway, Jwt, StaticKey};
    let earlier_name = &earlier.name;
    match (&earlier.kind, &later.kind) {
        (Jwt(others), Jwt(own)) => {
            let conflicts = earlier.issuer == later.issuer && others.credential_source == own.credential_source;
            conflicts.then(|| Conflict {
                key: "issuer",
                found: format!("{:?}, the issuer of auth.{earlier_name} with the same credential_source", later.issuer),
                allowed: "another issuer, or another credential_source",
            })
        }
        // Two gateways set the same header.
        (Gateway(others), Gateway(own)) => {
            let is_shared = |header: &&HeaderName| others.claims.iter().any(|(_, theirs)| theirs == *header);
            own.claims.iter().map(|(_, header)| header).find(is_shared).map(|header| Conflict {
                key: "claims",
                found: format!("the header {header}, which auth.{earlier_name} reads too"),
                allowed: "other headers: the first of the two authenticators would reject those of the other gateway",
            })
        }
        (StaticKey(others), StaticKey(own)) => {
            own.digests.iter().find(|digest| others.digests.contains(digest)).map(|_| Conflict {
                key: "key_sha256",
                found: format!("a digest that auth.{earlier_name} has too"),
                allowed: "other keys: one key must identify one service",
            })
        }
        (ClientCertificate(others), ClientCertificate(own)) => find_certificate_conflict(earlier_name, others, own),
        // One gateway may have two authenticators, but a gateway is no service.
        (ClientCertificate(others), Gateway(own)) => find_certificate_conflict(earlier_name, others, &own.certificates),
        (Gateway(others), ClientCertificate(own)) => find_certificate_conflict(earlier_name, &others.certificates, own),
        _ => None,
    }
}

fn find_certificate_conflict(
    earlier_name: &str,
    others: &[CertificateMatcher],
    own: &[CertificateMatcher],
) -> Option<Conflict> {
    own.iter().find(|name| others.contains(name)).map(|name| Conflict {
        key: "certificates",
        found: format!("{name}, which auth.{earlier_name} has too"),
        allowed: "other certificates: one certificate must identify one service",
    })
}

/// Authenticators with the same issuer refer to the same users.
fn find_user_id_conflict(earlier: &AuthSettings, later: &AuthSettings) -> Option<Conflict> {
    let (own, others) = (later.user_id.fixed_prefix(), earlier.user_id.fixed_prefix());
    let conflicts = !are_services(&later.kind)
        && !are_services(&earlier.kind)
        && earlier.issuer != later.issuer
        && (own.starts_with(others) || others.starts_with(own));
    conflicts.then(|| Conflict {
        key: "user_id",
        found: format!("a template that begins with {own:?}, and one with {others:?} in auth.{}", earlier.name),
        allowed: "templates whose fixed beginnings distinguish the issuers, none a prefix of another, as in \
                  \"{iss}|{sub}\" or \"web:{sub}\": otherwise users of two issuers could have the same id",
    })
}

/// Introspection and forward authentication accept any credential in the place that they read. A later authenticator
/// never gets one from there, and the app receives credentials that were not meant for it.
pub(super) fn warn_of_unreachable(reader: &mut Reader<'_>, all: &[AuthSettings]) {
    for (at, later) in all.iter().enumerate() {
        let sources = credential_sources(later);
        let takes_all = |earlier: &&AuthSettings| {
            let is_remote =
                matches!(earlier.kind, AuthenticatorSettings::Introspection(_) | AuthenticatorSettings::ForwardAuth(_));
            let taken = credential_sources(earlier);
            is_remote && !sources.is_empty() && sources.iter().all(|source| taken.contains(source))
        };
        if let Some(earlier) = all.iter().take(at).find(takes_all) {
            let (later, earlier) = (&later.name, &earlier.name);
            reader.warn(format!(
                "auth.{later} is unreachable: auth.{earlier}, which is tried before it, accepts any credential in the \
                 same place of a request. Put {later:?} before {earlier:?} in auth.order, or set another \
                 credential_source."
            ));
        }
    }
}

/// Where in a request the authenticator reads a text that could also be a credential of another one.
fn credential_sources(authenticator: &AuthSettings) -> Vec<CredentialSource> {
    match &authenticator.kind {
        AuthenticatorSettings::Jwt(jwt) => vec![jwt.credential_source.clone()],
        AuthenticatorSettings::Introspection(introspection) => vec![introspection.credential_source.clone()],
        AuthenticatorSettings::StaticKey(key) => vec![key.credential_source.clone()],
        AuthenticatorSettings::ForwardAuth(forward) => {
            let headers = forward.forward_headers.iter().map(|name| match name {
                name if *name == AUTHORIZATION => CredentialSource::Bearer,
                name => CredentialSource::Header(name.as_str().to_owned()),
            });
            headers.chain(forward.forward_cookies.iter().cloned().map(CredentialSource::Cookie)).collect()
        }
        AuthenticatorSettings::Gateway(_)
        | AuthenticatorSettings::Alb(_)
        | AuthenticatorSettings::ClientCertificate(_) => Vec::new(),
    }
}
