//! When Cognito throttles or keeps failing, calls to it are paused: for a moment after a throttle, longer after
//! failures in a row, each time up to twice as long, with jitter. After a pause for failures one call goes
//! ahead as a probe; the others follow once it has succeeded.

use std::time::Duration;

use parking_lot::Mutex;

use crate::metrics::labels::PauseCause;
use clock::SharedClock;

/// How long pauses are.
#[derive(Debug, Clone, Copy)]
pub struct CircuitBreakerSettings {
    /// The first pause after a throttle; doubles with each further one.
    pub throttle_backoff: Duration,
    /// The longest pause after throttles.
    pub throttle_backoff_max: Duration,
    /// Failures in a row before calls are paused.
    pub failure_threshold: u32,
    /// The first pause after failures; doubles each time its probe fails too.
    pub open_duration: Duration,
    /// The longest pause after failures.
    pub max_open_duration: Duration,
}

/// What a call told about Cognito's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallOutcome {
    /// It answered, whatever it answered.
    Well,
    /// It throttled us.
    Throttling,
    /// It failed or could not be reached.
    Failing,
}

/// Calls are paused; ask again after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CircuitOpen(pub(super) Duration);

#[derive(Debug, Default)]
struct State {
    /// No call before this, on the monotonic clock.
    until: Duration,
    /// When the last pause began.
    begun: Duration,
    throttles: u32,
    failures: u32,
    /// Until when the call that probes has the field to itself.
    probe_until: Option<Duration>,
}

/// One region's pause.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    settings: CircuitBreakerSettings,
    /// How long a probe may take before another one may start: no call takes longer.
    probe_time: Duration,
    clock: SharedClock,
    state: Mutex<State>,
}

impl CircuitBreaker {
    pub(super) fn new(settings: CircuitBreakerSettings, probe_time: Duration, clock: SharedClock) -> Self {
        Self { settings, probe_time, clock, state: Mutex::default() }
    }

    /// How long calls are held back yet, by a pause or for a probe.
    pub(super) fn left(&self) -> Option<Duration> {
        self.left_in(&self.state.lock())
    }

    fn left_in(&self, state: &State) -> Option<Duration> {
        let now = self.clock.monotonic();
        if now < state.until {
            return Some(state.until - now);
        }
        // How long a probe takes nobody knows; asking again after the shortest pause is soon enough.
        let is_probed = state.probe_until.is_some_and(|until| now < until);
        is_probed.then_some(self.settings.open_duration)
    }

    /// Whether a call may be made now. Whoever is let through must [`Pause::report`] how it went: the first
    /// one after a pause for failures is the probe.
    pub(super) fn admit(&self) -> Result<(), CircuitOpen> {
        let mut state = self.state.lock();
        if let Some(left) = self.left_in(&state) {
            return Err(CircuitOpen(left));
        }
        if state.failures >= self.settings.failure_threshold {
            state.probe_until = Some(self.clock.monotonic() + self.probe_time);
        }
        Ok(())
    }

    /// Takes note of how a call went that was made at `made` on the monotonic clock. `chance`, from 0 up to 1,
    /// is the jitter. Says whether a pause begins.
    pub(super) fn report(&self, health: CallOutcome, made: Duration, chance: f64) -> Option<PauseCause> {
        let now = self.clock.monotonic();
        let CircuitBreakerSettings {
            throttle_backoff: throttle_base,
            throttle_backoff_max: throttle_cap,
            failure_threshold: failures,
            open_duration: failure_base,
            max_open_duration: failure_cap,
        } = self.settings;
        let mut state = self.state.lock();
        // Calls that were under way when a pause began fail for the cause that it was made for.
        if health != CallOutcome::Well && made < state.begun {
            return None;
        }
        match health {
            CallOutcome::Well => {
                // A pause that a throttle began meanwhile stays: this call may be older than it.
                state.throttles = 0;
                state.failures = 0;
                state.probe_until = None;
                None
            }
            CallOutcome::Throttling => {
                state.failures = 0;
                state.probe_until = None;
                let pause = doubled(throttle_base, state.throttles, throttle_cap).mul_f64(jitter(chance));
                state.throttles += 1;
                state.until = state.until.max(now + pause);
                state.begun = now;
                Some(PauseCause::Throttled)
            }
            CallOutcome::Failing => {
                state.probe_until = None;
                state.failures += 1;
                let beyond = state.failures.checked_sub(failures)?;
                let pause = doubled(failure_base, beyond, failure_cap).mul_f64(jitter(chance));
                state.until = now + pause;
                state.begun = now;
                Some(PauseCause::Failures)
            }
        }
    }
}

fn doubled(base: Duration, times: u32, cap: Duration) -> Duration {
    base.saturating_mul(1_u32.checked_shl(times.min(16)).unwrap_or(u32::MAX)).min(cap)
}

/// Between half and the whole: pauses of many replicas drift apart, and none is so short that it is none.
fn jitter(chance: f64) -> f64 {
    0.5 + chance.clamp(0.0, 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use clock::{Clock as _, ManualClock, Timestamp};

    const SETTINGS: CircuitBreakerSettings = CircuitBreakerSettings {
        throttle_backoff: Duration::from_millis(100),
        throttle_backoff_max: Duration::from_secs(5),
        failure_threshold: 3,
        open_duration: Duration::from_secs(1),
        max_open_duration: Duration::from_secs(30),
    };

    fn pause() -> (CircuitBreaker, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(0)));
        (CircuitBreaker::new(SETTINGS, Duration::from_secs(10), clock.clone()), clock)
    }

    /// A call that was made and answered just now.
    fn report(pause: &CircuitBreaker, health: CallOutcome, chance: f64) -> Option<PauseCause> {
        pause.report(health, pause.clock.monotonic(), chance)
    }

    #[test]
    fn throttles_in_a_row_double_the_pause_up_to_its_cap_and_a_good_answer_starts_over() {
        let (pause, clock) = pause();
        for wait in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            assert_eq!(report(&pause, CallOutcome::Throttling, 1.0), Some(PauseCause::Throttled));
            let wait = Duration::from_millis(wait);
            assert_eq!(pause.admit(), Err(CircuitOpen(wait)));
            clock.advance(wait);
            assert_eq!(pause.admit(), Ok(()));
        }
        report(&pause, CallOutcome::Well, 1.0);
        report(&pause, CallOutcome::Throttling, 1.0);
        assert_eq!(pause.admit(), Err(CircuitOpen(Duration::from_millis(100))));
    }

    #[test]
    fn one_failure_pauses_nothing_and_failures_in_a_row_do() {
        let (pause, _clock) = pause();
        for _ in 0..2 {
            assert_eq!(report(&pause, CallOutcome::Failing, 0.0), None);
            assert_eq!(pause.admit(), Ok(()));
        }
        assert_eq!(report(&pause, CallOutcome::Failing, 0.0), Some(PauseCause::Failures));
        assert_eq!(pause.admit(), Err(CircuitOpen(Duration::from_millis(500))));
    }

    #[test]
    fn after_a_pause_one_call_probes_and_the_others_wait_for_its_end() {
        let (pause, clock) = pause();
        for _ in 0..3 {
            report(&pause, CallOutcome::Failing, 1.0);
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(pause.admit(), Ok(()));
        assert!(pause.admit().is_err() && pause.left().is_some());
        report(&pause, CallOutcome::Failing, 1.0);
        assert_eq!(pause.admit(), Err(CircuitOpen(Duration::from_secs(2))));
        clock.advance(Duration::from_secs(2));
        assert_eq!(pause.admit(), Ok(()));
        report(&pause, CallOutcome::Well, 1.0);
        assert!((0..10).all(|_| pause.admit() == Ok(())));
    }

    #[test]
    fn a_probe_that_never_reports_does_not_hold_the_others_back_for_ever() {
        let (pause, clock) = pause();
        for _ in 0..3 {
            report(&pause, CallOutcome::Failing, 1.0);
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(pause.admit(), Ok(()));
        clock.advance(Duration::from_secs(10));
        assert_eq!(pause.admit(), Ok(()));
    }

    #[test]
    fn calls_that_were_under_way_when_a_pause_began_do_not_lengthen_it() {
        for (health, wait) in [(CallOutcome::Failing, 1000), (CallOutcome::Throttling, 100)] {
            let (pause, clock) = pause();
            let made = clock.monotonic();
            for _ in 0..20 {
                clock.advance(Duration::from_nanos(1));
                pause.report(health, made, 1.0);
            }
            let Err(CircuitOpen(left)) = pause.admit() else { panic!("{health:?} does not pause") };
            assert!(left <= Duration::from_millis(wait), "{health:?}: {left:?}");
            // Nor do those that end only after it.
            clock.advance(left);
            assert_eq!(pause.admit(), Ok(()));
            assert_eq!(pause.report(health, made, 1.0), None);
            assert!(!matches!(pause.admit(), Err(CircuitOpen(left)) if left > Duration::from_secs(1)));
        }
    }
}
