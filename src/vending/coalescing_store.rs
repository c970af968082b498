//! Coalescing store: the cache entries, and the loads in progress that complete into them.
//!
//! Starting and completing a load and invalidating a user happen under one lock, with the reads and writes of the
//! entries inside. So no load starts for a token that was just stored, and a load that started before `invalidate`
//! does not store its result. Lookups read `entries` without the lock.

use std::sync::Arc;

use super::cache_entry::{CacheEntry, CachedValue};
use super::cache_key::{CacheKey, UserKey};
use super::store::EntryStore;
use crate::issuer::{IssueError, IssueErrorKind};
use crate::pools::PoolIndex;
use crate::single_flight::{Lost, Role, SingleFlight, Start, Waiter};
use cognito_types::IdentityId;

/// The result of a load, shared by all its waiters.
pub(super) type LoadResult<V> = Result<Arc<CacheEntry<V>>, IssueError>;

#[derive(Debug)]
pub(super) struct CoalescingStore<V: CachedValue> {
    entries: Arc<EntryStore<V>>,
    in_flight: SingleFlight<CacheKey, LoadResult<V>>,
}

impl<V: CachedValue> CoalescingStore<V> {
    /// Loads run on the runtime that this is called on.
    pub(super) fn new(entries: EntryStore<V>) -> Self {
        Self { entries: Arc::new(entries), in_flight: SingleFlight::new() }
    }

    /// The entries, to read from.
    pub(super) fn entries(&self) -> &EntryStore<V> {
        &self.entries
    }

    /// Joins the load of this key, or starts `load`, unless there is a sufficient entry by now. The result of a load
    /// is stored before its waiters get it.
    pub(super) fn join<F>(
        &self,
        key: &CacheKey,
        is_sufficient: impl FnOnce(&CacheEntry<V>) -> bool,
        load: impl FnOnce() -> F,
    ) -> Role<LoadResult<V>>
    where
        F: Future<Output = LoadResult<V>> + Send + 'static,
    {
        let (entries, user) = (self.entries.clone(), key.user.clone());
        self.in_flight.join(
            key,
            || match self.entries.get(key, None).filter(|entry| is_sufficient(entry)) {
                Some(entry) => Start::Ready(Ok(entry)),
                None => Start::Load(load()),
            },
            move |result| {
                if let Ok(entry) = result {
                    entries.insert(&user, entry.clone());
                }
            },
        )
    }

    pub(super) fn is_in_flight(&self, key: &CacheKey) -> bool {
        self.in_flight.is_in_flight(key)
    }

    /// Removes a user's entries and returns how many there were. Loads in progress still answer their waiters, and
    /// store nothing.
    pub(super) fn invalidate(&self, user: &UserKey) -> usize {
        self.in_flight.detach(|key| key.user == *user, || self.entries.invalidate(user))
    }

    /// Removes the entries of an identity and returns how many there were. A load in progress may return any identity,
    /// so no load of these pools stores its result.
    pub(super) fn invalidate_identity(&self, pools: &[PoolIndex], identity: &IdentityId) -> usize {
        self.in_flight.detach(|key| pools.contains(&key.user.pool), || {});
        // The search takes a while, so it does not hold the lock. What is stored from now on was loaded after the
        // change of the identity, which Cognito knows of.
        self.entries.users_of(identity).iter().map(|user| self.invalidate(user)).sum()
    }
}

/// Waits for the result of a load.
pub(super) async fn result_of<V: CachedValue>(waiter: Waiter<LoadResult<V>>) -> LoadResult<V> {
    waiter
        .wait()
        .await
        .unwrap_or_else(|Lost| Err(IssueError::new(IssueErrorKind::Unavailable, "the call was lost before it ended")))
}
