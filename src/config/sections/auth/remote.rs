//! `[auth.…]` of the kinds with remote verification: `introspection` and `forward_auth`.

use std::time::Duration;

use bounded_http::{parse_keys_url, parse_url};
use reqwest::Url;
use reqwest::header::HeaderName;

use super::jwt::{is_token, read_credential_source};
use crate::auth::{ClaimsFrom, ForwardSettings, IntrospectionSettings, RemoteCheckSettings};
use crate::config::reader::Section;
use crate::config::sections::{HOUR, MINUTE, SECOND};

pub(super) fn read_introspection(section: &mut Section<'_, '_>) -> Option<IntrospectionSettings> {
    let credential_source = read_credential_source(section);
    let url = read_url(section);
    let client_id = section.read_text("client_id");
    let is_set = section.has("client_secret");
    let client_secret = section.read_secret("client_secret");
    if !is_set {
        section.reject("client_secret", "nothing", "the secret of this service at the endpoint");
    }
    let remote = read_remote_check(section);
    Some(IntrospectionSettings {
        credential_source: credential_source?,
        url: url?,
        client_id: client_id?,
        client_secret: client_secret?,
        check: remote?,
    })
}

pub(super) fn read_forward_auth(section: &mut Section<'_, '_>) -> Option<ForwardSettings> {
    const NAMES: &str = "a list of header names";
    let url = read_url(section);
    let headers = section.read_list("forward_headers", NAMES);
    let cookies = section.read_list("forward_cookies", "a list of cookie names");
    let claims = read_claims(section);
    let remote = read_remote_check(section);
    let (headers, cookies) = (headers?, cookies?);
    if let Some(invalid) = cookies.iter().find(|name| !is_token(name)) {
        section.reject("forward_cookies", format!("{invalid:?}"), "a list of cookie names");
        return None;
    }
    if headers.is_empty() && cookies.is_empty() {
        let allowed = "at least one of forward_headers and forward_cookies";
        section.reject("forward_headers", "nothing to forward", allowed);
        return None;
    }
    let headers = headers.iter().map(|name| name.parse().ok()).collect::<Option<Vec<HeaderName>>>();
    let Some(headers) = headers.filter(|names| !names.contains(&reqwest::header::COOKIE)) else {
        section.reject(
            "forward_headers",
            "an invalid name of a header, or cookie",
            "names of headers; cookies belong in forward_cookies",
        );
        return None;
    };
    Some(ForwardSettings {
        url: url?,
        forward_headers: headers,
        forward_cookies: cookies,
        claims: claims?,
        check: remote?,
    })
}

/// Without `[auth.NAME.claims]`, the claims are in the body of the response.
fn read_claims(section: &mut Section<'_, '_>) -> Option<ClaimsFrom> {
    let claims = read_header_claims(section)?;
    Some(if claims.is_empty() { ClaimsFrom::Body } else { ClaimsFrom::Headers(claims) })
}

/// Reads `[auth.NAME.claims]`: CLAIM = "HEADER".
pub(super) fn read_header_claims(section: &mut Section<'_, '_>) -> Option<Vec<(String, HeaderName)>> {
    let names = section.names("claims");
    let mut claims = section.subsection("claims");
    let read = |claim: &String| {
        let header = claims.parse(claim, "the name of a header", |text| text.parse::<HeaderName>());
        Some((claim.clone(), header?))
    };
    let claims: Vec<Option<(String, HeaderName)>> = names.iter().map(read).collect();
    claims.into_iter().collect()
}

fn read_url(section: &mut Section<'_, '_>) -> Option<Url> {
    let allows_insecure = section.read_flag("allow_insecure_http");
    let allowed = "an https URL without a password; an http one on loopback, or with allow_insecure_http";
    let url = section.parse("url", allowed, |text| match parse_keys_url(text) {
        Err(_) if allows_insecure == Some(true) && text.starts_with("http://") => parse_url(text),
        other => other,
    })?;
    if allows_insecure? && url.scheme() == "http" {
        section.warn(format!(
            "{} is plain http: an attacker on the network path can authenticate as any user, and read the credentials.",
            section.key_path("url")
        ));
    }
    Some(url)
}

fn read_remote_check(section: &mut Section<'_, '_>) -> Option<RemoteCheckSettings> {
    let timeout = section.read_duration("timeout", Duration::from_millis(100)..=MINUTE);
    let negative_cache_ttl = section.read_duration("negative_cache_ttl", Duration::ZERO..=HOUR);
    let max_concurrent_requests = section.read_integer("max_concurrent_requests", 1..=10_000);
    // Without the cache, every request would cause one to the app.
    section.read_duration("cache_ttl", SECOND..=HOUR)?;
    Some(RemoteCheckSettings {
        timeout: timeout?,
        negative_cache_ttl: negative_cache_ttl?,
        max_concurrent_requests: max_concurrent_requests?,
    })
}
