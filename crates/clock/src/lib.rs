//! Clocks that are passed in as values: a system clock, and a manual one for tests.
//!
//! Only this crate reads the wall clock and the monotonic clock, and only this crate sleeps. So a test can move a running
//! service through the lifetime of a token without waiting.
#![warn(missing_docs)]

mod manual;

use std::fmt;
use std::ops::Add;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use manual::ManualClock;

/// A source of time. Wall time is compared with dates of others (a token's `exp`); monotonic time measures durations.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock's time. It can step, also backwards, when the machine's clock is set.
    fn now(&self) -> Timestamp;
    /// The time since an arbitrary start. Never decreases.
    fn monotonic(&self) -> Duration;
    /// Completes when [`Clock::monotonic`] has advanced by `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// A shared clock.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The machine's clock, with monotonic time counted from now.
    #[expect(clippy::disallowed_methods, reason = "the only reader of the monotonic clock")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only reader of the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "the only caller of the real sleep")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A point in wall time, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the Unix epoch, the unit of a JWT's `exp`.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This timestamp minus `duration`.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// RFC 3339 in UTC with whole seconds, rounded down: `2026-01-31T08:15:00Z`.
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp(self.as_secs())
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok())
            // Only for years after 9999: the last date of the format.
            .unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned())
    }

    /// RFC 3339 in UTC with milliseconds, always three digits: `2026-01-31T08:15:00.250Z`.
    pub fn to_rfc3339_millis(self) -> String {
        let mut text = self.to_rfc3339();
        text.truncate(text.len() - 1);
        format!("{text}.{:03}Z", self.0.rem_euclid(1000))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(millis(since)),
            Err(before) => Self(-millis(before.duration())),
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        let distance = Duration::from_millis(timestamp.0.unsigned_abs());
        if timestamp.0 >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_formatted_in_utc() {
        assert_eq!(Timestamp::from_millis(1_767_225_599_999).to_rfc3339(), "2025-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_secs(i64::MAX).to_rfc3339(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_millis(1_767_225_599_007).to_rfc3339_millis(), "2025-12-31T23:59:59.007Z");
        assert_eq!(Timestamp::from_secs(0).to_rfc3339_millis(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_time_since_a_later_timestamp_is_zero() {
        let (early, late) = (Timestamp::from_secs(10), Timestamp::from_secs(12));
        assert_eq!(late.since(early), Duration::from_secs(2));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn a_timestamp_before_the_epoch_is_converted_to_system_time_and_back() {
        let timestamp = Timestamp::from_millis(-1500);
        assert_eq!(Timestamp::from(SystemTime::from(timestamp)), timestamp);
    }
}
