//! A rate limit for each key. The arithmetic is [`crate::gcra`]'s, the memory `bounded_store`'s.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::marker::PhantomData;
use std::time::Duration;

use super::bounded_store::BoundedStateStore;
use crate::gcra::RateLimit;
use clock::SharedClock;

/// One limiter state a key, all with the same limit.
#[derive(Debug)]
pub(super) struct KeyedLimiter<K> {
    limit: RateLimit,
    states: BoundedStateStore,
    /// Keyed by a secret of this process: clients cannot choose keys that collide.
    hasher: RandomState,
    clock: SharedClock,
    keys: PhantomData<fn(&K)>,
}

impl<K: Hash> KeyedLimiter<K> {
    pub(super) fn new(limit: RateLimit, clock: &SharedClock) -> Self {
        let (states, hasher) = (BoundedStateStore::new(), RandomState::new());
        Self { limit, states, hasher, clock: clock.clone(), keys: PhantomData }
    }

    /// Takes one of the key's permits.
    ///
    /// # Errors
    /// The time until one is available.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        let now = self.clock.monotonic();
        self.states.update(self.hasher.hash_one(key), |full_at| self.limit.take(full_at, now))
    }

    /// Whether the key has a permit left. Takes none.
    ///
    /// # Errors
    /// The time until one is available.
    pub(super) fn peek(&self, key: &K) -> Result<(), Duration> {
        let full_at = self.states.get(self.hasher.hash_one(key));
        self.limit.take(full_at, self.clock.monotonic()).map(drop)
    }
}
