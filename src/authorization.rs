//! What a verified caller may have: for which user, whether a token of this pool, with which principal tags, and
//! until when at the longest. Decided by the pool's configuration and the caller's verified claims; the request has no
//! say in it, but that a service names its user.

use std::sync::Arc;

use crate::auth::{ActAsError, Caller, Subject, UserIdMapper};
use crate::metrics::Metrics;
use crate::metrics::labels::AuthorizationOutcome;
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
    Pool,
    /// Its claims do not make the tags that the pool's tokens must have.
    #[error(transparent)]
    Tags(#[from] TagError),
}

/// The user that the caller acts as: the one that the request names, or the caller itself.
///
/// # Errors
/// A user names one, or a service none that it may act as.
pub(crate) fn act_as(
    caller: &Caller,
    requested: Option<&str>,
    users: &UserIdMapper,
    metrics: &Metrics,
) -> Result<DeveloperUserId, ActAsError> {
    let user = match (&caller.subject, requested) {
        (Subject::User(user), None) => Ok(user.clone()),
        (Subject::User(_), Some(_)) => Err(ActAsError::AUserNames),
        (Subject::Service(_), None) => Err(ActAsError::NobodyNamed),
        (Subject::Service(service), Some(requested)) => service.resolve_user(requested, users),
    };
    user.inspect_err(|error| {
        if matches!(error, ActAsError::AUserNames | ActAsError::NotItsUser) {
            // Without the requested name, which is unverified input.
            tracing::info!(authenticator = &*caller.way, %error, "access denied");
            metrics.authorization_decisions_total.count(AuthorizationOutcome::ActAsDenied);
        }
    })
}

/// Turns a caller, who acts for this user, into a request for the user's token of the pool.
///
/// # Errors
/// The caller may not have one.
pub(crate) fn grant(
    caller: &Caller,
    user: &DeveloperUserId,
    pool: &Arc<Pool>,
    metrics: &Metrics,
) -> Result<TokenRequest, AuthorizationError> {
    let admitted = admit(caller, user, pool, metrics)?;
    let tags = pool.tags.of(&caller.claims).inspect_err(|fault| {
        tracing::info!(pool = &*pool.name, authenticator = &*caller.way, error = %fault, "access denied");
        metrics.authorization_decisions_total.count(AuthorizationOutcome::InvalidTags);
    })?;
    metrics.authorization_decisions_total.count(admitted);
    Ok(TokenRequest {
        pool: pool.clone(),
        user: user.clone(),
        tags,
        not_after: caller.expires_at.filter(|_| pool.bind_to_session),
        min_ttl: None,
        refresh: false,
    })
}

fn admit(
    caller: &Caller,
    user: &DeveloperUserId,
    pool: &Pool,
    metrics: &Metrics,
) -> Result<AuthorizationOutcome, AuthorizationError> {
    let access = &pool.access;
    if access.is_open() || access.rule_for(&caller.way, &caller.issuer, &caller.claims).is_some() {
        return Ok(AuthorizationOutcome::Granted);
    }
    let (pool, authenticator, user) = (&*pool.name, &*caller.way, user.as_str());
    let service = match &caller.subject {
        Subject::Service(service) => Some(&*service.name),
        Subject::User(_) => None,
    };
    match access.mode {
        AccessMode::Audit => {
            tracing::warn!(pool, authenticator, service, user, "access would be denied (audit mode)");
            Ok(AuthorizationOutcome::WouldDeny)
        }
        AccessMode::Enforce => {
            tracing::info!(pool, authenticator, service, user, "access denied");
            metrics.authorization_decisions_total.count(AuthorizationOutcome::Denied);
            Err(AuthorizationError::Pool)
        }
    }
}
