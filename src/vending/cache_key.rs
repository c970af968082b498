//! Under which key a token is kept: everything that shapes it, and nothing secret.
//!
//! The key is a pair, user and shape, so that all tokens of one user can be forgotten together. Both halves
//! are compared whole; no digest or joined text stands for them that two users could share.

use crate::pools::PoolIndex;
use clock::Timestamp;
use cognito_types::{DeveloperUserId, PrincipalTags, TokenDuration};

/// A user of a pool. The pool stands for its id, region and developer provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserKey {
    /// The pool.
    pub pool: PoolIndex,
    /// The user, as the app names it.
    pub user: DeveloperUserId,
}

/// What else shapes a token of that user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Variant {
    /// The life asked for, unless it would end too late.
    pub duration: TokenDuration,
    /// When it ends at the latest, if that cuts its life short.
    pub not_after: Option<Timestamp>,
    /// The principal tags put into it.
    pub tags: PrincipalTags,
}

/// What shapes a token, whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// Whose it is.
    pub user: UserKey,
    /// What it is like.
    pub variant: Variant,
}
