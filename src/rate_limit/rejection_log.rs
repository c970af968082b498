//! Log of rate-limited requests: one warning a minute at most, with the counts since the last one. A client that sends a
//! million requests must not write a million lines. Each rejection is counted in the metrics.

use std::time::Duration;

use parking_lot::Mutex;

use crate::metrics::labels::{Label as _, RateLimitKind};
use clock::SharedClock;

/// The time between two warnings.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct RejectionLog {
    pending: Mutex<PendingCounts>,
    clock: SharedClock,
}

/// The rejections since the last warning.
#[derive(Debug, Default)]
struct PendingCounts {
    counts: [u64; RateLimitKind::ALL.len()],
    next_warning: Duration,
}

impl RejectionLog {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { pending: Mutex::default(), clock }
    }

    /// Counts a rejected request, and warns if a warning is due.
    pub(super) fn record(&self, limit: RateLimitKind) {
        if let Some([by_address, by_failed_authentications, by_user]) = self.count(limit) {
            tracing::warn!(by_address, by_failed_authentications, by_user, "requests rate limited");
        }
    }

    /// Counts a rejection. Returns the counts, in the order of [`RateLimitKind::ALL`], if a warning is due.
    fn count(&self, limit: RateLimitKind) -> Option<[u64; RateLimitKind::ALL.len()]> {
        let now = self.clock.monotonic();
        let mut pending = self.pending.lock();
        if let Some(count) = pending.counts.get_mut(limit.index()) {
            *count += 1;
        }
        if now < pending.next_warning {
            return None;
        }
        pending.next_warning = now + WARNING_INTERVAL;
        Some(std::mem::take(&mut pending.counts))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use clock::{ManualClock, Timestamp};

    #[test]
    fn there_is_one_warning_a_minute_with_the_count_of_every_rejection() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(0)));
        let log = RejectionLog::new(clock.clone());
        assert_eq!(log.count(RateLimitKind::User), Some([0, 0, 1]));
        for _ in 0..500 {
            assert_eq!(log.count(RateLimitKind::Address), None);
        }
        clock.advance(WARNING_INTERVAL - Duration::from_millis(1));
        assert_eq!(log.count(RateLimitKind::FailedAuthentications), None);
        clock.advance(Duration::from_millis(1));
        assert_eq!(log.count(RateLimitKind::FailedAuthentications), Some([500, 2, 0]));
        clock.advance(10 * WARNING_INTERVAL);
        assert_eq!(log.count(RateLimitKind::User), Some([0, 0, 1]));
    }
}
