//! Remembered refusals: what Cognito said no to, it will say no to again for a while. Each kind has a short
//! life of its own, far shorter than a token's, because somebody is mending the cause.

use std::time::Duration;

use moka::sync::Cache;

use super::cache_key::CacheKey;
use crate::issuer::{IssueError, IssueErrorKind};
use crate::pools::PoolIndex;
use clock::SharedClock;

/// The most refusals remembered at once.
const MOST: u64 = 10_000;

/// How long which refusal is remembered.
#[derive(Debug, Clone, Copy)]
pub struct NegativeTtls {
    /// One about a user: registered elsewhere, login taken.
    pub user: Duration,
    /// One about a whole pool: our rights, our configuration. Short, so that mending it shows at once.
    pub pool: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum About {
    Token(CacheKey),
    Pool(PoolIndex),
}

#[derive(Debug, Clone)]
struct NegativeEntry {
    error: IssueError,
    /// On the monotonic clock.
    until: Duration,
}

/// The remembered refusals.
#[derive(Debug)]
pub(super) struct NegativeCache {
    remembered: Cache<About, NegativeEntry>,
    lifetimes: NegativeTtls,
    clock: SharedClock,
}

impl NegativeCache {
    pub(super) fn new(lifetimes: NegativeTtls, clock: SharedClock) -> Self {
        // moka's own clock only makes room; whether a refusal still counts is judged by ours.
        let longest = lifetimes.user.max(lifetimes.pool) + Duration::from_secs(1);
        let remembered = Cache::builder().max_capacity(MOST).time_to_live(longest).build();
        Self { remembered, lifetimes, clock }
    }

    /// Remembers an error, if it is a refusal.
    pub(super) fn remember(&self, key: &CacheKey, error: &IssueError) {
        let (about, lifetime) = match error.kind {
            IssueErrorKind::AlreadyRegistered
            | IssueErrorKind::LoginTaken
            | IssueErrorKind::LoginRefused
            | IssueErrorKind::UnknownIdentity => (About::Token(key.clone()), self.lifetimes.user),
            IssueErrorKind::Misconfigured => (About::Pool(key.user.pool), self.lifetimes.pool),
            // About one token, not the pool; asking again is how it ends, but not at once.
            IssueErrorKind::Mismatched | IssueErrorKind::InvalidParameter => {
                (About::Token(key.clone()), self.lifetimes.pool)
            }
            IssueErrorKind::Throttled | IssueErrorKind::Unavailable | IssueErrorKind::RateLimited(_) => {
                return;
            }
        };
        let until = self.clock.monotonic() + lifetime;
        self.remembered.insert(about, NegativeEntry { error: error.clone(), until });
    }

    /// The refusal that still holds for this key.
    pub(super) fn recall(&self, key: &CacheKey) -> Option<IssueError> {
        let now = self.clock.monotonic();
        [About::Pool(key.user.pool), About::Token(key.clone())]
            .iter()
            .filter_map(|about| self.remembered.get(about))
            .find(|refusal| refusal.until > now)
            .map(|refusal| refusal.error)
    }

    /// Forgets what was refused to this key.
    pub(super) fn forget(&self, key: &CacheKey) {
        self.remembered.invalidate(&About::Token(key.clone()));
    }
}
