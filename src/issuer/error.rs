//! Errors of calls to the issuer and to the identity registry, classified by how the caller should react.

use std::sync::Arc;
use std::time::Duration;

/// Why a call failed. `Clone`, because all waiters of one load share its result.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct ClassifiedError<K> {
    pub kind: K,
    /// For the operator only: AWS's message, its error code and request id.
    pub detail: Arc<str>,
}

/// Why nothing was issued.
pub type IssueError = ClassifiedError<IssueErrorKind>;

impl<K> ClassifiedError<K> {
    pub fn new(kind: K, detail: impl Into<Arc<str>>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl IssueError {
    /// The response does not match the request.
    pub fn mismatched(detail: impl Into<Arc<str>>) -> Self {
        Self::new(IssueErrorKind::Mismatched, detail)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssueErrorKind {
    /// The issuer's quota is exhausted. Retry later.
    #[error("throttled")]
    Throttled,
    /// The issuer failed, timed out or could not be reached. Retry later.
    #[error("unavailable")]
    Unavailable,
    /// Rejected by a limit of this service: call rate limit, user quota or open circuit. Retry after this time.
    #[error("rate limited")]
    RateLimited(Duration),
    /// The service's configuration, permissions or credentials are wrong. The operator must act.
    #[error("misconfigured")]
    Misconfigured,
    /// The issuer rejects a validated request, most likely because of this user's id. The operator must act; other
    /// users are not affected.
    #[error("invalid parameter")]
    InvalidParameter,
    /// The issuer's response does not match the request. The operator must act; never serve it.
    #[error("mismatched response")]
    Mismatched,
    /// The user is registered under another identity. The app must correct its data.
    #[error("user already registered")]
    AlreadyRegistered,
    /// A login already belongs to another identity. The app must correct its data.
    #[error("login taken")]
    LoginTaken,
    /// A public login to be linked was rejected: expired, of another app, or of a provider that the pool does not
    /// have. The caller must get another.
    #[error("login rejected")]
    LoginRejected,
    /// The requested identity does not exist, or no longer.
    #[error("unknown identity")]
    UnknownIdentity,
}

/// What an error calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// A later call may succeed.
    Transient,
    /// The operator must act.
    Operator,
    /// The app, or its user, must act: the request cannot be fulfilled.
    User,
}

impl IssueErrorKind {
    pub fn class(self) -> ErrorClass {
        match self {
            Self::Throttled | Self::Unavailable | Self::RateLimited(_) => ErrorClass::Transient,
            Self::Misconfigured | Self::InvalidParameter | Self::Mismatched => ErrorClass::Operator,
            Self::AlreadyRegistered | Self::LoginTaken | Self::LoginRejected | Self::UnknownIdentity => {
                ErrorClass::User
            }
        }
    }

    /// Whether an attempt shortly afterwards may succeed. A limit of this service stays reached.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}
