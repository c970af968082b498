//! Our share of one of Cognito's quotas in a region, as a token bucket. Every attempt towards Cognito passes
//! here first, retries and advisory refreshes too: the quota belongs to the whole account, and others live on
//! it. Minting has a quota of its own, and the acts of administrators have another.
//!
//! The bucket is kept as one number, the moment at which it will be full again (the generic cell rate
//! algorithm). A call that finds no room reserves the next slot and is told how long to wait for it.

use std::time::Duration;

use parking_lot::Mutex;

use clock::SharedClock;

/// How much may be asked of Cognito.
#[derive(Debug, Clone, Copy)]
pub struct CallRateSettings {
    /// Calls a second, in the long run.
    pub calls_per_second: u32,
    /// Calls that may be made at once after a quiet time.
    pub burst: u32,
    /// The longest wait for a slot.
    pub max_wait: Duration,
}

/// No slot within the longest wait: come back after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateLimited(pub(crate) Duration);

/// One region's bucket.
#[derive(Debug)]
pub(crate) struct CallRateLimiter {
    settings: CallRateSettings,
    clock: SharedClock,
    /// When the bucket will be full, on the monotonic clock.
    full_at: Mutex<Duration>,
}

impl CallRateLimiter {
    pub(crate) fn new(settings: CallRateSettings, clock: SharedClock) -> Self {
        Self { settings, clock, full_at: Mutex::new(Duration::ZERO) }
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.settings.calls_per_second.max(1)
    }

    /// Reserves a slot and waits for it. The time waited is returned.
    pub(crate) async fn acquire(&self) -> Result<Duration, RateLimited> {
        let wait = self.reserve(self.settings.burst, self.settings.max_wait)?;
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
        Ok(wait)
    }

    /// Takes a slot only if one is free at once and half the burst stays for those who wait: for calls that
    /// can as well be made later.
    pub(crate) fn try_acquire_spare(&self) -> Result<(), RateLimited> {
        self.reserve(self.settings.burst.div_ceil(2), Duration::ZERO).map(drop)
    }

    fn reserve(&self, burst: u32, max_wait: Duration) -> Result<Duration, RateLimited> {
        let now = self.clock.monotonic();
        let mut full_at = self.full_at.lock();
        let next = now.max(*full_at) + self.interval();
        let wait = next.saturating_sub(now + self.interval() * burst.max(1));
        if wait > max_wait {
            return Err(RateLimited(wait - max_wait));
        }
        *full_at = next;
        Ok(wait)
    }

    /// The calls that would be let through at once.
    pub(crate) fn available(&self) -> f64 {
        let taken = self.full_at.lock().saturating_sub(self.clock.monotonic());
        let burst = f64::from(self.settings.burst);
        (burst - taken.as_secs_f64() / self.interval().as_secs_f64()).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use clock::{ManualClock, Timestamp};

    fn budget(calls_per_second: u32, burst: u32, max_wait: Duration) -> (CallRateLimiter, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(0)));
        (CallRateLimiter::new(CallRateSettings { calls_per_second, burst, max_wait }, clock.clone()), clock)
    }

    #[test]
    fn a_burst_goes_through_at_once_and_the_next_call_waits_for_its_slot() {
        let (budget, _clock) = budget(10, 3, Duration::from_secs(1));
        let waits: Vec<_> = (0..5).map(|_| budget.reserve(3, Duration::from_secs(1)).unwrap()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200].map(Duration::from_millis));
    }

    #[test]
    fn a_call_that_would_wait_too_long_is_told_when_to_come_back_and_takes_nothing() {
        let (budget, clock) = budget(10, 1, Duration::ZERO);
        assert!(budget.reserve(1, Duration::ZERO).is_ok());
        for _ in 0..3 {
            assert_eq!(budget.reserve(1, Duration::ZERO), Err(RateLimited(Duration::from_millis(100))));
        }
        clock.advance(Duration::from_millis(100));
        assert!(budget.reserve(1, Duration::ZERO).is_ok());
    }

    #[test]
    fn over_a_minute_no_more_calls_go_through_than_rate_and_burst_allow() {
        let (budget, clock) = budget(50, 10, Duration::ZERO);
        let mut let_through = 0;
        for _ in 0..60_000 {
            let_through += u32::from(budget.reserve(10, Duration::ZERO).is_ok());
            clock.advance(Duration::from_millis(1));
        }
        assert!((2_990..=3_010).contains(&let_through), "{let_through}");
    }

    #[test]
    fn a_call_that_can_be_made_later_leaves_half_the_burst_to_those_who_wait() {
        let (budget, _clock) = budget(10, 4, Duration::ZERO);
        assert!(budget.try_acquire_spare().is_ok());
        assert!(budget.try_acquire_spare().is_ok());
        assert!(budget.try_acquire_spare().is_err());
        assert!(budget.reserve(4, Duration::ZERO).is_ok());
        assert!((budget.available() - 1.0).abs() < 1e-9);
    }
}
