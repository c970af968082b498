//! Vending: answering a request for a token, or for the AWS credentials that the token is good for, from the cache
//! as long as that is right, from Cognito when it is not. [`TokenVendor`] is the use case; each decision has a file
//! of its own:
//!
//! `request` what is asked · [`key`] what a token is kept under · `desk` **how it is served** · [`freshness`]
//! whether what is kept may be served · [`kept`] and `store` where it is kept · `flight` one call however many wait
//! · `refusals` remembered noes · `mint` one flight's work, within the user's `rations` · `link` the calls of linking · `ways` and `upstream` the
//! way out to Cognito, through [`crate::budget`] and `pause` · `tokens` how one is made, `check` whether it is the one asked
//! for, [`minted`] the answer, `packed` the token in it · [`credentials`] the same for credentials.

pub mod cache_entry;
pub mod cache_key;
mod circuit_breaker;
mod coalescing_store;
pub mod credentials_loader;
pub mod freshness;
mod link_call;
mod loader;
mod negative_cache;
mod read_through;
mod regional;
mod request;
mod settings;
mod store;
mod token_encoding;
mod token_loader;
pub mod token_response;
mod token_validation;
mod upstream;
mod user_quota;

use std::sync::Arc;

use cache_key::{CacheKey, UserKey};
pub use circuit_breaker::CircuitBreakerSettings;
use credentials_loader::CredentialsLoader;
use freshness::{Freshness, Requirements};
use loader::{LoadRequest, Loader};
pub use negative_cache::NegativeTtls;
use read_through::{CacheSettings, Lookup, ReadThroughCache};
use regional::{RegionalUpstream, RegionalUpstreams};
pub use request::{TokenRequest, VendError, VendedCredentials, VendedToken};
pub use settings::{CredentialsSettings, VendingSettings};
pub use store::CachedTokens;
use token_loader::TokenLoader;
use token_response::{ResponseTemplate, TokenResponse};
use token_validation::TokenValidator;
use upstream::Upstream;
pub use upstream::UpstreamSettings;

use crate::bookmark::LastEntryHint;
use crate::issuer::TokenIssuer;
use crate::issuer::credentials::CredentialsIssuer;
use crate::metrics::Metrics;
use crate::metrics::labels::{Source, Ware};
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
    /// A vendor for the pools, with an issuer for each region. Flights are flown on the runtime that this is
    /// called on, which must outlive the requests.
    pub fn new<I: TokenIssuer + CredentialsIssuer>(
        settings: VendingSettings,
        pools: &Pools,
        issuer: impl Fn(&str) -> Arc<I>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let upstream = |ware, settings| Upstream::new(ware, settings, clock.clone(), metrics.clone());
        let tokens = TokenLoader {
            ways: RegionalUpstreams::new(pools, |region| RegionalUpstream {
                upstream: upstream(Ware::Token, settings.upstream),
                issuer: issuer(region) as Arc<dyn TokenIssuer>,
            }),
            frames: pools.iter().map(|pool| ResponseTemplate::of(&pool.id)).collect(),
            checker: TokenValidator { windows: settings.windows, opaque_tokens: settings.opaque_tokens },
            skew_warning: settings.clock_skew_warning,
            clock: clock.clone(),
            metrics: metrics.clone(),
        };
        let desk = CacheSettings {
            windows: settings.windows,
            seen_within: settings.refresh_if_used_within,
            stale_after: settings.refresh_timeout,
            renewal_interval: settings.min_refresh_interval,
            cache_bytes: settings.max_size_bytes,
            refusals: settings.negative_ttls,
        };
        let tokens = Arc::new(ReadThroughCache::new(desk, tokens, clock.clone(), metrics.clone()));
        let own = settings.credentials;
        let credentials = CredentialsLoader {
            tokens: tokens.clone(),
            ways: RegionalUpstreams::new(pools, |region| RegionalUpstream {
                upstream: upstream(
                    Ware::Credentials,
                    UpstreamSettings { rate_limit: own.rate_limit, ..settings.upstream },
                ),
                issuer: issuer(region) as Arc<dyn CredentialsIssuer>,
            }),
            windows: own.windows,
            renewal_interval: settings.min_refresh_interval,
            clock: clock.clone(),
        };
        let desk = CacheSettings {
            windows: own.windows,
            stale_after: own.refresh_timeout,
            cache_bytes: own.max_size_bytes,
            ..desk
        };
        let credentials = ReadThroughCache::new(desk, credentials, clock.clone(), metrics.clone());
        Self { settings, tokens, credentials, clock, metrics }
    }

    /// Answers a request for a token. The bookmark is the caller's own, if it has one: where its last token is found.
    ///
    /// # Errors
    /// The caller asks for what cannot be had, or Cognito gave nothing and no kept token may stand in.
    pub async fn vend(
        &self,
        request: &TokenRequest,
        bookmark: &LastEntryHint,
    ) -> Result<VendedToken, VendError> {
        let needs = self.needs(request)?;
        let served = match request.cut_key(&*self.clock) {
            None => self.tokens.serve(&request.order(), needs, bookmark).await?,
            Some(cut) => Box::pin(self.serve_cut(request, cut, needs, bookmark)).await?,
        };
        let life_left = served.kept.life_left(served.now);
        if request.min_ttl.is_some_and(|least| life_left < least) {
            return Err(VendError::LifeOutOfReach { most: life_left.as_secs() });
        }
        self.metrics.vends_total.count(served.source);
        self.metrics.vend_remaining_life_seconds.observe(life_left.as_secs_f64());
        Ok(VendedToken { token: served.kept, source: served.source, life_left })
    }

    /// Serves where a token minted now would outlive the credential that it is for. One that was minted earlier and
    /// ends in time will do; else its life is cut short, and then nothing is refreshed behind: no later token could
    /// end later.
    async fn serve_cut(
        &self,
        request: &TokenRequest,
        cut: CacheKey,
        needs: Requirements,
        bookmark: &LastEntryHint,
    ) -> Result<Lookup<TokenResponse>, VendError> {
        let cut = LoadRequest { key: cut, ..request.order() };
        let earlier = self.tokens.kept(&request.key(), needs, &LastEntryHint::default());
        let own = self.tokens.kept(&cut.key, needs, bookmark);
        for (kept, now, freshness) in [&earlier, &own].into_iter().flatten() {
            if matches!(freshness, Freshness::Fresh | Freshness::Advisory) {
                kept.seen(*now);
                return Ok(Lookup { kept: kept.clone(), source: Source::Hit, now: *now });
            }
        }
        let left = cut.key.shape.ends_by.map(|end| end.since(self.clock.now())).unwrap_or_default();
        if own.is_some() || left <= self.settings.windows.clock_skew_allowance {
            return Err(VendError::SessionEnding);
        }
        let fallback = earlier.filter(|(_, _, freshness)| *freshness == Freshness::Mandatory);
        Ok(self.tokens.make_and_wait(&cut, needs, fallback.map(|(kept, ..)| kept)).await?)
    }

    /// Answers a request for AWS credentials: those of the role that the pool gives the token's identity.
    ///
    /// # Errors
    /// The pool hands out none, or Cognito gave nothing and no kept credentials may stand in.
    pub async fn vend_credentials(&self, request: &TokenRequest) -> Result<VendedCredentials, VendError> {
        if request.pool.credentials.is_none() {
            return Err(VendError::CredentialsDisabled);
        }
        let served = self
            .credentials
            .serve(&request.order(), Requirements::default(), &LastEntryHint::default())
            .await?;
        let life_left = served.kept.life_left(served.now);
        self.metrics.credentials_vends_total.count(served.source);
        self.metrics.credentials_remaining_life_seconds.observe(life_left.as_secs_f64());
        Ok(VendedCredentials { credentials: served.kept, source: served.source })
    }

    /// Forgets a user's tokens in a pool, and the credentials that they were good for; says how many tokens there
    /// were. Does not end them: Cognito has no way to.
    pub fn forget(&self, pool: &Pool, user: &DeveloperUserId) -> usize {
        let user = UserKey { pool: pool.index, user: user.clone() };
        // Tokens first: else credentials could be got in between for a token that is about to be forgotten.
        let tokens = self.tokens.forget(&user);
        self.credentials.forget(&user);
        tokens
    }

    /// Forgets all tokens of an identity of these pools, and its credentials, whichever users they were made for;
    /// says how many tokens there were.
    pub fn forget_identity(&self, pools: &[PoolIndex], identity: &IdentityId) -> usize {
        let tokens = self.tokens.forget_identity(pools, identity);
        self.credentials.forget_identity(pools, identity);
        tokens
    }

    /// What tokens are kept of a user in a pool, if any are.
    pub fn holdings(&self, pool: &Pool, user: &DeveloperUserId) -> Option<CachedTokens> {
        self.tokens.holdings(&UserKey { pool: pool.index, user: user.clone() })
    }

    /// Brings the gauges up to date that nobody counts as they change.
    pub fn sample(&self) {
        self.sample_desk(&self.tokens);
        self.sample_desk(&self.credentials);
        let (tokens, credentials) = (&self.tokens.maker().ways, &self.credentials.maker().ways);
        self.metrics.budget_available_calls.set(tokens.iter().map(|way| way.upstream.available()).sum());
        let paused = tokens.iter().filter(|way| way.upstream.is_paused()).count()
            + credentials.iter().filter(|way| way.upstream.is_paused()).count();
        self.metrics.paused_regions.set(i64::try_from(paused).unwrap_or(i64::MAX));
    }

    fn sample_desk<M: Loader>(&self, desk: &ReadThroughCache<M>) {
        let (entries, bytes) = desk.size();
        let books = self.metrics.books(M::WARE);
        books.cache_entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        books.cache_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// What the caller needs, if it can be had. A token just minted must do for at least one renewal
    /// interval; else a caller could have a new one made with each request.
    fn needs(&self, request: &TokenRequest) -> Result<Requirements, VendError> {
        let whole =
            request.pool.token_duration.as_duration().saturating_sub(self.settings.min_refresh_interval);
        let most = request.ends_by.map_or(whole, |end| end.since(self.clock.now()).min(whole));
        if request.min_ttl.is_some_and(|least| least > most) {
            return Err(VendError::LifeOutOfReach { most: most.as_secs() });
        }
        let max_age = request.refresh.then_some(self.settings.min_refresh_interval);
        Ok(Requirements { min_ttl: request.min_ttl, max_age, ends_by: request.ends_by })
    }
}
