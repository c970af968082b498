//! Something that is kept to be handed out again: the answer that hands it out, its times, and when it was last
//! asked for.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::freshness::Times;
use super::key::Shape;
use crate::clock::{Clock, Timestamp};

/// What a kept thing is handed out by. Its `Debug` tells no secret.
pub trait Answer: fmt::Debug + Send + Sync + 'static {
    /// The identity whose it is.
    fn identity(&self) -> &str;

    /// The bytes that it takes on the heap.
    fn weight(&self) -> usize;
}

/// A token or credentials, checked and ready to be handed out.
pub struct Kept<A> {
    shape: Shape,
    times: Times,
    /// When it was minted, on the monotonic clock.
    minted_on: Duration,
    answer: A,
    last_seen: AtomicI64,
}

impl<A: Answer> Kept<A> {
    pub(super) fn new(shape: Shape, times: Times, minted_on: Duration, answer: A) -> Self {
        let last_seen = AtomicI64::new(times.minted_at.as_millis());
        Self { shape, times, minted_on, answer, last_seen }
    }

    /// What shapes it besides its user.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its times.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// What its user is told.
    pub fn answer(&self) -> &A {
        &self.answer
    }

    /// The moment to judge it by: the wall clock's, or where that was set back since it was minted, the one that
    /// the monotonic clock makes of it. A token does not grow younger.
    pub fn judged_at(&self, clock: &dyn Clock) -> Timestamp {
        let steady = self.times.minted_at + clock.monotonic().saturating_sub(self.minted_on);
        clock.now().max(steady)
    }

    /// The life that it has left.
    pub fn life_left(&self, now: Timestamp) -> Duration {
        self.times.expires_at.since(now)
    }

    /// Notes that its user is here, and says how long ago the last time was.
    pub(super) fn seen(&self, now: Timestamp) -> Duration {
        now.since(Timestamp::from_millis(self.last_seen.swap(now.as_millis(), Ordering::Relaxed)))
    }

    /// The bytes that it takes, its heap included.
    pub(super) fn weight(&self) -> usize {
        let tags: usize = self.shape.tags.iter().map(|(key, value)| key.len() + value.len() + 64).sum();
        size_of::<Self>() + self.answer.weight() + tags
    }
}

impl<A> fmt::Debug for Kept<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("times", &self.times).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{PrincipalTags, TokenDuration};

    #[derive(Debug)]
    struct Nothing;

    impl Answer for Nothing {
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
        let times = Times { minted_at, refresh_from: minted_at, expires_at: Timestamp::from_secs(10_900) };
        let shape = Shape { duration: TokenDuration::DEFAULT, ends_by: None, tags: PrincipalTags::none() };
        let kept = Kept::new(shape, times, Duration::from_secs(500), Nothing);
        assert_eq!(kept.life_left(kept.judged_at(&SetBack)), Duration::from_secs(840));
    }
}
