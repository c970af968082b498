//! The port towards whoever keeps identities: which users they belong to, and the few things that can be done to
//! them after the fact. One call is one call against a quota that is low and shared: whoever calls pays for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::pools::Pool;
use clock::Timestamp;
use cognito_types::{DeveloperUserId, IdentityId};

/// Whom to look up.
#[derive(Debug, Clone, Copy)]
pub enum IdentityQuery<'a> {
    /// The identity of this user.
    User(&'a DeveloperUserId),
    /// This identity.
    Identity(&'a IdentityId),
}

/// Which page of a list.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// The most items, 1 to [`Page::MOST`]; absent, as many as the keeper gives.
    pub max_items: Option<u8>,
    /// What the page before gave to be asked for this one.
    pub token: Option<String>,
}

impl PageRequest {
    /// The most items that Cognito puts on a page.
    pub const MAX_ITEMS: u8 = 60;
}

/// An identity and its developer users, one page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityUsers {
    /// The identity.
    pub identity: IdentityId,
    /// Its users at the pool's developer provider.
    pub users: Vec<String>,
    /// For the next page, if there is one.
    pub next_token: Option<String>,
}

/// What is known of an identity itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedIdentity {
    /// The identity.
    pub identity: IdentityId,
    /// The names of the providers at which it has logins.
    pub logins: Vec<String>,
    /// When it came about.
    pub created_at: Option<Timestamp>,
    /// When a login last came or went.
    pub modified_at: Option<Timestamp>,
}

/// Identities of a pool, one page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityPage {
    /// The identities.
    pub identities: Vec<DescribedIdentity>,
    /// For the next page, if there is one.
    pub next_token: Option<String>,
}

/// An identity that was not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteFailure {
    /// The identity.
    pub identity: IdentityId,
    /// Why.
    pub reason: DeleteFailureReason,
}

/// Why an identity was not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteFailureReason {
    /// The pool has no such identity, none with a developer user at least.
    Unknown,
    /// Cognito says that we may not.
    Denied,
    /// Cognito failed. Worth another try.
    Failed,
}

/// Keeps the identities of one region.
pub trait IdentityRegistry: fmt::Debug + Send + Sync + 'static {
    /// Finds an identity and its developer users.
    fn look_up<'a>(
        &'a self,
        pool: &'a Pool,
        sought: IdentityQuery<'a>,
        page: &'a PageRequest,
    ) -> BoxFuture<'a, Result<IdentityUsers, RegistryError>>;

    /// Describes an identity, of whichever pool.
    fn describe<'a>(
        &'a self,
        identity: &'a IdentityId,
    ) -> BoxFuture<'a, Result<DescribedIdentity, RegistryError>>;

    /// Lists the identities of a pool.
    fn list<'a>(
        &'a self,
        pool: &'a Pool,
        page: &'a PageRequest,
    ) -> BoxFuture<'a, Result<IdentityPage, RegistryError>>;

    /// Moves everything that `from`'s identity has to `into`'s identity, which is the answer.
    fn merge<'a>(
        &'a self,
        pool: &'a Pool,
        from: &'a DeveloperUserId,
        into: &'a DeveloperUserId,
    ) -> BoxFuture<'a, Result<IdentityId, RegistryError>>;

    /// Takes a user off an identity.
    fn unlink<'a>(
        &'a self,
        pool: &'a Pool,
        identity: &'a IdentityId,
        user: &'a DeveloperUserId,
    ) -> BoxFuture<'a, Result<(), RegistryError>>;

    /// Deletes identities, of whichever pool, at most [`Page::MOST`]; the answer is those that still are.
    fn delete<'a>(
        &'a self,
        identities: &'a [IdentityId],
    ) -> BoxFuture<'a, Result<Vec<DeleteFailure>, RegistryError>>;
}

/// Why a call to the registry came to nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}: {inside}")]
pub struct RegistryError {
    /// What may be done about it.
    pub kind: RegistryErrorKind,
    /// For the log only: the keeper's own words, its error code and request id.
    pub inside: Arc<str>,
}

impl RegistryError {
    /// An error with the words meant for the log.
    pub fn new(kind: RegistryErrorKind, inside: impl Into<Arc<str>>) -> Self {
        Self { kind, inside: inside.into() }
    }
}

/// What went wrong, by what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryErrorKind {
    /// There is no such user or identity in the pool.
    NotFound,
    /// The user and the identity, or the two users, do not go together.
    Conflict,
    /// What was asked for is beyond a limit of the keeper's, or a page token is none.
    InvalidParameter,
    /// The quota is used up. Wait.
    Throttled,
    /// The keeper failed, was too slow or could not be reached. What was asked for may have been done or not.
    Unavailable,
    /// We hold back ourselves: our share of the quota is spent. Wait this long.
    RateLimited(Duration),
    /// Our rights do not suffice.
    Denied {
        /// The IAM action that is missing.
        action: &'static str,
    },
    /// Our configuration or credentials are wrong.
    Misconfigured,
}

impl fmt::Display for RegistryErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::InvalidParameter => "unacceptable",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::RateLimited(_) => "held back",
            Self::Denied { .. } => "denied",
            Self::Misconfigured => "misconfigured",
        })
    }
}
