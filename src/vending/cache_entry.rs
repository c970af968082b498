//! Cache entry: a value, its key, its lifetime, and when it was last used.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use super::cache_key::{CacheKey, Variant};
use super::freshness::Lifetime;
use clock::{Clock, Timestamp};

/// A cached response. Its `Debug` shows no secret.
pub trait CachedValue: fmt::Debug + Send + Sync + 'static {
    /// The identity that the value belongs to.
    fn identity(&self) -> &str;

    fn heap_bytes(&self) -> usize;
}

/// A validated token or credentials, with the rendered response.
pub struct CacheEntry<V> {
    key: CacheKey,
    lifetime: Lifetime,
    /// The wall time at which the monotonic clock was zero, by the wall clock as it was when this was minted.
    monotonic_epoch: Timestamp,
    value: V,
    last_used_at: AtomicI64,
    /// When the store last counted this as used.
    touched_at: AtomicI64,
    /// Whether the store has this entry.
    is_stored: AtomicBool,
}

/// How old the store's record of the last use may be. A minute is fine enough to find unused entries among entries
/// that live for a quarter of an hour and longer.
const TOUCH_INTERVAL: Duration = Duration::from_secs(60);

impl<V: CachedValue> CacheEntry<V> {
    /// `minted_on`: when it was minted, on the monotonic clock.
    pub(super) fn new(key: CacheKey, lifetime: Lifetime, minted_on: Duration, value: V) -> Self {
        let minted_at = || AtomicI64::new(lifetime.minted_at.as_millis());
        let (last_used_at, touched_at) = (minted_at(), minted_at());
        let monotonic_epoch = lifetime.minted_at.before(minted_on);
        Self { key, lifetime, monotonic_epoch, value, last_used_at, touched_at, is_stored: AtomicBool::new(false) }
    }

    /// Whether this is the store's entry of this key. The key is compared whole.
    pub(super) fn matches_key(&self, key: &CacheKey) -> bool {
        self.is_stored.load(Ordering::Acquire) && self.key == *key
    }

    /// From now on hints lead to this entry.
    pub(super) fn mark_stored(&self) {
        self.is_stored.store(true, Ordering::Release);
    }

    /// From now on no hint leads to this entry.
    pub(super) fn mark_evicted(&self) {
        self.is_stored.store(false, Ordering::Release);
    }

    /// Whether the store has to count this as used now. If so, it is recorded as counted.
    pub(super) fn should_touch(&self, now: Timestamp) -> bool {
        let touched_at = Timestamp::from_millis(self.touched_at.load(Ordering::Relaxed));
        let is_due = now.since(touched_at) >= TOUCH_INTERVAL;
        if is_due {
            self.touched_at.store(now.as_millis(), Ordering::Relaxed);
        }
        is_due
    }

    pub fn variant(&self) -> &Variant {
        &self.key.variant
    }

    pub fn lifetime(&self) -> &Lifetime {
        &self.lifetime
    }

    pub fn value(&self) -> &V {
        &self.value
    }

    /// The time to evaluate this entry at: the wall clock's, or, if that was set back since the entry was minted, the
    /// time derived from the monotonic clock. A token does not get younger.
    pub fn effective_now(&self, clock: &dyn Clock) -> Timestamp {
        clock.now().max(self.monotonic_epoch + clock.monotonic())
    }

    pub fn remaining_life(&self, now: Timestamp) -> Duration {
        self.lifetime.expires_at.since(now)
    }

    /// Records a use, and returns how long ago the last one was.
    pub(super) fn mark_used(&self, now: Timestamp) -> Duration {
        now.since(Timestamp::from_millis(self.last_used_at.swap(now.as_millis(), Ordering::Relaxed)))
    }

    /// The memory that it takes, heap included.
    pub(super) fn size_bytes(&self) -> usize {
        let tags: usize = self.key.variant.tags.iter().map(|(key, value)| key.len() + value.len() + 64).sum();
        size_of::<Self>() + self.value.heap_bytes() + tags
    }
}

impl<V> fmt::Debug for CacheEntry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheEntry").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_entry::entry;
    use super::*;

    /// A wall clock that was set back by an hour, a minute ago.
    #[derive(Debug)]
    struct SetBack;

    impl Clock for SetBack {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(10_000 - 3600)
        }
        fn monotonic(&self) -> Duration {
            Duration::from_secs(60)
        }
        fn sleep(&self, _: Duration) -> futures_util::future::BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn an_entry_does_not_get_younger_when_the_wall_clock_is_set_back() {
        let entry = entry("alice", Timestamp::from_secs(10_000));
        assert_eq!(entry.remaining_life(entry.effective_now(&SetBack)), Duration::from_secs(86_400 - 60));
    }
}
