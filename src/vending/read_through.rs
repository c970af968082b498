//! Read-through cache of one kind of value, tokens or credentials: lookup, background refresh, stale-if-error and
//! coalesced loads. [`ReadThroughCache::get`] is the core of vending.

use std::sync::Arc;
use std::time::Duration;

use super::cache_entry::CacheEntry;
use super::cache_key::CacheKey;
use super::coalescing_store::{CoalescingStore, result_of};
use super::freshness::{Freshness, Requirements};
use super::last_entry_hint::EntryHint;
use super::loader::{BackgroundPermits, LoadRequest, Loader, Loads};
use super::negative_cache::NegativeCache;
use super::request::Vended;
use super::settings::CacheSettings;
use super::store::EntryStore;
use super::user_quota::UserQuota;
use crate::issuer::{ErrorClass, IssueError, IssueErrorKind};
use crate::metrics::Metrics;
use crate::metrics::labels::{CacheStatus, RefreshOutcome};
use crate::single_flight::Role;
use clock::{SharedClock, Timestamp};

/// An entry, the time that it was evaluated at, and its freshness then.
pub(super) type Evaluated<V> = (Arc<CacheEntry<V>>, Timestamp, Freshness);

#[derive(Debug)]
pub(super) struct ReadThroughCache<L: Loader> {
    settings: CacheSettings,
    pub(super) loads: Arc<Loads<L>>,
    pub(super) store: CoalescingStore<L::Value>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl<L: Loader> ReadThroughCache<L> {
    /// Loads run on the runtime that this is called on.
    pub(super) fn new(settings: CacheSettings, loader: L, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        let loads = Loads {
            loader,
            negative_cache: NegativeCache::new(settings.negative_ttls, clock.clone()),
            user_quota: Arc::new(UserQuota::new(settings.min_refresh_interval, clock.clone())),
        };
        let entries = EntryStore::new(settings.max_size_bytes, clock.clone(), metrics.clone());
        Self { settings, loads: Arc::new(loads), store: CoalescingStore::new(entries), clock, metrics }
    }

    /// Returns the cached value if it may be served, and loads one otherwise.
    pub(super) async fn get(
        &self,
        request: &LoadRequest,
        requirements: Requirements,
        hint: Option<&EntryHint<L::Value>>,
    ) -> Result<Vended<L::Value>, IssueError> {
        let cached = self.store.entries().get(&request.key, hint);
        let cached = cached.and_then(|entry| self.evaluate(entry, &request.key, requirements));
        let Some((entry, now, freshness)) = cached else {
            // Boxed here and below: a future is as large as its largest branch and is moved by every middleware layer.
            // Cache hits should not pay for the miss path.
            return Box::pin(self.load_with_fallback(request, requirements, None, hint)).await;
        };
        let last_used_ago = entry.mark_used(now);
        match freshness {
            Freshness::Fresh => Ok(Vended::new(entry, CacheStatus::Hit, now)),
            Freshness::Advisory => {
                if last_used_ago <= self.settings.refresh_if_used_within {
                    self.refresh_in_background(request);
                }
                Ok(Vended::new(entry, CacheStatus::Hit, now))
            }
            Freshness::Mandatory => Box::pin(self.load_with_fallback(request, requirements, Some(entry), hint)).await,
            Freshness::Expired => Box::pin(self.load_with_fallback(request, requirements, None, hint)).await,
        }
    }

    /// The cached entry, if it meets the requirements, without a load.
    pub(super) fn peek(
        &self,
        key: &CacheKey,
        requirements: Requirements,
        hint: Option<&EntryHint<L::Value>>,
    ) -> Option<Evaluated<L::Value>> {
        self.evaluate(self.store.entries().get(key, hint)?, key, requirements)
    }

    fn evaluate(
        &self,
        entry: Arc<CacheEntry<L::Value>>,
        key: &CacheKey,
        requirements: Requirements,
    ) -> Option<Evaluated<L::Value>> {
        let now = entry.effective_now(&*self.clock);
        self.store.entries().touch(&entry, key, now);
        let freshness = self.settings.refresh_policy.classify(entry.lifetime(), now);
        requirements.are_met_by(entry.lifetime(), now).then_some((entry, now, freshness))
    }

    /// Whether an entry is at least this fresh now, and meets the requirements.
    fn is_sufficient(&self, entry: &CacheEntry<L::Value>, least: Freshness, requirements: Requirements) -> bool {
        let now = entry.effective_now(&*self.clock);
        self.settings.refresh_policy.classify(entry.lifetime(), now) <= least
            && requirements.are_met_by(entry.lifetime(), now)
    }

    /// Waits for a load. The fallback is served if the load fails, or does not end in time.
    pub(super) async fn load_with_fallback(
        &self,
        request: &LoadRequest,
        requirements: Requirements,
        fallback: Option<Arc<CacheEntry<L::Value>>>,
        hint: Option<&EntryHint<L::Value>>,
    ) -> Result<Vended<L::Value>, IssueError> {
        let is_circuit_open = fallback.is_some() && self.loads.loader.upstream(&request.pool).is_circuit_open();
        let result = if let Some(error) = self.loads.negative_cache.get(&request.key) {
            self.metrics.negative_cache_hits_total.inc();
            Err(error)
        } else if is_circuit_open && !self.store.is_in_flight(&request.key) {
            Err(IssueError::new(IssueErrorKind::Unavailable, "the circuit towards cognito is open"))
        } else {
            let timeout = fallback.is_some().then_some(self.settings.refresh_timeout);
            self.load_coalesced(request, requirements, timeout).await
        };
        let (entry, source) = match (result, fallback) {
            (Ok(loaded), _) => loaded,
            // The fallback may have expired since it was looked up.
            (Err(error), Some(entry))
                if error.kind.class() != ErrorClass::User
                    && self.is_sufficient(&entry, Freshness::Mandatory, requirements) =>
            {
                (entry, CacheStatus::Stale)
            }
            (Err(error), _) => return Err(error),
        };
        if let Some(hint) = hint {
            hint.set(&entry);
        }
        let now = entry.effective_now(&*self.clock);
        Ok(Vended::new(entry, source, now))
    }

    async fn load_coalesced(
        &self,
        request: &LoadRequest,
        requirements: Requirements,
        timeout: Option<Duration>,
    ) -> Result<(Arc<CacheEntry<L::Value>>, CacheStatus), IssueError> {
        let is_sufficient = |entry: &_| self.is_sufficient(entry, Freshness::Advisory, requirements);
        let load = || self.loads.clone().run(request.clone(), None);
        let (waiter, source) = match self.store.join(&request.key, is_sufficient, load) {
            Role::Ready(result) => return Ok((result?, CacheStatus::Coalesced)),
            Role::Follower(waiter) => (waiter, CacheStatus::Coalesced),
            Role::Leader(waiter) => (waiter, CacheStatus::Miss),
        };
        let Some(timeout) = timeout else {
            return Ok((result_of(waiter).await?, source));
        };
        tokio::select! {
            result = result_of(waiter) => Ok((result?, source)),
            () = self.clock.sleep(timeout) => {
                Err(IssueError::new(IssueErrorKind::Unavailable, "cognito did not respond within the refresh timeout"))
            }
        }
    }

    /// Loads a new value for later requests, if the quotas allow it now.
    fn refresh_in_background(&self, request: &LoadRequest) {
        if self.store.is_in_flight(&request.key) || self.loads.negative_cache.get(&request.key).is_some() {
            return;
        }
        let Some(permits) = self.reserve_background_refresh(request) else {
            self.metrics.background_refreshes_total.count((L::KIND, RefreshOutcome::Skipped));
            return;
        };
        // Another load may have completed since this entry was looked up.
        let is_fresh = |entry: &_| self.is_sufficient(entry, Freshness::Fresh, Requirements::default());
        let load = || {
            let (load, metrics) = (self.loads.clone().run(request.clone(), Some(permits)), self.metrics.clone());
            async move {
                let result = load.await;
                let refresh = if result.is_ok() { RefreshOutcome::Refreshed } else { RefreshOutcome::Failed };
                metrics.background_refreshes_total.count((L::KIND, refresh));
                result
            }
        };
        self.store.join(&request.key, is_fresh, load);
    }

    /// The user's quota first: a user who has used it up takes nothing from the rate limit that all users share.
    fn reserve_background_refresh(&self, request: &LoadRequest) -> Option<BackgroundPermits> {
        let user = self.loads.user_quota.try_acquire(&request.key.user).ok()?;
        let call = self.loads.loader.upstream(&request.pool).try_reserve_background()?;
        Some(BackgroundPermits { user, call })
    }
}
