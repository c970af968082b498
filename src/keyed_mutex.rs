//! Keyed mutex: an asynchronous mutex for each key. A key that is neither locked nor waited for takes memory only until
//! any key is locked again.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

#[derive(Debug)]
pub(crate) struct KeyedMutex<K>(Mutex<HashMap<K, Weak<AsyncMutex<()>>>>);

impl<K: Clone + Eq + Hash> KeyedMutex<K> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Waits for the lock of this key. Tasks get it in the order in which they asked.
    pub(crate) async fn lock(&self, key: &K) -> OwnedMutexGuard<()> {
        self.mutex_of(key).lock_owned().await
    }

    /// The mutex of this key, which its holder and its waiters keep alive.
    fn mutex_of(&self, key: &K) -> Arc<AsyncMutex<()>> {
        let mut table = self.0.lock();
        table.retain(|_, mutex| mutex.strong_count() > 0);
        table.get(key).and_then(Weak::upgrade).unwrap_or_else(|| {
            let mutex = Arc::default();
            table.insert(key.clone(), Arc::downgrade(&mutex));
            mutex
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn only_waiters_for_the_same_key_wait_and_no_key_stays_behind() {
        let locks = KeyedMutex::new();
        let first = locks.lock(&1).await;
        assert!(locks.lock(&1).now_or_never().is_none(), "a waiter that is cancelled");
        let second = locks.lock(&1);
        tokio::pin!(second);
        assert!(second.as_mut().now_or_never().is_none());
        assert!(locks.lock(&2).now_or_never().is_some(), "other keys are not waited for");
        drop(first);
        drop(second.await);
        let _third = locks.lock(&3).await;
        assert_eq!(locks.0.lock().keys().collect::<Vec<_>>(), [&3]);
    }
}
