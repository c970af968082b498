//! `[auth.…]` of the kinds with remote verification: `introspection` and `forward_auth`.

use std::time::Duration;

use bounded_http::{parse_keys_url, parse_url};
use reqwest::Url;
use reqwest::header::{COOKIE, HeaderName};

use super::jwt::{is_token, read_credential_source};
use crate::auth::{ClaimsFrom, ForwardSettings, IntrospectionSettings, RemoteCheckSettings};
use crate::config::reader::Section;
use crate::config::sections::{HOUR, MILLISECOND, MINUTE, SECOND};

pub(super) fn read_introspection(section: &mut Section<'_, '_>) -> Option<IntrospectionSettings> {
    let url = read_url(section);
    let client_secret = section.read_secret("client_secret");
    if !section.has("client_secret") {
        section.reject("client_secret", "nothing", "the secret of this service at the endpoint");
    }
    Some(IntrospectionSettings {
        credential_source: read_credential_source(section),
        client_id: section.read_text("client_id"),
        check: read_remote_check(section),
        url: url?,
        client_secret: client_secret?,
    })
}

pub(super) fn read_forward_auth(section: &mut Section<'_, '_>) -> Option<ForwardSettings> {
    const HEADERS: &str = "a list of header names; cookies belong in forward_cookies";
    let url = read_url(section);
    let forward_headers = section.parse_list("forward_headers", HEADERS, parse_forwarded_header);
    let forward_cookies = section.parse_list("forward_cookies", "a list of cookie names", |name| {
        if is_token(name) { Ok(name.to_owned()) } else { Err("it is not the name of a cookie") }
    });
    let are_valid = section.is_key_valid("forward_headers") && section.is_key_valid("forward_cookies");
    if are_valid && forward_headers.is_empty() && forward_cookies.is_empty() {
        let allowed = "at least one of forward_headers and forward_cookies";
        section.reject("forward_headers", "nothing to forward", allowed);
    }
    let claims = read_header_claims(section);
    Some(ForwardSettings {
        forward_headers,
        forward_cookies,
        // Without `[auth.NAME.claims]`, the claims are in the body of the response.
        claims: if claims.is_empty() { ClaimsFrom::Body } else { ClaimsFrom::Headers(claims) },
        check: read_remote_check(section),
        url: url?,
    })
}

fn parse_forwarded_header(name: &str) -> Result<HeaderName, String> {
    match name.parse() {
        Ok(COOKIE) => Err("no header is forwarded for cookies".to_owned()),
        Ok(name) => Ok(name),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads `[auth.NAME.claims]`: CLAIM = "HEADER".
pub(super) fn read_header_claims(section: &mut Section<'_, '_>) -> Vec<(String, HeaderName)> {
    let names = section.names("claims");
    let mut claims = section.subsection("claims");
    let read = |claim: String| read_header_name(&mut claims, &claim).map(|header| (claim, header));
    names.into_iter().filter_map(read).collect()
}

pub(super) fn read_header_name(section: &mut Section<'_, '_>, key: &str) -> Option<HeaderName> {
    section.parse(key, "the name of a header", |text| text.parse::<HeaderName>())
}

fn read_url(section: &mut Section<'_, '_>) -> Option<Url> {
    let allows_insecure = section.read_flag("allow_insecure_http");
    let allowed = "an https URL without a password; an http one on loopback, or with allow_insecure_http";
    let url = section.parse("url", allowed, |text| match parse_keys_url(text) {
        Err(_) if allows_insecure && text.starts_with("http://") => parse_url(text),
        other => other,
    })?;
    if allows_insecure && url.scheme() == "http" {
        section.warn(format!(
            "{} is plain http: an attacker on the network path can authenticate as any user, and read the credentials.",
            section.key_path("url")
        ));
    }
    Some(url)
}

fn read_remote_check(section: &mut Section<'_, '_>) -> RemoteCheckSettings {
    // Without the cache, every request would cause one to the app.
    section.read_duration("cache_ttl", SECOND..=HOUR);
    RemoteCheckSettings {
        timeout: section.read_duration("timeout", 100 * MILLISECOND..=MINUTE),
        negative_cache_ttl: section.read_duration("negative_cache_ttl", Duration::ZERO..=HOUR),
        max_concurrent_requests: section.read_integer("max_concurrent_requests", 1..=10_000),
    }
}
