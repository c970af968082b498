//! ALB authenticator: the claims that an AWS application load balancer signs for the user whom it has signed in, in
//! `x-amzn-oidc-data`. The format is nearly a JWT. Signer, issuer and expiry are in its header, its parts are padded,
//! and its keys are published one by one ("Authenticate users using an Application Load Balancer", AWS's user guide).
//!
//! The load balancers of all customers in a region sign with the same keys. Only `signer` says whose it is.

use std::sync::Arc;

use jose::{Algorithm, InvalidJws, Jws, KeyProvider, KeysError};
use serde_json::Value;

use super::caller::{Caller, Declined};
use super::caller_builder::CallerBuilder;
use super::credential_cache::ScopedCache;
use super::rejection::RejectionReason;
use super::request::AuthRequest;
use super::settings::AlbSettings;
use crate::claims::numeric_date::{self, InvalidNumericDate};
use crate::metrics::Metrics;
use clock::SharedClock;

const HEADER: &str = "x-amzn-oidc-data";
const ALGORITHMS: &[Algorithm] = &[Algorithm::ES256];

#[derive(Debug)]
pub(super) struct AlbAuthenticator {
    callers: CallerBuilder,
    settings: AlbSettings,
    keys: KeyProvider,
    cache: ScopedCache,
    clock: SharedClock,
}

impl AlbAuthenticator {
    pub(super) fn new(
        callers: CallerBuilder,
        settings: AlbSettings,
        cache: ScopedCache,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let keys = KeyProvider::by_key_id(callers.name(), &settings.keys, ALGORITHMS, clock.clone(), metrics)?;
        Ok(Self { callers, settings, keys, cache, clock })
    }

    pub(super) async fn authenticate(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, Declined> {
        let value = request.header(HEADER)?;
        let value = value.ok_or(Declined::NotApplicable(RejectionReason::Missing))?;
        let token = std::str::from_utf8(value).map_err(|_| RejectionReason::Malformed)?;
        let key = self.cache.key(token);
        if let Some(caller) = self.cache.get(&key) {
            return Ok(caller);
        }
        let caller = self.verify(token).await?;
        let end = caller.expires_at.unwrap_or_else(|| self.clock.now());
        self.cache.insert(key, &caller, end + self.settings.leeway, self.callers.settings().cache_ttl);
        Ok(caller)
    }

    async fn verify(&self, token: &str) -> Result<Arc<Caller>, Declined> {
        let jws = Jws::parse_padded(token).map_err(|InvalidJws| RejectionReason::Malformed)?;
        let header = |name: &str| jws.header(name).and_then(Value::as_str);
        let issuer = self.callers.settings().issuer.as_str();
        // A token of another load balancer or issuer may be the credential of another authenticator.
        if header("signer") != Some(&self.settings.signer) || header("iss") != Some(issuer) {
            return Err(Declined::NotApplicable(RejectionReason::Issuer));
        }
        if self.settings.client.as_ref().is_some_and(|client| header("client") != Some(client)) {
            return Err(RejectionReason::Audience.into());
        }
        // Before the signature, whose verification may cost a fetch: most invalid tokens are expired ones.
        let malformed = |InvalidNumericDate| RejectionReason::Malformed;
        let expires_at =
            numeric_date::parse(jws.header("exp")).map_err(malformed)?.ok_or(RejectionReason::Malformed)?;
        if self.clock.now() >= expires_at + self.settings.leeway {
            return Err(RejectionReason::Expired.into());
        }
        jws.verify(&self.keys, ALGORITHMS).await?;
        let Value::Object(claims) = jws.into_payload() else {
            return Err(RejectionReason::Malformed.into());
        };
        // The claims of the user may have an `iss` and an earlier `exp` of their own.
        if claims.get("iss").is_some_and(|iss| iss.as_str() != Some(issuer)) {
            return Err(RejectionReason::Issuer.into());
        }
        let session_end = numeric_date::parse(claims.get("exp")).map_err(malformed)?;
        let expires_at = session_end.map_or(expires_at, |end| end.min(expires_at));
        if self.clock.now() >= expires_at + self.settings.leeway {
            return Err(RejectionReason::Expired.into());
        }
        Ok(self.callers.build(claims, Some(expires_at))?)
    }
}
