//! Verifier of OpenID tokens: whether Cognito minted a token for a given pool, so that it proves its holder's identity.
//!
//! The issuer and its keys are shared by every pool of every AWS customer. A valid signature alone therefore proves
//! nothing: any customer can have Cognito sign a token. The signature and `aud` are only ever verified together.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::metrics::Metrics;
use crate::token::{self, TokenClaims};
use clock::{SharedClock, Timestamp};
use cognito_types::{IdentityId, IdentityPoolId};
use jose::{Algorithm, InvalidJws, JwksSettings, Jws, KeyProvider, KeySource, KeysError, VerifyError};

/// The only algorithm that Cognito signs with.
const ALGORITHMS: [Algorithm; 1] = [Algorithm::RS512];

/// Why a token is not accepted. Names the failed check, never the content of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenVerificationError {
    /// It is not a JWS, or lacks Cognito's claims.
    #[error("it is not a JWT with the claims that cognito writes")]
    Malformed,
    /// Its `iss` is not Cognito's in the pool's region.
    #[error("its iss is not cognito")]
    Issuer,
    /// It is not signed with RS512.
    #[error("it is not signed with RS512")]
    Algorithm,
    /// Cognito does not publish the key.
    #[error("it is signed with a key that cognito does not publish")]
    UnknownKey,
    /// Its signature is invalid.
    #[error("its signature is not valid")]
    Signature,
    /// Its `aud` is another pool.
    #[error("its aud is another pool")]
    Audience,
    #[error("it has expired")]
    Expired,
    /// Its `sub` is not an identity that the pool could have.
    #[error("its sub is not an identity of the pool's region")]
    Subject,
    /// Its `amr` does not say how the user was authenticated.
    #[error("its amr is missing or empty")]
    Methods,
    /// Cognito's keys cannot be fetched. Not a rejection: worth another try.
    #[error("cognito's keys to verify it with cannot be fetched now")]
    KeysUnavailable,
}

impl From<InvalidJws> for TokenVerificationError {
    fn from(_: InvalidJws) -> Self {
        Self::Malformed
    }
}

impl From<VerifyError> for TokenVerificationError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Algorithm => Self::Algorithm,
            VerifyError::UnknownKey => Self::UnknownKey,
            VerifyError::Signature => Self::Signature,
            VerifyError::KeysUnavailable => Self::KeysUnavailable,
        }
    }
}

/// Verifies tokens by the keys that Cognito publishes.
#[derive(Debug)]
pub struct CognitoTokenVerifier {
    keys: KeyProvider,
    leeway: Duration,
    clock: SharedClock,
}

impl CognitoTokenVerifier {
    /// Default tolerance between Cognito's clock and this machine's before a token counts as expired.
    pub const LEEWAY: Duration = Duration::from_secs(30);

    /// Fetches the keys now and at an interval. A failed first fetch is not an error.
    ///
    /// # Errors
    /// The HTTPS client cannot be created.
    pub async fn start(
        keys: JwksSettings,
        leeway: Duration,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let source = KeySource::Jwks(keys);
        let keys = KeyProvider::from_source("cognito", &source, &ALGORITHMS, clock.clone(), metrics).await?;
        Ok(Self { keys, leeway, clock })
    }

    /// Fetches the keys once, for tokens that are verified now.
    ///
    /// # Errors
    /// The fetch failed.
    pub async fn fetch_once(
        keys: JwksSettings,
        leeway: Duration,
        clock: SharedClock,
    ) -> Result<Self, KeysError> {
        let keys = KeyProvider::fetch_once(&KeySource::Jwks(keys), &ALGORITHMS).await?;
        Ok(Self { keys, leeway, clock })
    }

    /// Verifies that Cognito minted this token for an identity of this pool, and that it has not expired.
    ///
    /// # Errors
    /// The first check that failed.
    pub async fn verify(
        &self,
        token: &str,
        pool: &IdentityPoolId,
    ) -> Result<TokenClaims, TokenVerificationError> {
        let jws = Jws::parse(token)?;
        // Before the signature, so that an app's own token fails with the right error and triggers no fetch of keys.
        let Issuer { iss } = Issuer::deserialize(jws.payload()).map_err(|_| InvalidJws)?;
        if iss != format!("https://{}", token::authority(pool.region())) {
            return Err(TokenVerificationError::Issuer);
        }
        jws.verify(&self.keys, &ALGORITHMS).await?;
        let claims = TokenClaims::deserialize(jws.payload()).map_err(|_| InvalidJws)?;
        check_claims(&claims, pool, self.clock.now(), self.leeway)?;
        Ok(claims)
    }
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

/// The claims that must match this pool.
fn check_claims(
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

    fn check(claim: &str, value: Value) -> Result<(), TokenVerificationError> {
        let mut claims = json!({
            "aud": "eu-west-1:1", "sub": "eu-west-1:a", "amr": ["unauthenticated"], "iat": 100, "exp": 700,
        });
        claims[claim] = value;
        let claims: TokenClaims = serde_json::from_value(claims).unwrap();
        let pool = IdentityPoolId::parse("eu-west-1:1").unwrap();
        check_claims(&claims, &pool, Timestamp::from_secs(500), Duration::from_secs(30))
    }

    #[test]
    fn every_claim_is_checked() {
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
            assert_eq!(check(claim, value.clone()), result, "{claim} {value}");
        }
    }
}
