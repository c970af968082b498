//! Keyed mutex: an asynchronous mutex for each key. A key takes memory only while it is locked or waited for.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

pub(crate) struct KeyedMutex<K: Eq + Hash>(Arc<LockTable<K>>);

type LockTable<K> = Mutex<HashMap<K, Lock>>;

#[derive(Default)]
struct Lock {
    mutex: Arc<tokio::sync::Mutex<()>>,
    /// The holder and the waiters. Counted under the table's lock, unlike the references of the `Arc`.
    users: usize,
}

/// Holds the lock of one key until it is dropped.
pub(crate) struct KeyedMutexGuard<K: Eq + Hash> {
    /// Fields are dropped in this order: unlocked first.
    _locked: OwnedMutexGuard<()>,
    _user: LockUser<K>,
}

/// One holder or waiter. The last one removes the lock from the table.
struct LockUser<K: Eq + Hash> {
    key: K,
    table: Arc<LockTable<K>>,
}

impl<K: Clone + Eq + Hash> KeyedMutex<K> {
    /// Waits for the lock of this key. Tasks get it in the order in which they asked.
    pub(crate) async fn lock(&self, key: &K) -> KeyedMutexGuard<K> {
        let mutex = {
            let mut table = self.0.lock();
            let lock = table.entry(key.clone()).or_default();
            lock.users += 1;
            lock.mutex.clone()
        };
        let user = LockUser { key: key.clone(), table: self.0.clone() };
        KeyedMutexGuard { _locked: mutex.lock_owned().await, _user: user }
    }
}

impl<K: Eq + Hash> Default for KeyedMutex<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash> fmt::Debug for KeyedMutex<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedMutex").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash> Drop for LockUser<K> {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        if let Some(lock) = table.get_mut(&self.key) {
            lock.users -= 1;
            if lock.users == 0 {
                table.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_the_last_leaves_nothing_behind() {
        let locks = KeyedMutex::default();
        let first = locks.lock(&1).await;
        let second = locks.lock(&1);
        tokio::pin!(second);
        assert!(second.as_mut().now_or_never().is_none());
        let other = locks.lock(&2).now_or_never();
        assert!(other.is_some(), "other keys are not waited for");
        drop(first);
        drop((second.await, other));
        assert!(locks.0.lock().is_empty());
    }

    #[tokio::test]
    async fn a_waiter_that_is_cancelled_leaves_nothing_behind() {
        let locks = KeyedMutex::default();
        let first = locks.lock(&1).await;
        assert!(locks.lock(&1).now_or_never().is_none());
        drop(first);
        assert!(locks.0.lock().is_empty());
    }
}
