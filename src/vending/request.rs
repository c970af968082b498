//! What a caller asks for, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use super::cache_key::{CacheKey, UserKey, Variant};
use super::credentials_loader::CachedCredentials;
use super::loader::LoadRequest;
use super::token_response::CachedToken;
use crate::issuer::IssueError;
use crate::metrics::labels::CacheStatus;
use crate::pools::Pool;
use clock::{Clock, Timestamp};
use cognito_types::{DeveloperUserId, PrincipalTags};

/// What an authenticated caller asks for.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The pool.
    pub pool: Arc<Pool>,
    /// The user, as the caller's verified credential names it.
    pub user: DeveloperUserId,
    /// The principal tags, as the caller's verified credential gives them.
    pub tags: PrincipalTags,
    /// When the token must have ended: with the credential that it is vended for.
    pub ends_by: Option<Timestamp>,
    /// The least life that the caller needs.
    pub min_ttl: Option<Duration>,
    /// Whether the caller wants a new token because the last one was refused downstream.
    pub refresh: bool,
}

/// A token to hand out.
#[derive(Debug)]
pub struct VendedToken {
    /// The token and its answer.
    pub token: Arc<CachedToken>,
    /// Where it came from.
    pub source: CacheStatus,
    /// The life it has left, by our clock.
    pub life_left: Duration,
}

/// Credentials to hand out.
#[derive(Debug)]
pub struct VendedCredentials {
    /// The credentials and their answer.
    pub credentials: Arc<CachedCredentials>,
    /// Where they came from.
    pub source: CacheStatus,
}

/// Why there is nothing to hand out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VendError {
    /// The caller needs more life than a token of this pool can be relied on to have.
    #[error("at most {most} s of life can be had")]
    LifeOutOfReach {
        /// The most that may be asked for, in seconds.
        most: u64,
    },
    /// The token would have to end with the caller's credential, and that ends too soon to be of use.
    #[error("the credential ends too soon")]
    SessionEnding,
    /// The pool hands out tokens only.
    #[error("the pool hands out no credentials")]
    CredentialsDisabled,
    /// The issuer gave none.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl TokenRequest {
    /// The key of the token that answers this. Whether the caller wants it new or long-lived does not shape it.
    pub fn key(&self) -> CacheKey {
        CacheKey {
            user: UserKey { pool: self.pool.index, user: self.user.clone() },
            shape: Variant { duration: self.pool.token_duration, ends_by: None, tags: self.tags.clone() },
        }
    }

    /// The key of a token whose life is cut short, if one minted now would otherwise outlive its credential. The
    /// end stands in it, not the life: for the same credential it stays the same as time goes by.
    pub fn cut_key(&self, clock: &dyn Clock) -> Option<CacheKey> {
        let ends_by = self.ends_by?;
        if ends_by >= clock.now() + self.pool.token_duration.as_duration() {
            return None;
        }
        let key = self.key();
        Some(CacheKey { shape: Variant { ends_by: Some(ends_by), ..key.shape }, ..key })
    }

    /// What is to be made where nothing kept will do.
    pub(super) fn order(&self) -> LoadRequest {
        LoadRequest { pool: self.pool.clone(), key: self.key() }
    }
}
