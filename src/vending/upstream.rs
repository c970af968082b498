//! The way out to one operation of Cognito in one region: no call while a pause is on, none without room in the
//! budget, a few attempts for what passes, and every call measured.

use std::sync::Arc;
use std::time::Duration;

use super::pause::{Health, Pause, PauseSettings};
use crate::budget::{Budget, BudgetSettings, Exhausted};
use crate::issuer::{IssueError, IssueErrorKind};
use crate::metrics::Metrics;
use crate::metrics::labels::{UpstreamOutcome, Ware};
use clock::SharedClock;

/// How a region's Cognito is called.
#[derive(Debug, Clone, Copy)]
pub struct UpstreamSettings {
    /// Our share of the quota.
    pub budget: BudgetSettings,
    /// When calls are paused.
    pub pause: PauseSettings,
    /// The most calls made for one token, or for one user's credentials.
    pub attempts: u32,
    /// No call takes longer than this: the issuer's own time-out.
    pub call_timeout: Duration,
}

/// A call's place in the budget, already taken.
#[derive(Debug)]
pub(super) struct Reserved(());

/// One operation of one region's Cognito.
#[derive(Debug)]
pub(super) struct Upstream {
    ware: Ware,
    budget: Budget,
    pause: Pause,
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
        let budget = Budget::new(settings.budget, clock.clone());
        let pause = Pause::new(settings.pause, settings.call_timeout, clock.clone());
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
    pub(super) fn reserve_spare(&self) -> Option<Reserved> {
        if self.is_paused() {
            return None;
        }
        self.budget.try_acquire_spare().ok().map(|()| Reserved(()))
    }

    /// Makes a call when that is allowed, and makes it again a few times if need be. The check of what comes back
    /// belongs to the call.
    pub(super) async fn call<T, F>(
        &self,
        mut reserved: Option<Reserved>,
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
        attempt < self.settings.attempts && elapsed < self.settings.call_timeout
    }

    /// Waits until a call may be made: no pause is on, and the budget has room. A place in the budget that was
    /// waited for while a pause began is given up for it: else all who waited would call the moment it ends.
    async fn clearance(&self, mut reserved: Option<Reserved>) -> Result<(), IssueError> {
        let deadline = self.clock.monotonic() + self.settings.budget.max_wait;
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
            Err(Exhausted(retry_after)) => {
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

fn judge(error: Option<IssueErrorKind>) -> (UpstreamOutcome, Health) {
    let Some(kind) = error else { return (UpstreamOutcome::Issued, Health::Well) };
    match kind {
        IssueErrorKind::Throttled => (UpstreamOutcome::Throttled, Health::Throttling),
        IssueErrorKind::Unavailable | IssueErrorKind::HeldBack(_) => {
            (UpstreamOutcome::Unavailable, Health::Failing)
        }
        IssueErrorKind::Misconfigured | IssueErrorKind::Unacceptable => {
            (UpstreamOutcome::Misconfigured, Health::Well)
        }
        IssueErrorKind::Mismatched => (UpstreamOutcome::Mismatched, Health::Well),
        IssueErrorKind::AlreadyRegistered | IssueErrorKind::LoginTaken => {
            (UpstreamOutcome::Conflict, Health::Well)
        }
        IssueErrorKind::LoginRefused | IssueErrorKind::UnknownIdentity => {
            (UpstreamOutcome::Refused, Health::Well)
        }
    }
}

fn held_back(retry_after: Duration, why: &str) -> IssueError {
    IssueError::new(IssueErrorKind::HeldBack(retry_after), why)
}
