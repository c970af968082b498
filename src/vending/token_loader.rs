//! Token loader: one call to Cognito, the validation of its token, and the measurement of clock skew.

use std::sync::Arc;
use std::time::Duration;

use super::cache_entry::CacheEntry;
use super::cache_key::Variant;
use super::cached_token::{CachedToken, ResponseTemplate};
use super::freshness::RefreshPolicy;
use super::loader::{CallTimes, LoadRequest, Loader};
use super::token_validation::{self, ValidatedToken};
use super::upstream::{Permit, RegionalUpstream, Upstream};
use crate::issuer::{IssueError, IssueErrorKind, IssueRequest, IssuedToken, TokenIssuer};
use crate::metrics::Metrics;
use crate::metrics::labels::CredentialKind;
use crate::per_region::PerRegion;
use crate::pools::Pool;
use clock::{SharedClock, Timestamp};
use cognito_types::TokenDuration;

#[derive(Debug)]
pub(super) struct TokenLoader {
    pub(super) upstreams: PerRegion<RegionalUpstream<dyn TokenIssuer>>,
    /// By pool index.
    pub(super) templates: Vec<ResponseTemplate>,
    pub(super) refresh_policy: RefreshPolicy,
    pub(super) accept_opaque_tokens: bool,
    pub(super) clock_skew_warning: Duration,
    pub(super) clock: SharedClock,
    pub(super) metrics: Arc<Metrics>,
}

impl Loader for TokenLoader {
    type Value = CachedToken;

    const KIND: CredentialKind = CredentialKind::Token;

    fn upstream(&self, pool: &Pool) -> &Upstream {
        &self.upstreams.get(pool).upstream
    }

    async fn load(
        &self,
        request: &LoadRequest,
        reserved: Option<Permit>,
    ) -> Result<CacheEntry<CachedToken>, IssueError> {
        let variant = &request.key.variant;
        let issue_request = IssueRequest {
            duration: duration_of(variant, self.clock.now())?,
            tags: variant.tags.clone(),
            ..IssueRequest::new(&request.pool, request.key.user.user.clone())
        };
        let (issued, validated) = self.issue(&request.pool, &issue_request, reserved).await?;
        if validated.is_opaque {
            self.metrics.opaque_tokens_total.inc();
        }
        if let Some(seconds) = validated.skew_seconds {
            self.record_skew(seconds);
        }
        let mut lifetime = validated.lifetime;
        if let Some(end) = variant.not_after {
            // It may end a little later, because of whole seconds and a wait for the call rate limit.
            lifetime.expires_at = lifetime.expires_at.min(end);
        }
        let template = &self.templates[usize::from(request.pool.index.0)];
        let response = CachedToken::render(template, &issued, lifetime.expires_at);
        Ok(CacheEntry::new(request.key.clone(), lifetime, self.clock.monotonic(), response))
    }
}

impl TokenLoader {
    /// Has a token issued and validates it, with retries.
    pub(super) async fn issue(
        &self,
        pool: &Pool,
        request: &IssueRequest,
        reserved: Option<Permit>,
    ) -> Result<(IssuedToken, ValidatedToken), IssueError> {
        let region = self.upstreams.get(pool);
        let call = || async {
            let requested_at = self.clock.now();
            let issued = region.issuer.issue(request).await?;
            let call = CallTimes { requested_at, received_at: self.clock.now() };
            let policy = &self.refresh_policy;
            let validated = token_validation::validate(request, &issued, call, policy, self.accept_opaque_tokens)?;
            Ok((issued, validated))
        };
        region.upstream.call(reserved, call).await
    }

    fn record_skew(&self, seconds: f64) {
        self.metrics.clock_skew_seconds.set(seconds);
        if seconds.abs() > self.clock_skew_warning.as_secs_f64() {
            tracing::warn!(
                skew_seconds = seconds,
                "this machine's clock differs from cognito's; tokens are shortened by the difference, and beyond \
                 5 minutes aws rejects the service's signatures"
            );
        }
    }
}

/// The duration to request now, so that the token ends in time.
fn duration_of(variant: &Variant, now: Timestamp) -> Result<TokenDuration, IssueError> {
    let Some(end) = variant.not_after else { return Ok(variant.duration) };
    let remaining = TokenDuration::parse(end.since(now).as_secs());
    remaining.map(|remaining| remaining.min(variant.duration)).map_err(|_| {
        IssueError::new(IssueErrorKind::Unavailable, "the credential that the token is bound to has just expired")
    })
}
