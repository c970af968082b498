//! Async mutex with one lock for each identity: of two users who send the same guest's token to this process, the second
//! sees the result of the first.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use cognito_types::IdentityId;

type LockTable = Mutex<HashMap<IdentityId, Arc<tokio::sync::Mutex<()>>>>;

#[derive(Debug, Default)]
pub(super) struct KeyedMutex(Arc<LockTable>);

/// Holds the lock of its identity until it is dropped.
#[derive(Debug)]
pub(super) struct KeyedMutexGuard {
    identity: IdentityId,
    locks: Arc<LockTable>,
    _guard: OwnedMutexGuard<()>,
}

impl KeyedMutex {
    pub(super) async fn lock(&self, identity: &IdentityId) -> KeyedMutexGuard {
        let lock = self.0.lock().entry(identity.clone()).or_default().clone();
        let guard = lock.lock_owned().await;
        KeyedMutexGuard { identity: identity.clone(), locks: self.0.clone(), _guard: guard }
    }
}

impl Drop for KeyedMutexGuard {
    fn drop(&mut self) {
        let mut locks = self.locks.lock();
        // References of the map and of this guard; each waiter has one more.
        if locks.get(&self.identity).is_some_and(|lock| Arc::strong_count(lock) == 2) {
            locks.remove(&self.identity);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_the_last_leaves_no_lock_in_the_table() {
        let mutex = KeyedMutex::default();
        let one = IdentityId::parse("us-east-1:1").unwrap();
        let first = mutex.lock(&one).await;
        let second = mutex.lock(&one);
        tokio::pin!(second);
        assert!(second.as_mut().now_or_never().is_none());
        let other = mutex.lock(&IdentityId::parse("us-east-1:2").unwrap()).now_or_never();
        assert!(other.is_some(), "other identities do not wait");
        drop(first);
        drop((second.await, other));
        assert!(mutex.0.lock().is_empty());
    }
}
