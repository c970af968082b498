//! Introspection authenticator: opaque tokens, verified by the app's token introspection endpoint (RFC 7662). Its
//! response says whether the token is active, whose it is and when it ends.

use std::sync::Arc;

use jose::KeysError;
use serde_json::{Map, Value};

use super::caller::{Caller, Declined};
use super::caller_builder::CallerBuilder;
use super::credential_cache::ScopedCache;
use super::rejection::RejectionReason;
use super::remote_verifier::{CheckError, RemoteVerifier, client, read_body, timestamp};
use super::request::AuthRequest;
use super::settings::IntrospectionSettings;
use crate::error_chain;
use clock::SharedClock;

/// Valid tokens are shorter.
const MAX_TOKEN_LEN: usize = 8192;

#[derive(Debug)]
pub(super) struct IntrospectionAuthenticator {
    check: Arc<RemoteCheck>,
    verifier: RemoteVerifier,
}

#[derive(Debug)]
struct RemoteCheck {
    callers: CallerBuilder,
    settings: IntrospectionSettings,
    client: reqwest::Client,
    clock: SharedClock,
}

impl IntrospectionAuthenticator {
    pub(super) fn new(
        callers: CallerBuilder,
        settings: IntrospectionSettings,
        cache: ScopedCache,
        clock: SharedClock,
    ) -> Result<Self, KeysError> {
        let client = client(&settings.check)?;
        let verifier = RemoteVerifier::new(&callers, &settings.url, settings.check, cache, clock.clone());
        Ok(Self { check: Arc::new(RemoteCheck { callers, settings, client, clock }), verifier })
    }

    pub(super) async fn authenticate(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, Declined> {
        let token = self.check.settings.credential_source.credential(request)?;
        if token.len() > MAX_TOKEN_LEN {
            return Err(RejectionReason::Malformed.into());
        }
        let check = || {
            let (check, token) = (self.check.clone(), token.to_owned());
            async move { check.verify(check.introspect(&token).await?) }
        };
        self.verifier.verify(self.verifier.cache().key(token), check).await
    }
}

impl RemoteCheck {
    /// RFC 7662, section 2: the token is in the body, the service's own credentials are in a header.
    async fn introspect(&self, token: &str) -> Result<Map<String, Value>, String> {
        let form = [("token", token), ("token_type_hint", "access_token")];
        let secret = String::from_utf8_lossy(self.settings.client_secret.expose());
        let request = self.client.post(self.settings.url.clone()).header("accept", "application/json");
        // URL-encoded before the base64 of Basic: RFC 6749, section 2.3.1.
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = request
            .basic_auth(encoded(&self.settings.client_id), Some(encoded(&secret)))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
        let response = request.send().await.map_err(|error| error_chain::display(&error.without_url()))?;
        match response.status().as_u16() {
            200 => {}
            401 | 403 => return Err("it does not accept our client_id and client_secret".to_owned()),
            status => return Err(format!("it responds with status {status}")),
        }
        serde_json::from_slice(&read_body(response).await?).map_err(|_| "its response is not a JSON object".to_owned())
    }

    /// Section 2.2. The other members count only if the token is active.
    fn verify(&self, claims: Map<String, Value>) -> Result<Arc<Caller>, CheckError> {
        if claims.get("active") != Some(&Value::Bool(true)) {
            return Err(RejectionReason::Inactive.into());
        }
        let (expires_at, not_before) = (timestamp(&claims, "exp")?, timestamp(&claims, "nbf")?);
        let now = self.clock.now();
        if expires_at.is_some_and(|end| end <= now) {
            return Err(RejectionReason::Expired.into());
        }
        if not_before.is_some_and(|begin| begin > now) {
            return Err(RejectionReason::NotYetValid.into());
        }
        let issuer = self.callers.settings().issuer.as_str();
        if claims.get("iss").is_some_and(|iss| iss.as_str() != Some(issuer)) {
            return Err(RejectionReason::Issuer.into());
        }
        Ok(self.callers.build(claims, expires_at)?)
    }
}
