//! Vending: answering a request for a token, from the cache as long as that is right, from Cognito when it is
//! not. [`TokenVendor::vend`] is the use case and reads as such; each decision has a file of its own:
//!
//! `request` what is asked · [`key`] what a token is kept under · [`freshness`] whether it may be served ·
//! `store` where it is kept · `flight` one call however many wait · `refusals` remembered noes · `mint` one
//! flight's work, within the user's `rations` · `link` the calls of linking · `upstream` the way out to Cognito, through
//! [`crate::budget`] and `pause`
//! · `check` whether a minted token is the one asked for · [`minted`] the answer.

mod check;
mod flight;
pub mod freshness;
pub mod key;
mod link;
mod mint;
pub mod minted;
mod pause;
mod rations;
mod refusals;
mod request;
mod settings;
mod store;
mod upstream;

use std::sync::Arc;
use std::time::Duration;

use check::Checker;
use flight::{Boarding, Flights};
use freshness::{Freshness, Needs};
use key::{TokenKey, UserKey};
use mint::Mint;
use minted::MintedToken;
pub use pause::PauseSettings;
use rations::Rations;
pub use refusals::RefusalLifetimes;
use refusals::Refusals;
pub use request::{TokenRequest, VendError, Vended};
pub use settings::VendingSettings;
pub use store::Holdings;
use store::Store;
use upstream::Upstream;
pub use upstream::UpstreamSettings;

use crate::clock::{SharedClock, Timestamp};
use crate::identity::{DeveloperUserId, IdentityId};
use crate::issuer::{IssueError, IssueErrorKind, TokenIssuer};
use crate::metrics::Metrics;
use crate::metrics::labels::{RefreshOutcome, Source};
use crate::pools::{Pool, PoolIndex, Pools};

/// The use case: one for the whole process.
#[derive(Debug)]
pub struct TokenVendor {
    settings: VendingSettings,
    flights: Arc<Flights>,
    refusals: Arc<Refusals>,
    rations: Arc<Rations>,
    /// By pool index; pools of one region share theirs, as they share the region's quota.
    upstreams: Vec<Arc<Upstream>>,
    runtime: tokio::runtime::Handle,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl TokenVendor {
    /// A vendor for the pools, with an issuer for each region. Flights are flown on the runtime that this is
    /// called on, which must outlive the requests.
    pub fn new(
        settings: VendingSettings,
        pools: &Pools,
        issuer: impl Fn(&str) -> Arc<dyn TokenIssuer>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let checker = Checker { windows: settings.windows, opaque_tokens: settings.opaque_tokens };
        let mut by_region: Vec<(&str, Arc<Upstream>)> = Vec::new();
        let mut upstreams = Vec::new();
        for pool in pools.iter() {
            let region = pool.id.region();
            let known = by_region.iter().find(|(other, _)| *other == region).map(|(_, known)| known.clone());
            let upstream = known.unwrap_or_else(|| {
                let (clock, metrics) = (clock.clone(), metrics.clone());
                let made =
                    Arc::new(Upstream::new(issuer(region), checker, settings.upstream, clock, metrics));
                by_region.push((region, made.clone()));
                made
            });
            upstreams.push(upstream);
        }
        let store = Store::new(settings.cache_bytes, clock.clone(), metrics.clone());
        Self {
            settings,
            flights: Flights::new(store),
            refusals: Arc::new(Refusals::new(settings.refusals, clock.clone())),
            rations: Arc::new(Rations::new(settings.renewal_interval, clock.clone())),
            upstreams,
            runtime: tokio::runtime::Handle::current(),
            clock,
            metrics,
        }
    }

    /// Answers a request for a token.
    ///
    /// # Errors
    /// The caller asks for what cannot be had, or Cognito gave nothing and no kept token may stand in.
    pub async fn vend(&self, request: &TokenRequest) -> Result<Vended, VendError> {
        let now = self.clock.now();
        let needs = self.needs(request, now)?;
        if let Some(cut) = request.cut_key(now) {
            return self.vend_cut(request, &cut, needs).await;
        }
        let key = request.key();
        let Some((token, now, freshness)) = self.kept(&key, needs) else {
            return self.mint_and_wait(request, &key, needs, None).await;
        };
        let last_seen_ago = token.seen(now);
        match freshness {
            Freshness::Fresh => Ok(self.hand_out(token, Source::Hit, now)),
            Freshness::Advisory => {
                if last_seen_ago <= self.settings.seen_within {
                    self.refresh_behind(request, &key);
                }
                Ok(self.hand_out(token, Source::Hit, now))
            }
            Freshness::Mandatory => self.mint_and_wait(request, &key, needs, Some(token)).await,
            Freshness::Spent => self.mint_and_wait(request, &key, needs, None).await,
        }
    }

    /// As [`TokenVendor::vend`], where a token minted now would outlive the credential that it is for. One that
    /// was minted earlier and ends in time will do; else its life is cut short, and then nothing is refreshed
    /// behind: no later token could end later.
    async fn vend_cut(
        &self,
        request: &TokenRequest,
        cut: &TokenKey,
        needs: Needs,
    ) -> Result<Vended, VendError> {
        let earlier = self.kept(&request.key(), needs);
        let own = self.kept(cut, needs);
        for (token, now, freshness) in [&earlier, &own].into_iter().flatten() {
            if matches!(freshness, Freshness::Fresh | Freshness::Advisory) {
                token.seen(*now);
                return Ok(self.hand_out(token.clone(), Source::Hit, *now));
            }
        }
        let left = cut.shape.ends_by.map(|end| end.since(self.clock.now())).unwrap_or_default();
        if own.is_some() || left <= self.settings.windows.skew_allowance {
            return Err(VendError::SessionEnding);
        }
        let fallback = earlier.filter(|(_, _, freshness)| *freshness == Freshness::Mandatory);
        self.mint_and_wait(request, cut, needs, fallback.map(|(token, ..)| token)).await
    }

    /// The kept token of this key, if it is what the caller needs, and how fresh it is at this moment.
    fn kept(&self, key: &TokenKey, needs: Needs) -> Option<(Arc<MintedToken>, Timestamp, Freshness)> {
        let token = self.flights.store().get(key)?;
        let now = token.judged_at(&*self.clock);
        let freshness = self.settings.windows.judge(token.times(), now);
        needs.met_by(token.times(), now).then_some((token, now, freshness))
    }

    /// Forgets a user's tokens in a pool, and says how many there were. Does not end them: Cognito has no way to.
    pub fn forget(&self, pool: &Pool, user: &DeveloperUserId) -> usize {
        self.flights.forget(&UserKey { pool: pool.index, user: user.clone() })
    }

    /// Forgets all tokens of an identity of these pools, whichever users they were minted for.
    pub fn forget_identity(&self, pools: &[PoolIndex], identity: &IdentityId) -> usize {
        self.flights.forget_identity(pools, identity)
    }

    /// What is kept of a user in a pool, if anything is.
    pub fn holdings(&self, pool: &Pool, user: &DeveloperUserId) -> Option<Holdings> {
        self.flights.store().holdings(&UserKey { pool: pool.index, user: user.clone() })
    }

    /// Brings the gauges up to date that nobody counts as they change.
    pub fn sample(&self) {
        let (entries, bytes) = self.flights.store().size();
        self.metrics.cache_entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.metrics.cache_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        let (mut available, mut paused) = (0.0, 0);
        for (at, upstream) in self.upstreams.iter().enumerate() {
            let is_first = !self.upstreams.iter().take(at).any(|other| Arc::ptr_eq(other, upstream));
            if is_first {
                available += upstream.available();
                paused += i64::from(upstream.is_paused());
            }
        }
        self.metrics.budget_available_calls.set(available);
        self.metrics.paused_regions.set(paused);
    }

    /// What the caller needs, if it can be had. A token just minted must do for at least one renewal
    /// interval; else a caller could have a new one made with each request.
    fn needs(&self, request: &TokenRequest, now: Timestamp) -> Result<Needs, VendError> {
        let whole = request.pool.token_duration.as_duration().saturating_sub(self.settings.renewal_interval);
        let most = request.ends_by.map_or(whole, |end| end.since(now).min(whole));
        if request.min_ttl.is_some_and(|least| least > most) {
            return Err(VendError::LifeOutOfReach { most: most.as_secs() });
        }
        let max_age = request.refresh.then_some(self.settings.renewal_interval);
        Ok(Needs { min_ttl: request.min_ttl, max_age, ends_by: request.ends_by })
    }

    /// Waits for a new token; `fallback` is served if none can be had, or not soon.
    async fn mint_and_wait(
        &self,
        request: &TokenRequest,
        key: &TokenKey,
        needs: Needs,
        fallback: Option<Arc<MintedToken>>,
    ) -> Result<Vended, VendError> {
        let held_back = fallback.is_some() && self.upstream(request).is_paused();
        let outcome = if let Some(refusal) = self.refusals.recall(key) {
            self.metrics.remembered_refusals_total.inc();
            Err(refusal)
        } else if held_back && !self.flights.is_aloft(key) {
            Err(IssueError::new(IssueErrorKind::Unavailable, "calls to cognito are paused"))
        } else {
            let patience = fallback.is_some().then_some(self.settings.stale_after);
            self.fly(request, key, needs, patience).await
        };
        match (outcome, fallback) {
            (Ok((token, source)), _) => {
                let now = token.judged_at(&*self.clock);
                if needs.min_ttl.is_some_and(|least| token.life_left(now) < least) {
                    return Err(VendError::LifeOutOfReach { most: token.life_left(now).as_secs() });
                }
                Ok(self.hand_out(token, source, now))
            }
            (Err(error), Some(token)) if error.kind.is_trouble() && self.may_stand_in(&token, needs) => {
                let now = token.judged_at(&*self.clock);
                Ok(self.hand_out(token, Source::Stale, now))
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Time has gone by since the fallback was looked up; it may have come to its end meanwhile.
    fn may_stand_in(&self, token: &MintedToken, needs: Needs) -> bool {
        let now = token.judged_at(&*self.clock);
        self.settings.windows.judge(token.times(), now) != Freshness::Spent
            && needs.met_by(token.times(), now)
    }

    async fn fly(
        &self,
        request: &TokenRequest,
        key: &TokenKey,
        needs: Needs,
        patience: Option<Duration>,
    ) -> Result<(Arc<MintedToken>, Source), IssueError> {
        let will_do = |token: &MintedToken| {
            let now = token.judged_at(&*self.clock);
            let verdict = self.settings.windows.judge(token.times(), now);
            matches!(verdict, Freshness::Fresh | Freshness::Advisory) && needs.met_by(token.times(), now)
        };
        let (ticket, source) = match self.flights.board(key, will_do) {
            Boarding::Landed(token) => return Ok((token, Source::Coalesced)),
            Boarding::Following(ticket) => (ticket, Source::Coalesced),
            Boarding::Leading(ticket, landing) => {
                let mint = self.mint(request, key);
                self.runtime.spawn(async move { landing.land(mint.run(None).await) });
                (ticket, Source::Miss)
            }
        };
        let Some(patience) = patience else {
            return Ok((ticket.outcome().await?, source));
        };
        tokio::select! {
            outcome = ticket.outcome() => Ok((outcome?, source)),
            () = self.clock.sleep(patience) => {
                Err(IssueError::new(IssueErrorKind::Unavailable, "cognito takes its time"))
            }
        }
    }

    /// Gets a new token behind the caller's back, if nothing speaks against it now.
    fn refresh_behind(&self, request: &TokenRequest, key: &TokenKey) {
        if self.flights.is_aloft(key) || self.refusals.recall(key).is_some() {
            return;
        }
        let Some(reserved) = self.upstream(request).reserve_spare() else {
            self.metrics.refreshes_total.count(RefreshOutcome::Skipped);
            return;
        };
        // Another one may have landed since the token in hand was looked up.
        let has_just_landed = |token: &MintedToken| {
            self.settings.windows.judge(token.times(), token.judged_at(&*self.clock)) == Freshness::Fresh
        };
        let Boarding::Leading(_, landing) = self.flights.board(key, has_just_landed) else { return };
        let (mint, metrics) = (self.mint(request, key), self.metrics.clone());
        self.runtime.spawn(async move {
            let outcome = mint.run(Some(reserved)).await;
            metrics.refreshes_total.count(match &outcome {
                Ok(_) => RefreshOutcome::Refreshed,
                Err(_) => RefreshOutcome::Failed,
            });
            landing.land(outcome);
        });
    }

    fn mint(&self, request: &TokenRequest, key: &TokenKey) -> Mint {
        Mint {
            upstream: self.upstream(request).clone(),
            refusals: self.refusals.clone(),
            rations: self.rations.clone(),
            clock: self.clock.clone(),
            pool: request.pool.clone(),
            key: key.clone(),
            skew_warning: self.settings.skew_warning,
            metrics: self.metrics.clone(),
        }
    }

    /// Every pool has its place in the list: both are made from the same [`Pools`].
    fn upstream(&self, request: &TokenRequest) -> &Arc<Upstream> {
        &self.upstreams[usize::from(request.pool.index.0)]
    }

    fn hand_out(&self, token: Arc<MintedToken>, source: Source, now: Timestamp) -> Vended {
        let life_left = token.life_left(now);
        self.metrics.vends_total.count(source);
        self.metrics.vend_remaining_life_seconds.observe(life_left.as_secs_f64());
        Vended { token, source, life_left }
    }
}
