//! Whatever the app takes for a signed-in user, judged by the app itself: what the request presents is shown to an
//! endpoint of the app's, as nginx's `auth_request` and Traefik's ForwardAuth do. 2xx that names a user is a yes.

use std::sync::Arc;

use aws_lc_rs::hmac;
use futures_util::FutureExt as _;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use super::caller::CallerBuilder;
use super::credential_cache::{CredentialCache, CredentialKey};
use super::credential_source::cookie;
use super::header_claims::claims_of;
use super::remote_verifier::{RemoteResult, RemoteVerifier, body, client, moment};
use super::request::AuthRequest;
use super::{RejectionReason, Verdict};
use crate::config::{ClaimsFrom, ForwardSettings};
use crate::error_chain;
use crate::jws::KeysError;
use clock::{SharedClock, Timestamp};

/// Longer than all that an honest request presents.
const LONGEST: usize = 16 * 1024;

/// One endpoint of an app's.
#[derive(Debug)]
pub(super) struct ForwardAuthenticator {
    question: Arc<Question>,
    place: u16,
    /// Cookies may be short enough to be guessed from a plain digest; this process alone can make this one.
    digest_key: Box<hmac::Key>,
    asked: RemoteVerifier,
}

#[derive(Debug)]
struct Question {
    vouch: CallerBuilder,
    settings: ForwardSettings,
    client: reqwest::Client,
    clock: SharedClock,
}

impl ForwardAuthenticator {
    pub(super) fn new(
        vouch: CallerBuilder,
        settings: ForwardSettings,
        (place, remembered): (u16, Arc<CredentialCache>),
        clock: SharedClock,
    ) -> Result<Self, KeysError> {
        let client = client(&settings.ask)?;
        let asked = RemoteVerifier::new(settings.ask, vouch.settings().remember, remembered, clock.clone());
        let random = aws_lc_rs::rand::SystemRandom::new();
        let digest_key = hmac::Key::generate(hmac::HMAC_SHA256, &random).map_err(|_| KeysError::Random)?;
        let question = Arc::new(Question { vouch, settings, client, clock });
        Ok(Self { question, place, digest_key: Box::new(digest_key), asked })
    }

    pub(super) fn takes_cookies(&self) -> bool {
        !self.question.settings.cookies.is_empty()
    }

    pub(super) async fn judge(&self, presented: &AuthRequest<'_>) -> Verdict {
        let shown = match self.question.settings.shown(presented) {
            Ok(Some(shown)) => shown,
            Ok(None) => return Verdict::NotMine(RejectionReason::Missing),
            Err(refusal) => return Verdict::of_unread(refusal),
        };
        let key = CredentialKey::keyed(
            self.place,
            &self.digest_key,
            shown.iter().flat_map(|(name, value)| [name.as_str().as_bytes(), value.as_bytes()]),
        );
        let ask = || {
            let question = self.question.clone();
            async move { question.ask(shown).await }.boxed()
        };
        self.asked.judge(key, ask).await
    }
}

impl ForwardSettings {
    /// The headers that the endpoint is shown: those that are configured, and of cookies only those that are. `None`:
    /// the request has none of them.
    fn shown(
        &self,
        presented: &AuthRequest<'_>,
    ) -> Result<Option<Vec<(HeaderName, HeaderValue)>>, RejectionReason> {
        let mut shown = Vec::new();
        for name in &self.headers {
            if let Some(value) = presented.header(name.as_str()).map_err(|_| RejectionReason::Malformed)? {
                shown.push((name.clone(), sensitive(value)?));
            }
        }
        let mut cookies = Vec::new();
        for name in &self.cookies {
            if let Some(value) = cookie(presented, name)? {
                cookies.push(format!("{name}={value}"));
            }
        }
        if !cookies.is_empty() {
            if !presented.is_from_allowed_page {
                return Err(RejectionReason::CrossSite);
            }
            shown.push((reqwest::header::COOKIE, sensitive(cookies.join("; ").as_bytes())?));
        }
        if shown.iter().map(|(_, value)| value.len()).sum::<usize>() > LONGEST {
            return Err(RejectionReason::Malformed);
        }
        Ok((!shown.is_empty()).then_some(shown))
    }
}

fn sensitive(value: &[u8]) -> Result<HeaderValue, RejectionReason> {
    let mut value = HeaderValue::from_bytes(value).map_err(|_| RejectionReason::Malformed)?;
    value.set_sensitive(true);
    Ok(value)
}

impl Question {
    async fn ask(&self, shown: Vec<(HeaderName, HeaderValue)>) -> RemoteResult {
        let said = self.show(shown).await;
        match said.and_then(|said| said.map(|claims| Ok((moment(&claims, "exp")?, claims))).transpose()) {
            Ok(Some((ends, claims))) => self.read(claims, ends).unwrap_or_else(RemoteResult::Refused),
            Ok(None) => RemoteResult::Refused(RejectionReason::Inactive),
            Err(error) => {
                let (way, url) = (self.vouch.way(), self.settings.url.as_str());
                tracing::warn!(way, url, error, "the app does not say who this is");
                RemoteResult::Unanswered
            }
        }
    }

    /// What the app says of its user; `None`: it is nobody's request.
    async fn show(
        &self,
        shown: Vec<(HeaderName, HeaderValue)>,
    ) -> Result<Option<Map<String, Value>>, String> {
        let headers: HeaderMap = shown.into_iter().collect();
        let request = self.client.get(self.settings.url.clone()).headers(headers);
        let response = request.send().await.map_err(|error| error_chain::display(&error.without_url()))?;
        match response.status().as_u16() {
            200..=299 => {}
            // To a login page, most likely: that is a no.
            300..=399 | 401 | 403 => return Ok(None),
            // What it is shown is no session that it could read; unless it takes offence at who asks, and then at
            // everybody's, which the operator has to see.
            400 => {
                let (way, url) = (self.vouch.way(), self.settings.url.as_str());
                tracing::info!(way, url, "the app answers 400 to what a caller presents, which is a no");
                return Ok(None);
            }
            status => return Err(format!("it answers {status}")),
        }
        match &self.settings.claims {
            ClaimsFrom::Body => serde_json::from_slice(&body(response).await?)
                .map(Some)
                .map_err(|_| "its answer is no JSON object".to_owned()),
            ClaimsFrom::Headers(names) => {
                claims_of(response.headers(), names).map(Some).map_err(|odd| odd.to_string())
            }
        }
    }

    fn read(
        &self,
        claims: Map<String, Value>,
        ends: Option<Timestamp>,
    ) -> Result<RemoteResult, RejectionReason> {
        if ends.is_some_and(|end| end <= self.clock.now()) {
            return Err(RejectionReason::Expired);
        }
        let caller = self.vouch.caller(claims, ends)?;
        Ok(RemoteResult::Verified(Arc::new(caller), ends))
    }
}
