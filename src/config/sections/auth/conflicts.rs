//! Whether the ways of authenticating can be told apart: by whom each is meant for, and by what it looks at. What two
//! ways could both take for their own is a fault; what one way keeps from another is a warning.

use reqwest::header::{AUTHORIZATION, HeaderName};

use crate::auth::{AuthSettings, AuthenticatorSettings, CertificateMatcher, CredentialSource};
use crate::config::reader::Reader;

/// What is wrong with a way beside another that is tried before it.
struct Clash {
    /// The key of the later one.
    key: &'static str,
    found: String,
    allowed: &'static str,
}

/// Whether no user of one issuer can be taken for one of another, and no credential could be two ways' own.
pub(super) fn are_told_apart(reader: &mut Reader<'_>, all: &[AuthSettings]) -> bool {
    let checks = [same_issuer, same_header, same_certificate, same_key, same_users];
    for (at, one) in all.iter().enumerate() {
        let earlier = all.iter().take(at);
        let clash = |other: &AuthSettings| checks.iter().find_map(|check| check(other, one));
        if let Some(Clash { key, found, allowed }) = earlier.clone().find_map(clash) {
            reader.fault(&format!("auth.{}.{key}", one.name), found, allowed);
            return false;
        }
    }
    true
}

fn same_issuer(other: &AuthSettings, one: &AuthSettings) -> Option<Clash> {
    let (AuthenticatorSettings::Jwt(others), AuthenticatorSettings::Jwt(own)) = (&other.kind, &one.kind)
    else {
        return None;
    };
    (other.issuer == one.issuer && others.carrier == own.carrier).then(|| Clash {
        key: "issuer",
        found: format!("{:?}, as auth.{} has it, in the same carrier", one.issuer, other.name),
        allowed: "an issuer, or a carrier, of its own",
    })
}

/// A header that two gateways both set.
fn same_header(other: &AuthSettings, one: &AuthSettings) -> Option<Clash> {
    let (AuthenticatorSettings::Gateway(others), AuthenticatorSettings::Gateway(own)) =
        (&other.kind, &one.kind)
    else {
        return None;
    };
    let has = |header: &&HeaderName| others.claims.iter().any(|(_, theirs)| theirs == *header);
    own.claims.iter().map(|(_, header)| header).find(has).map(|header| Clash {
        key: "claims",
        found: format!("the header {header}, as auth.{} has it", other.name),
        allowed: "headers of its own: the first of the two would refuse what is the other's",
    })
}

/// A certificate that stands for a service, and for another or a gateway too. One gateway may have two ways.
fn same_certificate(other: &AuthSettings, one: &AuthSettings) -> Option<Clash> {
    let (others, own): (&[CertificateMatcher], &[CertificateMatcher]) = match (&other.kind, &one.kind) {
        (AuthenticatorSettings::Certificate(others), AuthenticatorSettings::Certificate(own)) => {
            (others, own)
        }
        (AuthenticatorSettings::Certificate(others), AuthenticatorSettings::Gateway(own)) => {
            (others, &own.certificates)
        }
        (AuthenticatorSettings::Gateway(others), AuthenticatorSettings::Certificate(own)) => {
            (&others.certificates, own)
        }
        _ => return None,
    };
    own.iter().find(|name| others.contains(name)).map(|name| Clash {
        key: "certificates",
        found: format!("{name}, as auth.{} has it", other.name),
        allowed: "certificates of its own: nobody could say for which of the two it stands",
    })
}

fn same_key(other: &AuthSettings, one: &AuthSettings) -> Option<Clash> {
    let (AuthenticatorSettings::StaticKey(others), AuthenticatorSettings::StaticKey(own)) =
        (&other.kind, &one.kind)
    else {
        return None;
    };
    let is_shared = own.digests.iter().any(|digest| others.digests.contains(digest));
    is_shared.then(|| Clash {
        key: "key_sha256",
        found: format!("a digest that auth.{} has too", other.name),
        allowed: "keys of its own: nobody could say for which of the two it stands",
    })
}

/// Ways with the same issuer mean the same users.
fn same_users(other: &AuthSettings, one: &AuthSettings) -> Option<Clash> {
    let names_users = |way: &AuthSettings| {
        !matches!(way.kind, AuthenticatorSettings::StaticKey(_) | AuthenticatorSettings::Certificate(_))
    };
    let (own, others) = (one.user_id.fixed_prefix(), other.user_id.fixed_prefix());
    let clashes = names_users(one)
        && names_users(other)
        && other.issuer != one.issuer
        && (own.starts_with(others) || others.starts_with(own));
    clashes.then(|| Clash {
        key: "user_id",
        found: format!("one that begins with {own:?} beside the {others:?} of auth.{}", other.name),
        allowed: "templates whose fixed beginnings tell the issuers apart, none beginning with another, as in \
                  \"{iss}|{sub}\" or \"web:{sub}\": else a user of one could be taken for a user of the other",
    })
}

/// Introspection and forward auth ask about whatever stands where they look: no way after them sees any of it, and the
/// app is shown credentials that were never meant for it.
pub(super) fn warn_of_the_unreached(reader: &mut Reader<'_>, all: &[AuthSettings]) {
    for (at, later) in all.iter().enumerate() {
        let places = places(later);
        let takes_it_all = |earlier: &&AuthSettings| {
            let asks = matches!(
                earlier.kind,
                AuthenticatorSettings::Introspection(_) | AuthenticatorSettings::Forward(_)
            );
            let taken = self::places(earlier);
            asks && !places.is_empty() && places.iter().all(|place| taken.contains(place))
        };
        if let Some(earlier) = all.iter().take(at).find(takes_it_all) {
            let (later, earlier) = (&later.name, &earlier.name);
            reader.warn(format!(
                "auth.{later} is out of reach: auth.{earlier}, which is tried before it, judges whatever stands in the \
                 same place of a request. Put {later:?} before {earlier:?} in users.auth_order, or give it a place of \
                 its own."
            ));
        }
    }
}

/// Where in a request it looks for text that could be another way's as well.
fn places(way: &AuthSettings) -> Vec<CredentialSource> {
    match &way.kind {
        AuthenticatorSettings::Jwt(jwt) => vec![jwt.carrier.clone()],
        AuthenticatorSettings::Introspection(asked) => vec![asked.carrier.clone()],
        AuthenticatorSettings::StaticKey(key) => vec![key.carrier.clone()],
        AuthenticatorSettings::Forward(forward) => {
            let headers = forward.headers.iter().map(|name| match name {
                name if *name == AUTHORIZATION => CredentialSource::Bearer,
                name => CredentialSource::Header(name.as_str().to_owned()),
            });
            headers.chain(forward.cookies.iter().cloned().map(CredentialSource::Cookie)).collect()
        }
        AuthenticatorSettings::Gateway(_)
        | AuthenticatorSettings::Alb(_)
        | AuthenticatorSettings::Certificate(_) => Vec::new(),
    }
}
