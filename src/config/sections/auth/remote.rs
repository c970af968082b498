//! `[auth.…]` of the kinds that ask somebody else: `introspection` and `forward`.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderName;

use super::jwt::{carrier, is_token};
use crate::auth::{ClaimsFrom, ForwardSettings, IntrospectionSettings, RemoteCheckSettings};
use crate::config;
use crate::config::reader::Section;
use crate::config::sections::{HOUR, MINUTE, SECOND, parse_url};

pub(super) fn introspection(section: &mut Section<'_, '_>) -> Option<IntrospectionSettings> {
    let carrier = carrier(section);
    let url = url(section);
    let client_id = section.text("client_id");
    let is_set = section.has("client_secret");
    let client_secret = section.secret("client_secret");
    if !is_set {
        section.fault("client_secret", "nothing", "our secret at the endpoint");
    }
    let ask = ask(section);
    Some(IntrospectionSettings {
        carrier: carrier?,
        url: url?,
        client_id: client_id?,
        client_secret: client_secret?,
        ask: ask?,
    })
}

pub(super) fn forward(section: &mut Section<'_, '_>) -> Option<ForwardSettings> {
    const NAMES: &str = "a list of header names";
    let url = url(section);
    let headers = section.list("show_headers", NAMES);
    let cookies = section.list("show_cookies", "a list of cookie names");
    let claims = claims(section);
    let ask = ask(section);
    let (headers, cookies) = (headers?, cookies?);
    if let Some(odd) = cookies.iter().find(|name| !is_token(name)) {
        section.fault("show_cookies", format!("{odd:?}"), "a list of cookie names");
        return None;
    }
    if headers.is_empty() && cookies.is_empty() {
        let allowed = "at least one of show_headers and show_cookies";
        section.fault("show_headers", "nothing to show", allowed);
        return None;
    }
    let headers = headers.iter().map(|name| name.parse().ok()).collect::<Option<Vec<HeaderName>>>();
    let Some(headers) = headers.filter(|names| !names.contains(&reqwest::header::COOKIE)) else {
        section.fault(
            "show_headers",
            "what is no header\'s name, or cookie",
            "names of headers; cookies in show_cookies",
        );
        return None;
    };
    Some(ForwardSettings { url: url?, headers, cookies, claims: claims?, ask: ask? })
}

/// Without `[auth.NAME.claims]`, the answer's body has the claims.
fn claims(section: &mut Section<'_, '_>) -> Option<ClaimsFrom> {
    let claims = header_claims(section)?;
    Some(if claims.is_empty() { ClaimsFrom::Body } else { ClaimsFrom::Headers(claims) })
}

/// `[auth.NAME.claims]`: CLAIM = "HEADER".
pub(super) fn header_claims(section: &mut Section<'_, '_>) -> Option<Vec<(String, HeaderName)>> {
    let names = section.names("claims");
    let mut claims = section.inner("claims");
    let read = |claim: &String| {
        let header = claims.parsed(claim, "the name of a header", |text| text.parse::<HeaderName>());
        Some((claim.clone(), header?))
    };
    let claims: Vec<Option<(String, HeaderName)>> = names.iter().map(read).collect();
    claims.into_iter().collect()
}

fn url(section: &mut Section<'_, '_>) -> Option<Url> {
    let is_open = section.flag("allow_plain_http");
    let allowed = "an https URL without a password; an http one on loopback, or with allow_plain_http";
    let url = section.parsed("url", allowed, |text| match config::keys_url(text) {
        Err(_) if is_open == Some(true) && text.starts_with("http://") => parse_url(text),
        other => other,
    })?;
    if is_open? && url.scheme() == "http" {
        section.warn(format!(
            "{} is plain http: whoever is on the way there can vouch for anybody, and reads what callers present.",
            section.path_of("url")
        ));
    }
    Some(url)
}

fn ask(section: &mut Section<'_, '_>) -> Option<RemoteCheckSettings> {
    let timeout = section.duration("timeout", Duration::from_millis(100)..=MINUTE);
    let remember_refusal = section.duration("remember_refusal", Duration::ZERO..=HOUR);
    let most_at_once = section.integer("most_at_once", 1..=10_000);
    // A yes that is not remembered would have the app asked with every request.
    let remember = section.duration("remember", SECOND..=HOUR);
    remember?;
    Some(RemoteCheckSettings {
        timeout: timeout?,
        remember_refusal: remember_refusal?,
        most_at_once: most_at_once?,
    })
}
