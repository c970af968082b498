//! Rate limit of outbound calls to one AWS operation of one region: the service's share of an account-wide quota.
//!
//! Every attempt passes here, retries and background refreshes too, because the quota belongs to the whole account and
//! other programs use it. Minting, credentials and identity administration have limiters of their own, as they have
//! quotas of their own. A call that finds no permit reserves the next one and waits for it.

use std::time::Duration;

use parking_lot::Mutex;

use crate::gcra::RateLimit;
use clock::SharedClock;

/// The limit of calls to one operation.
#[derive(Debug, Clone, Copy)]
pub struct CallRateSettings {
    /// The rate and the burst.
    pub limit: RateLimit,
    /// The longest wait for a permit.
    pub max_wait: Duration,
}

/// No permit is available within the longest wait. Contains the time after which to retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimited(pub(crate) Duration);

/// The limiter of one operation of one region.
#[derive(Debug)]
pub(crate) struct CallRateLimiter {
    settings: CallRateSettings,
    clock: SharedClock,
    full_at: Mutex<Duration>,
}

impl CallRateLimiter {
    pub(crate) fn new(settings: CallRateSettings, clock: SharedClock) -> Self {
        Self { settings, clock, full_at: Mutex::new(Duration::ZERO) }
    }

    /// Takes a permit, waits until it may be used, and returns the wait.
    pub(crate) async fn acquire(&self) -> Result<Duration, RateLimited> {
        let wait = self.reserve(self.settings.limit, self.settings.max_wait)?;
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        Ok(wait)
    }

    /// Takes a permit only if it is available now and half the burst remains for other calls. For calls that can be
    /// made later.
    pub(crate) fn try_acquire_background(&self) -> Result<(), RateLimited> {
        let half = self.settings.limit.burst().div_ceil(2);
        self.reserve(self.settings.limit.with_burst(half), Duration::ZERO).map(drop)
    }

    fn reserve(&self, limit: RateLimit, max_wait: Duration) -> Result<Duration, RateLimited> {
        let now = self.clock.monotonic();
        let mut full_at = self.full_at.lock();
        let reservation = limit.reserve(*full_at, now, max_wait).map_err(RateLimited)?;
        *full_at = reservation.full_at;
        Ok(reservation.wait)
    }

    /// The number of calls that could be made at once.
    pub(crate) fn available(&self) -> f64 {
        self.settings.limit.available(*self.full_at.lock(), self.clock.monotonic())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use clock::{ManualClock, Timestamp};

    fn limiter(calls_per_second: u32, burst: u32) -> (CallRateLimiter, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(0)));
        let limit = RateLimit::new(Duration::from_secs(1) / calls_per_second, burst);
        (CallRateLimiter::new(CallRateSettings { limit, max_wait: Duration::ZERO }, clock.clone()), clock)
    }

    fn reserve(limiter: &CallRateLimiter, max_wait: Duration) -> Result<Duration, RateLimited> {
        limiter.reserve(limiter.settings.limit, max_wait)
    }

    #[test]
    fn a_burst_is_admitted_at_once_and_the_next_call_waits_for_its_permit() {
        let (limiter, _clock) = limiter(10, 3);
        let waits: Vec<_> = (0..5).map(|_| reserve(&limiter, Duration::from_secs(1)).unwrap()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200].map(Duration::from_millis));
    }

    #[test]
    fn a_call_that_would_wait_too_long_gets_the_time_to_retry_and_takes_no_permit() {
        let (limiter, clock) = limiter(10, 1);
        assert!(reserve(&limiter, Duration::ZERO).is_ok());
        for _ in 0..3 {
            assert_eq!(reserve(&limiter, Duration::ZERO), Err(RateLimited(Duration::from_millis(100))));
        }
        clock.advance(Duration::from_millis(100));
        assert!(reserve(&limiter, Duration::ZERO).is_ok());
    }

    #[test]
    fn a_background_call_leaves_half_the_burst_to_other_calls() {
        let (limiter, _clock) = limiter(10, 4);
        assert!(limiter.try_acquire_background().is_ok());
        assert!(limiter.try_acquire_background().is_ok());
        assert!(limiter.try_acquire_background().is_err());
        assert!(reserve(&limiter, Duration::ZERO).is_ok());
        assert!((limiter.available() - 1.0).abs() < 1e-9);
    }
}
