//! Entry store: bounded in-memory storage of cache entries, by user. It decides what to evict. Freshness is decided
//! elsewhere.
//!
//! One moka entry holds all variants of a user, so that one removal invalidates the user. `insert` and `invalidate` are
//! called under the lock of the coalescing store, so two writers never meet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::cache_entry::{CacheEntry, CachedValue};
use super::cache_key::{CacheKey, UserKey};
use super::last_entry_hint::EntryHint;
use crate::metrics::Metrics;
use crate::metrics::labels::EvictionCause;
use clock::{SharedClock, Timestamp};
use cognito_types::IdentityId;

/// The entries of one user, one for each variant. Nearly always there is one, which needs no list: a list of one would
/// be one more memory access.
#[derive(Debug)]
enum UserEntries<V> {
    One(Arc<CacheEntry<V>>),
    Several(Arc<[Arc<CacheEntry<V>>]>),
}

impl<V> UserEntries<V> {
    fn new(mut entries: Vec<Arc<CacheEntry<V>>>) -> Option<Self> {
        match entries.len() {
            0 | 1 => entries.pop().map(Self::One),
            _ => Some(Self::Several(entries.into())),
        }
    }

    fn as_slice(&self) -> &[Arc<CacheEntry<V>>] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }

    fn iter(&self) -> std::slice::Iter<'_, Arc<CacheEntry<V>>> {
        self.as_slice().iter()
    }
}

// Derived, it would require `V: Clone`.
impl<V> Clone for UserEntries<V> {
    fn clone(&self) -> Self {
        match self {
            Self::One(one) => Self::One(one.clone()),
            Self::Several(several) => Self::Several(several.clone()),
        }
    }
}

/// More variants come about only where a user's tags keep changing. The one that expires first is dropped.
const MAX_VARIANTS: usize = 8;

/// The memory that an entry takes besides its own: moka's node, queues and timers, and the allocator's rounding.
/// Measured: a million users with tokens of 1.1 KB took 1,750 bytes each. Of these, 1,030 are counted here, and about
/// 260 belong to the cached credential of the caller.
const ENTRY_OVERHEAD: usize = 480;

/// A summary of a user's cached tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSummary {
    /// More than one if they differ in duration, tags or session end.
    pub tokens: usize,
    pub last_expires_at: Timestamp,
}

#[derive(Debug)]
pub(super) struct EntryStore<V: CachedValue> {
    cache: Cache<UserKey, UserEntries<V>>,
    clock: SharedClock,
}

impl<V: CachedValue> EntryStore<V> {
    pub(super) fn new(max_bytes: u64, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            // Not moka's default, which rejects new entries when it is full. Here the new entry has just cost a call to
            // Cognito, and the oldest one is the nearest to its expiry.
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|user: &UserKey, entries: &UserEntries<V>| {
                let entries: usize = entries.iter().map(|entry| entry.size_bytes()).sum();
                u32::try_from(ENTRY_OVERHEAD + user.user.as_str().len() + entries).unwrap_or(u32::MAX)
            })
            .expire_after(EntryExpiry(clock.clone()))
            .eviction_listener(move |_, entries: UserEntries<V>, cause| {
                metrics.cache_evictions_total.count(match cause {
                    RemovalCause::Expired => EvictionCause::Expired,
                    RemovalCause::Size => EvictionCause::Size,
                    RemovalCause::Explicit => EvictionCause::Invalidated,
                    // The replacement may hold some of them still.
                    RemovalCause::Replaced => return,
                });
                entries.iter().for_each(|entry| entry.mark_evicted());
            })
            .build();
        Self { cache, clock }
    }

    /// The entry of this key, however old. A hint that leads to it saves the lookup, and is set by it otherwise.
    pub(super) fn get(&self, key: &CacheKey, hint: Option<&EntryHint<V>>) -> Option<Arc<CacheEntry<V>>> {
        if let Some(entry) = hint.and_then(EntryHint::get).filter(|entry| entry.matches_key(key)) {
            return Some(entry);
        }
        let entries = self.cache.get(&key.user)?;
        let entry = entries.iter().find(|entry| *entry.variant() == key.variant)?;
        if let Some(hint) = hint {
            hint.set(entry);
        }
        Some(entry.clone())
    }

    /// Counts the entry as used every so often. Without it, entries that are found by hints alone would be evicted as
    /// unused.
    pub(super) fn touch(&self, entry: &CacheEntry<V>, key: &CacheKey, now: Timestamp) {
        if entry.should_touch(now) {
            self.cache.get(&key.user);
        }
    }

    /// Stores an entry in place of the one of the same variant.
    pub(super) fn insert(&self, user: &UserKey, new: Arc<CacheEntry<V>>) {
        // Before moka has it: moka may evict it at once.
        new.mark_stored();
        let before = self.cache.get(user);
        let others = before.iter().flat_map(UserEntries::iter).filter(|other| other.variant() != new.variant());
        let mut entries: Vec<_> = others.filter(|other| !self.is_expired(other)).cloned().collect();
        entries.sort_by_key(|other| std::cmp::Reverse(other.lifetime().expires_at));
        entries.truncate(MAX_VARIANTS - 1);
        entries.insert(0, new);
        if let Some(entries) = UserEntries::new(entries) {
            self.cache.insert(user.clone(), entries.clone());
            let is_still_stored = |one: &Arc<CacheEntry<V>>| entries.iter().any(|other| Arc::ptr_eq(one, other));
            before
                .iter()
                .flat_map(UserEntries::iter)
                .filter(|one| !is_still_stored(one))
                .for_each(|one| one.mark_evicted());
        }
    }

    /// Removes a user's entries and returns how many there were.
    pub(super) fn invalidate(&self, user: &UserKey) -> usize {
        let Some(entries) = self.cache.remove(user) else { return 0 };
        // The listener does so too, but moka may call it later, and a sign-out is confirmed only when this is done.
        entries.iter().for_each(|entry| entry.mark_evicted());
        entries.as_slice().len()
    }

    /// The users who have an entry of this identity.
    pub(super) fn users_of(&self, identity: &IdentityId) -> Vec<UserKey> {
        let has_one =
            |entries: &UserEntries<V>| entries.iter().any(|entry| entry.value().identity() == identity.as_str());
        self.cache.iter().filter(|(_, entries)| has_one(entries)).map(|(user, _)| (*user).clone()).collect()
    }

    /// A summary of the user's entries that have not expired.
    pub(super) fn summary(&self, user: &UserKey) -> Option<CacheSummary> {
        let entries = self.cache.get(user)?;
        let unexpired = entries.iter().filter(|entry| !self.is_expired(entry)).map(|entry| entry.lifetime().expires_at);
        Some(CacheSummary { tokens: unexpired.clone().count(), last_expires_at: unexpired.max()? })
    }

    fn is_expired(&self, entry: &CacheEntry<V>) -> bool {
        entry.remaining_life(entry.effective_now(&*self.clock)).is_zero()
    }

    /// The number of users with entries, and the bytes that the entries take.
    pub(super) fn size(&self) -> (u64, u64) {
        self.cache.run_pending_tasks();
        (self.cache.entry_count(), self.cache.weighted_size())
    }
}

/// Frees the memory of users whose entries have all expired. Freshness does not depend on it.
struct EntryExpiry(SharedClock);

impl EntryExpiry {
    fn remaining_life<V: CachedValue>(&self, entries: &UserEntries<V>) -> Option<Duration> {
        entries.iter().map(|entry| entry.remaining_life(entry.effective_now(&*self.0))).max()
    }
}

impl<V: CachedValue> moka::Expiry<UserKey, UserEntries<V>> for EntryExpiry {
    fn expire_after_create(&self, _: &UserKey, entries: &UserEntries<V>, _: Instant) -> Option<Duration> {
        self.remaining_life(entries)
    }

    fn expire_after_update(
        &self,
        _: &UserKey,
        entries: &UserEntries<V>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.remaining_life(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_entry::{Kilobyte, entry, key, user};
    use super::*;
    use clock::{Clock as _, ManualClock};

    /// With capacity for a dozen.
    fn store() -> (EntryStore<Kilobyte>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000_000)));
        let metrics = Arc::new(Metrics::new().unwrap());
        (EntryStore::new(20 * 1024, clock.clone(), metrics), clock)
    }

    #[test]
    fn an_entry_that_is_used_by_a_hint_alone_is_not_evicted_before_unused_entries() {
        let (store, clock) = store();
        let insert = |name: &str| store.insert(&user(name), entry(name, clock.now()));
        insert("alice");
        let hint = EntryHint::default();
        assert!(store.get(&key("alice"), Some(&hint)).is_some());
        for newcomer in 0..100 {
            insert(&format!("newcomer-{newcomer}"));
            clock.advance(Duration::from_secs(61));
            let entry = store.get(&key("alice"), Some(&hint)).expect("an entry in use");
            store.touch(&entry, &key("alice"), clock.now());
            store.size();
        }
        assert!(store.get(&key("newcomer-0"), None).is_none(), "there was not capacity for all");
        assert!(store.get(&key("newcomer-99"), None).is_some());
    }

    #[test]
    fn a_hint_leads_to_no_entry_that_was_never_stored_was_replaced_or_was_invalidated() {
        let (store, clock) = store();
        let (hint, old) = (EntryHint::default(), entry("alice", clock.now()));
        hint.set(&old);
        assert!(store.get(&key("alice"), Some(&hint)).is_none(), "never stored");
        store.insert(&user("alice"), old.clone());
        assert!(store.get(&key("alice"), Some(&hint)).is_some());
        assert!(store.get(&key("bob"), Some(&hint)).is_none(), "another user's");
        let new = entry("alice", clock.now());
        store.insert(&user("alice"), new.clone());
        hint.set(&old);
        assert!(store.get(&key("alice"), Some(&hint)).is_some_and(|found| Arc::ptr_eq(&found, &new)));
        store.invalidate(&user("alice"));
        hint.set(&new);
        assert!(store.get(&key("alice"), Some(&hint)).is_none(), "invalidated");
    }
}
