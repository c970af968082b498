//! One flight's work: get a checked token, remember a refusal, tell the operator what is wrong.

use std::sync::Arc;
use std::time::Duration;

use super::flight::Outcome;
use super::key::{Shape, TokenKey};
use super::minted::MintedToken;
use super::rations::Rations;
use super::refusals::Refusals;
use super::upstream::{Reserved, Upstream};
use crate::clock::{SharedClock, Timestamp};
use crate::identity::TokenDuration;
use crate::issuer::{IssueError, IssueErrorKind, IssueRequest, PublicLogins};
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
        let shape = &self.key.shape;
        let request = IssueRequest {
            pool: self.pool.id.clone(),
            provider: self.pool.provider.clone(),
            user: self.key.user.user.clone(),
            duration: duration_of(shape, self.clock.now())?,
            tags: shape.tags.clone(),
            identity: None,
            also: PublicLogins::none(),
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
        let mut times = checked.times;
        if let Some(end) = shape.ends_by {
            // Whole seconds, and a wait for room in the budget, may have made it end a little later.
            times.expires_at = times.expires_at.min(end);
        }
        Ok(Arc::new(MintedToken::new(shape.clone(), &request, &issued, times, minted_on)))
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
            IssueErrorKind::AlreadyRegistered
            | IssueErrorKind::LoginTaken
            | IssueErrorKind::LoginRefused
            | IssueErrorKind::UnknownIdentity => {
                tracing::info!(pool, %error, "cognito refused this user");
            }
            IssueErrorKind::Throttled | IssueErrorKind::Unavailable | IssueErrorKind::HeldBack(_) => {
                tracing::warn!(pool, %error, "cognito gave no token");
            }
        }
    }
}

/// The life to ask for now, so that the token ends in time.
fn duration_of(shape: &Shape, now: Timestamp) -> Result<TokenDuration, IssueError> {
    let Some(end) = shape.ends_by else { return Ok(shape.duration) };
    let left = TokenDuration::parse(end.since(now).as_secs());
    left.map(|left| left.min(shape.duration)).map_err(|_| {
        IssueError::new(IssueErrorKind::Unavailable, "the credential that the token is for has just ended")
    })
}
