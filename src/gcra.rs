//! Generic cell rate algorithm (GCRA): the arithmetic of every rate limit.
//!
//! The state of a limiter is one number: the moment on the monotonic clock at which its whole burst is available again
//! (the theoretical arrival time of ITU-T I.371). The functions are pure. The clock and the memory are the caller's.

use std::time::Duration;

/// A rate, and the burst that may be used at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// The time in which one permit becomes available. Never zero.
    interval: Duration,
    /// Never zero.
    burst: u32,
}

/// A permit that is taken now and may be used after a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reservation {
    /// The new state of the limiter.
    pub(crate) full_at: Duration,
    pub(crate) wait: Duration,
}

impl RateLimit {
    /// The texts that [`RateLimit::parse`] takes.
    pub const ALLOWED: &str = "from 1 to 1000000 in a second, minute or hour, as in \"10/s\", \"90/m\" or \"5/h\"";

    /// One permit in each `interval`, `burst` of them at once. Both are at least one unit.
    pub fn new(interval: Duration, burst: u32) -> Self {
        Self { interval: interval.max(Duration::from_nanos(1)), burst: burst.max(1) }
    }

    /// The limit of `"10/s"`, `"90/m"` or `"5/h"`.
    ///
    /// # Errors
    /// The rate is none of these, or `burst` is 0.
    pub fn parse(rate: &str, burst: u32) -> Result<Self, &'static str> {
        let (count, unit) = rate.split_once('/').ok_or("it has no slash")?;
        let unit = match unit {
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            _ => return Err("the unit after the slash is not s, m or h"),
        };
        let count = count.parse::<u32>().ok().filter(|count| (1..=1_000_000).contains(count));
        let count = count.ok_or("the count before the slash is not a number in this range")?;
        if burst == 0 {
            return Err("a burst of 0 admits no request");
        }
        Ok(Self::new(unit / count, burst))
    }

    /// The same rate with another burst.
    pub(crate) fn with_burst(self, burst: u32) -> Self {
        Self::new(self.interval, burst)
    }

    /// Takes a permit that is available now, and returns the new state.
    ///
    /// # Errors
    /// The time until a permit is available.
    pub(crate) fn take(self, full_at: Duration, now: Duration) -> Result<Duration, Duration> {
        self.reserve(full_at, now, Duration::ZERO).map(|reservation| reservation.full_at)
    }

    /// Takes the next permit if it is available within `max_wait`.
    ///
    /// # Errors
    /// The time until a reservation would succeed.
    pub(crate) fn reserve(self, full_at: Duration, now: Duration, max_wait: Duration) -> Result<Reservation, Duration> {
        let full_at = now.max(full_at) + self.interval;
        let wait = full_at.saturating_sub(now + self.interval * self.burst);
        if wait > max_wait { Err(wait - max_wait) } else { Ok(Reservation { full_at, wait }) }
    }

    /// Returns a permit that was taken and not used.
    pub(crate) fn give_back(self, full_at: Duration) -> Duration {
        full_at.saturating_sub(self.interval)
    }

    /// The number of permits that could be taken at once.
    pub(crate) fn available(self, full_at: Duration, now: Duration) -> f64 {
        let taken = full_at.saturating_sub(now).as_secs_f64() / self.interval.as_secs_f64();
        (f64::from(self.burst) - taken).max(0.0)
    }

    /// Permits a second, in the long run, to three decimals.
    pub(crate) fn per_second(self) -> f64 {
        (1000.0 / self.interval.as_secs_f64()).round() / 1000.0
    }

    pub(crate) fn burst(self) -> u32 {
        self.burst
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_rate_is_a_number_in_a_unit_of_time() {
        assert_eq!(RateLimit::parse("90/m", 5), Ok(RateLimit::new(Duration::from_nanos(666_666_666), 5)));
        assert_eq!(RateLimit::parse("5/h", 1), Ok(RateLimit::new(Duration::from_secs(720), 1)));
        for invalid in ["", "10", "10/d", "0/s", "-1/s", "1.5/s", "1000001/s", "/s", "10/", "10 / s", "10/s/s", "off"] {
            assert!(RateLimit::parse(invalid, 5).is_err(), "{invalid}");
        }
        assert!(RateLimit::parse("1/s", 0).is_err());
    }

    #[test]
    fn the_largest_limit_does_not_overflow() {
        let limit = RateLimit::parse("1/h", 1_000_000).unwrap();
        let mut full_at = Duration::ZERO;
        for _ in 0..1_000_000 {
            full_at = limit.take(full_at, Duration::ZERO).unwrap();
        }
        assert_eq!(limit.take(full_at, Duration::ZERO), Err(Duration::from_secs(3600)));
    }

    proptest! {
        #[test]
        fn no_window_admits_more_than_its_rate_and_the_burst(
            interval_ms in 1_u64..500,
            burst in 1_u32..20,
            gaps_ms in prop::collection::vec(0_u64..300, 1..200),
        ) {
            let limit = RateLimit::new(MILLISECOND * u32::try_from(interval_ms).unwrap(), burst);
            let (mut full_at, mut now, mut admitted) = (Duration::ZERO, Duration::ZERO, 0_u64);
            for gap in gaps_ms {
                now += Duration::from_millis(gap);
                match limit.take(full_at, now) {
                    Ok(next) => {
                        full_at = next;
                        admitted += 1;
                    }
                    Err(wait) => prop_assert!(limit.take(full_at, now + wait).is_ok()),
                }
                let window = u64::try_from(now.as_millis()).unwrap();
                prop_assert!(admitted <= window / interval_ms + u64::from(burst));
            }
        }
    }
}
