//! One at a time for each identity: of two who bring the same guest's token to this process, the second finds what
//! the first has made of it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

use cognito_types::IdentityId;

type LockTable = Mutex<HashMap<IdentityId, Arc<tokio::sync::Mutex<()>>>>;

/// Who is at which identity now.
#[derive(Debug, Default)]
pub(super) struct KeyedMutex(Arc<LockTable>);

/// The right to be the only one, until it is dropped.
#[derive(Debug)]
pub(super) struct KeyedMutexGuard {
    identity: IdentityId,
    turnstiles: Arc<LockTable>,
    _through: OwnedMutexGuard<()>,
}

impl KeyedMutex {
    /// Waits until nobody else is at this identity.
    pub(super) async fn lock(&self, identity: &IdentityId) -> KeyedMutexGuard {
        let turnstile = self.0.lock().entry(identity.clone()).or_default().clone();
        let through = turnstile.lock_owned().await;
        KeyedMutexGuard { identity: identity.clone(), turnstiles: self.0.clone(), _through: through }
    }
}

impl Drop for KeyedMutexGuard {
    fn drop(&mut self) {
        let mut turnstiles = self.turnstiles.lock();
        // The map and this turn hold it; whoever waits would hold it too.
        if turnstiles.get(&self.identity).is_some_and(|turnstile| Arc::strong_count(turnstile) == 2) {
            turnstiles.remove(&self.identity);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_the_last_leaves_nothing_behind() {
        let turns = KeyedMutex::default();
        let one = IdentityId::parse("us-east-1:1").unwrap();
        let first = turns.lock(&one).await;
        let second = turns.lock(&one);
        tokio::pin!(second);
        assert!(second.as_mut().now_or_never().is_none());
        let other = turns.lock(&IdentityId::parse("us-east-1:2").unwrap()).now_or_never();
        assert!(other.is_some(), "others are not waited for");
        drop(first);
        drop((second.await, other));
        assert!(turns.0.lock().is_empty());
    }
}
