//! Forward authentication: credentials of any kind, verified by an endpoint of the app, as with nginx's `auth_request`
//! and Traefik's ForwardAuth. The configured headers and cookies are forwarded to it. A 2xx response that names a user
//! verifies the caller.

use std::sync::Arc;

use aws_lc_rs::hmac;
use jose::KeysError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::caller::{Caller, Declined};
use super::caller_builder::CallerBuilder;
use super::credential_cache::ScopedCache;
use super::credential_source::cookie;
use super::header_claims::claims_from_headers;
use super::rejection::RejectionReason;
use super::remote_verifier::{CheckError, RemoteVerifier, client, read_body, timestamp};
use super::request::AuthRequest;
use super::settings::{ClaimsFrom, ForwardSettings};
use crate::error_chain;
use clock::SharedClock;

/// The forwarded headers of valid requests are shorter, all together.
const MAX_FORWARDED_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct ForwardAuthenticator {
    check: Arc<RemoteCheck>,
    /// Cookies may be short enough to be guessed from a plain digest. Only this process can compute this one.
    digest_key: Box<hmac::Key>,
    verifier: RemoteVerifier,
}

#[derive(Debug)]
struct RemoteCheck {
    callers: CallerBuilder,
    settings: ForwardSettings,
    client: reqwest::Client,
    clock: SharedClock,
}

impl ForwardAuthenticator {
    pub(super) fn new(
        callers: CallerBuilder,
        settings: ForwardSettings,
        cache: ScopedCache,
        clock: SharedClock,
    ) -> Result<Self, KeysError> {
        let client = client(&settings.check)?;
        let verifier = RemoteVerifier::new(&callers, &settings.url, settings.check, cache, clock.clone());
        let random = aws_lc_rs::rand::SystemRandom::new();
        let digest_key = hmac::Key::generate(hmac::HMAC_SHA256, &random).map_err(|_| KeysError::Random)?;
        let check = Arc::new(RemoteCheck { callers, settings, client, clock });
        Ok(Self { check, digest_key: Box::new(digest_key), verifier })
    }

    pub(super) async fn authenticate(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, Declined> {
        let headers = self.check.settings.forwarded(request).map_err(Declined::from_unread)?;
        let headers = headers.ok_or(Declined::NotApplicable(RejectionReason::Missing))?;
        let parts = headers.iter().flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]);
        let key = self.verifier.cache().keyed(&self.digest_key, parts);
        let check = || {
            let check = self.check.clone();
            async move { check.verify(check.fetch_claims(headers).await?) }
        };
        self.verifier.verify(key, check).await
    }
}

impl ForwardSettings {
    /// The headers to forward: the configured ones, and a `Cookie` header with only the configured cookies. `None` if
    /// the request has none of them.
    fn forwarded(&self, request: &AuthRequest<'_>) -> Result<Option<Vec<(HeaderName, HeaderValue)>>, RejectionReason> {
        let mut forwarded = Vec::new();
        for name in &self.forward_headers {
            if let Some(value) = request.header(name.as_str())? {
                forwarded.push((name.clone(), sensitive(value)?));
            }
        }
        let mut cookies = Vec::new();
        for name in &self.forward_cookies {
            if let Some(value) = cookie(request, name)? {
                cookies.push(format!("{name}={value}"));
            }
        }
        if !cookies.is_empty() {
            if !request.is_from_allowed_page {
                return Err(RejectionReason::CrossSite);
            }
            forwarded.push((reqwest::header::COOKIE, sensitive(cookies.join("; ").as_bytes())?));
        }
        if forwarded.iter().map(|(_, value)| value.len()).sum::<usize>() > MAX_FORWARDED_BYTES {
            return Err(RejectionReason::Malformed);
        }
        Ok((!forwarded.is_empty()).then_some(forwarded))
    }
}

fn sensitive(value: &[u8]) -> Result<HeaderValue, RejectionReason> {
    let mut value = HeaderValue::from_bytes(value).map_err(|_| RejectionReason::Malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

impl RemoteCheck {
    /// The claims of the user, from the app's response.
    async fn fetch_claims(&self, headers: Vec<(HeaderName, HeaderValue)>) -> Result<Map<String, Value>, CheckError> {
        let headers: HeaderMap = headers.into_iter().collect();
        let request = self.client.get(self.settings.url.clone()).headers(headers);
        let response = request.send().await.map_err(|error| error_chain::display(&error.without_url()))?;
        match response.status().as_u16() {
            200..=299 => {}
            // A redirect most likely leads to a login page, which is a rejection.
            300..=399 | 401 | 403 => return Err(RejectionReason::Inactive.into()),
            // The app cannot read the forwarded headers as a session. Or it rejects requests of this service, and then
            // all of them, which the operator has to see.
            400 => {
                let (authenticator, url) = (self.callers.name(), self.settings.url.as_str());
                tracing::info!(authenticator, url, "forward auth response 400 counts as a rejection");
                return Err(RejectionReason::Inactive.into());
            }
            status => return Err(CheckError::Failed(format!("it responds with status {status}"))),
        }
        match &self.settings.claims {
            ClaimsFrom::Body => serde_json::from_slice(&read_body(response).await?)
                .map_err(|_| CheckError::Failed("its response is not a JSON object".to_owned())),
            ClaimsFrom::Headers(names) => Ok(claims_from_headers(response.headers(), names)?),
        }
    }

    fn verify(&self, claims: Map<String, Value>) -> Result<Arc<Caller>, CheckError> {
        let expires_at = timestamp(&claims, "exp")?;
        if expires_at.is_some_and(|end| end <= self.clock.now()) {
            return Err(RejectionReason::Expired.into());
        }
        Ok(self.callers.build(claims, expires_at)?)
    }
}
