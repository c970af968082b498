//! Time, handed in. The wall clock, the monotonic clock and sleep are read here and nowhere else, so that a
//! test can move a whole running service through a token's life in a moment.

mod manual;

use std::fmt;
use std::ops::Add;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use manual::ManualClock;

/// A source of time. Wall time judges what others dated (a token's `exp`); monotonic time measures waits.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock's time. May step, back too, when the machine's clock is set.
    fn now(&self) -> Timestamp;
    /// The time since an arbitrary moment. Never goes back.
    fn monotonic(&self) -> Duration;
    /// Ends once [`Clock::monotonic`] has gone on by `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// A clock that many hold.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The machine's clock, its monotonic side counted from now.
    #[expect(clippy::disallowed_methods, reason = "this is where the monotonic clock is read")]
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
    #[expect(clippy::disallowed_methods, reason = "this is where the wall clock is read")]
    fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is where real sleep is asked for")]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A moment of wall time, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A moment by its milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// A moment by its seconds since the Unix epoch, as a JWT's `exp` has it.
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

    /// How long it is from `earlier` to here; nothing if `earlier` is the later one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This moment, moved back.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// The moment as RFC 3339 in UTC with whole seconds, rounded down: `2026-01-31T08:15:00Z`.
    pub fn to_rfc3339(self) -> String {
        OffsetDateTime::from_unix_timestamp(self.as_secs())
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok())
            // Only a year beyond 9999 gets here; the last one that can be written is as good.
            .unwrap_or_else(|| "9999-12-31T23:59:59Z".to_owned())
    }

    /// The same with milliseconds, always three digits of them: `2026-01-31T08:15:00.250Z`.
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
    fn from(moment: SystemTime) -> Self {
        match moment.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(millis(since)),
            Err(before) => Self(-millis(before.duration())),
        }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(moment: Timestamp) -> Self {
        let distance = Duration::from_millis(moment.0.unsigned_abs());
        if moment.0 >= 0 { UNIX_EPOCH + distance } else { UNIX_EPOCH - distance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_whole_seconds_of_utc() {
        assert_eq!(Timestamp::from_millis(1_767_225_599_999).to_rfc3339(), "2025-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_secs(i64::MAX).to_rfc3339(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_millis(1_767_225_599_007).to_rfc3339_millis(), "2025-12-31T23:59:59.007Z");
        assert_eq!(Timestamp::from_secs(0).to_rfc3339_millis(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_time_since_a_later_moment_is_nothing() {
        let (early, late) = (Timestamp::from_secs(10), Timestamp::from_secs(12));
        assert_eq!(late.since(early), Duration::from_secs(2));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn a_moment_before_the_epoch_survives_the_standard_library() {
        let moment = Timestamp::from_millis(-1500);
        assert_eq!(Timestamp::from(SystemTime::from(moment)), moment);
    }
}
