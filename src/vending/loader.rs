//! Loading: the [`Loader`] trait, and the task of one load, which applies the user's quota, fills the negative cache
//! and logs failures for the operator.

use std::fmt;
use std::sync::Arc;

use super::cache_entry::{CacheEntry, CachedValue};
use super::cache_key::CacheKey;
use super::coalescing_store::LoadResult;
use super::negative_cache::NegativeCache;
use super::upstream::{Permit, Upstream};
use super::user_quota::{UserPermit, UserQuota};
use crate::issuer::{IssueError, IssueErrorKind};
use crate::metrics::labels::{CredentialKind, Label as _};
use crate::pools::Pool;

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

/// Taken before a background load starts.
#[derive(Debug)]
pub(super) struct BackgroundPermits {
    pub(super) user: UserPermit,
    pub(super) call: Permit,
}

/// Owns everything that a load needs, because the load outlives the request that started it.
#[derive(Debug)]
pub(super) struct LoadTask<L> {
    pub(super) loader: Arc<L>,
    pub(super) negative_cache: Arc<NegativeCache>,
    pub(super) user_quota: Arc<UserQuota>,
    pub(super) request: LoadRequest,
}

impl<L: Loader> LoadTask<L> {
    /// Loads the value. Logs a failure once for all waiters.
    pub(super) async fn run(self, permits: Option<BackgroundPermits>) -> LoadResult<L::Value> {
        let result = self.load(permits).await;
        match &result {
            Ok(_) => self.negative_cache.invalidate(&self.request.key),
            Err(error) => {
                self.negative_cache.insert(&self.request.key, error);
                self.log(error);
            }
        }
        result
    }

    async fn load(&self, permits: Option<BackgroundPermits>) -> LoadResult<L::Value> {
        let (user_permit, call_permit) = match permits {
            Some(permits) => (permits.user, Some(permits.call)),
            None => (self.user_quota.try_acquire(&self.request.key.user)?, None),
        };
        let entry = self.loader.load(&self.request, call_permit).await?;
        user_permit.commit();
        Ok(Arc::new(entry))
    }

    fn log(&self, error: &IssueError) {
        let (pool, kind) = (&*self.request.pool.name, L::KIND.text());
        match error.kind {
            IssueErrorKind::Mismatched => {
                tracing::error!(pool, kind, %error, "load failed: invalid response");
            }
            IssueErrorKind::Misconfigured | IssueErrorKind::InvalidParameter => {
                tracing::error!(pool, kind, %error, "load failed: misconfigured");
            }
            IssueErrorKind::AlreadyRegistered
            | IssueErrorKind::LoginTaken
            | IssueErrorKind::LoginRejected
            | IssueErrorKind::UnknownIdentity => {
                tracing::info!(pool, kind, %error, "load rejected");
            }
            IssueErrorKind::Throttled | IssueErrorKind::Unavailable | IssueErrorKind::RateLimited(_) => {
                tracing::warn!(pool, kind, %error, "load failed");
            }
        }
    }
}
