//! How tokens are made: one call, checked, and what the token tells of the clocks.

use std::sync::Arc;
use std::time::Duration;

use super::cache_entry::CacheEntry;
use super::cache_key::Variant;
use super::loader::{LoadRequest, Loader};
use super::regional::RegionalUpstreams;
use super::token_response::{CachedToken, ResponseTemplate, TokenResponse};
use super::token_validation::{CallTimes, TokenValidator, ValidatedToken};
use super::upstream::{Permit, Upstream};
use crate::issuer::{IssueError, IssueErrorKind, IssueRequest, IssuedToken, PublicLogins, TokenIssuer};
use crate::metrics::Metrics;
use crate::metrics::labels::Ware;
use crate::pools::Pool;
use clock::{SharedClock, Timestamp};
use cognito_types::TokenDuration;

/// Makes tokens.
#[derive(Debug)]
pub(super) struct TokenLoader {
    pub(super) ways: RegionalUpstreams<dyn TokenIssuer>,
    /// Of each pool's answers, by pool index.
    pub(super) frames: Vec<ResponseTemplate>,
    pub(super) checker: TokenValidator,
    pub(super) skew_warning: Duration,
    pub(super) clock: SharedClock,
    pub(super) metrics: Arc<Metrics>,
}

impl Loader for TokenLoader {
    type Answer = TokenResponse;

    const WARE: Ware = Ware::Token;

    fn upstream(&self, pool: &Pool) -> &Upstream {
        &self.ways.of(pool).upstream
    }

    async fn make(&self, order: &LoadRequest, reserved: Option<Permit>) -> Result<CachedToken, IssueError> {
        let shape = &order.key.shape;
        let request = IssueRequest {
            pool: order.pool.id.clone(),
            provider: order.pool.provider.clone(),
            user: order.key.user.user.clone(),
            duration: duration_of(shape, self.clock.now())?,
            tags: shape.tags.clone(),
            identity: None,
            public_logins: PublicLogins::none(),
        };
        let (issued, checked) = self.issue(&order.pool, &request, reserved).await?;
        if checked.opaque {
            self.metrics.opaque_tokens_total.inc();
        }
        if let Some(seconds) = checked.skew_seconds {
            self.note_skew(seconds);
        }
        let mut times = checked.times;
        if let Some(end) = shape.ends_by {
            // Whole seconds, and a wait for room in the budget, may have made it end a little later.
            times.expires_at = times.expires_at.min(end);
        }
        let answer =
            TokenResponse::render(&self.frames[usize::from(order.pool.index.0)], &issued, times.expires_at);
        Ok(CacheEntry::new(order.key.clone(), times, self.clock.monotonic(), answer))
    }
}

impl TokenLoader {
    /// Has a token issued and checked, in a few attempts if need be.
    pub(super) async fn issue(
        &self,
        pool: &Pool,
        request: &IssueRequest,
        reserved: Option<Permit>,
    ) -> Result<(IssuedToken, ValidatedToken), IssueError> {
        let way = self.ways.of(pool);
        way.upstream.call(reserved, || self.issue_and_check(&*way.issuer, request)).await
    }

    async fn issue_and_check(
        &self,
        issuer: &dyn TokenIssuer,
        request: &IssueRequest,
    ) -> Result<(IssuedToken, ValidatedToken), IssueError> {
        let asked_at = self.clock.now();
        let issued = issuer.issue(request).await?;
        let span = CallTimes { asked_at, came_at: self.clock.now() };
        let checked = self.checker.check(request, &issued, span, fastrand::f64())?;
        Ok((issued, checked))
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
}

/// The life to ask for now, so that the token ends in time.
fn duration_of(shape: &Variant, now: Timestamp) -> Result<TokenDuration, IssueError> {
    let Some(end) = shape.ends_by else { return Ok(shape.duration) };
    let left = TokenDuration::parse(end.since(now).as_secs());
    left.map(|left| left.min(shape.duration)).map_err(|_| {
        IssueError::new(IssueErrorKind::Unavailable, "the credential that the token is for has just ended")
    })
}
