//! Verifier of Cognito's OpenID tokens: whether Cognito minted a token for a given pool, and for which identity.
//!
//! All pools of all AWS customers share the issuer and its keys. A valid signature alone therefore proves nothing; only
//! together with the `aud` it does. So neither can be verified without the other.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::metrics::Metrics;
use crate::token::{self, TokenClaims};
use clock::{SharedClock, Timestamp};
use cognito_types::{IdentityId, IdentityPoolId};
use jose::{Algorithm, JwksSettings, Jws, KeyProvider, KeySource, KeysError, VerifyError};

/// The only algorithm of Cognito's signatures.
const ALGORITHMS: [Algorithm; 1] = [Algorithm::RS512];

/// The check that failed, without any content of the token. The serialized names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum TokenVerificationError {
    #[error("it is not a JWT with the claims of a cognito token")]
    Malformed,
    /// Its `iss` is not Cognito in the pool's region.
    #[error("its iss is not cognito")]
    Issuer,
    #[error("it is not signed with RS512")]
    Algorithm,
    #[error("it is signed with a key that cognito does not publish")]
    UnknownKey,
    #[error("its signature is invalid")]
    Signature,
    #[error("its aud is another pool")]
    Audience,
    #[error("it has expired")]
    Expired,
    /// Its `sub` is not an identity that the pool could have.
    #[error("its sub is not an identity of the pool's region")]
    Subject,
    #[error("its amr is missing or empty")]
    Methods,
    /// A retry may succeed.
    #[error("cognito's keys cannot be fetched now")]
    KeysUnavailable,
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

#[derive(Debug)]
pub struct CognitoTokenVerifier {
    keys: KeyProvider,
    leeway: Duration,
    clock: SharedClock,
}

impl CognitoTokenVerifier {
    /// How long after its `exp` a token is accepted, to allow for clock skew.
    pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(30);

    /// Fetches the keys now and refreshes them in the background. A failed first fetch is not an error.
    ///
    /// # Errors
    /// The HTTPS client cannot be built.
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

    /// Fetches the keys once, without a later refresh.
    ///
    /// # Errors
    /// Why the fetch failed.
    pub async fn with_current_keys(
        keys: JwksSettings,
        leeway: Duration,
        clock: SharedClock,
    ) -> Result<Self, KeysError> {
        let keys = KeyProvider::fetch_once(&KeySource::Jwks(keys), &ALGORITHMS).await?;
        Ok(Self { keys, leeway, clock })
    }

    /// Verifies that Cognito minted the token for an identity of this pool, and that it is still valid.
    ///
    /// # Errors
    /// The first check that failed.
    pub async fn verify(&self, token: &str, pool: &IdentityPoolId) -> Result<TokenClaims, TokenVerificationError> {
        let jws = Jws::parse(token).map_err(|_| TokenVerificationError::Malformed)?;
        // Before the signature, so that an app's own token is rejected as such, and not as one with an unknown key,
        // which would also trigger a fetch of Cognito's keys.
        let Issuer { iss } = Issuer::deserialize(jws.payload()).map_err(|_| TokenVerificationError::Malformed)?;
        if iss != format!("https://{}", token::issuer_host(pool.region())) {
            return Err(TokenVerificationError::Issuer);
        }
        jws.verify(&self.keys, &ALGORITHMS).await?;
        let claims = TokenClaims::deserialize(jws.payload()).map_err(|_| TokenVerificationError::Malformed)?;
        check_claims(&claims, pool, self.clock.now(), self.leeway)?;
        Ok(claims)
    }
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

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

    fn check_with(claim: &str, value: Value) -> Result<(), TokenVerificationError> {
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
            assert_eq!(check_with(claim, value.clone()), result, "{claim} {value}");
        }
    }
}
