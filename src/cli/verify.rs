//! `tokenvend verify`: verifies that Cognito minted a token for a pool, and that it is still valid. The exit code is the
//! result.

use std::sync::Arc;
use std::time::Duration;

use bounded_http::parse_keys_url;
use jose::JwksSettings;
use reqwest::Url;
use serde::Serialize;
use serde_json::json;

use super::error::CliError;
use super::inspect::format_duration;
use super::stdout::print;
use super::token_arg::{TokenArg, escape_control_chars};
use crate::cognito_token_verifier::{CognitoTokenVerifier, TokenVerificationError};
use crate::token::{self, AuthMethod, TokenClaims};
use clock::{SharedClock, SystemClock};
use cognito_types::{DeveloperUserId, IdentityId, IdentityPoolId};

const JWKS_TIMEOUT: Duration = Duration::from_secs(10);

/// The token, and the conditions that it must meet.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    token: TokenArg,
    /// The identity pool that the token must be for. All AWS customers share Cognito's issuer and keys, so a valid
    /// signature alone proves nothing.
    #[arg(long, value_name = "POOL_ID", value_parser = |text: &str| IdentityPoolId::parse(text))]
    pool: IdentityPoolId,
    /// Use the keys of this JWKS instead of Cognito's (https, or http on this machine).
    #[arg(long, value_name = "URL", value_parser = parse_keys_url, conflicts_with = "endpoint_url")]
    jwks_url: Option<Url>,
    /// Use the keys of this Cognito endpoint, such as the emulator (https, or http on this machine).
    #[arg(long, value_name = "URL", value_parser = parse_keys_url)]
    endpoint_url: Option<Url>,
    #[command(flatten)]
    conditions: Conditions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Conditions in addition to the verification.
#[derive(Debug, clap::Args)]
struct Conditions {
    /// The identity that the token must be for.
    #[arg(long, value_name = "ID", value_parser = |text: &str| IdentityId::parse(text))]
    identity_id: Option<IdentityId>,
    /// The developer user that the token must be for.
    #[arg(long, value_name = "USER", value_parser = |text: &str| DeveloperUserId::parse(text))]
    user: Option<DeveloperUserId>,
    /// The minimum remaining life of the token.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    min_ttl: Duration,
}

/// Why a token is rejected. The serialized names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
enum RejectionReason {
    #[error("its sub is another identity")]
    Identity,
    #[error("it is for another developer user")]
    User,
    #[error("its remaining life is too short")]
    Life,
    #[error(transparent)]
    #[serde(untagged)]
    Verification(#[from] TokenVerificationError),
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    let Args { token, pool, jwks_url, endpoint_url, conditions, json } = args;
    let token = token.read()?;
    let url = match jwks_url {
        Some(url) => url,
        None => {
            let derived = token::keys_url(pool.region(), endpoint_url.as_ref().map(Url::as_str));
            Url::parse(&derived).map_err(|error| CliError::usage(format!("{derived}: {error}")))?
        }
    };
    let clock: SharedClock = Arc::new(SystemClock::new());
    // No leeway: a script passes the token on, and a recipient without leeway must accept it.
    let keys = JwksSettings::new(url.clone(), JWKS_TIMEOUT);
    let verifier = CognitoTokenVerifier::with_current_keys(keys, Duration::ZERO, clock.clone())
        .await
        .map_err(|reason| CliError::unavailable(format!("the keys at {url} cannot be fetched: {reason}")))?;
    let verified = match verifier.verify(&token, &pool).await {
        Ok(claims) => conditions.check(&claims, &clock).map(|()| claims),
        Err(error) => Err(error.into()),
    };
    match verified {
        Ok(claims) => print(&escape_control_chars(&format_verified(&claims, &clock, json))),
        Err(reason) if json => {
            let output = json!({"verified": false, "reason": reason, "detail": reason.to_string()});
            print(&format!("{output:#}\n")).and(Err(CliError::silent(1)))
        }
        Err(reason) => print(&format!("rejected: {reason}\n")).and(Err(CliError::silent(1))),
    }
}

impl Conditions {
    fn check(&self, claims: &TokenClaims, clock: &SharedClock) -> Result<(), RejectionReason> {
        if self.identity_id.as_ref().is_some_and(|required| required.as_str() != claims.subject) {
            return Err(RejectionReason::Identity);
        }
        let user = match claims.auth_method() {
            Some(AuthMethod::DeveloperUser { user, .. }) => Some(user),
            _ => None,
        };
        if self.user.as_ref().is_some_and(|required| user != Some(required.as_str())) {
            return Err(RejectionReason::User);
        }
        if claims.expires_at.since(clock.now()) < self.min_ttl {
            return Err(RejectionReason::Life);
        }
        Ok(())
    }
}

fn format_verified(claims: &TokenClaims, clock: &SharedClock, as_json: bool) -> String {
    let left = claims.expires_at.since(clock.now()).as_secs();
    let (identity, pool, method) = (&claims.subject, &claims.audience, claims.auth_method());
    if as_json {
        let output = json!({
            "verified": true,
            "identityId": identity,
            "identityPoolId": pool,
            "expiresAt": claims.expires_at.to_rfc3339(),
            "expiresIn": left,
            "origin": method,
        });
        return format!("{output:#}\n");
    }
    let user = method.map(|method| format!(", {method}")).unwrap_or_default();
    let life = i64::try_from(left).unwrap_or(i64::MAX);
    format!("verified: {identity} of pool {pool}{user}, {} ({left} s) left\n", format_duration(life))
}
