//! Vending: answers requests for tokens and for AWS credentials, from the cache or by a call to Cognito.
//!
//! [`TokenVendor`] is the use case. Each decision has a file of its own:
//!
//! - the request and its cache key: `request`, [`cache_key`];
//! - the cache: `read_through` (**start here**), [`freshness`], [`cache_entry`], `store`, `coalescing_store`,
//!   `last_entry_hint`, `negative_cache`;
//! - a load: `loader`, within the `user_quota`; `token_loader` with `token_validation`, [`cached_token`] and
//!   `token_encoding`; `credentials_loader` with `credentials_validation` and [`cached_credentials`]; `link_call` for
//!   the calls of linking;
//! - the calls to Cognito, by region: `upstream` with `circuit_breaker` and [`crate::call_rate_limit`].

pub mod cache_entry;
pub mod cache_key;
pub mod cached_credentials;
pub mod cached_token;
mod circuit_breaker;
mod coalescing_store;
mod credentials_loader;
mod credentials_validation;
pub mod freshness;
mod last_entry_hint;
mod link_call;
mod loader;
mod negative_cache;
mod read_through;
mod request;
mod settings;
mod store;
#[cfg(test)]
mod test_entry;
mod token_encoding;
mod token_loader;
mod token_validation;
mod upstream;
mod user_quota;

use std::sync::Arc;

use cache_key::{CacheKey, UserKey};
use cached_token::ResponseTemplate;
pub use circuit_breaker::CircuitBreakerSettings;
use credentials_loader::CredentialsLoader;
use freshness::{Freshness, Requirements};
pub use last_entry_hint::LastEntryHint;
use loader::{LoadRequest, Loader};
pub use negative_cache::NegativeTtls;
use read_through::ReadThroughCache;
pub use request::{TokenRequest, VendError, Vended, VendedCredentials, VendedToken};
pub use settings::{CacheSettings, CredentialsSettings, VendingSettings};
pub use store::CacheSummary;
use token_loader::TokenLoader;
pub use upstream::UpstreamSettings;
use upstream::{RegionalUpstream, Upstream};

use crate::issuer::TokenIssuer;
use crate::issuer::credentials::CredentialsIssuer;
use crate::metrics::Metrics;
use crate::metrics::labels::{CacheStatus, CredentialKind, Operation};
use crate::per_region::PerRegion;
use crate::pools::{Pool, PoolIndex, Pools};
use clock::SharedClock;
use cognito_types::{DeveloperUserId, IdentityId};

/// The use case: one for the whole process.
#[derive(Debug)]
pub struct TokenVendor {
    settings: VendingSettings,
    tokens: Arc<ReadThroughCache<TokenLoader>>,
    credentials: ReadThroughCache<CredentialsLoader>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl TokenVendor {
    /// A vendor for the pools, with an issuer for each region. Loads run on the runtime that this is called on, which
    /// must outlive the requests.
    pub fn new<I: TokenIssuer + CredentialsIssuer>(
        settings: VendingSettings,
        pools: &Pools,
        issuer: impl Fn(&str) -> Arc<I>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let upstream = |operation, settings| Upstream::new(operation, settings, clock.clone(), metrics.clone());
        let token_loader = TokenLoader {
            upstreams: PerRegion::new(pools, |region| RegionalUpstream {
                upstream: upstream(Operation::GetOpenIdToken, settings.upstream),
                issuer: issuer(region) as Arc<dyn TokenIssuer>,
            }),
            templates: pools.iter().map(|pool| ResponseTemplate::for_pool(&pool.id)).collect(),
            refresh_policy: settings.cache.refresh_policy,
            accept_opaque_tokens: settings.accept_opaque_tokens,
            clock_skew_warning: settings.clock_skew_warning,
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let tokens = Arc::new(ReadThroughCache::new(settings.cache, token_loader, clock.clone(), metrics.clone()));
        let CredentialsSettings { refresh_policy, refresh_timeout, max_size_bytes, rate_limit } = settings.credentials;
        let credentials_loader = CredentialsLoader {
            tokens: tokens.clone(),
            upstreams: PerRegion::new(pools, |region| RegionalUpstream {
                upstream: upstream(Operation::GetCredentials, UpstreamSettings { rate_limit, ..settings.upstream }),
                issuer: issuer(region) as Arc<dyn CredentialsIssuer>,
            }),
            refresh_policy,
            min_refresh_interval: settings.cache.min_refresh_interval,
            clock: clock.clone(),
        };
        let credentials_cache = CacheSettings { refresh_policy, refresh_timeout, max_size_bytes, ..settings.cache };
        let credentials = ReadThroughCache::new(credentials_cache, credentials_loader, clock.clone(), metrics.clone());
        Self { settings, tokens, credentials, clock, metrics }
    }

    /// Vends a token. A hint that belongs to the caller saves the cache lookup of its later requests.
    ///
    /// # Errors
    /// All of [`VendError`] but `CredentialsDisabled`.
    pub async fn vend(&self, request: &TokenRequest, hint: Option<&LastEntryHint>) -> Result<VendedToken, VendError> {
        let requirements = self.requirements(request)?;
        let vended = match request.session_bound_key(&*self.clock) {
            None => self.tokens.get(&request.load_request(), requirements, hint.map(|hint| &hint.token)).await?,
            Some(key) => Box::pin(self.vend_session_bound(request, key, requirements, hint)).await?,
        };
        if request.min_ttl.is_some_and(|min| vended.remaining_life < min) {
            return Err(VendError::MinTtlTooLong { most: vended.remaining_life.as_secs() });
        }
        self.count(CredentialKind::Token, &vended);
        Ok(vended)
    }

    fn count<V>(&self, kind: CredentialKind, vended: &Vended<V>) {
        self.metrics.vends_total.count((kind, vended.source));
        self.metrics.vended_lifetime_seconds.observe(kind, vended.remaining_life);
    }

    /// Vends a token where one minted now would outlive the caller's credential. A token that was minted earlier and
    /// ends in time is served. Otherwise a shorter one is minted, and not refreshed in the background: no later token
    /// could end later.
    async fn vend_session_bound(
        &self,
        request: &TokenRequest,
        key: CacheKey,
        requirements: Requirements,
        hint: Option<&LastEntryHint>,
    ) -> Result<VendedToken, VendError> {
        let hint = hint.map(|hint| &hint.token);
        let session_bound = LoadRequest { key, ..request.load_request() };
        let earlier = self.tokens.peek(&request.key(), requirements, None);
        let own = self.tokens.peek(&session_bound.key, requirements, hint);
        for (entry, now, freshness) in [&earlier, &own].into_iter().flatten() {
            if *freshness <= Freshness::Advisory {
                entry.mark_used(*now);
                return Ok(Vended::new(entry.clone(), CacheStatus::Hit, *now));
            }
        }
        let not_after = session_bound.key.variant.not_after;
        let remaining = not_after.map(|end| end.since(self.clock.now())).unwrap_or_default();
        if own.is_some() || remaining <= self.settings.cache.refresh_policy.clock_skew_allowance {
            return Err(VendError::SessionEnding);
        }
        let fallback = earlier.filter(|(_, _, freshness)| *freshness == Freshness::Mandatory);
        let fallback = fallback.map(|(entry, ..)| entry);
        Ok(self.tokens.load_with_fallback(&session_bound, requirements, fallback, hint).await?)
    }

    /// Vends AWS credentials: those of the role that the pool gives the token's identity.
    ///
    /// # Errors
    /// `CredentialsDisabled`, or the error of the issuer.
    pub async fn vend_credentials(
        &self,
        request: &TokenRequest,
        hint: Option<&LastEntryHint>,
    ) -> Result<VendedCredentials, VendError> {
        if request.pool.credentials.is_none() {
            return Err(VendError::CredentialsDisabled);
        }
        let hint = hint.map(|hint| &hint.credentials);
        let vended = self.credentials.get(&request.load_request(), Requirements::default(), hint).await?;
        self.count(CredentialKind::Credentials, &vended);
        Ok(vended)
    }

    /// Removes a user's tokens of a pool and the credentials of these tokens from the cache. Returns the number of
    /// tokens. They stay valid: Cognito cannot revoke them.
    pub fn invalidate(&self, pool: &Pool, user: &DeveloperUserId) -> usize {
        let user = UserKey::new(pool, user);
        // Tokens first: otherwise credentials could be loaded in between, for a token that is about to be removed.
        let tokens = self.tokens.store.invalidate(&user);
        self.credentials.store.invalidate(&user);
        tokens
    }

    /// Removes all tokens of an identity of these pools and its credentials from the cache, whichever users they were
    /// minted for. Returns the number of tokens.
    pub fn invalidate_identity(&self, pools: &[PoolIndex], identity: &IdentityId) -> usize {
        let tokens = self.tokens.store.invalidate_identity(pools, identity);
        self.credentials.store.invalidate_identity(pools, identity);
        tokens
    }

    /// A summary of a user's cached tokens of a pool, if there are any.
    pub fn cached_tokens(&self, pool: &Pool, user: &DeveloperUserId) -> Option<CacheSummary> {
        self.tokens.store.entries().summary(&UserKey::new(pool, user))
    }

    /// Updates the gauges that are computed when they are read.
    pub fn update_gauges(&self) {
        self.update_cache_gauges(&self.tokens);
        self.update_cache_gauges(&self.credentials);
        let tokens = || self.tokens.loads.loader.upstreams.iter().map(|region| &region.upstream);
        let credentials = self.credentials.loads.loader.upstreams.iter().map(|region| &region.upstream);
        self.metrics.upstream_rate_limit_available.set(tokens().map(Upstream::available).sum());
        let open_circuits = tokens().chain(credentials).filter(|upstream| upstream.is_circuit_open()).count();
        self.metrics.circuits_open.set(i64::try_from(open_circuits).unwrap_or(i64::MAX));
    }

    fn update_cache_gauges<L: Loader>(&self, cache: &ReadThroughCache<L>) {
        let (entries, bytes) = cache.store.entries().size();
        self.metrics.cache_entries.set(L::KIND, entries);
        self.metrics.cache_bytes.set(L::KIND, bytes);
    }

    /// The caller's requirements, if a token can meet them. A token just minted must meet them for at least one
    /// `min_refresh_interval`: otherwise a caller could cause a load with each request.
    fn requirements(&self, request: &TokenRequest) -> Result<Requirements, VendError> {
        let interval = self.settings.cache.min_refresh_interval;
        let full = request.pool.token_duration.as_duration().saturating_sub(interval);
        let max = request.not_after.map_or(full, |end| end.since(self.clock.now()).min(full));
        if request.min_ttl.is_some_and(|min| min > max) {
            return Err(VendError::MinTtlTooLong { most: max.as_secs() });
        }
        let max_age = request.refresh.then_some(interval);
        Ok(Requirements { min_ttl: request.min_ttl, max_age, not_after: request.not_after })
    }
}
