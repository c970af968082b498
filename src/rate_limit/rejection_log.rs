//! Tells the operator that requests are refused for asking too much: once a minute at most, with how many it were
//! since the last time. Each single one is a line for those who debug, and a count in the metrics: whoever sends a
//! million requests must not be able to write a million lines.

use std::time::Duration;

use parking_lot::Mutex;

use crate::metrics::labels::{Label as _, Limit};
use clock::SharedClock;

/// The least time between two warnings.
const INTERVAL: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct RejectionLog {
    untold: Mutex<Untold>,
    clock: SharedClock,
}

/// What was refused since the last warning.
#[derive(Debug, Default)]
struct Untold {
    counts: [u64; Limit::ALL.len()],
    next_warning: Duration,
}

impl RejectionLog {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { untold: Mutex::default(), clock }
    }

    /// Counts a request that was refused, and warns if it is time.
    pub(super) fn refused(&self, limit: Limit) {
        if let Some([by_address, by_failures, by_user]) = self.due(limit) {
            tracing::warn!(
                by_address,
                by_failures,
                by_user,
                "requests are over the limits, which refuse them with 429"
            );
        }
    }

    /// The counts to tell now, if it is time; in the order of [`Limit::ALL`].
    fn due(&self, limit: Limit) -> Option<[u64; Limit::ALL.len()]> {
        let now = self.clock.monotonic();
        let mut untold = self.untold.lock();
        if let Some(count) = untold.counts.get_mut(limit.index()) {
            *count += 1;
        }
        if now < untold.next_warning {
            return None;
        }
        untold.next_warning = now + INTERVAL;
        Some(std::mem::take(&mut untold.counts))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use clock::{ManualClock, Timestamp};

    #[test]
    fn there_is_one_warning_a_minute_and_it_tells_of_every_refusal() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(0)));
        let notice = RejectionLog::new(clock.clone());
        assert_eq!(notice.due(Limit::User), Some([0, 0, 1]));
        for _ in 0..500 {
            assert_eq!(notice.due(Limit::Address), None);
        }
        clock.advance(INTERVAL - Duration::from_millis(1));
        assert_eq!(notice.due(Limit::Failures), None);
        clock.advance(Duration::from_millis(1));
        assert_eq!(notice.due(Limit::Failures), Some([500, 2, 0]));
        clock.advance(10 * INTERVAL);
        assert_eq!(notice.due(Limit::User), Some([0, 0, 1]));
    }
}
