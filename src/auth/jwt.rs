//! JWT authenticator: a JWT that the app signed, from any credential source. The input is untrusted text. Parsing makes
//! it `UnverifiedClaims`, which become a [`Caller`] only after its signature and all claims are verified.

mod claims;

use std::sync::Arc;

use jose::{InvalidJws, Jws, KeyProvider, KeysError};

use super::caller::{Caller, Declined};
use super::caller_builder::CallerBuilder;
use super::credential_cache::ScopedCache;
use super::rejection::RejectionReason;
use super::request::AuthRequest;
use super::settings::JwtSettings;
use crate::metrics::Metrics;
use claims::UnverifiedClaims;
use clock::SharedClock;

#[derive(Debug)]
pub(super) struct JwtAuthenticator {
    callers: CallerBuilder,
    settings: JwtSettings,
    keys: KeyProvider,
    cache: ScopedCache,
    clock: SharedClock,
}

impl JwtAuthenticator {
    pub(super) async fn start(
        callers: CallerBuilder,
        settings: JwtSettings,
        cache: ScopedCache,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let keys =
            KeyProvider::from_source(callers.name(), &settings.keys, &settings.algorithms, clock.clone(), metrics)
                .await?;
        Ok(Self { callers, settings, keys, cache, clock })
    }

    pub(super) fn keys(&self) -> &KeyProvider {
        &self.keys
    }

    pub(super) async fn authenticate(&self, request: &AuthRequest<'_>) -> Result<Arc<Caller>, Declined> {
        let credential = self.settings.credential_source.credential(request)?;
        let ttl = self.callers.settings().cache_ttl;
        if ttl.is_zero() {
            return self.verify(credential).await;
        }
        let key = self.cache.key(credential);
        if let Some(caller) = self.cache.get(&key) {
            return Ok(caller);
        }
        // Boxed: otherwise the future of each cached caller's request would have the size of a verification.
        let caller = Box::pin(self.verify(credential)).await?;
        let end = caller.expires_at.unwrap_or_else(|| self.clock.now());
        self.cache.insert(key, &caller, end + self.settings.leeway, ttl);
        Ok(caller)
    }

    async fn verify(&self, credential: &str) -> Result<Arc<Caller>, Declined> {
        // Text of another form may be the credential of another authenticator: an opaque token.
        let jws = Jws::parse(credential).map_err(|InvalidJws| Declined::NotApplicable(RejectionReason::Malformed))?;
        if claims::issuer(jws.payload()) != Some(&self.callers.settings().issuer) {
            return Err(Declined::NotApplicable(RejectionReason::Issuer));
        }
        let token_types = &self.settings.token_types;
        if !token_types.is_empty()
            && !jws
                .token_type()
                .is_some_and(|token_type| token_types.iter().any(|one| one.eq_ignore_ascii_case(token_type)))
        {
            return Err(RejectionReason::TokenType.into());
        }
        jws.verify(&self.keys, &self.settings.algorithms).await?;
        let claims = UnverifiedClaims::from_payload(jws.into_payload()).ok_or(RejectionReason::Malformed)?;
        let (claims, expires_at) = claims.verify(&self.settings.audience, self.settings.leeway, self.clock.now())?;
        Ok(self.callers.build(claims, Some(expires_at))?)
    }
}
