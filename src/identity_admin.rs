//! Identity administration: look up, describe, list, merge, unlink, delete, purge. Every call passes a call rate limiter
//! of its own, and every change of an identity invalidates the tokens that this process cached for it.
//!
//! A change that has begun runs to completion in its own task: the administrator's client may disconnect, but the
//! invalidation must not be skipped.

use std::sync::Arc;

use crate::call_rate_limit::{CallRateLimiter, CallRateSettings, RateLimited};
use crate::issuer::cognito::IdentityRegistry;
use crate::issuer::identity_registry::{
    DeleteFailure, DeleteFailureReason, DescribedIdentity, IdentityPage, IdentityQuery, IdentityUsers, PageRequest,
    RegistryError, RegistryErrorKind,
};
use crate::metrics::Metrics;
use crate::metrics::labels::{Operation, UpstreamOutcome};
use crate::per_region::PerRegion;
use crate::pools::{Pool, PoolIndex, Pools};
use crate::vending::TokenVendor;
use clock::SharedClock;
use cognito_types::{DeveloperUserId, IdentityId};

/// A region's registry, and the rate limiter of calls to it.
#[derive(Debug)]
struct Region {
    registry: IdentityRegistry,
    rate_limiter: CallRateLimiter,
}

/// One for the process.
#[derive(Debug)]
pub struct IdentityAdmin {
    regions: PerRegion<Region>,
    pools: Pools,
    vendor: Arc<TokenVendor>,
    runtime: tokio::runtime::Handle,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeResult {
    /// The identity that both users have now.
    pub identity: IdentityId,
    /// The identity that was merged into it. The same one if both users had it before.
    pub removed_identity: IdentityId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteResult {
    pub deleted: Vec<IdentityId>,
    pub failures: Vec<DeleteFailure>,
}

impl IdentityAdmin {
    /// `registry` is called once for each region. Changes run on the current runtime.
    pub fn new(
        pools: &Pools,
        rate_limit: CallRateSettings,
        registry: impl Fn(&str) -> IdentityRegistry,
        vendor: Arc<TokenVendor>,
        clock: &SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let regions = PerRegion::new(pools, |region| Region {
            registry: registry(region),
            rate_limiter: CallRateLimiter::new(rate_limit, clock.clone()),
        });
        let runtime = tokio::runtime::Handle::current();
        Self { regions, pools: pools.clone(), vendor, runtime, clock: clock.clone(), metrics }
    }

    /// Finds the identity of a user, or an identity, and its users.
    ///
    /// # Errors
    /// `NotFound`, or the call failed.
    pub async fn look_up(
        &self,
        pool: &Pool,
        query: IdentityQuery<'_>,
        page: &PageRequest,
    ) -> Result<IdentityUsers, RegistryError> {
        let region = self.acquire_region(pool, Operation::LookupDeveloperIdentity).await?;
        self.instrument(Operation::LookupDeveloperIdentity, region.registry.look_up(pool, query, page)).await
    }

    /// An identity and its users, of which guests have none.
    ///
    /// # Errors
    /// `NotFound`, or the call failed.
    pub async fn describe(
        &self,
        pool: &Pool,
        identity: &IdentityId,
        page: &PageRequest,
    ) -> Result<(DescribedIdentity, IdentityUsers), RegistryError> {
        let region = self.acquire_region(pool, Operation::DescribeIdentity).await?;
        let description = self.instrument(Operation::DescribeIdentity, region.registry.describe(identity)).await?;
        let found = match self.look_up(pool, IdentityQuery::Identity(identity), page).await {
            Err(error) if error.kind == RegistryErrorKind::NotFound => {
                IdentityUsers { identity: identity.clone(), users: Vec::new(), next_token: None }
            }
            found => found?,
        };
        Ok((description, found))
    }

    /// # Errors
    /// The call failed.
    pub async fn list(&self, pool: &Pool, page: &PageRequest) -> Result<IdentityPage, RegistryError> {
        let region = self.acquire_region(pool, Operation::ListIdentities).await?;
        self.instrument(Operation::ListIdentities, region.registry.list(pool, page)).await
    }

    /// Removes a user's tokens from the cache, under every name of the pool, and returns their number.
    pub fn purge(&self, pool: &Pool, user: &DeveloperUserId) -> usize {
        self.pools_sharing_id(pool).map(|pool| self.vendor.invalidate(pool, user)).sum()
    }

    /// Merges two users: moves everything of `from`'s identity to `into`'s.
    ///
    /// # Errors
    /// `NotFound` for one of them, `Conflict` if they cannot be merged, or the call failed.
    pub async fn merge(
        self: &Arc<Self>,
        pool: &Arc<Pool>,
        from: &DeveloperUserId,
        into: &DeveloperUserId,
    ) -> Result<MergeResult, RegistryError> {
        let (admin, pool, from, into) = (self.clone(), pool.clone(), from.clone(), into.clone());
        self.run_detached(async move {
            // The merge does not return it, and other users may have had that identity too.
            let given_up = admin.look_up(&pool, IdentityQuery::User(&from), &PageRequest::default()).await?.identity;
            let region = admin.acquire_region(&pool, Operation::MergeDeveloperIdentities).await?;
            let call = region.registry.merge(&pool, &from, &into);
            let result = admin.instrument(Operation::MergeDeveloperIdentities, call).await;
            // Also after a failure: Cognito may have merged, and only the response was lost. It costs a cache miss.
            admin.purge(&pool, &from);
            admin.purge(&pool, &into);
            let both_had_it = result.as_ref().is_ok_and(|identity| *identity == given_up);
            if !both_had_it {
                admin.invalidate_identity(&pool, &given_up);
            }
            Ok(MergeResult { identity: result?, removed_identity: given_up })
        })
        .await
    }

    /// Removes a user from an identity. The next request of the user creates a new one.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` if the user does not have the identity, or the call failed.
    pub async fn unlink(
        self: &Arc<Self>,
        pool: &Arc<Pool>,
        identity: &IdentityId,
        user: &DeveloperUserId,
    ) -> Result<(), RegistryError> {
        let (admin, pool, identity, user) = (self.clone(), pool.clone(), identity.clone(), user.clone());
        self.run_detached(async move {
            let region = admin.acquire_region(&pool, Operation::UnlinkDeveloperIdentity).await?;
            let call = region.registry.unlink(&pool, &identity, &user);
            let result = admin.instrument(Operation::UnlinkDeveloperIdentity, call).await;
            admin.purge(&pool, &user);
            result
        })
        .await
    }

    /// Deletes identities of a pool. IAM cannot restrict that permission to a pool, so each identity is first looked up
    /// in the pool.
    ///
    /// # Errors
    /// A call failed.
    pub async fn delete(
        self: &Arc<Self>,
        pool: &Arc<Pool>,
        identities: Vec<IdentityId>,
    ) -> Result<DeleteResult, RegistryError> {
        let (admin, pool) = (self.clone(), pool.clone());
        self.run_detached(async move {
            let (mut deleted, mut failures) = (Vec::new(), Vec::new());
            for identity in identities {
                let page = PageRequest { max_items: Some(1), token: None };
                match admin.look_up(&pool, IdentityQuery::Identity(&identity), &page).await {
                    Ok(_) => deleted.push(identity),
                    Err(error) if error.kind == RegistryErrorKind::NotFound => {
                        failures.push(DeleteFailure { identity, reason: DeleteFailureReason::Unknown });
                    }
                    Err(error) => return Err(error),
                }
            }
            if !deleted.is_empty() {
                let region = admin.acquire_region(&pool, Operation::DeleteIdentities).await?;
                let call = region.registry.delete(&deleted);
                let result = admin.instrument(Operation::DeleteIdentities, call).await;
                for identity in &deleted {
                    admin.invalidate_identity(&pool, identity);
                }
                let remaining = result?;
                deleted.retain(|identity| !remaining.iter().any(|other| other.identity == *identity));
                failures.extend(remaining);
            }
            Ok(DeleteResult { deleted, failures })
        })
        .await
    }

    fn invalidate_identity(&self, pool: &Pool, identity: &IdentityId) {
        let pools: Vec<PoolIndex> = self.pools_sharing_id(pool).map(|pool| pool.index).collect();
        self.vendor.invalidate_identity(&pools, identity);
    }

    /// One Cognito pool may be configured under several names.
    fn pools_sharing_id<'a>(&'a self, pool: &'a Pool) -> impl Iterator<Item = &'a Pool> {
        self.pools.iter().map(|other| &**other).filter(|other| other.id == pool.id)
    }

    /// The pool's region, after its rate limiter admitted one call.
    async fn acquire_region(&self, pool: &Pool, operation: Operation) -> Result<&Region, RegistryError> {
        let region = self.regions.get(pool);
        region.rate_limiter.acquire().await.map_err(|RateLimited(retry_after)| {
            self.metrics.upstream_rate_limited_total.count(operation);
            let kind = RegistryErrorKind::RateLimited(retry_after);
            RegistryError::new(kind, "call rate limit of identity administration exceeded")
        })?;
        Ok(region)
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
            Err(RegistryErrorKind::NotFound | RegistryErrorKind::InvalidParameter) => UpstreamOutcome::Rejected,
            Err(RegistryErrorKind::Throttled) => UpstreamOutcome::Throttled,
            Err(RegistryErrorKind::Unavailable | RegistryErrorKind::RateLimited(_)) => UpstreamOutcome::Unavailable,
            Err(RegistryErrorKind::Denied { .. } | RegistryErrorKind::Misconfigured) => UpstreamOutcome::Misconfigured,
        };
        let labels = (operation, outcome);
        self.metrics.upstream_calls_total.count(labels);
        let duration = self.clock.monotonic().saturating_sub(started);
        self.metrics.upstream_call_duration_seconds.observe(labels, duration);
        result
    }

    async fn run_detached<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
    ) -> Result<T, RegistryError> {
        self.runtime.spawn(change).await.unwrap_or_else(|error| {
            Err(RegistryError::new(RegistryErrorKind::Unavailable, format!("the task failed: {error}")))
        })
    }
}
