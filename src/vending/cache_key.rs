//! Cache keys: every input of a token, and no secret.
//!
//! A key is a pair of user and variant, so that all entries of a user can be invalidated together. Both halves are
//! compared whole. No digest or joined text represents them, because two users could share one.

use crate::pools::{Pool, PoolIndex};
use clock::Timestamp;
use cognito_types::{DeveloperUserId, PrincipalTags, TokenDuration};

/// A user of a pool. The index stands for the pool's id, region and developer provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserKey {
    pub pool: PoolIndex,
    /// The user id that Cognito gets.
    pub user: DeveloperUserId,
}

impl UserKey {
    pub fn new(pool: &Pool, user: &DeveloperUserId) -> Self {
        Self { pool: pool.index, user: user.clone() }
    }
}

/// The inputs of a token besides its user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Variant {
    /// The requested duration, unless the token would end after `not_after`.
    pub duration: TokenDuration,
    /// The latest end of a session-bound token.
    pub not_after: Option<Timestamp>,
    pub tags: PrincipalTags,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    pub user: UserKey,
    pub variant: Variant,
}
