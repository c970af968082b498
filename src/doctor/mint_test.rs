//! A real token for a real user, from the question to the signature. Only on request: the call creates the
//! user's identity, for ever, if there is none yet.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::report::{Check, CheckId};
use super::{MintTest, Subject};
use crate::cognito_token_verifier::{CognitoTokenVerifier, TokenVerificationError};
use crate::issuer::{IssueRequest, IssuedToken, PublicLogins, TokenIssuer as _};
use crate::pools::Pool;
use cognito_types::PrincipalTags;

impl Subject {
    /// Mints a token for the user, and proves it as a stranger would.
    pub(super) fn mint<'s>(&'s self, trial: &'s MintTest) -> BoxFuture<'s, Vec<Check>> {
        let name = trial.pool.as_deref();
        let check = move || Check::new(CheckId::Mint, name.unwrap_or("default"));
        let Some(pool) = self.settings.pools.find(name) else {
            let names: Vec<&str> = self.settings.pools.iter().map(|pool| &*pool.name).collect();
            let failed = check().fails("there is no such pool", format!("--pool takes {}", names.join(", ")));
            return std::future::ready(vec![failed]).boxed();
        };
        let look = async move {
            let request = IssueRequest {
                pool: pool.id.clone(),
                provider: pool.provider.clone(),
                user: trial.user.clone(),
                duration: pool.token_duration,
                // Tags come from a caller's claims, and there is no caller.
                tags: PrincipalTags::none(),
                identity: None,
                also: PublicLogins::none(),
            };
            let asked_on = self.clock.monotonic();
            let check = Check::new(CheckId::Mint, &*pool.name);
            vec![match self.cognito.issuer(pool.id.region()).issue(&request).await {
                Ok(issued) => {
                    let took = self.clock.monotonic().saturating_sub(asked_on);
                    let check = check.with("identityId", issued.identity.as_str());
                    let check = check.with("tookMillis", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
                    self.prove(check, pool, &request, &issued).await
                }
                Err(error) => check
                    .fails(format!("no token: {error}"), "the lines above tell which part of it is wrong"),
            }]
        };
        self.in_time(look, check()).boxed()
    }

    async fn prove(&self, check: Check, pool: &Pool, request: &IssueRequest, issued: &IssuedToken) -> Check {
        let identity = &issued.identity;
        let keys = self.settings.openid_jwks.clone();
        let prover =
            match CognitoTokenVerifier::for_now(keys, CognitoTokenVerifier::LEEWAY, self.clock.clone()).await
            {
                Ok(prover) => prover,
                Err(why) => {
                    let words = format!("a token for {identity}, but Cognito's keys cannot be had: {why}");
                    return check.warns(words, "see the line about cognito-keys");
                }
            };
        let claims = match prover.prove(issued.token.expose(), &pool.id).await {
            Ok(claims) => claims,
            Err(TokenVerificationError::Malformed) if self.settings.vending.opaque_tokens => {
                let words = format!("a token for {identity} that is no JWT, so nothing in it can be checked");
                return check.warns(words, "fine for a stand-in; upstream.accept_opaque_tokens lets it pass");
            }
            Err(why) => {
                let words = format!("a token for {identity} that proves nothing: {why}");
                return check.fails(words, "is this Cognito? see upstream.endpoint_url and openid_keys_url");
            }
        };
        let user = format!("{}:{}:{}", request.provider, request.pool, request.user);
        if claims.subject != identity.as_str() || !claims.methods.contains(&user) {
            return check.fails("a token for somebody else", "stop: this must not happen with Cognito");
        }
        let left = claims.expires_at.since(self.clock.now());
        let words = format!("a token for {identity}, proved, with {} s of life left", left.as_secs());
        check.with("expiresIn", left.as_secs()).holds(words)
    }
}
