//! What one user may have minted: a few tokens at once, then one for each renewal interval. Else a single user
//! who signs out and in again without end, or whose tokens are of no use for a skewed clock, could use up the
//! budget that all share.

use std::time::Duration;

use moka::sync::Cache;

use super::key::UserKey;
use crate::clock::SharedClock;
use crate::issuer::{IssueError, IssueErrorKind};

/// Tokens at once: a user's devices and shapes, and a client that tries again.
const AT_ONCE: u32 = 10;

/// The most users kept count of. Beyond it those who have not come for longest begin anew.
const MOST: u64 = 100_000;

/// Every user's ration, as the moment at which it will be whole again (as in `budget`).
#[derive(Debug)]
pub(super) struct Rations {
    whole_at: Cache<UserKey, Duration>,
    interval: Duration,
    clock: SharedClock,
}

impl Rations {
    pub(super) fn new(interval: Duration, clock: SharedClock) -> Self {
        // moka's own clock only makes room; what is left of a ration is judged by ours.
        let whole_at = Cache::builder().max_capacity(MOST).time_to_live(interval * AT_ONCE).build();
        Self { whole_at, interval, clock }
    }

    /// Whether the user may have one more token minted.
    pub(super) fn check(&self, user: &UserKey) -> Result<(), IssueError> {
        let wait =
            self.whole_after_one_more(user).saturating_sub(self.clock.monotonic() + self.interval * AT_ONCE);
        if wait.is_zero() {
            return Ok(());
        }
        Err(IssueError::new(
            IssueErrorKind::HeldBack(wait),
            "this user has had too many tokens minted lately",
        ))
    }

    /// Counts a token that was minted. A call that yields none costs the user nothing; the budget counts it.
    /// Two at the same moment may count as one: the flights of one user are few, and the budget is exact.
    pub(super) fn count(&self, user: &UserKey) {
        self.whole_at.insert(user.clone(), self.whole_after_one_more(user));
    }

    /// Takes one token's share of a ration for an act that costs calls whether or not it comes to anything.
    pub(super) fn take(&self, user: &UserKey) -> Result<(), IssueError> {
        self.check(user)?;
        self.count(user);
        Ok(())
    }

    fn whole_after_one_more(&self, user: &UserKey) -> Duration {
        self.whole_at.get(user).unwrap_or_default().max(self.clock.monotonic()) + self.interval
    }
}
