//! The desk at which one kind of thing is handed out, tokens or credentials: from what is kept as long as that
//! is right, made anew when it is not. [`Desk::serve`] is the heart of vending and reads as such.

use std::sync::Arc;
use std::time::Duration;

use super::cache_entry::CacheEntry;
use super::cache_key::{CacheKey, UserKey};
use super::coalescing_store::{CoalescingStore, Role};
use super::freshness::{Freshness, RefreshPolicy, Requirements};
use super::loader::{LoadRequest, LoadTask, Loader};
use super::negative_cache::{NegativeCache, NegativeTtls};
use super::store::{CachedTokens, EntryStore};
use super::upstream::Permit;
use super::user_quota::UserQuota;
use crate::bookmark::LastEntryHint;
use crate::issuer::{IssueError, IssueErrorKind};
use crate::metrics::Metrics;
use crate::metrics::labels::{RefreshOutcome, Source};
use crate::pools::PoolIndex;
use clock::{SharedClock, Timestamp};
use cognito_types::IdentityId;

/// How things are handed out at a desk.
#[derive(Debug, Clone, Copy)]
pub(super) struct CacheSettings {
    /// When a thing is fresh, and when no longer.
    pub(super) windows: RefreshPolicy,
    /// A user who came within this time before is refreshed ahead; who did not is not.
    pub(super) seen_within: Duration,
    /// How long a caller for whom something valid is kept waits for something new.
    pub(super) stale_after: Duration,
    /// Each user's ration grows by one thing in this time.
    pub(super) renewal_interval: Duration,
    /// The bytes that kept things may take.
    pub(super) cache_bytes: u64,
    /// How long refusals are remembered.
    pub(super) refusals: NegativeTtls,
}

/// What was handed out.
#[derive(Debug)]
pub(super) struct Lookup<A> {
    pub(super) kept: Arc<CacheEntry<A>>,
    pub(super) source: Source,
    /// The moment that it was judged by.
    pub(super) now: Timestamp,
}

/// Something kept, the moment that it was judged by, and the verdict.
type Evaluated<A> = (Arc<CacheEntry<A>>, Timestamp, Freshness);

/// One desk. Flights are flown on the runtime that it was made on.
#[derive(Debug)]
pub(super) struct ReadThroughCache<M: Loader> {
    settings: CacheSettings,
    maker: Arc<M>,
    flights: Arc<CoalescingStore<M::Answer>>,
    refusals: Arc<NegativeCache>,
    rations: Arc<UserQuota>,
    runtime: tokio::runtime::Handle,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl<M: Loader> ReadThroughCache<M> {
    pub(super) fn new(settings: CacheSettings, maker: M, clock: SharedClock, metrics: Arc<Metrics>) -> Self {
        let store = EntryStore::new(settings.cache_bytes, clock.clone(), metrics.clone());
        Self {
            settings,
            maker: Arc::new(maker),
            flights: CoalescingStore::new(store),
            refusals: Arc::new(NegativeCache::new(settings.refusals, clock.clone())),
            rations: Arc::new(UserQuota::new(settings.renewal_interval, clock.clone())),
            runtime: tokio::runtime::Handle::current(),
            clock,
            metrics,
        }
    }

    pub(super) fn maker(&self) -> &M {
        &self.maker
    }

    /// Takes one thing's share of the user's ration, for an act that costs calls whether or not it comes to
    /// anything.
    pub(super) fn ration(&self, user: &UserKey) -> Result<(), IssueError> {
        self.rations.take(user)
    }

    /// Hands out what is ordered.
    pub(super) async fn serve(
        &self,
        order: &LoadRequest,
        needs: Requirements,
        bookmark: &LastEntryHint,
    ) -> Result<Lookup<M::Answer>, IssueError> {
        let Some((kept, now, freshness)) = self.kept(&order.key, needs, bookmark) else {
            // In boxes, here and below: a future is as large as the largest it may wait for, and is moved about by
            // every layer on its way in. What is at hand should not pay for what is not.
            return Box::pin(self.make_and_wait(order, needs, None)).await;
        };
        let last_seen_ago = kept.seen(now);
        match freshness {
            Freshness::Fresh => Ok(Lookup { kept, source: Source::Hit, now }),
            Freshness::Advisory => {
                if last_seen_ago <= self.settings.seen_within {
                    self.refresh_behind(order);
                }
                Ok(Lookup { kept, source: Source::Hit, now })
            }
            Freshness::Mandatory => Box::pin(self.make_and_wait(order, needs, Some(kept))).await,
            Freshness::Spent => Box::pin(self.make_and_wait(order, needs, None)).await,
        }
    }

    /// What is kept under this key, if it is what the caller needs, and how fresh it is at this moment.
    pub(super) fn kept(
        &self,
        key: &CacheKey,
        needs: Requirements,
        bookmark: &LastEntryHint,
    ) -> Option<Evaluated<M::Answer>> {
        let kept = self.flights.store().get_by(bookmark, key)?;
        let now = kept.judged_at(&*self.clock);
        self.flights.store().note_use(&kept, key, now);
        let freshness = self.settings.windows.judge(kept.times(), now);
        needs.met_by(kept.times(), now).then_some((kept, now, freshness))
    }

    /// Drops all that is kept of a user, and says how much there was.
    pub(super) fn forget(&self, user: &UserKey) -> usize {
        self.flights.forget(user)
    }

    /// Drops all that is kept of an identity of these pools, and says how much there was.
    pub(super) fn forget_identity(&self, pools: &[PoolIndex], identity: &IdentityId) -> usize {
        self.flights.forget_identity(pools, identity)
    }

    /// What is kept of a user, if anything is.
    pub(super) fn holdings(&self, user: &UserKey) -> Option<CachedTokens> {
        self.flights.store().holdings(user)
    }

    /// Users of whom something is kept, and the bytes that it takes.
    pub(super) fn size(&self) -> (u64, u64) {
        self.flights.store().size()
    }

    /// Waits for something new; `fallback` is handed out if nothing can be had, or not soon.
    pub(super) async fn make_and_wait(
        &self,
        order: &LoadRequest,
        needs: Requirements,
        fallback: Option<Arc<CacheEntry<M::Answer>>>,
    ) -> Result<Lookup<M::Answer>, IssueError> {
        let held_back = fallback.is_some() && self.maker.upstream(&order.pool).is_paused();
        let outcome = if let Some(refusal) = self.refusals.recall(&order.key) {
            self.metrics.remembered_refusals_total.inc();
            Err(refusal)
        } else if held_back && !self.flights.is_aloft(&order.key) {
            Err(IssueError::new(IssueErrorKind::Unavailable, "calls to cognito are paused"))
        } else {
            let patience = fallback.is_some().then_some(self.settings.stale_after);
            self.fly(order, needs, patience).await
        };
        let (kept, source) = match (outcome, fallback) {
            (Ok(made), _) => made,
            (Err(error), Some(kept)) if error.kind.is_upstream_error() && self.may_stand_in(&kept, needs) => {
                (kept, Source::Stale)
            }
            (Err(error), _) => return Err(error),
        };
        let now = kept.judged_at(&*self.clock);
        Ok(Lookup { kept, source, now })
    }

    /// Time has gone by since the fallback was looked up; it may have come to its end meanwhile.
    fn may_stand_in(&self, kept: &CacheEntry<M::Answer>, needs: Requirements) -> bool {
        let now = kept.judged_at(&*self.clock);
        self.settings.windows.judge(kept.times(), now) != Freshness::Spent && needs.met_by(kept.times(), now)
    }

    async fn fly(
        &self,
        order: &LoadRequest,
        needs: Requirements,
        patience: Option<Duration>,
    ) -> Result<(Arc<CacheEntry<M::Answer>>, Source), IssueError> {
        let will_do = |kept: &CacheEntry<M::Answer>| {
            let now = kept.judged_at(&*self.clock);
            let verdict = self.settings.windows.judge(kept.times(), now);
            matches!(verdict, Freshness::Fresh | Freshness::Advisory) && needs.met_by(kept.times(), now)
        };
        let (ticket, source) = match self.flights.board(&order.key, will_do) {
            Role::Landed(kept) => return Ok((kept, Source::Coalesced)),
            Role::Following(ticket) => (ticket, Source::Coalesced),
            Role::Leading(ticket, landing) => {
                let mint = self.mint(order);
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

    /// Has something new made behind the caller's back, if nothing speaks against it now.
    fn refresh_behind(&self, order: &LoadRequest) {
        if self.flights.is_aloft(&order.key) || self.refusals.recall(&order.key).is_some() {
            return;
        }
        let Some(reserved) = self.prepay(order) else {
            self.metrics.books(M::WARE).refreshes.count(RefreshOutcome::Skipped);
            return;
        };
        // Another one may have landed since the one in hand was looked up.
        let has_just_landed = |kept: &CacheEntry<M::Answer>| {
            self.settings.windows.judge(kept.times(), kept.judged_at(&*self.clock)) == Freshness::Fresh
        };
        let Role::Leading(_, landing) = self.flights.board(&order.key, has_just_landed) else {
            self.rations.give_back(&order.key.user);
            return;
        };
        let (mint, metrics) = (self.mint(order), self.metrics.clone());
        self.runtime.spawn(async move {
            let outcome = mint.run(Some(reserved)).await;
            metrics.books(M::WARE).refreshes.count(match &outcome {
                Ok(_) => RefreshOutcome::Refreshed,
                Err(_) => RefreshOutcome::Failed,
            });
            landing.land(outcome);
        });
    }

    /// What a call that nobody waits for costs, if it can be had now. The user's ration first: one who has used it up
    /// costs nothing that all share.
    fn prepay(&self, order: &LoadRequest) -> Option<Permit> {
        let user = &order.key.user;
        self.rations.take(user).ok()?;
        let reserved = self.maker.upstream(&order.pool).reserve_spare();
        if reserved.is_none() {
            self.rations.give_back(user);
        }
        reserved
    }

    fn mint(&self, order: &LoadRequest) -> LoadTask<M> {
        LoadTask {
            maker: self.maker.clone(),
            refusals: self.refusals.clone(),
            rations: self.rations.clone(),
            order: order.clone(),
        }
    }
}
