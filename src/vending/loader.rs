//! One flight's work: have something made within the user's ration, remember a refusal, tell the operator what is
//! wrong.

use std::fmt;
use std::sync::Arc;

use super::cache_entry::{CacheEntry, CachedValue};
use super::cache_key::CacheKey;
use super::coalescing_store::LoadResult;
use super::negative_cache::NegativeCache;
use super::upstream::{Permit, Upstream};
use super::user_quota::UserQuota;
use crate::issuer::{IssueError, IssueErrorKind};
use crate::metrics::labels::{Label as _, Ware};
use crate::pools::Pool;

/// What is wanted, by everything that shapes it.
#[derive(Debug, Clone)]
pub(super) struct LoadRequest {
    pub(super) pool: Arc<Pool>,
    pub(super) key: CacheKey,
}

/// Whoever makes what is ordered: one kind of thing, from one operation of Cognito.
pub(super) trait Loader: fmt::Debug + Send + Sync + 'static {
    /// By what it is handed out.
    type Answer: CachedValue;

    /// What it makes, as metrics and the log call it.
    const WARE: Ware;

    /// The way out for this pool.
    fn upstream(&self, pool: &Pool) -> &Upstream;

    /// Makes one, and checks that it is the one ordered.
    fn make(
        &self,
        order: &LoadRequest,
        reserved: Option<Permit>,
    ) -> impl Future<Output = Result<CacheEntry<Self::Answer>, IssueError>> + Send;
}

/// All that a flight needs, owned: it outlives the request that began it.
#[derive(Debug)]
pub(super) struct LoadTask<M> {
    pub(super) maker: Arc<M>,
    pub(super) refusals: Arc<NegativeCache>,
    pub(super) rations: Arc<UserQuota>,
    pub(super) order: LoadRequest,
}

impl<M: Loader> LoadTask<M> {
    /// Has it made. `reserved`: the call's place in the budget, taken before, and before that its share of the user's
    /// ration. Logs what went wrong, once for all who wait.
    pub(super) async fn run(self, reserved: Option<Permit>) -> LoadResult<M::Answer> {
        let outcome = self.attempt(reserved).await;
        match &outcome {
            Ok(_) => self.refusals.forget(&self.order.key),
            Err(error) => {
                self.refusals.remember(&self.order.key, error);
                self.log(error);
            }
        }
        outcome
    }

    async fn attempt(&self, reserved: Option<Permit>) -> LoadResult<M::Answer> {
        let user = &self.order.key.user;
        if reserved.is_none() {
            self.rations.take(user)?;
        }
        let made = self.maker.make(&self.order, reserved).await;
        made.map(Arc::new).inspect_err(|_| self.rations.give_back(user))
    }

    fn log(&self, error: &IssueError) {
        let (pool, wanted) = (&*self.order.pool.name, M::WARE.text());
        match error.kind {
            IssueErrorKind::Misconfigured | IssueErrorKind::InvalidParameter | IssueErrorKind::Mismatched => {
                tracing::error!(pool, wanted, %error, "cognito gave nothing that may be served");
            }
            IssueErrorKind::AlreadyRegistered
            | IssueErrorKind::LoginTaken
            | IssueErrorKind::LoginRefused
            | IssueErrorKind::UnknownIdentity => {
                tracing::info!(pool, wanted, %error, "cognito refused this user");
            }
            IssueErrorKind::Throttled | IssueErrorKind::Unavailable | IssueErrorKind::RateLimited(_) => {
                tracing::warn!(pool, wanted, %error, "cognito gave nothing");
            }
        }
    }
}
