//! User quota: the loads of one user, a few at once and then one in each minimum refresh interval.
//!
//! Without it a single user could use up the call rate limit that all users share: by signing out and in again, or with
//! tokens that a skewed clock rejects.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use quick_cache::sync::Cache;

use super::cache_key::UserKey;
use crate::gcra::RateLimit;
use crate::issuer::{IssueError, IssueErrorKind};
use clock::SharedClock;

/// Loads at once: a user's devices and variants, and a client that retries.
const BURST: u32 = 10;

/// Beyond this number of users some start again with a full burst; those seen only once are evicted first.
const MAX_USERS: usize = 100_000;

/// The quota of every user.
#[derive(Debug)]
pub(super) struct UserQuota {
    limit: RateLimit,
    /// The limiter state of each user.
    full_at: Cache<UserKey, Duration>,
    /// Held from the read of a state until its replacement is written.
    update: Mutex<()>,
    clock: SharedClock,
}

/// One load of a user, which counts unless it is dropped before [`UserPermit::commit`].
#[derive(Debug)]
pub(super) struct UserPermit {
    quota: Arc<UserQuota>,
    /// None once committed.
    user: Option<UserKey>,
}

impl UserQuota {
    pub(super) fn new(interval: Duration, clock: SharedClock) -> Self {
        let limit = RateLimit::new(interval, BURST);
        Self { limit, full_at: Cache::new(MAX_USERS), update: Mutex::new(()), clock }
    }

    /// Takes a permit before the call that it is for. Counting at the end of a call would not do: calls of several
    /// credentials run at the same time, and each would find the quota unused.
    ///
    /// # Errors
    /// The user has no permit left now.
    pub(super) fn try_acquire(self: &Arc<Self>, user: &UserKey) -> Result<UserPermit, IssueError> {
        let now = self.clock.monotonic();
        let _update = self.update.lock();
        let full_at = self.full_at.get(user).unwrap_or_default();
        let full_at = self.limit.take(full_at, now).map_err(|wait| {
            IssueError::new(IssueErrorKind::RateLimited(wait), "the user's quota of new tokens is used up")
        })?;
        self.full_at.insert(user.clone(), full_at);
        Ok(UserPermit { quota: self.clone(), user: Some(user.clone()) })
    }

    fn give_back(&self, user: &UserKey) {
        let _update = self.update.lock();
        if let Some(full_at) = self.full_at.get(user) {
            self.full_at.insert(user.clone(), self.limit.give_back(full_at));
        }
    }
}

impl UserPermit {
    /// Counts the load for good.
    pub(super) fn commit(mut self) {
        self.user = None;
    }
}

/// A call that yields nothing costs the user nothing; the call rate limit counts it.
impl Drop for UserPermit {
    fn drop(&mut self) {
        if let Some(user) = &self.user {
            self.quota.give_back(user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_entry::user;
    use super::*;
    use clock::{ManualClock, Timestamp};

    fn quota() -> Arc<UserQuota> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(0)));
        Arc::new(UserQuota::new(Duration::from_secs(60), clock))
    }

    #[test]
    fn a_permit_that_is_not_committed_costs_nothing() {
        let quota = quota();
        for _ in 0..BURST * 3 {
            drop(quota.try_acquire(&user("alice")).unwrap());
        }
        for _ in 0..BURST {
            quota.try_acquire(&user("alice")).unwrap().commit();
        }
        assert!(quota.try_acquire(&user("alice")).is_err());
    }

    /// Otherwise a client with many users could reset the quota of one.
    #[test]
    fn a_used_up_quota_survives_any_number_of_users_seen_once() {
        let quota = quota();
        for _ in 0..BURST {
            quota.try_acquire(&user("busy")).unwrap().commit();
        }
        for other in 0..MAX_USERS * 3 {
            quota.try_acquire(&user(&other.to_string())).unwrap().commit();
        }
        assert!(quota.try_acquire(&user("busy")).is_err());
    }
}
