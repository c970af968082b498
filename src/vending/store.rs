//! Where tokens are kept, and in a store of their own credentials. The store stores: it knows how much room there
//! is and what is whose. How fresh it is is judged elsewhere.
//!
//! One entry a user, with what is kept for each shape that was asked for, so that a user is forgotten by removing
//! one entry. Writing (keep, forget) is the flights' business: they hold their lock over it, so that two
//! writers never meet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::cache_entry::{CacheEntry, CachedValue};
use super::cache_key::{CacheKey, UserKey};
use crate::bookmark::LastEntryHint;
use crate::metrics::Metrics;
use crate::metrics::labels::Eviction;
use clock::{SharedClock, Timestamp};
use cognito_types::IdentityId;

/// What is kept of one user, no two of the same shape. Nearly always one thing, which then stands alone: a list of one
/// would be one more place in memory to go to.
#[derive(Debug)]
enum UserEntries<A> {
    One(Arc<CacheEntry<A>>),
    Several(Arc<[Arc<CacheEntry<A>>]>),
}

impl<A> UserEntries<A> {
    fn of(mut kept: Vec<Arc<CacheEntry<A>>>) -> Option<Self> {
        match kept.len() {
            0 | 1 => kept.pop().map(Self::One),
            _ => Some(Self::Several(kept.into())),
        }
    }

    fn all(&self) -> &[Arc<CacheEntry<A>>] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }

    fn iter(&self) -> std::slice::Iter<'_, Arc<CacheEntry<A>>> {
        self.all().iter()
    }
}

// Derived, it would ask as much of the answer.
impl<A> Clone for UserEntries<A> {
    fn clone(&self) -> Self {
        match self {
            Self::One(one) => Self::One(one.clone()),
            Self::Several(several) => Self::Several(several.clone()),
        }
    }
}

/// The most shapes kept of one user. More come about only where a user's tags keep changing; the one that
/// ends first gives way.
const MOST_SHAPES: usize = 8;

/// What an entry costs besides what it holds: moka's node, queues and timers, and the allocator's rounding. Measured: a
/// million users with tokens of 1.1 KB took 1,750 bytes each, 1,030 of them accounted for and about 260 their
/// remembered bearer's.
const ENTRY_OVERHEAD: usize = 480;

/// What is kept of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CachedTokens {
    /// How many tokens. More than one where they differ in duration or tags.
    pub tokens: usize,
    /// When the last of them ends.
    pub last_expires_at: Timestamp,
}

/// What is kept, bounded by the bytes that it takes.
#[derive(Debug)]
pub(super) struct EntryStore<A: CachedValue> {
    cache: Cache<UserKey, UserEntries<A>>,
    clock: SharedClock,
}

impl<A: CachedValue> EntryStore<A> {
    pub(super) fn new(max_bytes: u64, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            // Not moka's default, which turns newcomers away when it is full: here the newcomer has just cost a
            // call to Cognito, and the oldest is the nearest to its end.
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|user: &UserKey, shelf: &UserEntries<A>| {
                let shelf: usize = shelf.iter().map(|kept| kept.weight()).sum();
                u32::try_from(ENTRY_OVERHEAD + user.user.as_str().len() + shelf).unwrap_or(u32::MAX)
            })
            .expire_after(EntryExpiry(clock.clone()))
            .eviction_listener(move |_, shelf: UserEntries<A>, cause| {
                metrics.cache_evictions_total.count(match cause {
                    RemovalCause::Expired => Eviction::Expired,
                    RemovalCause::Size => Eviction::Size,
                    RemovalCause::Explicit => Eviction::Forgotten,
                    // By a shelf that has some of it still.
                    RemovalCause::Replaced => return,
                });
                shelf.iter().for_each(|kept| kept.let_go());
            })
            .build();
        Self { cache, clock }
    }

    /// What is kept under this key, however old.
    pub(super) fn get(&self, key: &CacheKey) -> Option<Arc<CacheEntry<A>>> {
        let shelf = self.cache.get(&key.user)?;
        shelf.iter().find(|kept| *kept.shape() == key.shape).cloned()
    }

    /// The same for somebody with a bookmark. A search goes to a dozen places in memory, none of which a store of many
    /// users has at hand; a bookmark goes to the thing itself.
    pub(super) fn get_by(&self, bookmark: &LastEntryHint, key: &CacheKey) -> Option<Arc<CacheEntry<A>>> {
        if let Some(kept) = bookmark.find::<CacheEntry<A>>().filter(|kept| kept.stands_under(key)) {
            return Some(kept);
        }
        let kept = self.get(key)?;
        bookmark.set(&kept);
        Some(kept)
    }

    /// Makes sure that what is in use, be it by bookmarks, does not look as if it were not.
    pub(super) fn note_use(&self, kept: &CacheEntry<A>, key: &CacheKey, now: Timestamp) {
        if kept.use_is_news(now) {
            self.cache.get(&key.user);
        }
    }

    /// Keeps something in the place of what has the same shape.
    pub(super) fn keep(&self, user: &UserKey, new: Arc<CacheEntry<A>>) {
        let mut shelf = vec![new];
        let before = self.cache.get(user);
        if let Some(kept) = &before {
            let others = kept.iter().filter(|other| {
                other.shape() != shelf[0].shape() && !other.life_left(other.judged_at(&*self.clock)).is_zero()
            });
            shelf.extend(others.cloned().collect::<Vec<_>>());
            shelf[1..].sort_by_key(|other| std::cmp::Reverse(other.times().expires_at));
            shelf.truncate(MOST_SHAPES);
        }
        if let Some(shelf) = UserEntries::of(shelf) {
            self.cache.insert(user.clone(), shelf.clone());
            let is_still_there = |one: &Arc<CacheEntry<A>>| shelf.iter().any(|other| Arc::ptr_eq(one, other));
            before
                .iter()
                .flat_map(UserEntries::iter)
                .filter(|one| !is_still_there(one))
                .for_each(|one| one.let_go());
        }
    }

    /// Drops all that is kept of a user, and says how much there was.
    pub(super) fn forget(&self, user: &UserKey) -> usize {
        let Some(shelf) = self.cache.remove(user) else { return 0 };
        // The listener does so too; but whoever signs out is told so only when it is done, whenever moka calls it.
        shelf.iter().for_each(|kept| kept.let_go());
        shelf.all().len()
    }

    /// The users of whom something of this identity is kept.
    pub(super) fn users_of(&self, identity: &IdentityId) -> Vec<UserKey> {
        let has_one =
            |shelf: &UserEntries<A>| shelf.iter().any(|kept| kept.answer().identity() == identity.as_str());
        self.cache.iter().filter(|(_, shelf)| has_one(shelf)).map(|(user, _)| (*user).clone()).collect()
    }

    /// What is kept of a user and has not ended yet.
    pub(super) fn holdings(&self, user: &UserKey) -> Option<CachedTokens> {
        let shelf = self.cache.get(user)?;
        let alive: Vec<_> = shelf
            .iter()
            .filter(|kept| !kept.life_left(kept.judged_at(&*self.clock)).is_zero())
            .map(|kept| kept.times().expires_at)
            .collect();
        Some(CachedTokens { tokens: alive.len(), last_expires_at: *alive.iter().max()? })
    }

    /// Users of whom something is kept, and the bytes that it takes.
    pub(super) fn size(&self) -> (u64, u64) {
        self.cache.run_pending_tasks();
        (self.cache.entry_count(), self.cache.weighted_size())
    }
}

/// Housekeeping: an entry of which all has ended makes room. Nothing is served by this clock.
struct EntryExpiry(SharedClock);

impl EntryExpiry {
    fn left<A: CachedValue>(&self, shelf: &UserEntries<A>) -> Option<Duration> {
        shelf.iter().map(|kept| kept.life_left(kept.judged_at(&*self.0))).max()
    }
}

impl<A: CachedValue> moka::Expiry<UserKey, UserEntries<A>> for EntryExpiry {
    fn expire_after_create(&self, _: &UserKey, shelf: &UserEntries<A>, _: Instant) -> Option<Duration> {
        self.left(shelf)
    }

    fn expire_after_update(
        &self,
        _: &UserKey,
        shelf: &UserEntries<A>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.left(shelf)
    }
}

#[cfg(test)]
mod tests {
    use super::super::cache_key::Variant;
    use super::super::freshness::Lifetime;
    use super::*;
    use crate::pools::PoolIndex;
    use clock::{Clock as _, ManualClock};
    use cognito_types::{DeveloperUserId, PrincipalTags, TokenDuration};

    #[derive(Debug)]
    struct Kilobyte;

    impl CachedValue for Kilobyte {
        fn identity(&self) -> &str {
            "us-east-1:abc"
        }
        fn weight(&self) -> usize {
            1024
        }
    }

    fn key(user: &str) -> CacheKey {
        let user = UserKey { pool: PoolIndex(0), user: DeveloperUserId::parse(user).unwrap() };
        let shape = Variant { duration: TokenDuration::DEFAULT, ends_by: None, tags: PrincipalTags::none() };
        CacheKey { user, shape }
    }

    #[test]
    fn who_is_served_by_bookmark_alone_is_not_turned_out_before_those_who_are_gone() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000_000)));
        let metrics = Arc::new(Metrics::new().unwrap());
        // Room for a dozen.
        let store: EntryStore<Kilobyte> = EntryStore::new(20 * 1024, clock.clone(), metrics);
        let keep = |user: &str| {
            let now = clock.now();
            let times =
                Lifetime { minted_at: now, refresh_from: now, expires_at: now + Duration::from_secs(86_400) };
            let kept = Arc::new(CacheEntry::new(key(user), times, clock.monotonic(), Kilobyte));
            store.keep(&key(user).user, kept);
        };
        keep("alice");
        let bookmark = LastEntryHint::default();
        assert!(store.get_by(&bookmark, &key("alice")).is_some());
        for newcomer in 0..100 {
            keep(&format!("newcomer-{newcomer}"));
            clock.advance(Duration::from_secs(61));
            let kept = store.get_by(&bookmark, &key("alice")).expect("she is in use");
            store.note_use(&kept, &key("alice"), clock.now());
            store.size();
        }
        assert!(store.get(&key("newcomer-0")).is_none(), "there was not room for all");
        assert!(store.get(&key("newcomer-99")).is_some());
    }
}
