//! What administrators do with identities: look them up, merge two users' into one, unlink a user, delete. Every
//! call passes a budget of its own, and whatever changes an identity makes this process forget the tokens that
//! were minted for it.
//!
//! An act that has begun is brought to its end in a task of its own: whoever asked for it may hang up, but the
//! forgetting that goes with it must not be left out.

use std::sync::Arc;

use crate::call_rate_limit::{CallRateLimiter, CallRateSettings, RateLimited};
use crate::issuer::registry::{
    DeleteFailure, DeleteFailureReason, DescribedIdentity, IdentityPage, IdentityQuery, IdentityRegistry,
    IdentityUsers, PageRequest, RegistryError, RegistryErrorKind,
};
use crate::metrics::Metrics;
use crate::metrics::labels::{Operation, UpstreamOutcome};
use crate::pools::{Pool, PoolIndex, Pools};
use crate::regional::Regional;
use crate::vending::{CachedTokens, TokenVendor};
use clock::SharedClock;
use cognito_types::{DeveloperUserId, IdentityId};

/// One region's registry and our share of its quota.
#[derive(Debug)]
struct Region {
    registry: Arc<dyn IdentityRegistry>,
    budget: CallRateLimiter,
}

/// The administrators' use case: one for the whole process.
#[derive(Debug)]
pub struct IdentityAdmin {
    regions: Regional<Region>,
    pools: Pools,
    vendor: Arc<TokenVendor>,
    runtime: tokio::runtime::Handle,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

/// Two users with one identity now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeResult {
    /// The identity that both have.
    pub identity: IdentityId,
    /// The identity that was given up for it. The same one where both had it before.
    pub given_up: IdentityId,
}

/// What became of identities that were to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteResult {
    /// Those that are gone.
    pub deleted: Vec<IdentityId>,
    /// Those that still are.
    pub undeleted: Vec<DeleteFailure>,
}

impl IdentityAdmin {
    /// A lifecycle for the pools, with a registry for each region. Acts are done on the runtime that this is
    /// called on.
    pub fn new(
        pools: &Pools,
        budget: CallRateSettings,
        registry: impl Fn(&str) -> Arc<dyn IdentityRegistry>,
        vendor: Arc<TokenVendor>,
        clock: &SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let regions = Regional::new(pools, |region| Region {
            registry: registry(region),
            budget: CallRateLimiter::new(budget, clock.clone()),
        });
        let runtime = tokio::runtime::Handle::current();
        Self { regions, pools: pools.clone(), vendor, runtime, clock: clock.clone(), metrics }
    }

    /// Finds the identity of a user, or an identity, and its users.
    ///
    /// # Errors
    /// The pool has none such, or the registry gave no answer.
    pub async fn look_up(
        &self,
        pool: &Pool,
        sought: IdentityQuery<'_>,
        page: &PageRequest,
    ) -> Result<IdentityUsers, RegistryError> {
        let region = self.region(pool).await?;
        self.instrument(Operation::LookupDeveloperIdentity, region.registry.look_up(pool, sought, page)).await
    }

    /// What is known of an identity, and its users, of which guests have none.
    ///
    /// # Errors
    /// There is no such identity, or the registry gave no answer.
    pub async fn describe(
        &self,
        pool: &Pool,
        identity: &IdentityId,
        page: &PageRequest,
    ) -> Result<(DescribedIdentity, IdentityUsers), RegistryError> {
        let region = self.region(pool).await?;
        let description =
            self.instrument(Operation::DescribeIdentity, region.registry.describe(identity)).await?;
        let found = match self.look_up(pool, IdentityQuery::Identity(identity), page).await {
            Err(error) if error.kind == RegistryErrorKind::NotFound => {
                IdentityUsers { identity: identity.clone(), users: Vec::new(), next_token: None }
            }
            found => found?,
        };
        Ok((description, found))
    }

    /// The identities of a pool.
    ///
    /// # Errors
    /// The registry gave no answer.
    pub async fn list(&self, pool: &Pool, page: &PageRequest) -> Result<IdentityPage, RegistryError> {
        let region = self.region(pool).await?;
        self.instrument(Operation::ListIdentities, region.registry.list(pool, page)).await
    }

    /// What is kept of a user in this process.
    pub fn holdings(&self, pool: &Pool, user: &DeveloperUserId) -> Option<CachedTokens> {
        self.vendor.cached_tokens(pool, user)
    }

    /// Forgets a user's tokens, under whatever name the pool is configured, and says how many there were.
    pub fn purge(&self, pool: &Pool, user: &DeveloperUserId) -> usize {
        self.twins(pool).map(|twin| self.vendor.invalidate(twin, user)).sum()
    }

    /// Makes `from` one user with `into`: everything that `from`'s identity has goes over to `into`'s.
    ///
    /// # Errors
    /// One of them is unknown, they cannot be merged, or the registry gave no answer.
    pub async fn merge(
        self: &Arc<Self>,
        pool: &Arc<Pool>,
        from: &DeveloperUserId,
        into: &DeveloperUserId,
    ) -> Result<MergeResult, RegistryError> {
        let (lifecycle, pool, from, into) = (self.clone(), pool.clone(), from.clone(), into.clone());
        self.to_its_end(async move {
            // Not told by the merge itself, and needed: others may have had that identity too.
            let given_up =
                lifecycle.look_up(&pool, IdentityQuery::User(&from), &PageRequest::default()).await?.identity;
            let region = lifecycle.region(&pool).await?;
            let call = region.registry.merge(&pool, &from, &into);
            let outcome = lifecycle.instrument(Operation::MergeDeveloperIdentities, call).await;
            // Also after a failure: it may have been done and only the answer lost. It costs them a miss.
            lifecycle.purge(&pool, &from);
            lifecycle.purge(&pool, &into);
            let both_had_it = outcome.as_ref().is_ok_and(|identity| *identity == given_up);
            if !both_had_it {
                lifecycle.forget_identity(&pool, &given_up);
            }
            Ok(MergeResult { identity: outcome?, given_up })
        })
        .await
    }

    /// Takes a user off an identity. The user gets a new one the next time it is seen.
    ///
    /// # Errors
    /// They do not belong together, are unknown, or the registry gave no answer.
    pub async fn unlink(
        self: &Arc<Self>,
        pool: &Arc<Pool>,
        identity: &IdentityId,
        user: &DeveloperUserId,
    ) -> Result<(), RegistryError> {
        let (lifecycle, pool, identity, user) = (self.clone(), pool.clone(), identity.clone(), user.clone());
        self.to_its_end(async move {
            let region = lifecycle.region(&pool).await?;
            let call = region.registry.unlink(&pool, &identity, &user);
            let outcome = lifecycle.instrument(Operation::UnlinkDeveloperIdentity, call).await;
            lifecycle.purge(&pool, &user);
            outcome
        })
        .await
    }

    /// Deletes identities of a pool. AWS cannot limit that right to a pool, so whether they are the pool's is
    /// looked up first, one by one.
    ///
    /// # Errors
    /// The registry gave no answer.
    pub async fn delete(
        self: &Arc<Self>,
        pool: &Arc<Pool>,
        identities: Vec<IdentityId>,
    ) -> Result<DeleteResult, RegistryError> {
        let (lifecycle, pool) = (self.clone(), pool.clone());
        self.to_its_end(async move {
            let (mut deleted, mut undeleted) = (Vec::new(), Vec::new());
            for identity in identities {
                let one = PageRequest { most: Some(1), token: None };
                match lifecycle.look_up(&pool, IdentityQuery::Identity(&identity), &one).await {
                    Ok(_) => deleted.push(identity),
                    Err(error) if error.kind == RegistryErrorKind::NotFound => {
                        undeleted.push(DeleteFailure { identity, reason: DeleteFailureReason::Unknown });
                    }
                    Err(error) => return Err(error),
                }
            }
            if !deleted.is_empty() {
                let region = lifecycle.region(&pool).await?;
                let call = region.registry.delete(&deleted);
                let outcome = lifecycle.instrument(Operation::DeleteIdentities, call).await;
                for identity in &deleted {
                    lifecycle.forget_identity(&pool, identity);
                }
                let remaining = outcome?;
                deleted.retain(|identity| !remaining.iter().any(|other| other.identity == *identity));
                undeleted.extend(remaining);
            }
            Ok(DeleteResult { deleted, undeleted })
        })
        .await
    }

    fn forget_identity(&self, pool: &Pool, identity: &IdentityId) {
        let twins: Vec<PoolIndex> = self.twins(pool).map(|twin| twin.index).collect();
        self.vendor.invalidate_identity(&twins, identity);
    }

    /// The same pool of Cognito's may be configured under several names.
    fn twins<'a>(&'a self, pool: &'a Pool) -> impl Iterator<Item = &'a Pool> {
        self.pools.iter().map(|twin| &**twin).filter(|twin| twin.id == pool.id)
    }

    /// The pool's region, once there is room for one call in its budget.
    async fn region(&self, pool: &Pool) -> Result<&Region, RegistryError> {
        let region = self.regions.get(pool);
        match region.budget.acquire().await {
            Ok(_) => Ok(region),
            Err(RateLimited(retry_after)) => {
                self.metrics.upstream_rate_limited_total.inc();
                let kind = RegistryErrorKind::HeldBack(retry_after);
                Err(RegistryError::new(kind, "the budget for acts on identities is spent"))
            }
        }
    }

    /// Measures a call to the registry.
    async fn instrument<T>(
        &self,
        operation: Operation,
        call: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        let started = self.clock.monotonic();
        let in_flight = self.metrics.upstream_calls_in_flight.in_flight(operation);
        let result = call.await;
        drop(in_flight);
        let outcome = match result.as_ref().map_err(|error| error.kind) {
            Ok(_) => UpstreamOutcome::Success,
            Err(RegistryErrorKind::Conflict) => UpstreamOutcome::Conflict,
            Err(RegistryErrorKind::NotFound | RegistryErrorKind::Unacceptable) => UpstreamOutcome::Rejected,
            Err(RegistryErrorKind::Throttled) => UpstreamOutcome::Throttled,
            Err(RegistryErrorKind::Unavailable | RegistryErrorKind::HeldBack(_)) => {
                UpstreamOutcome::Unavailable
            }
            Err(RegistryErrorKind::Denied { .. } | RegistryErrorKind::Misconfigured) => {
                UpstreamOutcome::Misconfigured
            }
        };
        let labels = (operation, outcome);
        self.metrics.upstream_calls_total.count(labels);
        let duration = self.clock.monotonic().saturating_sub(started);
        self.metrics.upstream_call_duration_seconds.observe(labels, duration);
        result
    }

    async fn to_its_end<T: Send + 'static>(
        &self,
        act: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.runtime.spawn(act).await.unwrap_or_else(|lost| {
            Err(RegistryError::new(RegistryErrorKind::Unavailable, format!("the act was lost: {lost}")))
        })
    }
}
