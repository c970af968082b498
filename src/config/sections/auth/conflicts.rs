//! Conflicts between authenticators. It is an error if two of them could accept the same credential or give two users
//! the same id. It is a warning if one reads every credential before another can.

use reqwest::header::{AUTHORIZATION, HeaderName};

use crate::auth::{AuthSettings, AuthenticatorSettings, CertificateMatcher, CredentialSource};
use crate::config::reader::Reader;

/// A conflict of an authenticator with one that is tried before it.
struct Conflict {
    /// The key of the later one.
    key: &'static str,
    found: String,
    allowed: &'static str,
}

/// Checks that users of different issuers have different ids, and that no credential fits two authenticators.
pub(super) fn check_distinguishable(reader: &mut Reader<'_>, all: &[AuthSettings]) -> bool {
    let checks = [
        find_issuer_conflict,
        find_header_conflict,
        find_certificate_conflict,
        find_key_conflict,
        find_user_id_conflict,
    ];
    for (at, later) in all.iter().enumerate() {
        let earlier = all.iter().take(at);
        let find_conflict = |earlier: &AuthSettings| checks.iter().find_map(|check| check(earlier, later));
        if let Some(Conflict { key, found, allowed }) = earlier.clone().find_map(find_conflict) {
            reader.reject(&format!("auth.{}.{key}", later.name), found, allowed);
            return false;
        }
    }
    true
}

fn find_issuer_conflict(earlier: &AuthSettings, later: &AuthSettings) -> Option<Conflict> {
    let (AuthenticatorSettings::Jwt(others), AuthenticatorSettings::Jwt(own)) = (&earlier.kind, &later.kind) else {
        return None;
    };
    (earlier.issuer == later.issuer && others.credential_source == own.credential_source).then(|| Conflict {
        key: "issuer",
        found: format!("{:?}, the issuer of auth.{} with the same credential_source", later.issuer, earlier.name),
        allowed: "another issuer, or another credential_source",
    })
}

/// Two gateways set the same header.
fn find_header_conflict(earlier: &AuthSettings, later: &AuthSettings) -> Option<Conflict> {
    let (AuthenticatorSettings::Gateway(others), AuthenticatorSettings::Gateway(own)) = (&earlier.kind, &later.kind)
    else {
        return None;
    };
    let has = |header: &&HeaderName| others.claims.iter().any(|(_, theirs)| theirs == *header);
    own.claims.iter().map(|(_, header)| header).find(has).map(|header| Conflict {
        key: "claims",
        found: format!("the header {header}, which auth.{} reads too", earlier.name),
        allowed: "other headers: the first of the two authenticators would reject those of the other gateway",
    })
}

/// A certificate of a service is also that of another service or of a gateway. One gateway may have two authenticators.
fn find_certificate_conflict(earlier: &AuthSettings, later: &AuthSettings) -> Option<Conflict> {
    let (others, own): (&[CertificateMatcher], &[CertificateMatcher]) = match (&earlier.kind, &later.kind) {
        (AuthenticatorSettings::ClientCertificate(others), AuthenticatorSettings::ClientCertificate(own)) => {
            (others, own)
        }
        (AuthenticatorSettings::ClientCertificate(others), AuthenticatorSettings::Gateway(own)) => {
            (others, &own.certificates)
        }
        (AuthenticatorSettings::Gateway(others), AuthenticatorSettings::ClientCertificate(own)) => {
            (&others.certificates, own)
        }
        _ => return None,
    };
    own.iter().find(|name| others.contains(name)).map(|name| Conflict {
        key: "certificates",
        found: format!("{name}, which auth.{} has too", earlier.name),
        allowed: "other certificates: one certificate must identify one service",
    })
}

fn find_key_conflict(earlier: &AuthSettings, later: &AuthSettings) -> Option<Conflict> {
    let (AuthenticatorSettings::StaticKey(others), AuthenticatorSettings::StaticKey(own)) =
        (&earlier.kind, &later.kind)
    else {
        return None;
    };
    let is_shared = own.digests.iter().any(|digest| others.digests.contains(digest));
    is_shared.then(|| Conflict {
        key: "key_sha256",
        found: format!("a digest that auth.{} has too", earlier.name),
        allowed: "other keys: one key must identify one service",
    })
}

/// Authenticators with the same issuer refer to the same users.
fn find_user_id_conflict(earlier: &AuthSettings, later: &AuthSettings) -> Option<Conflict> {
    let names_users = |authenticator: &AuthSettings| {
        !matches!(authenticator.kind, AuthenticatorSettings::StaticKey(_) | AuthenticatorSettings::ClientCertificate(_))
    };
    let (own, others) = (later.user_id.fixed_prefix(), earlier.user_id.fixed_prefix());
    let conflicts = names_users(later)
        && names_users(earlier)
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
