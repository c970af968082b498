//! `[auth.…]`: the authenticators, their order, and `[users]`.

mod act_as;
mod conflicts;
mod gateway;
mod jwt;
mod remote;

use std::time::Duration;

use super::pools::is_name;
use super::{HOUR, pool_policy};
use crate::auth::{AuthSettings, AuthenticatorSettings, UsersSettings};
use crate::claims::template::Template;
use crate::config::layers::{AUTH, RESERVED_AUTH_NAMES};
use crate::config::reader::{Reader, Section};
use crate::config::settings::HttpSettings;

/// A shared secret must be as long as the shortest hash: RFC 7518, section 3.2.
const MIN_SECRET_BYTES: usize = 32;

/// The names of all tables `[auth.NAME]` that are authenticators.
pub(super) fn authenticator_names(reader: &Reader<'_>) -> Vec<String> {
    let mut names = reader.names(AUTH);
    names.retain(|name| !RESERVED_AUTH_NAMES.contains(&name.as_str()));
    names
}

pub(super) fn read_authenticators(reader: &mut Reader<'_>) -> Option<Vec<AuthSettings>> {
    let names = authenticator_names(reader);
    let has_reserved_name = reject_reserved_names(reader);
    if names.is_empty() {
        if !has_reserved_name {
            reader.reject(AUTH, "no authenticator", "at least one table [auth.NAME]");
        }
        return None;
    }
    // Collected first, so that an error in one does not hide those in the next.
    let all: Vec<Option<AuthSettings>> = names.iter().map(|name| read_authenticator(reader, name)).collect();
    for name in names.iter().filter(|name| !is_name(name)) {
        let allowed = "names of 1 to 64 lower-case letters, digits, '-' and '_'";
        reader.reject(&format!("auth.{name}"), format!("the name {name:?}"), allowed);
    }
    if has_reserved_name {
        return None;
    }
    let order = read_order(reader, &names);
    let mut all: Vec<AuthSettings> = all.into_iter().collect::<Option<_>>()?;
    let order = order?;
    all.sort_by_key(|authenticator| order.iter().position(|name| *name == authenticator.name));
    conflicts::warn_of_unreachable(reader, &all);
    conflicts::check_distinguishable(reader, &all).then_some(all)
}

/// Rejects authenticators named `cache` and `order`, and returns whether there is one. The error replaces those about
/// the keys of such a table, which `[auth.cache]` does not have.
fn reject_reserved_names(reader: &mut Reader<'_>) -> bool {
    let mut has_reserved_name = false;
    for name in RESERVED_AUTH_NAMES {
        let path = format!("{AUTH}.{name}");
        let keys = reader.names(&path);
        let is_authenticator = match name {
            "cache" => keys.iter().any(|key| key == "kind" || key == "issuer"),
            _ => !keys.is_empty(),
        };
        if is_authenticator {
            let purpose = match name {
                "cache" => "the table of the credential cache",
                _ => "the list of the authenticators' names",
            };
            let allowed = format!("another name for it, because {path} is {purpose}");
            reader.reject(&path, format!("an authenticator with the name {name:?}"), allowed);
            reader.ignore(&path);
            has_reserved_name = true;
        }
    }
    has_reserved_name
}

fn read_authenticator(reader: &mut Reader<'_>, name: &str) -> Option<AuthSettings> {
    let section = &mut reader.section(format!("auth.{name}"));
    let issuer = section.read_text("issuer");
    let kinds = [
        ("jwt", Kind::Jwt),
        ("introspection", Kind::Introspection),
        ("forward_auth", Kind::ForwardAuth),
        ("gateway", Kind::Gateway),
        ("alb", Kind::Alb),
        ("static_key", Kind::StaticKey),
        ("client_certificate", Kind::ClientCertificate),
    ];
    let chosen = section.read_choice("kind", &kinds);
    let kind = chosen.and_then(|kind| match kind {
        Kind::Jwt => jwt::read_jwt(section, issuer.as_deref()).map(AuthenticatorSettings::Jwt),
        Kind::Introspection => remote::read_introspection(section).map(AuthenticatorSettings::Introspection),
        Kind::ForwardAuth => remote::read_forward_auth(section).map(AuthenticatorSettings::ForwardAuth),
        Kind::Gateway => gateway::read_gateway(section).map(AuthenticatorSettings::Gateway),
        Kind::Alb => gateway::read_alb(section).map(AuthenticatorSettings::Alb),
        Kind::StaticKey => act_as::read_static_key(section).map(AuthenticatorSettings::StaticKey),
        Kind::ClientCertificate => act_as::read_certificates(section).map(AuthenticatorSettings::ClientCertificate),
    });
    let are_services = matches!(chosen, Some(Kind::StaticKey | Kind::ClientCertificate));
    let act_as = act_as::read_act_as(section, are_services);
    let user_id = read_user_id(section, issuer.as_deref());
    let require = pool_policy::read_conditions(&mut section.subsection("require"));
    if are_services && require.as_ref().is_some_and(|require| !require.is_empty()) {
        let found = "scope, audience or claims, which this kind's services do not have";
        section.reject("require", found, "nothing: a key or a certificate has no claims to check");
        return None;
    }
    let cache_ttl = section.read_duration("cache_ttl", Duration::ZERO..=HOUR);
    Some(AuthSettings {
        name: name.to_owned(),
        issuer: issuer?,
        user_id: user_id?,
        require: require?,
        cache_ttl: cache_ttl?,
        act_as: act_as?,
        kind: kind?,
    })
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Jwt,
    Introspection,
    ForwardAuth,
    Gateway,
    Alb,
    StaticKey,
    ClientCertificate,
}

/// Reads the order in which authenticators are tried: those that are listed, then the others by name.
fn read_order(reader: &mut Reader<'_>, names: &[String]) -> Option<Vec<String>> {
    let mut section = reader.section(AUTH);
    let allowed = format!("names of tables [auth.…], each once: {}", names.join(", "));
    let mut order = section.read_optional_list("order", &allowed)?;
    if let Some(unknown) = order.iter().find(|name| !names.contains(name)) {
        section.reject("order", format!("{unknown:?}"), allowed);
        return None;
    }
    order.extend(names.iter().filter(|name| !order.contains(name)).cloned().collect::<Vec<_>>());
    Some(order)
}

/// Certificates can be verified only if the listener requests them.
pub(super) fn check_certificates_are_requested(
    reader: &mut Reader<'_>,
    all: Option<&[AuthSettings]>,
    http: Option<&HttpSettings>,
) {
    let (Some(all), Some(http)) = (all, http) else { return };
    let are_requested = http.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    for authenticator in all.iter().filter(|_| !are_requested) {
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
pub(super) fn read_users(reader: &mut Reader<'_>, authenticators: Option<&[AuthSettings]>) -> Option<UsersSettings> {
    let mut section = reader.section("users");
    let is_set = section.has("pseudonym_key");
    let key = section.read_secret("pseudonym_key");
    if !is_set {
        for authenticator in authenticators.unwrap_or_default() {
            if authenticator.user_id.claims().any(|claim| claim.root().eq_ignore_ascii_case("email")) {
                section.warn(format!(
                    "auth.{}.user_id contains an e-mail address, which is readable in every token and may change: use \
                     another claim, or set users.pseudonym_key.",
                    authenticator.name
                ));
            }
        }
        return Some(UsersSettings { pseudonym_key: None });
    }
    let key = key?;
    if key.expose().len() < MIN_SECRET_BYTES {
        let found = format!("a secret of {} bytes", key.expose().len());
        section.reject("pseudonym_key", found, format!("at least {MIN_SECRET_BYTES} bytes"));
        return None;
    }
    Some(UsersSettings { pseudonym_key: Some(key) })
}

/// Reads the template of user ids, and inserts the issuer, which is the same for every token.
fn read_user_id(section: &mut Section<'_, '_>, issuer: Option<&str>) -> Option<Template> {
    const ALLOWED: &str =
        "a text with at least one claim in braces other than {iss}, as in \"{sub}\" or \"{iss}|{sub}\"";
    section.parse("user_id", ALLOWED, |text| {
        if text.chars().any(char::is_control) {
            return Err("it contains a control character".to_owned());
        }
        let template = Template::parse(text)?.with_known_claim("iss", issuer.unwrap_or("{iss}"));
        if template.claims().next().is_none() {
            return Err("all users would have the same id".to_owned());
        }
        Ok(template)
    })
}
