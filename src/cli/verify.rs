//! `tokenvend verify`: whether Cognito minted a token for a pool, and whether it is still good; the exit code
//! tells.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde_json::json;

use super::inspect::{origin_as_json, origin_as_words, words};
use super::token_arg::{TokenArg, harmless};
use super::{CliError, print};
use crate::cognito_token_verifier::{CognitoTokenVerifier, TokenVerificationError};
use crate::config::{self, JwksSettings};
use crate::token::{self, AuthMethod, TokenClaims};
use clock::{SharedClock, SystemClock};
use cognito_types::{DeveloperUserId, IdentityId, IdentityPoolId};

/// How long the keys may take to come.
const KEYS_TIME_OUT: Duration = Duration::from_secs(10);

/// Which token, and what must hold for it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    presented: TokenArg,
    /// The identity pool that the token must be for. Cognito's issuer and keys are shared by all AWS customers, so
    /// without it a good signature proves nothing.
    #[arg(long, value_name = "POOL_ID", value_parser = |text: &str| IdentityPoolId::parse(text))]
    pool: IdentityPoolId,
    /// Take the keys from this JWKS instead of Cognito's (https, or http on this machine).
    #[arg(long, value_name = "URL", value_parser = config::parse_keys_url, conflicts_with = "endpoint_url")]
    jwks_url: Option<Url>,
    /// Take the keys from what stands in for Cognito here, such as the emulator (https, or http on this machine).
    #[arg(long, value_name = "URL", value_parser = config::parse_keys_url)]
    endpoint_url: Option<Url>,
    /// The identity that the token must be for.
    #[arg(long, value_name = "ID", value_parser = |text: &str| IdentityId::parse(text))]
    identity_id: Option<IdentityId>,
    /// The developer user that the token must be for.
    #[arg(long, value_name = "USER", value_parser = |text: &str| DeveloperUserId::parse(text))]
    user: Option<DeveloperUserId>,
    /// The life that the token must have left at least.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    min_ttl: Duration,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Why a token is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Unproven(#[from] TokenVerificationError),
    #[error("its sub is another identity")]
    Identity,
    #[error("it is not that developer user's")]
    User,
    #[error("it has less life left than that")]
    Life,
}

impl Refusal {
    /// The reason's name in JSON. Stable.
    fn name(self) -> &'static str {
        match self {
            Self::Unproven(TokenVerificationError::Malformed) => "malformed",
            Self::Unproven(TokenVerificationError::Issuer) => "issuer",
            Self::Unproven(TokenVerificationError::Algorithm) => "algorithm",
            Self::Unproven(TokenVerificationError::UnknownKey) => "unknown-key",
            Self::Unproven(TokenVerificationError::Signature) => "signature",
            Self::Unproven(TokenVerificationError::Audience) => "audience",
            Self::Unproven(TokenVerificationError::Expired) => "expired",
            Self::Unproven(TokenVerificationError::Subject) => "subject",
            Self::Unproven(TokenVerificationError::Methods) => "methods",
            Self::Unproven(TokenVerificationError::KeysUnavailable) => "keys-unavailable",
            Self::Identity => "identity",
            Self::User => "user",
            Self::Life => "life",
        }
    }
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    let Args { presented, pool, jwks_url, endpoint_url, identity_id, user, min_ttl, json } = args;
    let token = presented.read()?;
    let url = match jwks_url {
        Some(url) => url,
        None => {
            let derived = token::keys_url(pool.region(), endpoint_url.as_ref().map(Url::as_str));
            Url::parse(&derived).map_err(|error| CliError::usage(format!("{derived}: {error}")))?
        }
    };
    let clock: SharedClock = Arc::new(SystemClock::new());
    let unavailable =
        |why: String| CliError { code: 69, words: format!("the keys at {url} cannot be had: {why}") };
    // No leeway: whoever scripts with this wants to hand the token on, and nobody must take it from then on.
    let keys = JwksSettings::for_cognito(url.clone(), KEYS_TIME_OUT);
    let prover =
        CognitoTokenVerifier::for_now(keys, Duration::ZERO, clock.clone()).await.map_err(unavailable)?;
    let conditions = Conditions { identity_id, user, min_ttl };
    let judged = match prover.prove(&token, &pool).await {
        Ok(claims) => conditions.judge(&claims, &clock).map(|()| claims),
        Err(why) => Err(why.into()),
    };
    match judged {
        Ok(claims) => print(&harmless(&told(&claims, &clock, json))),
        Err(refusal) if json => {
            let told = json!({"verified": false, "reason": refusal.name(), "detail": refusal.to_string()});
            print(&format!("{told:#}\n")).and(Err(CliError::told(1)))
        }
        Err(refusal) => print(&format!("refused: {refusal}\n")).and(Err(CliError::told(1))),
    }
}

/// What must hold beyond the proof.
struct Conditions {
    identity_id: Option<IdentityId>,
    user: Option<DeveloperUserId>,
    min_ttl: Duration,
}

impl Conditions {
    fn judge(&self, claims: &TokenClaims, clock: &SharedClock) -> Result<(), Refusal> {
        if self.identity_id.as_ref().is_some_and(|wanted| wanted.as_str() != claims.subject) {
            return Err(Refusal::Identity);
        }
        let is_theirs = |wanted: &DeveloperUserId| matches!(claims.origin(), Some(AuthMethod::DeveloperUser { user, .. }) if user == wanted.as_str());
        if self.user.as_ref().is_some_and(|wanted| !is_theirs(wanted)) {
            return Err(Refusal::User);
        }
        if claims.expires_at.since(clock.now()) < self.min_ttl {
            return Err(Refusal::Life);
        }
        Ok(())
    }
}

fn told(claims: &TokenClaims, clock: &SharedClock, as_json: bool) -> String {
    let left = claims.expires_at.since(clock.now()).as_secs();
    let (identity, pool, origin) = (&claims.subject, &claims.audience, claims.origin());
    if as_json {
        let told = json!({
            "verified": true,
            "identityId": identity,
            "identityPoolId": pool,
            "expiresAt": claims.expires_at.to_rfc3339(),
            "expiresIn": left,
            "origin": origin.as_ref().map(origin_as_json),
        });
        return format!("{told:#}\n");
    }
    let whose = origin.as_ref().map(|origin| format!(", {}", origin_as_words(origin))).unwrap_or_default();
    let life = i64::try_from(left).unwrap_or(i64::MAX);
    format!("verified: {identity} of pool {pool}{whose}, {} ({left} s) left\n", words(life))
}
