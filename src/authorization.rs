//! What a verified caller may have: for which user, whether a token of this pool, with which principal tags, and
//! until when at the longest. Decided by the pool's configuration and the caller's verified claims; the request has no
//! say in it, but that a service names its user.

use std::sync::Arc;

use crate::auth::{ActAsError, Caller, Subject, UserIdMapper};
use crate::metrics::Metrics;
use crate::metrics::labels::PolicyOutcome;
use crate::pools::Pool;
use crate::pools::access_policy::AccessMode;
use crate::pools::principal_tags::TagError;
use crate::vending::TokenRequest;
use cognito_types::DeveloperUserId;

/// Why a caller may not have a token of a pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthorizationError {
    /// No rule of the pool describes the caller.
    #[error("no rule of the pool describes the caller")]
    NoMatchingRule,
    /// Its claims do not make the tags that the pool's tokens must have.
    #[error(transparent)]
    InvalidTags(#[from] TagError),
}

/// The user for whom a request is, which names this one, or none.
///
/// # Errors
/// The caller does not act for that user.
pub(crate) fn authorize_user(
    caller: &Caller,
    named: Option<&str>,
    users: &UserIdMapper,
    metrics: &Metrics,
) -> Result<DeveloperUserId, ActAsError> {
    caller.resolve_user(named, users).inspect_err(|refusal| {
        if matches!(refusal, ActAsError::NotAService | ActAsError::UserNotAllowed) {
            // Not the name: anybody may have written it.
            tracing::info!(way = &*caller.authenticator, %refusal, "caller refused");
            metrics.policy_total.count(PolicyOutcome::ForeignUser);
        }
    })
}

/// Turns a caller, who acts for this user, into a request for the user's token of the pool.
///
/// # Errors
/// The caller may not have one.
pub(crate) fn authorize(
    caller: &Caller,
    user: &DeveloperUserId,
    pool: &Arc<Pool>,
    metrics: &Metrics,
) -> Result<TokenRequest, AuthorizationError> {
    let admitted = admit(caller, user, pool, metrics)?;
    let tags = pool.tags.render(&caller.claims).inspect_err(|fault| {
        tracing::info!(pool = &*pool.name, way = &*caller.authenticator, %fault, "caller refused");
        metrics.policy_total.count(PolicyOutcome::UnfitTags);
    })?;
    metrics.policy_total.count(admitted);
    Ok(TokenRequest {
        pool: pool.clone(),
        user: user.clone(),
        tags,
        ends_by: caller.expires_at.filter(|_| pool.bind_to_session),
        min_ttl: None,
        refresh: false,
    })
}

fn admit(
    caller: &Caller,
    user: &DeveloperUserId,
    pool: &Pool,
    metrics: &Metrics,
) -> Result<PolicyOutcome, AuthorizationError> {
    let access = &pool.access;
    if access.is_open()
        || access.matching_rule(&caller.authenticator, &caller.issuer, &caller.claims).is_some()
    {
        return Ok(PolicyOutcome::Granted);
    }
    let (pool, way, user) = (&*pool.name, &*caller.authenticator, user.as_str());
    let service = match &caller.subject {
        Subject::Service(service) => Some(&*service.name),
        Subject::User(_) => None,
    };
    match access.mode {
        AccessMode::Audit => {
            tracing::warn!(pool, way, service, user, "no rule describes this caller, who would be refused");
            Ok(PolicyOutcome::WouldRefuse)
        }
        AccessMode::Enforce => {
            tracing::info!(pool, way, service, user, "no rule describes this caller, who is refused");
            metrics.policy_total.count(PolicyOutcome::Refused);
            Err(AuthorizationError::NoMatchingRule)
        }
    }
}
