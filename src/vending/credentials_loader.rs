//! Credentials loader: vends the user's token, and exchanges it at Cognito for AWS credentials of its identity. The
//! inputs of the token are those of the credentials, so both have the same cache key. The role is the pool's, or the one
//! that is configured for the pool.

use std::sync::Arc;
use std::time::Duration;

use super::cache_entry::CacheEntry;
use super::cached_credentials::CachedCredentials;
use super::cached_token::CachedToken;
use super::credentials_validation;
use super::freshness::{RefreshPolicy, Requirements};
use super::loader::{CallTimes, LoadRequest, Loader};
use super::read_through::ReadThroughCache;
use super::token_loader::TokenLoader;
use super::upstream::{Permit, RegionalUpstream, Upstream};
use crate::issuer::credentials::{CredentialsIssuer, CredentialsRequest};
use crate::issuer::{IssueError, IssueErrorKind};
use crate::metrics::labels::{CacheStatus, CredentialKind};
use crate::per_region::PerRegion;
use crate::pools::Pool;
use crate::token::login_key;
use clock::SharedClock;

#[derive(Debug)]
pub(super) struct CredentialsLoader {
    pub(super) tokens: Arc<ReadThroughCache<TokenLoader>>,
    pub(super) upstreams: PerRegion<RegionalUpstream<dyn CredentialsIssuer>>,
    pub(super) refresh_policy: RefreshPolicy,
    pub(super) min_refresh_interval: Duration,
    pub(super) clock: SharedClock,
}

impl Loader for CredentialsLoader {
    type Value = CachedCredentials;

    const KIND: CredentialKind = CredentialKind::Credentials;

    fn upstream(&self, pool: &Pool) -> &Upstream {
        &self.upstreams.get(pool).upstream
    }

    async fn load(
        &self,
        request: &LoadRequest,
        reserved: Option<Permit>,
    ) -> Result<CacheEntry<CachedCredentials>, IssueError> {
        let token = self.tokens.get(request, Requirements::default(), None).await?;
        let result = self.exchange(request, &token.entry, reserved).await;
        let was_cached = matches!(token.source, CacheStatus::Hit | CacheStatus::Stale);
        match result {
            // The token's identity may have been deleted, merged or linked since it was minted.
            Err(error) if error.kind == IssueErrorKind::InvalidParameter && was_cached => {
                let requirements = Requirements { max_age: Some(self.min_refresh_interval), ..Requirements::default() };
                let refreshed = self.tokens.get(request, requirements, None).await?;
                if Arc::ptr_eq(&refreshed.entry, &token.entry) {
                    return Err(error);
                }
                self.exchange(request, &refreshed.entry, None).await
            }
            result => result,
        }
    }
}

impl CredentialsLoader {
    /// Exchanges a token for credentials.
    async fn exchange(
        &self,
        request: &LoadRequest,
        token: &CacheEntry<CachedToken>,
        reserved: Option<Permit>,
    ) -> Result<CacheEntry<CachedCredentials>, IssueError> {
        let exchange_request = CredentialsRequest {
            identity: token.value().identity_id()?,
            login: login_key(request.pool.id.region()),
            token: token.value().token(),
            role: request.pool.credentials.as_ref().and_then(|credentials| credentials.role.clone()),
        };
        let region = self.upstreams.get(&request.pool);
        let call = || async {
            let requested_at = self.clock.now();
            let issued = region.issuer.issue_credentials(&exchange_request).await?;
            let call = CallTimes { requested_at, received_at: self.clock.now() };
            let lifetime = credentials_validation::validate(&exchange_request, &issued, call, &self.refresh_policy)?;
            Ok((lifetime, issued))
        };
        let (lifetime, issued) = region.upstream.call(reserved, call).await?;
        let response = CachedCredentials::render(&issued, lifetime.expires_at);
        Ok(CacheEntry::new(request.key.clone(), lifetime, self.clock.monotonic(), response))
    }
}
