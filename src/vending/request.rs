//! What a caller asks for, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use super::key::{Shape, TokenKey, UserKey};
use super::minted::MintedToken;
use crate::identity::{DeveloperUserId, PrincipalTags};
use crate::issuer::IssueError;
use crate::metrics::labels::Source;
use crate::pools::Pool;

/// What an authenticated caller asks for.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The pool. Every configured one is open to every verified caller.
    pub pool: Arc<Pool>,
    /// The user, as the caller's verified credential names it.
    pub user: DeveloperUserId,
    /// The principal tags, as the caller's verified credential gives them.
    pub tags: PrincipalTags,
    /// The least life that the caller needs.
    pub min_ttl: Option<Duration>,
    /// Whether the caller wants a new token because the last one was refused downstream.
    pub refresh: bool,
}

/// A token to hand out.
#[derive(Debug)]
pub struct Vended {
    /// The token and its answer.
    pub token: Arc<MintedToken>,
    /// Where it came from.
    pub source: Source,
    /// The life it has left, by our clock.
    pub life_left: Duration,
}

/// Why there is no token to hand out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VendError {
    /// The caller needs more life than a token of this pool can be relied on to have.
    #[error("at most {most} s of life can be had")]
    LifeOutOfReach {
        /// The most that may be asked for, in seconds.
        most: u64,
    },
    /// The issuer gave none.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl TokenRequest {
    /// The key of the token that answers this. Whether the caller wants it new or long-lived does not shape it.
    pub fn key(&self) -> TokenKey {
        TokenKey {
            user: UserKey { pool: self.pool.index, user: self.user.clone() },
            shape: Shape { duration: self.pool.token_duration, tags: self.tags.clone() },
        }
    }
}
