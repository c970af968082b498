//! A clock that a test moves.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::{Clock, Timestamp};

/// A clock that only [`ManualClock::advance`] moves. [`Clock::sleep`] completes when it has advanced far enough.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    elapsed: watch::Sender<Duration>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { start, elapsed: watch::Sender::new(Duration::ZERO) }
    }

    /// Advances wall time and monotonic time, and completes the sleeps that are due.
    pub fn advance(&self, by: Duration) {
        self.elapsed.send_modify(|elapsed| *elapsed += by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.start + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        *self.elapsed.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut elapsed = self.elapsed.subscribe();
        let due = *elapsed.borrow() + duration;
        Box::pin(async move {
            // An error means that the clock was dropped, and nothing can advance it any more.
            let _ = elapsed.wait_for(|elapsed| *elapsed >= due).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleep_completes_when_the_clock_reaches_its_end_and_not_before() {
        let clock = ManualClock::new(Timestamp::from_secs(1_000));
        let mut sleep = clock.sleep(Duration::from_secs(5));
        clock.advance(Duration::from_secs(4));
        assert!(futures_util::poll!(&mut sleep).is_pending());
        clock.advance(Duration::from_secs(1));
        sleep.await;
        assert_eq!(clock.now(), Timestamp::from_secs(1_005));
    }
}
