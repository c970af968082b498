//! Errors of the token and credentials issuers, classified by how the caller should react.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Why nothing was issued. `Clone`, because all waiters of one load share its result.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct IssueError {
    pub kind: IssueErrorKind,
    /// For the operator only: the issuer's message, its error code and request id.
    pub detail: Arc<str>,
}

impl IssueError {
    pub fn new(kind: IssueErrorKind, detail: impl Into<Arc<str>>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueErrorKind {
    /// The issuer's quota is exhausted. Retry later.
    Throttled,
    /// The issuer failed, timed out or could not be reached. Retry later.
    Unavailable,
    /// Rejected by a limit of this service: call rate limit, user quota or open circuit. Retry after this time.
    RateLimited(Duration),
    /// The service's configuration, permissions or credentials are wrong. The operator must act.
    Misconfigured,
    /// The issuer rejects a validated request, most likely because of this user's id. The operator must act; other
    /// users are not affected.
    InvalidParameter,
    /// The issuer's response does not match the request. The operator must act; never serve it.
    Mismatched,
    /// The user is registered under another identity. The app must correct its data.
    AlreadyRegistered,
    /// A login already belongs to another identity. The app must correct its data.
    LoginTaken,
    /// A public login to be linked was rejected: expired, of another app, or of a provider that the pool does not
    /// have. The caller must get another.
    LoginRejected,
    /// The requested identity does not exist, or no longer.
    UnknownIdentity,
}

impl IssueErrorKind {
    /// Whether the cause is the issuer or this service, and not the user: a cached token that is still valid may be
    /// served instead.
    pub fn is_upstream_error(self) -> bool {
        match self {
            Self::Throttled
            | Self::Unavailable
            | Self::RateLimited(_)
            | Self::Misconfigured
            | Self::InvalidParameter
            | Self::Mismatched => true,
            Self::AlreadyRegistered | Self::LoginTaken | Self::LoginRejected | Self::UnknownIdentity => false,
        }
    }

    /// Whether an attempt shortly afterwards may succeed.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable => true,
            Self::RateLimited(_)
            | Self::Misconfigured
            | Self::InvalidParameter
            | Self::Mismatched
            | Self::AlreadyRegistered
            | Self::LoginTaken
            | Self::LoginRejected
            | Self::UnknownIdentity => false,
        }
    }
}

impl fmt::Display for IssueErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::RateLimited(_) => "rate limited",
            Self::Misconfigured => "misconfigured",
            Self::InvalidParameter => "invalid parameter",
            Self::Mismatched => "mismatched response",
            Self::AlreadyRegistered => "user already registered",
            Self::LoginTaken => "login taken",
            Self::LoginRejected => "login rejected",
            Self::UnknownIdentity => "unknown identity",
        })
    }
}
