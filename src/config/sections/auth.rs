//! `[auth.…]`: the ways of authenticating.

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
use crate::config::reader::{Reader, Section};
use crate::config::settings::HttpSettings;

/// A shared secret as long as the shortest hash: RFC 7518, section 3.2.
const LEAST_SECRET_BYTES: usize = 32;

pub(super) fn all(reader: &mut Reader<'_>) -> Option<Vec<AuthSettings>> {
    let names = reader.names("auth");
    if names.is_empty() {
        reader.fault("auth", "no way of authenticating", "at least one table [auth.NAME]");
        return None;
    }
    // Collected first, so that a fault in one does not hide those in the next.
    let all: Vec<Option<AuthSettings>> = names.iter().map(|name| way(reader, name)).collect();
    for name in names.iter().filter(|name| !is_name(name)) {
        let allowed = "names of 1 to 64 lower-case letters, digits, '-' and '_'";
        reader.fault(&format!("auth.{name}"), format!("the name {name:?}"), allowed);
    }
    let order = order(reader, &names);
    let mut all: Vec<AuthSettings> = all.into_iter().collect::<Option<_>>()?;
    let order = order?;
    all.sort_by_key(|way| order.iter().position(|name| *name == way.name));
    conflicts::warn_of_the_unreached(reader, &all);
    conflicts::are_told_apart(reader, &all).then_some(all)
}

fn way(reader: &mut Reader<'_>, name: &str) -> Option<AuthSettings> {
    let section = &mut reader.section(format!("auth.{name}"));
    let issuer = section.text("issuer");
    let kinds = [
        ("jwt", Kind::Jwt),
        ("introspection", Kind::Introspection),
        ("forward", Kind::Forward),
        ("gateway", Kind::Gateway),
        ("alb", Kind::Alb),
        ("static_key", Kind::StaticKey),
        ("certificate", Kind::Certificate),
    ];
    let chosen = section.choice("kind", &kinds);
    let kind = chosen.and_then(|kind| match kind {
        Kind::Jwt => jwt::jwt(section, issuer.as_deref()).map(AuthenticatorSettings::Jwt),
        Kind::Introspection => remote::introspection(section).map(AuthenticatorSettings::Introspection),
        Kind::Forward => remote::forward(section).map(AuthenticatorSettings::Forward),
        Kind::Gateway => gateway::gateway(section).map(AuthenticatorSettings::Gateway),
        Kind::Alb => gateway::alb(section).map(AuthenticatorSettings::Alb),
        Kind::StaticKey => act_as::static_key(section).map(AuthenticatorSettings::StaticKey),
        Kind::Certificate => act_as::certificates(section).map(AuthenticatorSettings::Certificate),
    });
    let are_services = matches!(chosen, Some(Kind::StaticKey | Kind::Certificate));
    let on_behalf = act_as::on_behalf(section, are_services);
    let user_id = user_id(section, issuer.as_deref());
    let require = pool_policy::conditions(&mut section.inner("require"));
    if are_services && require.as_ref().is_some_and(|require| !require.is_empty()) {
        let found = "scope, audience or claims, which this kind's services do not have";
        section.fault("require", found, "nothing: a key and a certificate have no claims to look at");
        return None;
    }
    let remember = section.duration("remember", Duration::ZERO..=HOUR);
    Some(AuthSettings {
        name: name.to_owned(),
        issuer: issuer?,
        user_id: user_id?,
        require: require?,
        remember: remember?,
        on_behalf: on_behalf?,
        kind: kind?,
    })
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Jwt,
    Introspection,
    Forward,
    Gateway,
    Alb,
    StaticKey,
    Certificate,
}

/// The names of the ways in the order in which they are tried: those that are listed, then the others by name.
fn order(reader: &mut Reader<'_>, names: &[String]) -> Option<Vec<String>> {
    let mut section = reader.section("users");
    let allowed = format!("names of tables [auth.…], each once: {}", names.join(", "));
    let mut order = section.optional_list("auth_order", &allowed)?;
    if let Some(stranger) = order.iter().find(|name| !names.contains(name)) {
        section.fault("auth_order", format!("{stranger:?}"), allowed);
        return None;
    }
    order.extend(names.iter().filter(|name| !order.contains(name)).cloned().collect::<Vec<_>>());
    Some(order)
}

/// Certificates count only where the listener asks for them.
pub(super) fn certificates_can_be_shown(
    reader: &mut Reader<'_>,
    all: Option<&[AuthSettings]>,
    http: Option<&HttpSettings>,
) {
    let (Some(all), Some(http)) = (all, http) else { return };
    let are_asked_for = http.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    for way in all.iter().filter(|_| !are_asked_for) {
        let wants = match &way.kind {
            AuthenticatorSettings::Certificate(_) => true,
            AuthenticatorSettings::Gateway(gateway) => !gateway.certificates.is_empty(),
            _ => false,
        };
        if wants {
            let path = format!("auth.{}.certificates", way.name);
            let found = "certificates, and a listener that asks for none";
            reader.fault(&path, found, "http.tls.client_ca_file beside it: the CA that vouches for them");
        }
    }
}

/// How users are called; said of all ways, so that the same user is one by whichever way it comes.
pub(super) fn users(reader: &mut Reader<'_>, ways: Option<&[AuthSettings]>) -> Option<UsersSettings> {
    let mut section = reader.section("users");
    let is_set = section.has("pseudonym_key");
    let key = section.secret("pseudonym_key");
    if !is_set {
        for way in ways.unwrap_or_default() {
            if way.user_id.claims().any(|claim| claim.root().eq_ignore_ascii_case("email")) {
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

/// The template of user ids, with what is known of every token written in: the issuer.
fn user_id(section: &mut Section<'_, '_>, issuer: Option<&str>) -> Option<Template> {
    const ALLOWED: &str =
        "text with at least one claim in braces besides {iss}, as in \"{sub}\" or \"{iss}|{sub}\"";
    section.parsed("user_id", ALLOWED, |text| {
        if text.chars().any(char::is_control) {
            return Err("it has a control character".to_owned());
        }
        let template = Template::parse(text)?.with_known_claim("iss", issuer.unwrap_or("{iss}"));
        if template.claims().next().is_none() {
            return Err("all users would be one".to_owned());
        }
        Ok(template)
    })
}
