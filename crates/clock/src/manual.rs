//! A clock that stands still until a test moves it.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::{Clock, Timestamp};

/// A clock that only [`ManualClock::advance`] moves. Its sleepers wake when it has gone past their hour.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    elapsed: watch::Sender<Duration>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self { start, elapsed: watch::Sender::new(Duration::ZERO) }
    }

    /// Moves wall time and monotonic time on together, and wakes whoever is due.
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
            // An error means that the clock is gone: nobody is left to wake this sleeper later.
            let _ = elapsed.wait_for(|elapsed| *elapsed >= due).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_has_gone_past_its_hour_and_not_before() {
        let clock = ManualClock::at(Timestamp::from_secs(1_000));
        let mut sleep = clock.sleep(Duration::from_secs(5));
        clock.advance(Duration::from_secs(4));
        assert!(futures_util::poll!(&mut sleep).is_pending());
        clock.advance(Duration::from_secs(1));
        sleep.await;
        assert_eq!(clock.now(), Timestamp::from_secs(1_005));
    }
}
