//! Single flight: at most one load for each key at a time, however many callers ask for it.
//!
//! The first caller (the leader) starts the load in a task of its own, later callers (followers) wait for its
//! result. A caller that hangs up therefore cancels nothing. The result is handled under the table's lock, in the
//! same step that removes the flight. So no second load starts between the end of one and the caching of its result.
//!
//! ```text
//! let flights = SingleFlight::new();                      // on the runtime that the loads shall run on
//! let role = flights.join(
//!     &key,
//!     || match cache.get(&key) {                          // runs under the lock, unless there is a flight already
//!         Some(value) => Start::Ready(value),             // no load is needed, or none may start now
//!         None => Start::Load(async move { load().await }),
//!     },
//!     move |value| cache.insert(key, value.clone()),      // runs under the lock, unless the flight was detached
//! );
//! match role {
//!     Role::Ready(value) => value,
//!     Role::Leader(waiter) | Role::Follower(waiter) => waiter.wait().await.unwrap_or_else(|Lost| …),
//! }
//! ```

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// The loads in progress.
pub(crate) struct SingleFlight<K, V> {
    in_flight: Arc<InFlight<K, V>>,
    runtime: Handle,
}

/// The result of each flight, once there is one.
type InFlight<K, V> = Mutex<HashMap<K, watch::Receiver<Option<V>>>>;

/// Whether [`SingleFlight::join`] starts a load.
pub(crate) enum Start<F, V> {
    Load(F),
    /// No load: a value that is at hand, or the reason why no load may start now.
    Ready(V),
}

/// The part of a caller in a flight.
pub(crate) enum Role<V> {
    /// There is no flight: [`Start::Ready`].
    Ready(V),
    Follower(Waiter<V>),
    Leader(Waiter<V>),
}

/// The load ended without a result: it panicked, or its runtime was shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lost;

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Loads run on the runtime that this is called on. It must outlive the requests.
    pub(crate) fn new() -> Self {
        Self { in_flight: Arc::default(), runtime: Handle::current() }
    }

    /// Joins the flight of this key. If there is none, `start` decides whether one starts.
    ///
    /// `start` and `on_complete` run under the lock: they must not block, nor use this `SingleFlight`.
    /// `on_complete` runs before any waiter gets the result. It does not run if the flight was detached or lost.
    pub(crate) fn join<F>(
        &self,
        key: &K,
        start: impl FnOnce() -> Start<F, V>,
        on_complete: impl FnOnce(&V) + Send + 'static,
    ) -> Role<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut table = self.in_flight.lock();
        if let Some(result) = table.get(key) {
            return Role::Follower(Waiter(result.clone()));
        }
        let load = match start() {
            Start::Load(load) => load,
            Start::Ready(value) => return Role::Ready(value),
        };
        let (sender, result) = watch::channel(None);
        table.insert(key.clone(), result.clone());
        // A runtime that is shut down drops the task at once, and the task's end takes the lock.
        drop(table);
        let completion = Completion { in_flight: self.in_flight.clone(), key: key.clone(), result: sender };
        self.runtime.spawn(async move { completion.complete(load.await, on_complete) });
        Role::Leader(Waiter(result))
    }

    pub(crate) fn is_in_flight(&self, key: &K) -> bool {
        self.in_flight.lock().contains_key(key)
    }

    /// Detaches the flights of these keys, and runs `then` under the same lock. A detached flight still gives its
    /// waiters their result, but its `on_complete` does not run, and the next `join` starts a new load.
    pub(crate) fn detach<R>(&self, mut is_of: impl FnMut(&K) -> bool, then: impl FnOnce() -> R) -> R {
        let mut table = self.in_flight.lock();
        table.retain(|key, _| !is_of(key));
        then()
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}

/// The end of one flight. Dropped before it completes (the load panicked), it removes the flight, and its waiters
/// get [`Lost`].
struct Completion<K: Eq + Hash, V> {
    in_flight: Arc<InFlight<K, V>>,
    key: K,
    result: watch::Sender<Option<V>>,
}

impl<K: Eq + Hash, V> Completion<K, V> {
    fn complete(self, value: V, on_complete: impl FnOnce(&V)) {
        self.remove(|| on_complete(&value));
        self.result.send_replace(Some(value));
    }

    /// Removes the flight, and then runs `then` under the same lock, unless the flight was detached. The table may have
    /// the next flight of the key then.
    fn remove(&self, then: impl FnOnce()) {
        let mut table = self.in_flight.lock();
        if table.get(&self.key).is_some_and(|result| result.same_channel(&self.result.subscribe())) {
            table.remove(&self.key);
            then();
        }
    }
}

impl<K: Eq + Hash, V> Drop for Completion<K, V> {
    fn drop(&mut self) {
        self.remove(|| {});
    }
}

/// A handle to the result of a flight. Dropping it cancels nothing.
pub(crate) struct Waiter<V>(watch::Receiver<Option<V>>);

impl<V: Clone> Waiter<V> {
    pub(crate) async fn wait(mut self) -> Result<V, Lost> {
        let result = self.0.wait_for(Option::is_some).await.map_err(|_| Lost)?;
        result.clone().ok_or(Lost)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    type Flights = SingleFlight<&'static str, u32>;

    /// Joins with a load that ends with what is sent, and counts its completions.
    fn join(flights: &Flights, completed: &Arc<AtomicU32>) -> (oneshot::Sender<u32>, Role<u32>) {
        let (sender, receiver) = oneshot::channel();
        let completed = completed.clone();
        let role = flights.join(
            &"key",
            || Start::Load(async move { receiver.await.expect("a value") }),
            move |value| _ = completed.fetch_add(*value, Ordering::Relaxed),
        );
        (sender, role)
    }

    fn leader<V>(role: Role<V>) -> Waiter<V> {
        match role {
            Role::Leader(waiter) => waiter,
            Role::Follower(_) | Role::Ready(_) => panic!("not the leader"),
        }
    }

    #[tokio::test]
    async fn no_load_starts_where_a_value_is_ready() {
        let flights = Flights::new();
        let role = flights.join(&"key", || Start::<std::future::Ready<u32>, _>::Ready(7), |_| {});
        assert!(matches!(role, Role::Ready(7)));
        assert!(!flights.is_in_flight(&"key"));
    }

    #[tokio::test]
    async fn a_panicking_load_is_lost_and_the_next_join_starts_another() {
        let (flights, completed) = (Flights::new(), Arc::default());
        let (sender, role) = join(&flights, &completed);
        drop(sender);
        assert_eq!(leader(role).wait().await, Err(Lost));
        let (sender, role) = join(&flights, &completed);
        sender.send(8).unwrap();
        assert_eq!(leader(role).wait().await, Ok(8));
        assert_eq!(completed.load(Ordering::Relaxed), 8);
    }

    #[tokio::test]
    async fn a_panicking_completion_leaves_no_flight_behind() {
        let flights = Flights::new();
        let role = flights.join(&"key", || Start::Load(async { 7 }), |_| panic!("on purpose"));
        assert_eq!(leader(role).wait().await, Err(Lost));
        assert!(!flights.is_in_flight(&"key"));
    }

    #[tokio::test]
    async fn a_detached_flight_answers_its_waiters_completes_nothing_and_leaves_the_next_one_alone() {
        let (flights, completed) = (Flights::new(), Arc::default());
        let (old_sender, old) = join(&flights, &completed);
        assert_eq!(flights.detach(|key| *key == "key", || 42), 42);
        let (new_sender, new) = join(&flights, &completed);
        let new = leader(new);
        old_sender.send(1).unwrap();
        assert_eq!(leader(old).wait().await, Ok(1));
        assert!(flights.is_in_flight(&"key"));
        new_sender.send(20).unwrap();
        assert_eq!(new.wait().await, Ok(20));
        assert_eq!(completed.load(Ordering::Relaxed), 20);
    }

    #[test]
    fn a_load_whose_runtime_is_gone_is_lost() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let flights = runtime.block_on(async { Flights::new() });
        drop(runtime);
        let waiter = leader(join(&flights, &Arc::default()).1);
        assert!(!flights.is_in_flight(&"key"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(waiter.wait()), Err(Lost));
    }
}
