//! A bearer JWT that the app signed. What comes in is text that anybody may have written; it becomes
//! `UnverifiedClaims` by parsing, and a [`Caller`] only after its signature and every claim hold.

mod claims;

use std::sync::Arc;
use std::time::Duration;

use super::{Caller, Refusal, Users, Verdict};
use crate::clock::SharedClock;
use crate::config::JwtSettings;
use crate::jws::{Jws, Keys, KeysError, Malformed, Unproven};
use crate::metrics::Metrics;
use claims::UnverifiedClaims;

/// One issuer of bearer JWTs.
#[derive(Debug)]
pub(super) struct JwtWay {
    name: Arc<str>,
    issuer: Arc<str>,
    settings: JwtSettings,
    users: Arc<Users>,
    keys: Keys,
    clock: SharedClock,
}

impl JwtWay {
    pub(super) async fn start(
        name: &str,
        settings: &JwtSettings,
        users: Arc<Users>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let keys = Keys::of(name, &settings.keys, &settings.algorithms, clock.clone(), metrics).await?;
        let issuer = settings.issuer.as_str().into();
        Ok(Self { name: name.into(), issuer, settings: settings.clone(), users, keys, clock })
    }

    pub(super) fn has_keys(&self) -> bool {
        self.keys.are_there()
    }

    pub(super) fn keys_age(&self) -> Option<Duration> {
        self.keys.age()
    }

    pub(super) async fn judge(&self, bearer: &str) -> Verdict {
        match self.verify(bearer).await {
            Ok(caller) => Verdict::Verified(caller),
            Err(verdict) => verdict,
        }
    }

    async fn verify(&self, bearer: &str) -> Result<Caller, Verdict> {
        let malformed = |Malformed| Verdict::Refused(Refusal::Malformed);
        let jws = Jws::parse(bearer).map_err(malformed)?;
        let claims: UnverifiedClaims = jws.payload().map_err(malformed)?;
        if claims.issuer() != Some(&self.settings.issuer) {
            return Err(Verdict::NotMine);
        }
        jws.prove(&self.keys, &self.settings.algorithms).await.map_err(|unproven| match unproven {
            Unproven::Algorithm => Verdict::Refused(Refusal::Algorithm),
            Unproven::UnknownKey => Verdict::Refused(Refusal::UnknownKey),
            Unproven::Signature => Verdict::Refused(Refusal::Signature),
            Unproven::CannotSay => Verdict::CannotSay,
        })?;
        let verified = claims.verify(&self.settings, self.clock.now()).map_err(Verdict::Refused)?;
        let user = self.users.named(&self.settings.user_id, &verified.claims).map_err(Verdict::Refused)?;
        Ok(Caller {
            user,
            way: self.name.clone(),
            issuer: self.issuer.clone(),
            claims: verified.claims,
            expires_at: verified.expires_at,
        })
    }
}
