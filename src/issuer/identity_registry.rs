//! Queries, results and errors of the identity registry, [`super::cognito::IdentityRegistry`].

use std::time::Duration;

use super::error::ClassifiedError;
use clock::Timestamp;
use cognito_types::{DeveloperUserId, IdentityId};

#[derive(Debug, Clone, Copy)]
pub enum IdentityQuery<'a> {
    /// The identity of this user.
    User(&'a DeveloperUserId),
    Identity(&'a IdentityId),
}

#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// 1 to [`PageRequest::MAX_ITEMS`]; `None`: the registry's default.
    pub max_items: Option<u8>,
    /// `next_token` of the previous page.
    pub token: Option<String>,
}

impl PageRequest {
    /// Cognito's limit.
    pub const MAX_ITEMS: u8 = 60;
}

/// An identity and one page of its users at the pool's developer provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityUsers {
    pub identity: IdentityId,
    pub users: Vec<String>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedIdentity {
    pub identity: IdentityId,
    /// The names of the providers at which it has logins.
    pub logins: Vec<String>,
    pub created_at: Option<Timestamp>,
    /// When a login was last added or removed.
    pub modified_at: Option<Timestamp>,
}

/// One page of the identities of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPage {
    pub identities: Vec<DescribedIdentity>,
    pub next_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteFailure {
    pub identity: IdentityId,
    pub reason: DeleteFailureReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteFailureReason {
    /// The pool has no such identity, at least none with a developer user.
    Unknown,
    /// Cognito denies this service the deletion.
    Denied,
    /// Cognito failed. A retry may succeed.
    Failed,
}

pub type RegistryError = ClassifiedError<RegistryErrorKind>;

/// Classified by how the caller should react.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RegistryErrorKind {
    /// The pool has no such user or identity.
    #[error("not found")]
    NotFound,
    /// The user and the identity, or the two users, do not go together.
    #[error("conflict")]
    Conflict,
    /// A value exceeds a limit of the registry, or a page token is invalid.
    #[error("invalid parameter")]
    InvalidParameter,
    /// The quota is exhausted. Retry later.
    #[error("throttled")]
    Throttled,
    /// The registry failed, timed out or could not be reached. The operation may have been performed.
    #[error("unavailable")]
    Unavailable,
    /// Rejected by the call rate limit of this service. Retry after this time.
    #[error("rate limited")]
    RateLimited(Duration),
    /// The service lacks a permission.
    #[error("denied")]
    Denied {
        /// The missing IAM action.
        action: &'static str,
    },
    /// The service's configuration or credentials are wrong.
    #[error("misconfigured")]
    Misconfigured,
}
