//! Test mint: mints a real token for a user and verifies its signature. Only on request, because the call creates the
//! user's identity permanently if there is none yet.

use super::context::DoctorContext;
use super::report::{Check, CheckId};
use crate::cognito_token_verifier::{CognitoTokenVerifier, TokenVerificationError};
use crate::issuer::{IssueRequest, IssuedToken, TokenIssuer as _};
use crate::pools::Pool;
use cognito_types::DeveloperUserId;

#[derive(Debug, Clone)]
pub struct TestMint {
    /// The user id as Cognito knows it, with the authenticator's prefix if it has one.
    pub user: DeveloperUserId,
    /// The name of the pool; `None`: the default pool.
    pub pool: Option<String>,
}

impl DoctorContext {
    pub(super) fn no_such_pool(&self, name: Option<&str>) -> Check {
        let names: Vec<&str> = self.settings.pools.iter().map(|pool| &*pool.name).collect();
        let fix = format!("set --pool to one of {}", names.join(", "));
        Check::new(CheckId::MintTest, name.unwrap_or("default")).fail("there is no such pool", fix)
    }

    pub(super) async fn test_mint(&self, check: Check, user: &DeveloperUserId, pool: &Pool) -> Check {
        // Without tags: they come from a caller's claims, and there is no caller.
        let request = IssueRequest::new(pool, user.clone());
        let started = self.clock.monotonic();
        match self.cognito.issuer(pool.id.region()).issue(&request).await {
            Ok(issued) => {
                let duration = self.clock.monotonic().saturating_sub(started).as_millis();
                let check = check
                    .with_value("identityId", issued.identity.as_str())
                    .with_value("durationMs", u64::try_from(duration).unwrap_or(u64::MAX));
                self.verify(check, pool, &request, &issued).await
            }
            Err(error) => check.fail(format!("no token: {error}"), "the checks above show which part is wrong"),
        }
    }

    async fn verify(&self, check: Check, pool: &Pool, request: &IssueRequest, issued: &IssuedToken) -> Check {
        let (identity, keys) = (&issued.identity, self.settings.openid_jwks.clone());
        let leeway = CognitoTokenVerifier::DEFAULT_LEEWAY;
        let verifier = match CognitoTokenVerifier::with_current_keys(keys, leeway, self.clock.clone()).await {
            Ok(verifier) => verifier,
            Err(why) => {
                let observed = format!("a token for {identity}, but Cognito's keys cannot be fetched: {why}");
                return check.warn(observed, "see the check cognito-keys");
            }
        };
        let claims = match verifier.verify(issued.token.expose(), &pool.id).await {
            Ok(claims) => claims,
            Err(TokenVerificationError::Malformed) if self.settings.vending.accept_opaque_tokens => {
                let observed = format!("a token for {identity} that is not a JWT and cannot be verified");
                return check.warn(observed, "fine for an emulator; upstream.accept_opaque_tokens allows it");
            }
            Err(why) => {
                let observed = format!("a token for {identity} that fails verification: {why}");
                return check.fail(observed, "is this Cognito? see upstream.endpoint_url and openid_keys_url");
            }
        };
        let user = format!("{}:{}:{}", request.provider, request.pool, request.user);
        if claims.subject != identity.as_str() || !claims.methods.contains(&user) {
            let fix = "do not use this endpoint: Cognito never does this";
            return check.fail("a token for another user or identity", fix);
        }
        let left = claims.expires_at.since(self.clock.now()).as_secs();
        check.with_value("expiresIn", left).ok(format!("a verified token for {identity}, valid for another {left} s"))
    }
}
