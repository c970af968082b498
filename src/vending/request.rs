//! The requests and results of vending.

use std::sync::Arc;
use std::time::Duration;

use super::cache_entry::{CacheEntry, CachedValue};
use super::cache_key::{CacheKey, UserKey, Variant};
use super::cached_credentials::CachedCredentials;
use super::cached_token::CachedToken;
use super::loader::LoadRequest;
use crate::issuer::IssueError;
use crate::metrics::labels::CacheStatus;
use crate::pools::Pool;
use clock::{Clock, Timestamp};
use cognito_types::{DeveloperUserId, PrincipalTags};

/// An authenticated and authorized request.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    pub pool: Arc<Pool>,
    /// From the caller's verified credential.
    pub user: DeveloperUserId,
    /// From the caller's verified credential.
    pub tags: PrincipalTags,
    /// The end of the caller's credential, for a session-bound token.
    pub not_after: Option<Timestamp>,
    /// The remaining life that the caller needs.
    pub min_ttl: Option<Duration>,
    /// Whether the caller wants a new token because the last one was rejected downstream.
    pub refresh: bool,
}

/// A vended token, or vended credentials.
#[derive(Debug)]
pub struct Vended<V> {
    pub entry: Arc<CacheEntry<V>>,
    pub source: CacheStatus,
    /// By this machine's clock.
    pub remaining_life: Duration,
}

pub type VendedToken = Vended<CachedToken>;
pub type VendedCredentials = Vended<CachedCredentials>;

impl<V: CachedValue> Vended<V> {
    /// `now`: the time that the entry was evaluated at.
    pub(super) fn new(entry: Arc<CacheEntry<V>>, source: CacheStatus, now: Timestamp) -> Self {
        let remaining_life = entry.remaining_life(now);
        Self { entry, source, remaining_life }
    }
}

/// Why a request is not answered with a token or credentials.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VendError {
    /// The caller needs more remaining life than tokens of this pool are sure to have.
    #[error("the requested remaining life is longer than {most} s")]
    MinTtlTooLong {
        /// The longest that may be requested, in seconds.
        most: u64,
    },
    /// The session-bound token would be too short: the caller's credential expires too soon.
    #[error("the credential expires too soon")]
    SessionEnding,
    #[error("the pool does not vend credentials")]
    CredentialsDisabled,
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl TokenRequest {
    /// The cache key. `min_ttl` and `refresh` are requirements, and no inputs of the token.
    pub fn key(&self) -> CacheKey {
        CacheKey {
            user: UserKey::new(&self.pool, &self.user),
            variant: Variant { duration: self.pool.token_duration, not_after: None, tags: self.tags.clone() },
        }
    }

    /// The key of a session-bound token, if a token minted now would outlive the caller's credential. It contains the
    /// end and not the duration, so that it stays the same for the same credential.
    pub fn session_bound_key(&self, clock: &dyn Clock) -> Option<CacheKey> {
        let not_after = self.not_after?;
        if not_after >= clock.now() + self.pool.token_duration.as_duration() {
            return None;
        }
        let key = self.key();
        Some(CacheKey { variant: Variant { not_after: Some(not_after), ..key.variant }, ..key })
    }

    /// The load, if no cached entry may be served.
    pub(super) fn load_request(&self) -> LoadRequest {
        LoadRequest { pool: self.pool.clone(), key: self.key() }
    }
}
