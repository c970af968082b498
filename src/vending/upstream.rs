//! The way out to one operation of Cognito in one region: no call while a pause is on, none without room in the
//! budget, a few attempts for what passes, and every call measured.

use std::sync::Arc;
use std::time::Duration;

use super::circuit_breaker::{CallOutcome, CircuitBreaker, CircuitBreakerSettings};
use crate::call_rate_limit::{CallRateLimiter, CallRateSettings, RateLimited};
use crate::issuer::{IssueError, IssueErrorKind};
use crate::metrics::Metrics;
use crate::metrics::labels::{UpstreamOutcome, Ware};
use clock::SharedClock;

/// How a region's Cognito is called.
#[derive(Debug, Clone, Copy)]
pub struct UpstreamSettings {
    /// Our share of the quota.
    pub rate_limit: CallRateSettings,
    /// When calls are paused.
    pub circuit_breaker: CircuitBreakerSettings,
    /// The most calls made for one token, or for one user's credentials.
    pub max_attempts: u32,
    /// No call takes longer than this: the issuer's own time-out.
    pub call_timeout: Duration,
}

/// A call's place in the budget, already taken.
#[derive(Debug)]
pub(super) struct Permit(());

/// One operation of one region's Cognito.
#[derive(Debug)]
pub(super) struct Upstream {
    ware: Ware,
    budget: CallRateLimiter,
    pause: CircuitBreaker,
    settings: UpstreamSettings,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl Upstream {
    pub(super) fn new(
        ware: Ware,
        settings: UpstreamSettings,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let budget = CallRateLimiter::new(settings.rate_limit, clock.clone());
        let pause = CircuitBreaker::new(settings.circuit_breaker, settings.call_timeout, clock.clone());
        Self { ware, budget, pause, settings, clock, metrics }
    }

    /// Whether calls are paused now.
    pub(super) fn is_paused(&self) -> bool {
        self.pause.left().is_some()
    }

    /// The calls that the budget has room for at once.
    pub(super) fn available(&self) -> f64 {
        self.budget.available()
    }

    /// A place for a call that can as well be made later.
    pub(super) fn reserve_spare(&self) -> Option<Permit> {
        if self.is_paused() {
            return None;
        }
        self.budget.try_acquire_spare().ok().map(|()| Permit(()))
    }

    /// Makes a call when that is allowed, and makes it again a few times if need be. The check of what comes back
    /// belongs to the call.
    pub(super) async fn call<T, F>(
        &self,
        mut reserved: Option<Permit>,
        call: impl Fn() -> F,
    ) -> Result<T, IssueError>
    where
        F: Future<Output = Result<T, IssueError>>,
    {
        let started = self.clock.monotonic();
        let mut attempt = 1;
        loop {
            self.clearance(reserved.take()).await?;
            match self.measured(call()).await {
                Err(error) if error.kind.is_passing() && self.may_try_again(attempt, started) => {
                    tracing::debug!(attempt, %error, "call to cognito failed, trying again");
                    attempt += 1;
                }
                end => return end,
            }
        }
    }

    /// Not once as much time has gone by as one call may take: whoever waits has waited long enough.
    fn may_try_again(&self, attempt: u32, started: Duration) -> bool {
        let elapsed = self.clock.monotonic().saturating_sub(started);
        attempt < self.settings.max_attempts && elapsed < self.settings.call_timeout
    }

    /// Waits until a call may be made: no pause is on, and the budget has room. A place in the budget that was
    /// waited for while a pause began is given up for it: else all who waited would call the moment it ends.
    async fn clearance(&self, mut reserved: Option<Permit>) -> Result<(), IssueError> {
        let deadline = self.clock.monotonic() + self.settings.rate_limit.max_wait;
        loop {
            self.sit_out_pause(deadline).await?;
            if reserved.take().is_none() {
                self.wait_for_budget().await?;
            }
            if self.pause.admit().is_ok() {
                return Ok(());
            }
        }
    }

    /// Waits for the end of a pause, if that comes before the deadline.
    async fn sit_out_pause(&self, deadline: Duration) -> Result<(), IssueError> {
        while let Some(left) = self.pause.left() {
            if self.clock.monotonic() + left > deadline {
                return Err(held_back(left, "calls to cognito are paused"));
            }
            self.clock.sleep(left).await;
        }
        Ok(())
    }

    async fn wait_for_budget(&self) -> Result<(), IssueError> {
        match self.budget.acquire().await {
            Ok(waited) => {
                self.metrics.budget_wait_seconds.observe(waited.as_secs_f64());
                Ok(())
            }
            Err(RateLimited(retry_after)) => {
                self.metrics.budget_exhausted_total.inc();
                Err(held_back(retry_after, "the budget for calls to cognito is spent"))
            }
        }
    }

    async fn measured<T>(&self, call: impl Future<Output = Result<T, IssueError>>) -> Result<T, IssueError> {
        let started = self.clock.monotonic();
        let books = self.metrics.books(self.ware);
        books.calls_in_flight.inc();
        let result = call.await;
        books.calls_in_flight.dec();
        let (outcome, health) = judge(result.as_ref().err().map(|error| error.kind));
        books.calls.count(outcome);
        books.call_duration.observe(outcome, self.clock.monotonic().saturating_sub(started));
        if let Some(cause) = self.pause.report(health, started, fastrand::f64()) {
            self.metrics.pauses_total.count(cause);
        }
        result
    }
}

fn judge(error: Option<IssueErrorKind>) -> (UpstreamOutcome, CallOutcome) {
    let Some(kind) = error else { return (UpstreamOutcome::Issued, CallOutcome::Well) };
    match kind {
        IssueErrorKind::Throttled => (UpstreamOutcome::Throttled, CallOutcome::Throttling),
        IssueErrorKind::Unavailable | IssueErrorKind::HeldBack(_) => {
            (UpstreamOutcome::Unavailable, CallOutcome::Failing)
        }
        IssueErrorKind::Misconfigured | IssueErrorKind::Unacceptable => {
            (UpstreamOutcome::Misconfigured, CallOutcome::Well)
        }
        IssueErrorKind::Mismatched => (UpstreamOutcome::Mismatched, CallOutcome::Well),
        IssueErrorKind::AlreadyRegistered | IssueErrorKind::LoginTaken => {
            (UpstreamOutcome::Conflict, CallOutcome::Well)
        }
        IssueErrorKind::LoginRefused | IssueErrorKind::UnknownIdentity => {
            (UpstreamOutcome::Refused, CallOutcome::Well)
        }
    }
}

fn held_back(retry_after: Duration, why: &str) -> IssueError {
    IssueError::new(IssueErrorKind::HeldBack(retry_after), why)
}
