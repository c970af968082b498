//! Authorization of a verified caller: for which user, whether for this pool, with which principal tags and until when.
//! Only the pool's configuration and the caller's verified claims decide. The request has no influence, except that a
//! service names its user in it.

use std::sync::Arc;

use crate::auth::{ActAsError, Caller, Subject, UserIdMapper};
use crate::metrics::Metrics;
use crate::metrics::labels::AuthorizationOutcome;
use crate::pools::Pool;
use crate::pools::access_policy::AccessMode;
use crate::pools::principal_tags::TagError;
use crate::vending::TokenRequest;
use cognito_types::DeveloperUserId;

/// Why a caller gets no token of a pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthorizationError {
    #[error("no allow rule of the pool matches the caller")]
    NoMatchingRule,
    /// The principal tags of the pool cannot be rendered from the caller's claims.
    #[error(transparent)]
    InvalidTags(#[from] TagError),
}

/// The user of a request that names the user `requested`, or none.
///
/// # Errors
/// The caller may not act as that user.
pub(crate) fn authorize_user(
    caller: &Caller,
    requested: Option<&str>,
    user_ids: &UserIdMapper,
    metrics: &Metrics,
) -> Result<DeveloperUserId, ActAsError> {
    caller.resolve_user(requested, user_ids).inspect_err(|error| {
        if matches!(error, ActAsError::NotAService | ActAsError::UserNotAllowed) {
            // Without the name, which is untrusted text.
            tracing::info!(authenticator = &*caller.authenticator, %error, "access denied");
            metrics.authorization_decisions_total.count(AuthorizationOutcome::ActAsDenied);
        }
    })
}

/// The request for the user's token of the pool. The caller is, or acts as, this user.
///
/// # Errors
/// The caller gets no token of the pool.
pub(crate) fn authorize(
    caller: &Caller,
    user: &DeveloperUserId,
    pool: &Arc<Pool>,
    metrics: &Metrics,
) -> Result<TokenRequest, AuthorizationError> {
    let outcome = check_access(caller, user, pool, metrics)?;
    let tags = pool.tags.render(&caller.claims).inspect_err(|error| {
        tracing::info!(pool = &*pool.name, authenticator = &*caller.authenticator, %error, "access denied");
        metrics.authorization_decisions_total.count(AuthorizationOutcome::InvalidTags);
    })?;
    metrics.authorization_decisions_total.count(outcome);
    Ok(TokenRequest {
        pool: pool.clone(),
        user: user.clone(),
        tags,
        not_after: caller.expires_at.filter(|_| pool.bind_to_session),
        min_ttl: None,
        refresh: false,
    })
}

fn check_access(
    caller: &Caller,
    user: &DeveloperUserId,
    pool: &Pool,
    metrics: &Metrics,
) -> Result<AuthorizationOutcome, AuthorizationError> {
    let access = &pool.access;
    if access.is_open() || access.matching_rule(&caller.authenticator, &caller.issuer, &caller.claims).is_some() {
        return Ok(AuthorizationOutcome::Granted);
    }
    let (pool, authenticator, user) = (&*pool.name, &*caller.authenticator, user.as_str());
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
            let error = AuthorizationError::NoMatchingRule;
            tracing::info!(pool, authenticator, service, user, %error, "access denied");
            metrics.authorization_decisions_total.count(AuthorizationOutcome::Denied);
            Err(error)
        }
    }
}
