//! What an AWS application load balancer signs of the user whom it has signed in: `x-amzn-oidc-data`, nearly a JWT.
//! Who signed it, for which issuer and until when stands in its header, its parts are padded, and its keys are
//! published one by one ("Authenticate users using an Application Load Balancer", in AWS's user guide).
//!
//! Every customer's load balancers in a region sign with the same keys: whose it is says `signer` alone.

use std::sync::Arc;

use serde_json::Value;

use super::caller::CallerBuilder;
use super::credential_cache::{CredentialCache, CredentialKey};
use super::request::AuthRequest;
use super::{RejectionReason, Verdict};
use crate::claims::numeric_date::{self, InvalidNumericDate};
use crate::config::AlbSettings;
use crate::jws::{Algorithm, InvalidJws, Jws, KeyProvider, KeysError};
use crate::metrics::Metrics;
use clock::SharedClock;

const HEADER: &str = "x-amzn-oidc-data";
const ALGORITHMS: &[Algorithm] = &[Algorithm::ES256];

/// One load balancer.
#[derive(Debug)]
pub(super) struct AlbAuthenticator {
    vouch: CallerBuilder,
    settings: AlbSettings,
    keys: KeyProvider,
    place: u16,
    remembered: Arc<CredentialCache>,
    clock: SharedClock,
}

impl AlbAuthenticator {
    pub(super) fn new(
        vouch: CallerBuilder,
        settings: AlbSettings,
        (place, remembered): (u16, Arc<CredentialCache>),
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let keys = KeyProvider::by_name(vouch.way(), &settings.keys, ALGORITHMS, clock.clone(), metrics)?;
        Ok(Self { vouch, settings, keys, place, remembered, clock })
    }

    pub(super) async fn judge(&self, presented: &AuthRequest<'_>) -> Verdict {
        let given = presented.header(HEADER).map_err(|_| RejectionReason::Malformed);
        let text = given.and_then(|value| {
            value.map(|value| std::str::from_utf8(value).map_err(|_| RejectionReason::Malformed)).transpose()
        });
        let token = match text {
            Ok(Some(token)) => token,
            Ok(None) => return Verdict::NotMine(RejectionReason::Missing),
            Err(refusal) => return Verdict::Refused(refusal),
        };
        let key = CredentialKey::of(self.place, token);
        if let Some(caller) = self.remembered.recall(&key) {
            return Verdict::Verified(caller);
        }
        let verdict = self.verify(token).await.unwrap_or_else(|verdict| verdict);
        if let Verdict::Verified(caller) = &verdict {
            let end = caller.expires_at.unwrap_or_else(|| self.clock.now());
            let ceiling = self.vouch.settings().remember;
            self.remembered.keep(key, caller, end + self.settings.leeway, ceiling);
        }
        verdict
    }

    async fn verify(&self, token: &str) -> Result<Verdict, Verdict> {
        let refused = Verdict::Refused;
        let jws = Jws::parse_padded(token).map_err(|InvalidJws| refused(RejectionReason::Malformed))?;
        let said = |name: &str| jws.header(name).and_then(Value::as_str);
        let issuer = self.vouch.settings().issuer.as_str();
        // Another load balancer's, or another issuer's, may be another way's own.
        if said("signer") != Some(&self.settings.signer) || said("iss") != Some(issuer) {
            return Err(Verdict::NotMine(RejectionReason::Issuer));
        }
        if self.settings.client.as_ref().is_some_and(|client| said("client") != Some(client)) {
            return Err(refused(RejectionReason::Audience));
        }
        // Before its signature, which it may cost a fetch to judge: most of those that do not hold are old ones.
        let malformed = |InvalidNumericDate| refused(RejectionReason::Malformed);
        let expires_at = numeric_date::parse(jws.header("exp"))
            .map_err(malformed)?
            .ok_or(malformed(InvalidNumericDate))?;
        if self.clock.now() >= expires_at + self.settings.leeway {
            return Err(refused(RejectionReason::Expired));
        }
        jws.prove(&self.keys, ALGORITHMS).await.map_err(Verdict::from)?;
        let Value::Object(claims) = jws.into_payload() else {
            return Err(refused(RejectionReason::Malformed));
        };
        // The user's own session may end before; the issuer may have called itself something else to the user.
        if claims.get("iss").is_some_and(|iss| iss.as_str() != Some(issuer)) {
            return Err(refused(RejectionReason::Issuer));
        }
        let ends = numeric_date::parse(claims.get("exp")).map_err(malformed)?;
        let ends = ends.map_or(expires_at, |end| end.min(expires_at));
        if self.clock.now() >= ends + self.settings.leeway {
            return Err(refused(RejectionReason::Expired));
        }
        self.vouch
            .caller(claims, Some(ends))
            .map(|caller| Verdict::Verified(Arc::new(caller)))
            .map_err(refused)
    }
}
