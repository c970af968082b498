//! Circuit breaker: stops calls to Cognito for a short time after a throttle, and longer after failures in a row. Each
//! further time is up to twice as long, with jitter. After it was open for failures, the circuit is half-open: one call
//! is the probe, and the others follow once it has succeeded.

use std::time::Duration;

use parking_lot::Mutex;

use crate::metrics::labels::CircuitOpenCause;
use clock::SharedClock;

#[derive(Debug, Clone, Copy)]
pub struct CircuitBreakerSettings {
    /// The first backoff after a throttle. Doubles with each further one.
    pub throttle_backoff: Duration,
    pub throttle_backoff_max: Duration,
    /// The failures in a row that open the circuit.
    pub failure_threshold: u32,
    /// How long failures open the circuit at first. Doubles each time the probe fails too.
    pub open_duration: Duration,
    pub max_open_duration: Duration,
}

/// The outcome of a call, as the circuit breaker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallOutcome {
    /// Cognito responded, be it with an error about the request.
    Success,
    Throttled,
    /// Cognito failed or could not be reached.
    Failure,
}

#[derive(Debug, Default)]
struct State {
    /// On the monotonic clock, as are all times here.
    open_until: Duration,
    opened_at: Duration,
    throttles: u32,
    failures: u32,
    /// While a probe is in progress, no other call is made before this time.
    probe_until: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct CircuitBreaker {
    settings: CircuitBreakerSettings,
    /// When another probe may start, should the first one not report. No call takes longer.
    probe_timeout: Duration,
    clock: SharedClock,
    state: Mutex<State>,
}

impl CircuitBreaker {
    pub(super) fn new(settings: CircuitBreakerSettings, probe_timeout: Duration, clock: SharedClock) -> Self {
        Self { settings, probe_timeout, clock, state: Mutex::default() }
    }

    /// How long no call may be made, if the circuit is open or a probe is in progress.
    pub(super) fn open_for(&self) -> Option<Duration> {
        self.open_for_in(&self.state.lock())
    }

    fn open_for_in(&self, state: &State) -> Option<Duration> {
        let now = self.clock.monotonic();
        if now < state.open_until {
            return Some(state.open_until - now);
        }
        // The end of a probe is unknown. The shortest open duration is soon enough to try again.
        let is_probed = state.probe_until.is_some_and(|until| now < until);
        is_probed.then_some(self.settings.open_duration)
    }

    /// Whether a call may be made now. An admitted caller must [`Self::report`] the outcome: the first call after the
    /// circuit was open for failures is the probe.
    pub(super) fn try_admit(&self) -> bool {
        let mut state = self.state.lock();
        let is_closed = self.open_for_in(&state).is_none();
        if is_closed && state.failures >= self.settings.failure_threshold {
            state.probe_until = Some(self.clock.monotonic() + self.probe_timeout);
        }
        is_closed
    }

    /// Records the outcome of a call that started at `started`, on the monotonic clock. `jitter` is from 0 to 1. Returns
    /// the cause if this opens the circuit.
    pub(super) fn report(&self, outcome: CallOutcome, started: Duration, jitter: f64) -> Option<CircuitOpenCause> {
        let (now, settings) = (self.clock.monotonic(), &self.settings);
        let mut state = self.state.lock();
        // Calls that were in progress when the circuit opened fail for the cause that opened it.
        if outcome != CallOutcome::Success && started < state.opened_at {
            return None;
        }
        state.probe_until = None;
        let (open, cause) = match outcome {
            CallOutcome::Success => {
                // A backoff that a throttle began in the meantime stays: this call may be older.
                state.throttles = 0;
                state.failures = 0;
                return None;
            }
            CallOutcome::Throttled => {
                state.failures = 0;
                state.throttles += 1;
                let backoff = doubled(settings.throttle_backoff, state.throttles - 1, settings.throttle_backoff_max);
                (backoff, CircuitOpenCause::Throttled)
            }
            CallOutcome::Failure => {
                state.failures += 1;
                let beyond = state.failures.checked_sub(settings.failure_threshold)?;
                (doubled(settings.open_duration, beyond, settings.max_open_duration), CircuitOpenCause::Failures)
            }
        };
        state.open_until = state.open_until.max(now + open.mul_f64(jitter_factor(jitter)));
        state.opened_at = now;
        Some(cause)
    }
}

fn doubled(base: Duration, times: u32, cap: Duration) -> Duration {
    base.saturating_mul(1_u32.checked_shl(times.min(16)).unwrap_or(u32::MAX)).min(cap)
}

/// Between a half and 1: the times of many replicas drift apart, and none gets close to zero.
fn jitter_factor(jitter: f64) -> f64 {
    0.5 + jitter.clamp(0.0, 1.0) / 2.0
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

    fn breaker() -> (CircuitBreaker, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(0)));
        (CircuitBreaker::new(SETTINGS, Duration::from_secs(10), clock.clone()), clock)
    }

    /// A call that started and ended just now.
    fn report(breaker: &CircuitBreaker, outcome: CallOutcome, jitter: f64) -> Option<CircuitOpenCause> {
        breaker.report(outcome, breaker.clock.monotonic(), jitter)
    }

    /// A breaker whose circuit failures opened for a second, and that is half-open now.
    fn half_open() -> (CircuitBreaker, Arc<ManualClock>) {
        let (breaker, clock) = breaker();
        for _ in 0..3 {
            report(&breaker, CallOutcome::Failure, 1.0);
        }
        clock.advance(Duration::from_secs(1));
        (breaker, clock)
    }

    #[test]
    fn throttles_in_a_row_double_the_backoff_up_to_its_maximum_and_a_success_resets_it() {
        let (breaker, clock) = breaker();
        for wait in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            assert_eq!(report(&breaker, CallOutcome::Throttled, 1.0), Some(CircuitOpenCause::Throttled));
            let wait = Duration::from_millis(wait);
            assert_eq!(breaker.open_for(), Some(wait));
            clock.advance(wait);
            assert!(breaker.try_admit());
        }
        report(&breaker, CallOutcome::Success, 1.0);
        report(&breaker, CallOutcome::Throttled, 1.0);
        assert_eq!(breaker.open_for(), Some(Duration::from_millis(100)));
    }

    #[test]
    fn one_failure_does_not_open_the_circuit_and_failures_in_a_row_do() {
        let (breaker, _clock) = breaker();
        for _ in 0..2 {
            assert_eq!(report(&breaker, CallOutcome::Failure, 0.0), None);
            assert!(breaker.try_admit());
        }
        assert_eq!(report(&breaker, CallOutcome::Failure, 0.0), Some(CircuitOpenCause::Failures));
        assert_eq!(breaker.open_for(), Some(Duration::from_millis(500)));
    }

    #[test]
    fn a_half_open_circuit_admits_one_probe_and_the_others_wait_for_its_end() {
        let (breaker, clock) = half_open();
        assert!(breaker.try_admit());
        assert!(!breaker.try_admit() && breaker.open_for().is_some());
        report(&breaker, CallOutcome::Failure, 1.0);
        assert_eq!(breaker.open_for(), Some(Duration::from_secs(2)));
        clock.advance(Duration::from_secs(2));
        assert!(breaker.try_admit());
        report(&breaker, CallOutcome::Success, 1.0);
        assert!((0..10).all(|_| breaker.try_admit()));
    }

    #[test]
    fn a_probe_that_never_reports_does_not_stop_the_others_for_ever() {
        let (breaker, clock) = half_open();
        assert!(breaker.try_admit());
        clock.advance(Duration::from_secs(10));
        assert!(breaker.try_admit());
    }

    #[test]
    fn calls_in_progress_when_the_circuit_opened_do_not_keep_it_open_longer() {
        for (outcome, wait) in [(CallOutcome::Failure, 1000), (CallOutcome::Throttled, 100)] {
            let (breaker, clock) = breaker();
            let started = clock.monotonic();
            for _ in 0..20 {
                clock.advance(Duration::from_nanos(1));
                breaker.report(outcome, started, 1.0);
            }
            let remaining = breaker.open_for().expect("an open circuit");
            assert!(remaining <= Duration::from_millis(wait), "{outcome:?}: {remaining:?}");
            // Nor do those that end only afterwards.
            clock.advance(remaining);
            assert!(breaker.try_admit());
            assert_eq!(breaker.report(outcome, started, 1.0), None);
            assert!(breaker.open_for().is_none_or(|remaining| remaining <= Duration::from_secs(1)));
        }
    }
}
