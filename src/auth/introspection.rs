//! Opaque tokens, judged by the app's token introspection (RFC 7662): the token is shown to the endpoint, which says
//! whether it is active, whose it is and until when.

use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::{Map, Value};

use super::caller::CallerBuilder;
use super::credential_cache::{CredentialCache, CredentialKey};
use super::remote_verifier::{RemoteResult, RemoteVerifier, body, client, moment};
use super::request::AuthRequest;
use super::{RejectionReason, Verdict};
use crate::config::IntrospectionSettings;
use crate::error_chain;
use crate::jws::KeysError;
use clock::{SharedClock, Timestamp};

/// Longer than any honest token.
const LONGEST: usize = 8192;

/// One introspection endpoint.
#[derive(Debug)]
pub(super) struct IntrospectionAuthenticator {
    question: Arc<Question>,
    place: u16,
    asked: RemoteVerifier,
}

#[derive(Debug)]
struct Question {
    vouch: CallerBuilder,
    settings: IntrospectionSettings,
    client: reqwest::Client,
    clock: SharedClock,
}

impl IntrospectionAuthenticator {
    pub(super) fn new(
        vouch: CallerBuilder,
        settings: IntrospectionSettings,
        (place, remembered): (u16, Arc<CredentialCache>),
        clock: SharedClock,
    ) -> Result<Self, KeysError> {
        let client = client(&settings.ask)?;
        let asked = RemoteVerifier::new(settings.ask, vouch.settings().remember, remembered, clock.clone());
        Ok(Self { question: Arc::new(Question { vouch, settings, client, clock }), place, asked })
    }

    pub(super) fn takes_cookies(&self) -> bool {
        self.question.settings.carrier.is_cookie()
    }

    pub(super) async fn judge(&self, presented: &AuthRequest<'_>) -> Verdict {
        let token = match self.question.settings.carrier.credential(presented) {
            Ok(token) if token.len() <= LONGEST => token,
            Ok(_) => return Verdict::Refused(RejectionReason::Malformed),
            Err(verdict) => return verdict,
        };
        let ask = || {
            let (question, token) = (self.question.clone(), token.to_owned());
            async move { question.ask(&token).await }.boxed()
        };
        self.asked.judge(CredentialKey::of(self.place, token), ask).await
    }
}

impl Question {
    async fn ask(&self, token: &str) -> RemoteResult {
        let answer = self.introspect(token).await;
        match answer.and_then(|answer| self.read(answer)) {
            Ok(reply) => reply.unwrap_or_else(RemoteResult::Refused),
            Err(error) => {
                let (way, url) = (self.vouch.way(), self.settings.url.as_str());
                tracing::warn!(way, url, error, "token introspection gives no answer");
                RemoteResult::Unanswered
            }
        }
    }

    /// RFC 7662, section 2: the token in the body, our own credentials beside it.
    async fn introspect(&self, token: &str) -> Result<Map<String, Value>, String> {
        let form = [("token", token), ("token_type_hint", "access_token")];
        let secret = String::from_utf8_lossy(self.settings.client_secret.expose());
        let request = self.client.post(self.settings.url.clone()).header("accept", "application/json");
        // Encoded once more before Basic does: RFC 6749, section 2.3.1.
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = request
            .basic_auth(encoded(&self.settings.client_id), Some(encoded(&secret)))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
        let response = request.send().await.map_err(|error| error_chain::display(&error.without_url()))?;
        match response.status().as_u16() {
            200 => {}
            401 | 403 => return Err("it does not accept our client_id and client_secret".to_owned()),
            status => return Err(format!("it answers {status}")),
        }
        serde_json::from_slice(&body(response).await?).map_err(|_| "its answer is no JSON object".to_owned())
    }

    /// Section 2.2. Whatever else stands there counts only if it is active.
    ///
    /// # Errors
    /// The answer cannot be read.
    fn read(&self, answer: Map<String, Value>) -> Result<Result<RemoteResult, RejectionReason>, String> {
        if answer.get("active") != Some(&Value::Bool(true)) {
            return Ok(Err(RejectionReason::Inactive));
        }
        let (ends, begins) = (moment(&answer, "exp")?, moment(&answer, "nbf")?);
        Ok(self.vouched(answer, ends, begins))
    }

    fn vouched(
        &self,
        answer: Map<String, Value>,
        ends: Option<Timestamp>,
        begins: Option<Timestamp>,
    ) -> Result<RemoteResult, RejectionReason> {
        let now = self.clock.now();
        if ends.is_some_and(|end| end <= now) {
            return Err(RejectionReason::Expired);
        }
        if begins.is_some_and(|begin| begin > now) {
            return Err(RejectionReason::NotYetValid);
        }
        let issuer = self.vouch.settings().issuer.as_str();
        if answer.get("iss").is_some_and(|iss| iss.as_str() != Some(issuer)) {
            return Err(RejectionReason::Issuer);
        }
        let caller = self.vouch.caller(answer, ends)?;
        Ok(RemoteResult::Verified(Arc::new(caller), ends))
    }
}
