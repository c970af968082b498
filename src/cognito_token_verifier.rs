//! Whether an OpenID token that somebody hands in is one that Cognito minted for a certain pool: a proof that its
//! holder is the identity it names.
//!
//! The issuer and its keys are shared by every pool of every AWS customer. A token with a good signature may
//! therefore be anybody's; only together with its `aud` does it prove anything, and so there is no way to ask
//! for the one without the other.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::config::{JwksSettings, KeySource};
use crate::jws::{Algorithm, InvalidJws, Jws, KeyProvider, KeysError, VerifyError};
use crate::metrics::Metrics;
use crate::token::{self, TokenClaims};
use clock::{SharedClock, Timestamp};
use cognito_types::{IdentityId, IdentityPoolId};

/// What Cognito signs with, and nothing else.
const ALGORITHMS: [Algorithm; 1] = [Algorithm::RS512];

/// Why a token proves nothing. Says which check failed, never what stands in the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenVerificationError {
    /// It is no signed token, or not one with Cognito's claims.
    #[error("it is no JWT with the claims that cognito writes")]
    Malformed,
    /// Its `iss` is not Cognito, as it is called in the pool's region.
    #[error("its iss is not cognito")]
    Issuer,
    /// It is not signed with RS512.
    #[error("it is not signed with RS512")]
    Algorithm,
    /// It is signed with a key that Cognito does not publish.
    #[error("it is signed with a key that cognito does not publish")]
    UnknownKey,
    /// Its signature does not fit.
    #[error("its signature does not fit")]
    Signature,
    /// Its `aud` is another pool.
    #[error("its aud is another pool")]
    Audience,
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// Its `sub` is no identity that the pool could have.
    #[error("its sub is no identity of the pool's region")]
    Subject,
    /// Its `amr` does not say how its user came by it.
    #[error("its amr is missing or empty")]
    Methods,
    /// Cognito's keys could not be had, so nobody can say. Worth another try.
    #[error("cognito's keys to check it with cannot be had now")]
    KeysUnavailable,
}

impl From<InvalidJws> for TokenVerificationError {
    fn from(_: InvalidJws) -> Self {
        Self::Malformed
    }
}

impl From<VerifyError> for TokenVerificationError {
    fn from(unproven: VerifyError) -> Self {
        match unproven {
            VerifyError::Algorithm => Self::Algorithm,
            VerifyError::UnknownKey => Self::UnknownKey,
            VerifyError::Signature => Self::Signature,
            VerifyError::CannotSay => Self::KeysUnavailable,
        }
    }
}

/// Proves tokens by the keys that Cognito publishes.
#[derive(Debug)]
pub struct CognitoTokenVerifier {
    keys: KeyProvider,
    leeway: Duration,
    clock: SharedClock,
}

impl CognitoTokenVerifier {
    /// How far Cognito's clock and this machine's may be apart before a token counts as expired, where nobody
    /// says otherwise.
    pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

    /// Fetches the keys once now and goes on doing so; that they cannot be had yet is no error.
    ///
    /// # Errors
    /// No HTTPS client can be made.
    pub async fn start(
        keys: JwksSettings,
        leeway: Duration,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let source = KeySource::Jwks(keys);
        let keys = KeyProvider::of("cognito", &source, &ALGORITHMS, clock.clone(), metrics).await?;
        Ok(Self { keys, leeway, clock })
    }

    /// Fetches the keys once, for tokens that are proved now.
    ///
    /// # Errors
    /// Why they cannot be had.
    pub async fn with_current_keys(
        keys: JwksSettings,
        leeway: Duration,
        clock: SharedClock,
    ) -> Result<Self, String> {
        let keys = KeyProvider::as_they_are(&KeySource::Jwks(keys), &ALGORITHMS).await?;
        Ok(Self { keys, leeway, clock })
    }

    /// Proves that Cognito minted this token for an identity of this pool, and that it is still valid.
    ///
    /// # Errors
    /// The first check that failed.
    pub async fn verify(
        &self,
        token: &str,
        pool: &IdentityPoolId,
    ) -> Result<TokenClaims, TokenVerificationError> {
        let jws = Jws::parse(token)?;
        // Before the signature, so that an app's own token is not told that its key is unknown, nor has
        // Cognito's keys fetched.
        let Issuer { iss } = Issuer::deserialize(jws.payload()).map_err(|_| InvalidJws)?;
        if iss != format!("https://{}", token::issuer_host(pool.region())) {
            return Err(TokenVerificationError::Issuer);
        }
        jws.prove(&self.keys, &ALGORITHMS).await?;
        let claims = TokenClaims::deserialize(jws.payload()).map_err(|_| InvalidJws)?;
        check(&claims, pool, self.clock.now(), self.leeway)?;
        Ok(claims)
    }
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

/// Everything in a token of Cognito's that must hold for this pool.
fn check(
    claims: &TokenClaims,
    pool: &IdentityPoolId,
    now: Timestamp,
    leeway: Duration,
) -> Result<(), TokenVerificationError> {
    if claims.audience != pool.as_str() {
        return Err(TokenVerificationError::Audience);
    }
    if now >= claims.expires_at + leeway {
        return Err(TokenVerificationError::Expired);
    }
    match IdentityId::parse(&claims.subject) {
        Ok(identity) if identity.region() == pool.region() => {}
        _ => return Err(TokenVerificationError::Subject),
    }
    if claims.methods.is_empty() {
        return Err(TokenVerificationError::Methods);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checked(claim: &str, value: Value) -> Result<(), TokenVerificationError> {
        let mut claims = json!({
            "aud": "eu-west-1:1", "sub": "eu-west-1:a", "amr": ["unauthenticated"], "iat": 100, "exp": 700,
        });
        claims[claim] = value;
        let claims: TokenClaims = serde_json::from_value(claims).unwrap();
        let pool = IdentityPoolId::parse("eu-west-1:1").unwrap();
        check(&claims, &pool, Timestamp::from_secs(500), Duration::from_secs(30))
    }

    #[test]
    fn every_claim_must_hold() {
        for (claim, value, result) in [
            ("exp", json!(471), Ok(())),
            ("exp", json!(470), Err(TokenVerificationError::Expired)),
            ("exp", json!(i64::MIN), Err(TokenVerificationError::Expired)),
            ("aud", json!("eu-west-1:2"), Err(TokenVerificationError::Audience)),
            ("aud", json!("eu-west-1:11"), Err(TokenVerificationError::Audience)),
            ("sub", json!("us-east-1:a"), Err(TokenVerificationError::Subject)),
            ("sub", json!("alice"), Err(TokenVerificationError::Subject)),
            ("amr", json!([]), Err(TokenVerificationError::Methods)),
        ] {
            assert_eq!(checked(claim, value.clone()), result, "{claim} {value}");
        }
    }
}
