//! Upstream: the calls to one operation of Cognito in one region. Each passes the circuit breaker and the call rate
//! limit, is retried after transient errors, and is measured.

use std::sync::Arc;
use std::time::Duration;

use super::circuit_breaker::{CallOutcome, CircuitBreaker, CircuitBreakerSettings};
use crate::call_rate_limit::{CallRateLimiter, CallRateSettings, RateLimited};
use crate::issuer::{IssueError, IssueErrorKind};
use crate::metrics::Metrics;
use crate::metrics::labels::{Operation, UpstreamOutcome};
use clock::SharedClock;

#[derive(Debug, Clone, Copy)]
pub struct UpstreamSettings {
    /// The service's share of the quota.
    pub rate_limit: CallRateSettings,
    pub circuit_breaker: CircuitBreakerSettings,
    /// The most calls for one token, or for one user's credentials.
    pub max_attempts: u32,
    /// The issuer's timeout: no call takes longer.
    pub call_timeout: Duration,
}

/// The right to one call, already counted by the call rate limit.
#[derive(Debug)]
pub(super) struct Permit(());

/// The upstream of one region, and the issuer that its calls go to.
#[derive(Debug)]
pub(super) struct RegionalUpstream<I: ?Sized> {
    pub(super) upstream: Upstream,
    pub(super) issuer: Arc<I>,
}

#[derive(Debug)]
pub(super) struct Upstream {
    operation: Operation,
    rate_limiter: CallRateLimiter,
    circuit_breaker: CircuitBreaker,
    settings: UpstreamSettings,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl Upstream {
    pub(super) fn new(
        operation: Operation,
        settings: UpstreamSettings,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let rate_limiter = CallRateLimiter::new(settings.rate_limit, clock.clone());
        let circuit_breaker = CircuitBreaker::new(settings.circuit_breaker, settings.call_timeout, clock.clone());
        Self { operation, rate_limiter, circuit_breaker, settings, clock, metrics }
    }

    /// Whether the circuit is open, or half-open with a probe in progress.
    pub(super) fn is_circuit_open(&self) -> bool {
        self.circuit_breaker.open_for().is_some()
    }

    /// The calls that the call rate limit admits at once.
    pub(super) fn available(&self) -> f64 {
        self.rate_limiter.available()
    }

    /// A permit for a call that can as well be made later.
    pub(super) fn try_reserve_background(&self) -> Option<Permit> {
        if self.is_circuit_open() {
            return None;
        }
        self.rate_limiter.try_acquire_background().ok().map(|()| Permit(()))
    }

    /// Makes a call once it is permitted, and retries it after transient errors. The validation of the response is part
    /// of the call.
    pub(super) async fn call<T, F>(&self, mut reserved: Option<Permit>, call: impl Fn() -> F) -> Result<T, IssueError>
    where
        F: Future<Output = Result<T, IssueError>>,
    {
        let started = self.clock.monotonic();
        let mut attempt = 1;
        loop {
            self.acquire_permit(reserved.take()).await?;
            match self.instrument(call()).await {
                Err(error) if error.kind.is_retryable() && self.may_retry(attempt, started) => {
                    tracing::debug!(attempt, %error, "cognito call failed, retrying");
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    /// No retry once a whole `call_timeout` has passed: the waiting callers have waited long enough.
    fn may_retry(&self, attempt: u32, started: Duration) -> bool {
        let elapsed = self.clock.monotonic().saturating_sub(started);
        attempt < self.settings.max_attempts && elapsed < self.settings.call_timeout
    }

    /// Waits until the circuit is closed and the call rate limit admits a call. If the circuit opens during the wait for
    /// the rate limit, that wait starts again after it. Otherwise all waiters would call the moment the circuit closes.
    async fn acquire_permit(&self, mut reserved: Option<Permit>) -> Result<(), IssueError> {
        let deadline = self.clock.monotonic() + self.settings.rate_limit.max_wait;
        loop {
            self.wait_for_circuit(deadline).await?;
            if reserved.take().is_none() {
                self.wait_for_rate_limit().await?;
            }
            if self.circuit_breaker.try_admit() {
                return Ok(());
            }
        }
    }

    /// Waits until the circuit is closed, if that is before the deadline.
    async fn wait_for_circuit(&self, deadline: Duration) -> Result<(), IssueError> {
        while let Some(remaining) = self.circuit_breaker.open_for() {
            if self.clock.monotonic() + remaining > deadline {
                return Err(rate_limited(remaining, "the circuit towards cognito is open"));
            }
            self.clock.sleep(remaining).await;
        }
        Ok(())
    }

    async fn wait_for_rate_limit(&self) -> Result<(), IssueError> {
        let waited = self.rate_limiter.acquire().await.map_err(|RateLimited(retry_after)| {
            self.metrics.upstream_rate_limited_total.count(self.operation);
            rate_limited(retry_after, "the rate limit of calls to cognito is reached")
        })?;
        self.metrics.upstream_rate_limit_wait_seconds.observe(waited.as_secs_f64());
        Ok(())
    }

    async fn instrument<T>(&self, call: impl Future<Output = Result<T, IssueError>>) -> Result<T, IssueError> {
        let started = self.clock.monotonic();
        let in_flight = self.metrics.upstream_calls_in_flight.in_flight(self.operation);
        let result = call.await;
        drop(in_flight);
        let (outcome, call_outcome) = classify_outcome(result.as_ref().err().map(|error| error.kind));
        let labels = (self.operation, outcome);
        self.metrics.upstream_calls_total.count(labels);
        let duration = self.clock.monotonic().saturating_sub(started);
        self.metrics.upstream_call_duration_seconds.observe(labels, duration);
        if let Some(cause) = self.circuit_breaker.report(call_outcome, started, fastrand::f64()) {
            self.metrics.circuit_opened_total.count(cause);
        }
        result
    }
}

fn classify_outcome(error: Option<IssueErrorKind>) -> (UpstreamOutcome, CallOutcome) {
    let Some(kind) = error else { return (UpstreamOutcome::Success, CallOutcome::Success) };
    match kind {
        IssueErrorKind::Throttled => (UpstreamOutcome::Throttled, CallOutcome::Throttled),
        IssueErrorKind::Unavailable | IssueErrorKind::RateLimited(_) => {
            (UpstreamOutcome::Unavailable, CallOutcome::Failure)
        }
        IssueErrorKind::Misconfigured | IssueErrorKind::InvalidParameter => {
            (UpstreamOutcome::Misconfigured, CallOutcome::Success)
        }
        IssueErrorKind::Mismatched => (UpstreamOutcome::Mismatched, CallOutcome::Success),
        IssueErrorKind::AlreadyRegistered | IssueErrorKind::LoginTaken => {
            (UpstreamOutcome::Conflict, CallOutcome::Success)
        }
        IssueErrorKind::LoginRejected | IssueErrorKind::UnknownIdentity => {
            (UpstreamOutcome::Rejected, CallOutcome::Success)
        }
    }
}

fn rate_limited(retry_after: Duration, why: &str) -> IssueError {
    IssueError::new(IssueErrorKind::RateLimited(retry_after), why)
}
