//! Where tokens are kept. The store stores: it knows how much room there is and whose tokens are whose. How
//! fresh they are is judged elsewhere.
//!
//! One entry a user, with a token for each shape that was asked for, so that a user is forgotten by removing
//! one entry. Writing (keep, forget) is the flights' business: they hold their lock over it, so that two
//! writers never meet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::key::{TokenKey, UserKey};
use super::minted::MintedToken;
use crate::clock::{SharedClock, Timestamp};
use crate::identity::IdentityId;
use crate::metrics::Metrics;
use crate::metrics::labels::Eviction;

/// The tokens of one user, no two of the same shape.
type Tokens = Arc<[Arc<MintedToken>]>;

/// The most shapes kept of one user. More come about only where a user's tags keep changing; the one that
/// ends first gives way.
const MOST_SHAPES: usize = 8;

/// What an entry costs besides its tokens: moka's node, queues and timers, and the allocator's rounding. Measured:
/// 200,000 users with tokens of 1.1 KB took 1,968 bytes each, 1,484 of them accounted for.
const ENTRY_OVERHEAD: usize = 480;

/// What is kept of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holdings {
    /// How many tokens. More than one where they differ in duration or tags.
    pub tokens: usize,
    /// When the last of them ends.
    pub last_expires_at: Timestamp,
}

/// The kept tokens, bounded by the bytes that they take.
#[derive(Debug)]
pub(super) struct Store {
    cache: Cache<UserKey, Tokens>,
    clock: SharedClock,
}

impl Store {
    pub(super) fn new(max_bytes: u64, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            // Not moka's default, which turns newcomers away when it is full: here the newcomer has just cost a
            // call to Cognito, and the oldest is the nearest to its end.
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|user: &UserKey, tokens: &Tokens| {
                let tokens: usize = tokens.iter().map(|token| token.weight()).sum();
                u32::try_from(ENTRY_OVERHEAD + user.user.as_str().len() + tokens).unwrap_or(u32::MAX)
            })
            .expire_after(UntilTheLastEnds(clock.clone()))
            .eviction_listener(move |_, _, cause| match cause {
                RemovalCause::Expired => metrics.cache_evictions_total.count(Eviction::Expired),
                RemovalCause::Size => metrics.cache_evictions_total.count(Eviction::Size),
                RemovalCause::Explicit => metrics.cache_evictions_total.count(Eviction::Forgotten),
                RemovalCause::Replaced => {}
            })
            .build();
        Self { cache, clock }
    }

    /// The token under this key, however old.
    pub(super) fn get(&self, key: &TokenKey) -> Option<Arc<MintedToken>> {
        let tokens = self.cache.get(&key.user)?;
        tokens.iter().find(|token| *token.shape() == key.shape).cloned()
    }

    /// Keeps a token in the place of the one of the same shape.
    pub(super) fn keep(&self, user: &UserKey, token: Arc<MintedToken>) {
        let mut tokens = vec![token];
        if let Some(kept) = self.cache.get(user) {
            let others = kept.iter().filter(|other| {
                other.shape() != tokens[0].shape()
                    && !other.life_left(other.judged_at(&*self.clock)).is_zero()
            });
            tokens.extend(others.cloned().collect::<Vec<_>>());
            tokens[1..].sort_by_key(|other| std::cmp::Reverse(other.times().expires_at));
            tokens.truncate(MOST_SHAPES);
        }
        self.cache.insert(user.clone(), tokens.into());
    }

    /// Drops all tokens of a user, and says how many there were.
    pub(super) fn forget(&self, user: &UserKey) -> usize {
        self.cache.remove(user).map_or(0, |tokens| tokens.len())
    }

    /// The users who have a token of this identity.
    pub(super) fn users_of(&self, identity: &IdentityId) -> Vec<UserKey> {
        let has_one =
            |tokens: &Tokens| tokens.iter().any(|token| token.answer().identity() == identity.as_str());
        self.cache.iter().filter(|(_, tokens)| has_one(tokens)).map(|(user, _)| (*user).clone()).collect()
    }

    /// What is kept of a user and has not ended yet.
    pub(super) fn holdings(&self, user: &UserKey) -> Option<Holdings> {
        let tokens = self.cache.get(user)?;
        let alive: Vec<_> = tokens
            .iter()
            .filter(|token| !token.life_left(token.judged_at(&*self.clock)).is_zero())
            .map(|token| token.times().expires_at)
            .collect();
        Some(Holdings { tokens: alive.len(), last_expires_at: *alive.iter().max()? })
    }

    /// Users with tokens, and the bytes that these take.
    pub(super) fn size(&self) -> (u64, u64) {
        self.cache.run_pending_tasks();
        (self.cache.entry_count(), self.cache.weighted_size())
    }
}

/// Housekeeping: an entry whose last token has ended makes room. Nothing is served by this clock.
struct UntilTheLastEnds(SharedClock);

impl UntilTheLastEnds {
    fn left(&self, tokens: &Tokens) -> Option<Duration> {
        tokens.iter().map(|token| token.life_left(token.judged_at(&*self.0))).max()
    }
}

impl moka::Expiry<UserKey, Tokens> for UntilTheLastEnds {
    fn expire_after_create(&self, _: &UserKey, tokens: &Tokens, _: Instant) -> Option<Duration> {
        self.left(tokens)
    }

    fn expire_after_update(
        &self,
        _: &UserKey,
        tokens: &Tokens,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.left(tokens)
    }
}
