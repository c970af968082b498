//! What one user may have minted: a few tokens at once, then one for each renewal interval. Else a single user
//! who signs out and in again without end, or whose tokens are of no use for a skewed clock, could use up the
//! budget that all share.

use std::time::Duration;

use parking_lot::Mutex;
use quick_cache::sync::Cache;

use super::cache_key::UserKey;
use crate::issuer::{IssueError, IssueErrorKind};
use clock::SharedClock;

/// Tokens at once: a user's devices and shapes, and a client that tries again.
const AT_ONCE: u32 = 10;

/// The most users kept count of. Beyond it some begin anew, those who came but once before the others.
const MOST: usize = 100_000;

/// Every user's ration, as the moment at which it will be whole again (as in `budget`).
#[derive(Debug)]
pub(super) struct UserQuota {
    whole_at: Cache<UserKey, Duration>,
    /// Held from the look at a ration until what is taken of it is written down.
    taking: Mutex<()>,
    interval: Duration,
    clock: SharedClock,
}

impl UserQuota {
    pub(super) fn new(interval: Duration, clock: SharedClock) -> Self {
        Self { whole_at: Cache::new(MOST), taking: Mutex::new(()), interval, clock }
    }

    /// Takes one thing's share of a user's ration, before the call that it pays for: a user may have as many calls
    /// under way as there are credentials, or sign-outs that cut loose the ones before, and all of them would find a
    /// ration whole that is counted only as they end.
    ///
    /// # Errors
    /// There is nothing left of it now.
    pub(super) fn take(&self, user: &UserKey) -> Result<(), IssueError> {
        let now = self.clock.monotonic();
        let _turn = self.taking.lock();
        let whole_at = self.whole_at.get(user).unwrap_or_default().max(now) + self.interval;
        let wait = whole_at.saturating_sub(now + self.interval * AT_ONCE);
        if wait.is_zero() {
            self.whole_at.insert(user.clone(), whole_at);
            return Ok(());
        }
        Err(IssueError::new(
            IssueErrorKind::RateLimited(wait),
            "this user has had too many tokens minted lately",
        ))
    }

    /// Gives a share back, of a call that yielded nothing: it costs the user nothing; the budget counts it.
    pub(super) fn give_back(&self, user: &UserKey) {
        let _turn = self.taking.lock();
        if let Some(whole_at) = self.whole_at.get(user) {
            self.whole_at.insert(user.clone(), whole_at.saturating_sub(self.interval));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pools::PoolIndex;
    use clock::{ManualClock, Timestamp};
    use cognito_types::DeveloperUserId;

    fn user(name: &str) -> UserKey {
        UserKey { pool: PoolIndex(0), user: DeveloperUserId::parse(name).unwrap() }
    }

    /// Else whoever has many users come once could have a ration of theirs begin anew.
    #[test]
    fn a_ration_used_up_stays_so_however_many_others_come_once() {
        let rations =
            UserQuota::new(Duration::from_secs(60), Arc::new(ManualClock::at(Timestamp::from_secs(0))));
        for _ in 0..AT_ONCE {
            rations.take(&user("busy")).unwrap();
        }
        for other in 0..MOST * 3 {
            rations.take(&user(&other.to_string())).unwrap();
        }
        assert!(rations.take(&user("busy")).is_err());
    }
}
