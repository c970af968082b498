//! State store of the keyed rate limiter, with bounded memory: a set-associative table of [`BUCKETS`] buckets with
//! [`SLOTS`] slots.
//!
//! A key is stored as a 64-bit hash under a secret of the process, so no user id or address is kept. Two keys with the
//! same hash would share a limit: the chance is one in 2⁴⁸ for each new key of a full table, and a client cannot
//! provoke it.
//!
//! A new key is always admitted. When its bucket is full, the slot with the least use is evicted. Keys with a full burst
//! need no slot and go first, so no sweep is needed. A flood of new keys evicts itself and not the heavy user.

use std::fmt;
use std::time::Duration;

use parking_lot::Mutex;

const BUCKETS: usize = 4096;
const SLOTS: usize = 16;

struct Slot {
    key_hash: u64,
    /// The limiter's state, as nanoseconds of the monotonic clock: 584 years of them fit, in half of a `Duration`.
    full_at: u64,
}

pub(super) struct BoundedStateStore {
    buckets: Box<[Mutex<Vec<Slot>>]>,
}

impl BoundedStateStore {
    pub(super) fn new() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| Mutex::new(Vec::new())).collect() }
    }

    /// The state of a key; zero for a key that has none.
    pub(super) fn get(&self, key_hash: u64) -> Duration {
        let bucket = self.bucket(key_hash).lock();
        let slot = bucket.iter().find(|slot| slot.key_hash == key_hash);
        Duration::from_nanos(slot.map_or(0, |slot| slot.full_at))
    }

    /// Replaces the state of a key, unless `decide` fails.
    pub(super) fn update<E>(
        &self,
        key_hash: u64,
        decide: impl FnOnce(Duration) -> Result<Duration, E>,
    ) -> Result<(), E> {
        let mut bucket = self.bucket(key_hash).lock();
        let position = bucket.iter().position(|slot| slot.key_hash == key_hash);
        let full_at = position.map_or(0, |position| bucket[position].full_at);
        let full_at = u64::try_from(decide(Duration::from_nanos(full_at))?.as_nanos()).unwrap_or(u64::MAX);
        let position = position.or_else(|| slot_to_evict(&bucket));
        match position.and_then(|position| bucket.get_mut(position)) {
            Some(slot) => *slot = Slot { key_hash, full_at },
            None => bucket.push(Slot { key_hash, full_at }),
        }
        Ok(())
    }

    /// Any bits of the hash choose as well as others.
    fn bucket(&self, key_hash: u64) -> &Mutex<Vec<Slot>> {
        &self.buckets[key_hash as usize % BUCKETS]
    }
}

/// The position of the slot with the least use, if no slot is free.
fn slot_to_evict(bucket: &[Slot]) -> Option<usize> {
    if bucket.len() < SLOTS {
        return None;
    }
    bucket.iter().enumerate().min_by_key(|(_, slot)| slot.full_at).map(|(position, _)| position)
}

impl fmt::Debug for BoundedStateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedStateStore").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::hash::{BuildHasher as _, RandomState};

    use super::*;

    #[derive(Default)]
    struct Keys(RandomState);

    impl Keys {
        /// Sets the state of a key and returns the one before.
        fn set(&self, store: &BoundedStateStore, key: u32, full_at: u64) -> u64 {
            let hash = self.0.hash_one(key);
            let before = store.get(hash);
            store.update(hash, |_| Ok::<_, Infallible>(Duration::from_nanos(full_at))).unwrap();
            u64::try_from(before.as_nanos()).unwrap()
        }
    }

    fn occupied(store: &BoundedStateStore) -> usize {
        store.buckets.iter().map(|bucket| bucket.lock().len()).sum()
    }

    #[test]
    fn a_million_new_keys_stay_within_the_bound_and_do_not_evict_keys_with_much_use() {
        let (store, keys) = (BoundedStateStore::new(), Keys::default());
        // A tenth of the slots, by keys that have used much of their limit.
        let heavy = 0..u32::try_from(BUCKETS * SLOTS / 10).unwrap();
        for key in heavy.clone() {
            keys.set(&store, key, 1_000_000);
        }
        for key in 1_000_000..2_000_000 {
            assert_eq!(keys.set(&store, key, u64::from(key % 1000)), 0);
        }
        assert_eq!(occupied(&store), BUCKETS * SLOTS);
        assert!(store.buckets.iter().all(|bucket| bucket.lock().capacity() <= SLOTS));
        let evicted = heavy.clone().filter(|key| keys.set(&store, *key, 1_000_000) == 0).count();
        assert_eq!(evicted, 0, "of {}", heavy.len());
    }

    #[test]
    fn neither_a_lookup_nor_a_failed_update_changes_the_store() {
        let (store, keys) = (BoundedStateStore::new(), Keys::default());
        keys.set(&store, 1, 50);
        for key in [1_u32, 2] {
            let hash = keys.0.hash_one(key);
            let before = Duration::from_nanos(if key == 1 { 50 } else { 0 });
            assert_eq!(store.get(hash), before);
            assert_eq!(store.update(hash, Err), Err(before));
        }
        assert_eq!(occupied(&store), 1);
        assert_eq!(keys.set(&store, 1, 50), 50);
    }
}
