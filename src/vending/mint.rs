//! One flight's work: get a checked token, remember a refusal, tell the operator what is wrong.

use std::sync::Arc;
use std::time::Duration;

use super::flight::Outcome;
use super::key::TokenKey;
use super::minted::MintedToken;
use super::rations::Rations;
use super::refusals::Refusals;
use super::upstream::{Reserved, Upstream};
use crate::clock::SharedClock;
use crate::issuer::{IssueError, IssueErrorKind, IssueRequest};
use crate::metrics::Metrics;
use crate::pools::Pool;

/// All that a flight needs, owned: it outlives the request that began it.
#[derive(Debug)]
pub(super) struct Mint {
    pub(super) upstream: Arc<Upstream>,
    pub(super) refusals: Arc<Refusals>,
    pub(super) rations: Arc<Rations>,
    pub(super) pool: Arc<Pool>,
    pub(super) key: TokenKey,
    pub(super) skew_warning: Duration,
    pub(super) clock: SharedClock,
    pub(super) metrics: Arc<Metrics>,
}

impl Mint {
    /// Gets the token. Logs what went wrong, once for all who wait.
    pub(super) async fn run(self, reserved: Option<Reserved>) -> Outcome {
        let outcome = self.attempt(reserved).await;
        match &outcome {
            Ok(_) => self.refusals.forget(&self.key),
            Err(error) => {
                self.refusals.remember(&self.key, error);
                self.log(error);
            }
        }
        outcome
    }

    async fn attempt(&self, reserved: Option<Reserved>) -> Outcome {
        let request = IssueRequest {
            pool: self.pool.id.clone(),
            provider: self.pool.provider.clone(),
            user: self.key.user.user.clone(),
            duration: self.key.shape.duration,
            tags: self.key.shape.tags.clone(),
        };
        self.rations.check(&self.key.user)?;
        let (issued, checked) = self.upstream.mint(&request, reserved).await?;
        self.rations.count(&self.key.user);
        if checked.opaque {
            self.metrics.opaque_tokens_total.inc();
        }
        if let Some(seconds) = checked.skew_seconds {
            self.note_skew(seconds);
        }
        let minted_on = self.clock.monotonic();
        Ok(Arc::new(MintedToken::new(&request, &issued, checked.times, minted_on)))
    }

    fn note_skew(&self, seconds: f64) {
        self.metrics.clock_skew_seconds.set(seconds);
        if seconds.abs() > self.skew_warning.as_secs_f64() {
            tracing::warn!(
                skew_seconds = seconds,
                "this machine's clock differs from cognito's; tokens are cut short by as much, and beyond \
                 5 minutes aws refuses our signatures"
            );
        }
    }

    fn log(&self, error: &IssueError) {
        let pool = &*self.pool.name;
        match error.kind {
            IssueErrorKind::Misconfigured | IssueErrorKind::Unacceptable | IssueErrorKind::Mismatched => {
                tracing::error!(pool, %error, "cognito gave no token that may be served");
            }
            IssueErrorKind::AlreadyRegistered | IssueErrorKind::LoginTaken => {
                tracing::info!(pool, %error, "cognito refused this user");
            }
            IssueErrorKind::Throttled | IssueErrorKind::Unavailable | IssueErrorKind::HeldBack(_) => {
                tracing::warn!(pool, %error, "cognito gave no token");
            }
        }
    }
}
