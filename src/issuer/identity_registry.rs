//! Identity registry port: looks up identities and their users, and merges, unlinks and deletes them. One call is one
//! call against a low quota that is shared by the account: its cost is up to the caller.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::pools::Pool;
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

/// The identities of one region.
pub trait IdentityRegistry: fmt::Debug + Send + Sync + 'static {
    fn look_up<'a>(
        &'a self,
        pool: &'a Pool,
        query: IdentityQuery<'a>,
        page: &'a PageRequest,
    ) -> BoxFuture<'a, Result<IdentityUsers, RegistryError>>;

    /// Describes an identity of any pool.
    fn describe<'a>(&'a self, identity: &'a IdentityId) -> BoxFuture<'a, Result<DescribedIdentity, RegistryError>>;

    fn list<'a>(&'a self, pool: &'a Pool, page: &'a PageRequest) -> BoxFuture<'a, Result<IdentityPage, RegistryError>>;

    /// Moves everything of `from`'s identity to `into`'s identity, and returns the latter.
    fn merge<'a>(
        &'a self,
        pool: &'a Pool,
        from: &'a DeveloperUserId,
        into: &'a DeveloperUserId,
    ) -> BoxFuture<'a, Result<IdentityId, RegistryError>>;

    /// Removes a user from an identity.
    fn unlink<'a>(
        &'a self,
        pool: &'a Pool,
        identity: &'a IdentityId,
        user: &'a DeveloperUserId,
    ) -> BoxFuture<'a, Result<(), RegistryError>>;

    /// Deletes identities of any pool, at most [`PageRequest::MAX_ITEMS`], and returns those that were not deleted.
    fn delete<'a>(&'a self, identities: &'a [IdentityId]) -> BoxFuture<'a, Result<Vec<DeleteFailure>, RegistryError>>;
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct RegistryError {
    pub kind: RegistryErrorKind,
    /// For the log only: the registry's message, its error code and request id.
    pub detail: Arc<str>,
}

impl RegistryError {
    pub fn new(kind: RegistryErrorKind, detail: impl Into<Arc<str>>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// Classified by how the caller should react.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryErrorKind {
    /// The pool has no such user or identity.
    NotFound,
    /// The user and the identity, or the two users, do not go together.
    Conflict,
    /// A value exceeds a limit of the registry, or a page token is invalid.
    InvalidParameter,
    /// The quota is exhausted. Retry later.
    Throttled,
    /// The registry failed, timed out or could not be reached. The operation may have been performed.
    Unavailable,
    /// Rejected by the call rate limit of this service. Retry after this time.
    RateLimited(Duration),
    /// The service lacks a permission.
    Denied {
        /// The missing IAM action.
        action: &'static str,
    },
    /// The service's configuration or credentials are wrong.
    Misconfigured,
}

impl fmt::Display for RegistryErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::InvalidParameter => "invalid parameter",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::RateLimited(_) => "rate limited",
            Self::Denied { .. } => "denied",
            Self::Misconfigured => "misconfigured",
        })
    }
}
