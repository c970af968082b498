//! Something that is kept to be handed out again: the answer that hands it out, its times, and when it was last
//! asked for.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use super::cache_key::{CacheKey, Variant};
use super::freshness::Lifetime;
use clock::{Clock, Timestamp};

/// What a kept thing is handed out by. Its `Debug` tells no secret.
pub trait CachedValue: fmt::Debug + Send + Sync + 'static {
    /// The identity whose it is.
    fn identity(&self) -> &str;

    /// The bytes that it takes on the heap.
    fn weight(&self) -> usize;
}

/// A token or credentials, checked and ready to be handed out.
pub struct CacheEntry<A> {
    key: CacheKey,
    times: Lifetime,
    /// The wall time of the moment that the monotonic clock counts from, by the wall clock as it was when this was
    /// minted.
    steady_from: Timestamp,
    answer: A,
    last_seen: AtomicI64,
    /// When the store last heard that this is in use.
    told_at: AtomicI64,
    /// Whether the store has let go of it.
    is_let_go: AtomicBool,
}

/// How old what the store knows of a thing's use may be. That is fine enough to tell what has gone out of use, among
/// things that live for a quarter of an hour and longer.
const USE_IS_NEWS_AFTER: Duration = Duration::from_secs(60);

impl<A: CachedValue> CacheEntry<A> {
    /// `minted_on`: when it was minted, on the monotonic clock.
    pub(super) fn new(key: CacheKey, times: Lifetime, minted_on: Duration, answer: A) -> Self {
        let minted_at = || AtomicI64::new(times.minted_at.as_millis());
        let (last_seen, told_at) = (minted_at(), minted_at());
        let steady_from = times.minted_at.before(minted_on);
        Self { key, times, steady_from, answer, last_seen, told_at, is_let_go: AtomicBool::new(false) }
    }

    /// Whether it is what the store has under this key. Compared whole.
    pub(super) fn matches_key(&self, key: &CacheKey) -> bool {
        !self.is_let_go.load(Ordering::Acquire) && self.key == *key
    }

    /// Notes that the store has let go of it: nobody who only remembers it may hand it out any more.
    pub(super) fn mark_evicted(&self) {
        self.is_let_go.store(true, Ordering::Release);
    }

    /// Whether the store should hear that it is in use; if so, it is taken as told.
    pub(super) fn should_touch(&self, now: Timestamp) -> bool {
        let told_at = Timestamp::from_millis(self.told_at.load(Ordering::Relaxed));
        let is_news = now.since(told_at) >= USE_IS_NEWS_AFTER;
        if is_news {
            self.told_at.store(now.as_millis(), Ordering::Relaxed);
        }
        is_news
    }

    /// What shapes it besides its user.
    pub fn variant(&self) -> &Variant {
        &self.key.variant
    }

    /// Its times.
    pub fn lifetime(&self) -> &Lifetime {
        &self.times
    }

    /// What its user is told.
    pub fn value(&self) -> &A {
        &self.answer
    }

    /// The moment to judge it by: the wall clock's, or where that was set back since it was minted, the one that
    /// the monotonic clock makes of it. A token does not grow younger.
    pub fn effective_now(&self, clock: &dyn Clock) -> Timestamp {
        clock.now().max(self.steady_from + clock.monotonic())
    }

    /// The life that it has left.
    pub fn remaining_life(&self, now: Timestamp) -> Duration {
        self.times.expires_at.since(now)
    }

    /// Notes that its user is here, and says how long ago the last time was.
    pub(super) fn mark_used(&self, now: Timestamp) -> Duration {
        now.since(Timestamp::from_millis(self.last_seen.swap(now.as_millis(), Ordering::Relaxed)))
    }

    /// The bytes that it takes, its heap included.
    pub(super) fn weight(&self) -> usize {
        let tags: usize = self.key.variant.tags.iter().map(|(key, value)| key.len() + value.len() + 64).sum();
        size_of::<Self>() + self.answer.weight() + tags
    }
}

impl<A> fmt::Debug for CacheEntry<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("times", &self.times).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::cache_key::UserKey;
    use super::*;
    use crate::pools::PoolIndex;
    use cognito_types::{DeveloperUserId, PrincipalTags, TokenDuration};

    #[derive(Debug)]
    struct Nothing;

    impl CachedValue for Nothing {
        fn identity(&self) -> &str {
            "us-east-1:abc"
        }
        fn weight(&self) -> usize {
            0
        }
    }

    /// A wall clock that somebody set back by an hour, on a machine that has been up for a minute since.
    #[derive(Debug)]
    struct SetBack;

    impl Clock for SetBack {
        fn now(&self) -> Timestamp {
            Timestamp::from_secs(10_000 - 3600)
        }
        fn monotonic(&self) -> Duration {
            Duration::from_secs(500 + 60)
        }
        fn sleep(&self, _: Duration) -> futures_util::future::BoxFuture<'static, ()> {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn nothing_grows_younger_when_the_wall_clock_is_set_back() {
        let minted_at = Timestamp::from_secs(10_000);
        let times = Lifetime { minted_at, refresh_from: minted_at, expires_at: Timestamp::from_secs(10_900) };
        let shape = Variant { duration: TokenDuration::DEFAULT, not_after: None, tags: PrincipalTags::none() };
        let user = UserKey { pool: PoolIndex(0), user: DeveloperUserId::parse("alice").unwrap() };
        let kept = CacheEntry::new(CacheKey { user, variant: shape }, times, Duration::from_secs(500), Nothing);
        assert_eq!(kept.remaining_life(kept.effective_now(&SetBack)), Duration::from_secs(840));
    }
}
