//! Loading: the [`Loader`] trait, and the course of one load, which applies the user's quota, fills the negative cache
//! and logs failures for the operator. [`CallTimes`] gives a loaded value its lifetime.

use std::fmt;
use std::sync::Arc;

use super::cache_entry::{CacheEntry, CachedValue};
use super::cache_key::CacheKey;
use super::coalescing_store::LoadResult;
use super::freshness::{Lifetime, RefreshPolicy};
use super::negative_cache::NegativeCache;
use super::upstream::{Permit, Upstream};
use super::user_quota::{UserPermit, UserQuota};
use crate::issuer::{ErrorClass, IssueError, IssueErrorKind};
use crate::metrics::labels::{CredentialKind, Label as _};
use crate::pools::Pool;
use clock::Timestamp;

/// What to load: every input of the value.
#[derive(Debug, Clone)]
pub(super) struct LoadRequest {
    pub(super) pool: Arc<Pool>,
    pub(super) key: CacheKey,
}

/// Loads one kind of value with one operation of Cognito.
pub(super) trait Loader: fmt::Debug + Send + Sync + 'static {
    type Value: CachedValue;

    /// The kind of value, for metrics and the log.
    const KIND: CredentialKind;

    fn upstream(&self, pool: &Pool) -> &Upstream;

    /// Loads a value, and validates it against the request.
    fn load(
        &self,
        request: &LoadRequest,
        reserved: Option<Permit>,
    ) -> impl Future<Output = Result<CacheEntry<Self::Value>, IssueError>> + Send;
}

/// The times of one call to Cognito, by this machine's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallTimes {
    pub(super) requested_at: Timestamp,
    pub(super) received_at: Timestamp,
}

impl CallTimes {
    /// The lifetime of a value that the call returned.
    ///
    /// # Errors
    /// The value could never be served, because this machine's clock is wrong.
    pub(super) fn lifetime(self, policy: &RefreshPolicy, expires_at: Timestamp) -> Result<Lifetime, IssueError> {
        let remaining = expires_at.since(self.received_at);
        if remaining <= policy.min_remaining_life {
            let remaining = remaining.as_secs();
            return Err(IssueError::new(
                IssueErrorKind::Misconfigured,
                format!("what cognito issued expires in {remaining} s by this machine's clock; is the clock wrong?"),
            ));
        }
        Ok(policy.lifetime(self.received_at, expires_at, fastrand::f64()))
    }
}

/// Taken before a background load starts.
#[derive(Debug)]
pub(super) struct BackgroundPermits {
    pub(super) user: UserPermit,
    pub(super) call: Permit,
}

/// The loads of one cache, and what they share.
#[derive(Debug)]
pub(super) struct Loads<L> {
    pub(super) loader: L,
    pub(super) negative_cache: NegativeCache,
    pub(super) user_quota: Arc<UserQuota>,
}

impl<L: Loader> Loads<L> {
    /// Loads the value. Logs a failure once for all waiters. Owns all that it needs, because it outlives the request
    /// that started it.
    pub(super) async fn run(
        self: Arc<Self>,
        request: LoadRequest,
        permits: Option<BackgroundPermits>,
    ) -> LoadResult<L::Value> {
        let result = self.load(&request, permits).await;
        match &result {
            Ok(_) => self.negative_cache.invalidate(&request.key),
            Err(error) => {
                self.negative_cache.insert(&request.key, error);
                log::<L>(&request.pool, error);
            }
        }
        result
    }

    async fn load(&self, request: &LoadRequest, permits: Option<BackgroundPermits>) -> LoadResult<L::Value> {
        let (user_permit, call_permit) = match permits {
            Some(permits) => (permits.user, Some(permits.call)),
            None => (self.user_quota.try_acquire(&request.key.user)?, None),
        };
        let entry = self.loader.load(request, call_permit).await?;
        user_permit.commit();
        Ok(Arc::new(entry))
    }
}

fn log<L: Loader>(pool: &Pool, error: &IssueError) {
    let (pool, kind) = (&*pool.name, L::KIND.text());
    match error.kind.class() {
        ErrorClass::Operator if error.kind == IssueErrorKind::Mismatched => {
            tracing::error!(pool, kind, %error, "load failed: invalid response");
        }
        ErrorClass::Operator => tracing::error!(pool, kind, %error, "load failed: misconfigured"),
        ErrorClass::User => tracing::info!(pool, kind, %error, "load rejected"),
        ErrorClass::Transient => tracing::warn!(pool, kind, %error, "load failed"),
    }
}
