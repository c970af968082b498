//! One flight per key: however many ask for the same thing at once, one call is made, in a task of its own.
//! Callers only watch. One who hangs up cancels nothing; the flight lands, and its token serves the others.
//!
//! Taking off, landing and forgetting a user happen under one lock, with the store's reads and writes inside.
//! So nobody takes off for a token that has just landed, and no flight that began before its user was
//! forgotten leaves a token behind.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::cache_entry::{CacheEntry, CachedValue};
use super::cache_key::{CacheKey, UserKey, Variant};
use super::store::EntryStore;
use crate::issuer::{IssueError, IssueErrorKind};
use crate::pools::PoolIndex;
use cognito_types::IdentityId;

/// How a flight ended. All who wait for it share this.
pub(super) type LoadResult<A> = Result<Arc<CacheEntry<A>>, IssueError>;

#[derive(Debug)]
struct Flight<A: CachedValue> {
    shape: Variant,
    number: u64,
    outcome: watch::Receiver<Option<LoadResult<A>>>,
}

#[derive(Debug)]
struct InFlight<A: CachedValue> {
    aloft: HashMap<UserKey, Vec<Flight<A>>>,
    last_number: u64,
}

/// All flights that are under way, and the store that they land in.
#[derive(Debug)]
pub(super) struct CoalescingStore<A: CachedValue> {
    tower: Mutex<InFlight<A>>,
    store: EntryStore<A>,
}

/// What someone who needs a token is given.
pub(super) enum Role<A: CachedValue> {
    /// It has just landed.
    Landed(Arc<CacheEntry<A>>),
    /// Somebody else's flight is under way.
    Following(Waiter<A>),
    /// There was none: the landing must be handed to a task that flies.
    Leading(Waiter<A>, Completion<A>),
}

impl<A: CachedValue> CoalescingStore<A> {
    pub(super) fn new(store: EntryStore<A>) -> Arc<Self> {
        let tower = InFlight { aloft: HashMap::new(), last_number: 0 };
        Arc::new(Self { tower: Mutex::new(tower), store })
    }

    /// The store, to read from.
    pub(super) fn store(&self) -> &EntryStore<A> {
        &self.store
    }

    /// Joins the flight of this key, or begins it, unless the store has a token that will do by now.
    pub(super) fn board(
        self: &Arc<Self>,
        key: &CacheKey,
        will_do: impl FnOnce(&CacheEntry<A>) -> bool,
    ) -> Role<A> {
        let mut tower = self.tower.lock();
        if let Some(flight) = tower.aloft.get(&key.user).and_then(|all| find(all, &key.variant)) {
            return Role::Following(Waiter(flight.outcome.clone()));
        }
        if let Some(kept) = self.store.get(key).filter(|kept| will_do(kept)) {
            return Role::Landed(kept);
        }
        tower.last_number += 1;
        let number = tower.last_number;
        let (sender, outcome) = watch::channel(None);
        let flight = Flight { shape: key.variant.clone(), number, outcome: outcome.clone() };
        tower.aloft.entry(key.user.clone()).or_default().push(flight);
        let landing = Completion { flights: self.clone(), key: key.clone(), number, outcome: sender };
        Role::Leading(Waiter(outcome), landing)
    }

    /// Whether a flight for this key is under way.
    pub(super) fn is_aloft(&self, key: &CacheKey) -> bool {
        self.tower.lock().aloft.get(&key.user).is_some_and(|all| find(all, &key.variant).is_some())
    }

    /// Drops a user's tokens; flights under way still answer those who wait, and leave nothing behind.
    pub(super) fn forget(&self, user: &UserKey) -> usize {
        let mut tower = self.tower.lock();
        tower.aloft.remove(user);
        self.store.forget(user)
    }

    /// Drops the tokens of an identity. Nobody knows with which identity a flight that is under way will come
    /// back, so none of these pools leaves anything behind.
    pub(super) fn forget_identity(&self, pools: &[PoolIndex], identity: &IdentityId) -> usize {
        self.tower.lock().aloft.retain(|user, _| !pools.contains(&user.pool));
        // The search takes a while and so goes without the lock: whatever lands from now on took off after
        // this, and comes from a Cognito that knows better.
        self.store.users_of(identity).iter().map(|user| self.forget(user)).sum()
    }

    /// Takes the flight off the board, if it is still the one that stands there, and then runs `keep`.
    fn land(&self, key: &CacheKey, number: u64, keep: impl FnOnce(&EntryStore<A>)) {
        let mut tower = self.tower.lock();
        let Some(flights) = tower.aloft.get_mut(&key.user) else { return };
        let Some(at) = flights.iter().position(|flight| flight.number == number) else { return };
        flights.swap_remove(at);
        if flights.is_empty() {
            tower.aloft.remove(&key.user);
        }
        keep(&self.store);
    }
}

fn find<'a, A: CachedValue>(flights: &'a [Flight<A>], shape: &Variant) -> Option<&'a Flight<A>> {
    flights.iter().find(|flight| flight.shape == *shape)
}

/// The right to land one flight. Dropped without landing (a panic), it clears the board, and whoever waits
/// is told that the flight was lost.
#[derive(Debug)]
pub(super) struct Completion<A: CachedValue> {
    flights: Arc<CoalescingStore<A>>,
    key: CacheKey,
    number: u64,
    outcome: watch::Sender<Option<LoadResult<A>>>,
}

impl<A: CachedValue> Completion<A> {
    /// Keeps what came back, if anything did, and tells all who wait.
    pub(super) fn land(self, outcome: LoadResult<A>) {
        self.flights.land(&self.key, self.number, |store| {
            if let Ok(kept) = &outcome {
                store.keep(&self.key.user, kept.clone());
            }
        });
        self.outcome.send_replace(Some(outcome));
    }
}

impl<A: CachedValue> Drop for Completion<A> {
    fn drop(&mut self) {
        self.flights.land(&self.key, self.number, |_| {});
    }
}

/// A place among those who wait for one flight.
#[derive(Debug)]
pub(super) struct Waiter<A>(watch::Receiver<Option<LoadResult<A>>>);

impl<A: CachedValue> Waiter<A> {
    /// Waits for the flight's end.
    pub(super) async fn outcome(mut self) -> LoadResult<A> {
        let lost = || IssueError::new(IssueErrorKind::Unavailable, "the call was lost before it ended");
        let ended = self.0.wait_for(Option::is_some).await.map_err(|_| lost())?;
        ended.clone().unwrap_or_else(|| Err(lost()))
    }
}
