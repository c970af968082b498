//! Negative cache of Cognito errors. TTLs are set per error scope and far shorter than a token's life, so that a fixed
//! misconfiguration takes effect quickly.

use std::time::Duration;

use moka::sync::Cache;

use super::cache_key::CacheKey;
use crate::issuer::{ErrorClass, IssueError, IssueErrorKind};
use crate::pools::PoolIndex;
use clock::SharedClock;

const MAX_ENTRIES: u64 = 10_000;

#[derive(Debug, Clone, Copy)]
pub struct NegativeTtls {
    /// Of an error about a user: registered elsewhere, login taken.
    pub user: Duration,
    /// Of an error about a whole pool: permissions, configuration. Short, so that a fix shows at once.
    pub pool: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ErrorScope {
    Key(CacheKey),
    Pool(PoolIndex),
}

#[derive(Debug, Clone)]
struct NegativeEntry {
    error: IssueError,
    /// On the monotonic clock.
    expires_at: Duration,
}

#[derive(Debug)]
pub(super) struct NegativeCache {
    entries: Cache<ErrorScope, NegativeEntry>,
    ttls: NegativeTtls,
    clock: SharedClock,
}

impl NegativeCache {
    pub(super) fn new(ttls: NegativeTtls, clock: SharedClock) -> Self {
        // moka's own clock only frees memory. Whether an entry has expired is decided by ours.
        let max_ttl = ttls.user.max(ttls.pool) + Duration::from_secs(1);
        let entries = Cache::builder().max_capacity(MAX_ENTRIES).time_to_live(max_ttl).build();
        Self { entries, ttls, clock }
    }

    /// Caches an error, unless it is about the call alone.
    pub(super) fn insert(&self, key: &CacheKey, error: &IssueError) {
        let (scope, ttl) = match error.kind.class() {
            ErrorClass::Transient => return,
            ErrorClass::User => (ErrorScope::Key(key.clone()), self.ttls.user),
            ErrorClass::Operator if error.kind == IssueErrorKind::Misconfigured => {
                (ErrorScope::Pool(key.user.pool), self.ttls.pool)
            }
            // About one token, not the pool. A later call may succeed, but not at once.
            ErrorClass::Operator => (ErrorScope::Key(key.clone()), self.ttls.pool),
        };
        let expires_at = self.clock.monotonic() + ttl;
        self.entries.insert(scope, NegativeEntry { error: error.clone(), expires_at });
    }

    /// The unexpired error of this key or its pool.
    pub(super) fn get(&self, key: &CacheKey) -> Option<IssueError> {
        let now = self.clock.monotonic();
        [ErrorScope::Pool(key.user.pool), ErrorScope::Key(key.clone())]
            .iter()
            .filter_map(|scope| self.entries.get(scope))
            .find(|entry| entry.expires_at > now)
            .map(|entry| entry.error)
    }

    /// Removes the error of this key alone.
    pub(super) fn invalidate(&self, key: &CacheKey) {
        self.entries.invalidate(&ErrorScope::Key(key.clone()));
    }
}
