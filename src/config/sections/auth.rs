//! `[auth.…]`: the authenticators, their order, and `[users]`.

mod act_as;
mod conflicts;
mod gateway;
mod jwt;
mod remote;

use std::time::Duration;

use super::HOUR;
use super::pool_policy::{read_authenticator_names, read_conditions};
use super::pools::is_name;
use crate::auth::{AuthSettings, AuthenticatorSettings, UsersSettings};
use crate::claims::template::Template;
use crate::config::layers::{AUTH, RESERVED_AUTH_NAMES};
use crate::config::reader::{Reader, Section};
use crate::config::settings::HttpSettings;

/// The names of all tables `[auth.NAME]` that are authenticators.
pub(super) fn authenticator_names(reader: &Reader<'_>) -> Vec<String> {
    let mut names = reader.names(AUTH);
    names.retain(|name| !RESERVED_AUTH_NAMES.contains(&name.as_str()));
    names
}

/// Returns the valid authenticators, in the order in which they are tried.
pub(super) fn read_authenticators(reader: &mut Reader<'_>) -> Vec<AuthSettings> {
    let names = authenticator_names(reader);
    let has_reserved_name = reject_reserved_names(reader);
    if names.is_empty() && !has_reserved_name {
        reader.reject(AUTH, "no authenticator", "at least one table [auth.NAME]");
    }
    let mut section = reader.section(AUTH);
    let mut all = Vec::new();
    for name in &names {
        all.extend(read_authenticator(&mut section.subsection(name), name));
        if !is_name(name) {
            let allowed = "names of 1 to 64 lower-case letters, digits, '-' and '_'";
            section.reject(name, format!("the name {name:?}"), allowed);
        }
    }
    if section.is_key_valid(ORDER) {
        // Those that are not listed follow by name.
        let order = read_authenticator_names(&mut section, ORDER, &names);
        all.sort_by_key(|one| order.iter().position(|name| *name == one.name).unwrap_or(order.len()));
    }
    if section.is_valid() {
        conflicts::warn_of_unreachable(reader, &all);
        conflicts::reject_conflicts(reader, &all);
    }
    all
}

/// The list of the authenticators that are tried first.
const ORDER: &str = "order";

/// Rejects authenticators named `cache` and `order`, and returns whether there is one. The error replaces those about
/// the keys of such a table, which `[auth.cache]` does not have.
fn reject_reserved_names(reader: &mut Reader<'_>) -> bool {
    let mut has_reserved_name = false;
    for name in RESERVED_AUTH_NAMES {
        let path = format!("{AUTH}.{name}");
        let keys = reader.names(&path);
        let (is_authenticator, purpose) = match name {
            ORDER => (!keys.is_empty(), "the list of the authenticators' names"),
            _ => (keys.iter().any(|key| key == "kind" || key == "issuer"), "the table of the credential cache"),
        };
        if is_authenticator {
            let allowed = format!("another name for it, because {path} is {purpose}");
            reader.reject(&path, format!("an authenticator with the name {name:?}"), allowed);
            reader.ignore_unknown_keys(&path);
            has_reserved_name = true;
        }
    }
    has_reserved_name
}

/// Reads the settings of one kind. The text is the issuer.
type ReadKind = fn(&mut Section<'_, '_>, &str) -> Option<AuthenticatorSettings>;

const KINDS: [(&str, ReadKind); 7] = [
    ("jwt", |section, issuer| jwt::read_jwt(section, issuer).map(AuthenticatorSettings::Jwt)),
    ("introspection", |section, _| remote::read_introspection(section).map(AuthenticatorSettings::Introspection)),
    ("forward_auth", |section, _| remote::read_forward_auth(section).map(AuthenticatorSettings::ForwardAuth)),
    ("gateway", |section, _| Some(AuthenticatorSettings::Gateway(gateway::read_gateway(section)))),
    ("alb", |section, _| gateway::read_alb(section).map(AuthenticatorSettings::Alb)),
    ("static_key", |section, _| Some(AuthenticatorSettings::StaticKey(act_as::read_static_key(section)))),
    ("client_certificate", |section, _| {
        Some(AuthenticatorSettings::ClientCertificate(act_as::read_certificates(section)))
    }),
];

fn read_authenticator(section: &mut Section<'_, '_>, name: &str) -> Option<AuthSettings> {
    let issuer = section.read_text("issuer");
    let user_id = read_user_id(section, &issuer);
    let require = read_conditions(&mut section.subsection("require"));
    let read_kind = section.read_choice("kind", KINDS);
    let is_kind_known = section.is_key_valid("kind");
    let kind = if is_kind_known { read_kind(section, &issuer) } else { None };
    // After the keys of the kind: remote verification does not allow zero.
    let cache_ttl = section.read_duration("cache_ttl", Duration::ZERO..=HOUR);
    if !is_kind_known {
        // Which other keys there are depends on the kind.
        section.ignore_unknown_keys();
        return None;
    }
    let are_services = kind.as_ref().is_some_and(act_as::are_services);
    let act_as = act_as::read_act_as(section, are_services);
    if are_services && !require.is_empty() {
        let found = "scope, audience or claims, which this kind's services do not have";
        section.reject("require", found, "nothing: a key or a certificate has no claims to check");
    }
    let name = name.to_owned();
    let settings = AuthSettings { name, issuer, user_id: user_id?, require, cache_ttl, act_as, kind: kind? };
    section.is_valid().then_some(settings)
}

/// Certificates can be verified only if the listener requests them.
pub(super) fn check_certificates_are_requested(reader: &mut Reader<'_>, all: &[AuthSettings], http: &HttpSettings) {
    let are_requested = http.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    if are_requested || !reader.is_valid("http.tls") {
        return;
    }
    for authenticator in all {
        let needs_certificates = match &authenticator.kind {
            AuthenticatorSettings::ClientCertificate(_) => true,
            AuthenticatorSettings::Gateway(gateway) => !gateway.certificates.is_empty(),
            _ => false,
        };
        if needs_certificates {
            let path = format!("auth.{}.certificates", authenticator.name);
            let found = "certificates, but the listener requests none";
            reader.reject(&path, found, "it together with http.tls.client_ca_file, the CA that issued them");
        }
    }
}

/// Reads how user ids are sent to Cognito. It is the same for all authenticators, so that a user has one id with each.
pub(super) fn read_users(reader: &mut Reader<'_>, authenticators: &[AuthSettings]) -> UsersSettings {
    let mut section = reader.section("users");
    let pseudonym_key = section.read_long_secret("pseudonym_key");
    let has_address = |authenticator: &&AuthSettings| {
        authenticator.user_id.claims().any(|claim| claim.root().eq_ignore_ascii_case("email"))
    };
    for authenticator in authenticators.iter().filter(|_| pseudonym_key.is_none()).filter(has_address) {
        section.warn(format!(
            "auth.{}.user_id contains an e-mail address, which is readable in every token and may change: use another \
             claim, or set users.pseudonym_key.",
            authenticator.name
        ));
    }
    UsersSettings { pseudonym_key }
}

/// Reads the template of user ids, and inserts the issuer, which is the same for every token.
fn read_user_id(section: &mut Section<'_, '_>, issuer: &str) -> Option<Template> {
    const ALLOWED: &str =
        "a text with at least one claim in braces other than {iss}, as in \"{sub}\" or \"{iss}|{sub}\"";
    section.parse("user_id", ALLOWED, |text| {
        if text.chars().any(char::is_control) {
            return Err("it contains a control character".to_owned());
        }
        let template = Template::parse(text)?.with_known_claim("iss", issuer);
        if template.claims().next().is_none() {
            return Err("all users would have the same id".to_owned());
        }
        Ok(template)
    })
}
