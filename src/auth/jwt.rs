//! A JWT that the app signed, wherever in the request it is carried. What comes in is text that anybody may have
//! written; it becomes `UnverifiedClaims` by parsing, and a [`Caller`](super::Caller) only after its signature and
//! every claim hold.

mod claims;

use std::sync::Arc;
use std::time::Duration;

use super::caller::CallerBuilder;
use super::credential_cache::{CredentialCache, CredentialKey};
use super::request::AuthRequest;
use super::{RejectionReason, Verdict};
use crate::config::JwtSettings;
use crate::jws::{InvalidJws, Jws, KeyProvider, KeysError};
use crate::metrics::Metrics;
use claims::UnverifiedClaims;
use clock::SharedClock;

/// One issuer of JWTs.
#[derive(Debug)]
pub(super) struct JwtAuthenticator {
    vouch: CallerBuilder,
    settings: JwtSettings,
    keys: KeyProvider,
    place: u16,
    remembered: Arc<CredentialCache>,
    clock: SharedClock,
}

impl JwtAuthenticator {
    /// `place`: where among the ways it stands; its part of what is remembered goes by that.
    pub(super) async fn start(
        vouch: CallerBuilder,
        settings: JwtSettings,
        (place, remembered): (u16, Arc<CredentialCache>),
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let keys = KeyProvider::of(vouch.way(), &settings.keys, &settings.algorithms, clock.clone(), metrics)
            .await?;
        Ok(Self { vouch, settings, keys, place, remembered, clock })
    }

    pub(super) fn has_keys(&self) -> bool {
        self.keys.are_there()
    }

    pub(super) fn keys_age(&self) -> Option<Duration> {
        self.keys.age()
    }

    pub(super) fn takes_cookies(&self) -> bool {
        self.settings.carrier.is_cookie()
    }

    pub(super) async fn judge(&self, presented: &AuthRequest<'_>) -> Verdict {
        let credential = match self.settings.carrier.credential(presented) {
            Ok(credential) => credential,
            Err(verdict) => return verdict,
        };
        let remember = self.vouch.settings().remember;
        if remember.is_zero() {
            return self.verify(credential).await.unwrap_or_else(|verdict| verdict);
        }
        let key = CredentialKey::of(self.place, credential);
        if let Some(caller) = self.remembered.recall(&key) {
            return Verdict::Verified(caller);
        }
        // In a box: else each remembered caller's request would carry the room that a check takes.
        let verdict = Box::pin(self.verify(credential)).await.unwrap_or_else(|verdict| verdict);
        if let Verdict::Verified(caller) = &verdict {
            let end = caller.expires_at.unwrap_or_else(|| self.clock.now());
            self.remembered.keep(key, caller, end + self.settings.leeway, remember);
        }
        verdict
    }

    async fn verify(&self, credential: &str) -> Result<Verdict, Verdict> {
        let refused = Verdict::Refused;
        // Text of another form may be another way's own: an opaque token.
        let jws =
            Jws::parse(credential).map_err(|InvalidJws| Verdict::NotMine(RejectionReason::Malformed))?;
        if claims::issuer(jws.payload()) != Some(&self.vouch.settings().issuer) {
            return Err(Verdict::NotMine(RejectionReason::Issuer));
        }
        let kinds = &self.settings.kinds;
        if !kinds.is_empty()
            && !jws.kind().is_some_and(|kind| kinds.iter().any(|one| one.eq_ignore_ascii_case(kind)))
        {
            return Err(refused(RejectionReason::TokenType));
        }
        jws.prove(&self.keys, &self.settings.algorithms).await.map_err(Verdict::from)?;
        let claims = UnverifiedClaims::of(jws.into_payload()).ok_or(refused(RejectionReason::Malformed))?;
        let (claims, expires_at) = claims.verify(&self.settings, self.clock.now()).map_err(refused)?;
        self.vouch
            .caller(claims, Some(expires_at))
            .map(|caller| Verdict::Verified(Arc::new(caller)))
            .map_err(refused)
    }
}
