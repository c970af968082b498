//! An allowance, so many at once and so many in a time, and who has used how much of theirs. The arithmetic is
//! `governor`'s (GCRA), the clock ours, the memory `ledger`'s.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::{Quota, RateLimiter};

use super::bounded_store::{Ask, BoundedStateStore};
use clock::SharedClock;

/// The word for no limit.
const OFF: &str = "off";

/// The rates that [`parse_rate`] accepts.
pub const ALLOWED_RATE: &str =
    "from 1 to 1000000 in a second, minute or hour, as in \"10/s\", \"90/m\" or \"5/h\"";

/// Parses `"10/s"`, `"90/m"` or `"5/h"` into the number and the unit of time.
///
/// # Errors
/// The text is not a rate.
pub fn parse_rate(rate: &str) -> Result<(u32, Duration), &'static str> {
    let (count, unit) = rate.split_once('/').ok_or("it has no slash")?;
    let unit = match unit {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        _ => return Err("after the slash stands s, m or h"),
    };
    let count = count.parse().ok().filter(|count| (1..=1_000_000).contains(count));
    count.map(|count| (count, unit)).ok_or("before the slash stands no such number")
}

/// How much may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    quota: Quota,
}

impl RateLimit {
    /// What [`RateLimit::parse`] takes.
    pub const ALLOWED: &str =
        "\"off\", or from 1 to 1000000 in a second, minute or hour, as in \"10/s\", \"90/m\" or \"5/h\"";

    /// An allowance of `"10/s"`, `"90/m"` or `"5/h"`, of which `burst` may be used at once; `None` for `"off"`.
    ///
    /// # Errors
    /// The rate is neither, or `burst` is 0.
    pub fn parse(rate: &str, burst: u32) -> Result<Option<Self>, &'static str> {
        if rate == OFF {
            return Ok(None);
        }
        let (count, unit) = parse_rate(rate)?;
        let burst = NonZeroU32::new(burst).ok_or("a burst of none lets nobody through")?;
        Quota::with_period(unit / count)
            .map(|quota| Some(Self { quota: quota.allow_burst(burst) }))
            .ok_or("before the slash stands no such number")
    }
}

/// An allowance for each key, and how much of it is used.
#[derive(Debug)]
pub(super) struct KeyedLimiter<K> {
    limiter: RateLimiter<Ask, BoundedStateStore, LimitClock, NoOpMiddleware<Nanos>>,
    hasher: RandomState,
    keys: PhantomData<fn(&K)>,
}

impl<K: Hash> KeyedLimiter<K> {
    pub(super) fn new(allowance: RateLimit, clock: &SharedClock) -> Self {
        let limiter = RateLimiter::new(allowance.quota, BoundedStateStore::new(), LimitClock(clock.clone()));
        Self { limiter, hasher: RandomState::new(), keys: PhantomData }
    }

    /// Uses one of the key's allowance.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub(super) fn take(&self, key: &K) -> Result<(), Duration> {
        self.ask(key, true)
    }

    /// Whether there is one left to use.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub(super) fn look(&self, key: &K) -> Result<(), Duration> {
        self.ask(key, false)
    }

    fn ask(&self, key: &K, counts: bool) -> Result<(), Duration> {
        let ask = Ask { key_hash: self.hasher.hash_one(key), counts };
        let checked = self.limiter.check_key(&ask);
        checked.map_err(|until| until.wait_time_from(self.limiter.clock().now()))
    }
}

/// Our clock, as governor takes one.
#[derive(Debug, Clone)]
struct LimitClock(SharedClock);

impl governor::clock::Clock for LimitClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.monotonic().into()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use clock::{ManualClock, Timestamp};

    #[test]
    fn a_rate_is_a_number_in_a_time_or_off() {
        assert_eq!(RateLimit::parse("off", 5), Ok(None));
        let parsed = RateLimit::parse("90/m", 5).unwrap().unwrap().quota;
        assert_eq!(parsed.replenish_interval(), Duration::from_nanos(666_666_666));
        assert_eq!(parsed.burst_size().get(), 5);
        for bad in
            ["", "10", "10/d", "0/s", "-1/s", "1.5/s", "1000001/s", "/s", "10/", "10 / s", "10/s/s", "Off"]
        {
            assert!(RateLimit::parse(bad, 5).is_err(), "{bad}");
        }
        assert!(RateLimit::parse("1/s", 0).is_err());
    }

    #[test]
    fn what_is_used_comes_back_with_time_up_to_the_burst() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(0)));
        let shared: SharedClock = clock.clone();
        let counted = KeyedLimiter::new(RateLimit::parse("2/s", 3).unwrap().unwrap(), &shared);
        let taken = || (0..10).take_while(|_| counted.take(&"alice").is_ok()).count();
        assert_eq!(taken(), 3);
        assert_eq!(counted.take(&"alice"), Err(Duration::from_millis(500)));
        assert_eq!(counted.take(&"bob"), Ok(()));
        clock.advance(Duration::from_millis(499));
        assert_eq!(counted.take(&"alice"), Err(Duration::from_millis(1)));
        clock.advance(Duration::from_millis(1));
        assert_eq!(taken(), 1);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(taken(), 3);
    }

    #[test]
    fn the_greatest_allowance_does_not_overflow() {
        let clock: SharedClock = Arc::new(ManualClock::at(Timestamp::from_secs(0)));
        let counted = KeyedLimiter::new(RateLimit::parse("1/h", 1_000_000).unwrap().unwrap(), &clock);
        assert!((0..1_000_000).all(|_| counted.take(&"alice").is_ok()));
        assert_eq!(counted.take(&"alice"), Err(Duration::from_secs(3600)));
    }
}
