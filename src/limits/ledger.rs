//! Who has used how much, in bounded memory, whoever comes: a fixed number of shelves with a few places each. A key
//! has its shelf by a hash that nobody outside can compute; keys are compared whole.
//!
//! Where a shelf is full, a newcomer takes the place of whoever has used least. Those who are whole again, and so need
//! no place, are the first to go: there is nothing to sweep up on a schedule. Nobody is locked out, because a newcomer
//! is always let in; and a flood of keys does not let the one who asks too much be forgotten: it drives out others
//! like itself first.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, RandomState};

use governor::nanos::Nanos;
use governor::state::StateStore;
use parking_lot::Mutex;

const SHELVES: usize = 4096;
const PLACES: usize = 16;

/// A question about a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Ask<K> {
    pub(super) key: K,
    /// Whether the answer is written down, or this was only a look.
    pub(super) counts: bool,
}

/// What a key has used, as the moment at which it will be whole again (governor's theoretical arrival time).
struct Entry<K> {
    key: K,
    whole_at: Nanos,
}

/// One entry a key, at most [`SHELVES`] × [`PLACES`] of them.
pub(super) struct Ledger<K> {
    shelves: Box<[Mutex<Vec<Entry<K>>>]>,
    hasher: RandomState,
}

impl<K: Hash> Ledger<K> {
    pub(super) fn new() -> Self {
        let shelves = (0..SHELVES).map(|_| Mutex::new(Vec::new())).collect();
        Self { shelves, hasher: RandomState::new() }
    }

    fn shelf_of(&self, key: &K) -> &Mutex<Vec<Entry<K>>> {
        // Of two to the twelfth, the low bits are as good as any.
        let place = self.hasher.hash_one(key) as usize % SHELVES;
        &self.shelves[place]
    }
}

impl<K: Hash + Eq + Clone> StateStore for Ledger<K> {
    type Key = Ask<K>;

    fn measure_and_replace<T, F, E>(&self, ask: &Ask<K>, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut shelf = self.shelf_of(&ask.key).lock();
        let place = shelf.iter().position(|entry| entry.key == ask.key);
        let (outcome, whole_at) = decide(place.map(|place| shelf[place].whole_at))?;
        if ask.counts {
            let place = place.or_else(|| place_to_give(&shelf));
            match place.and_then(|place| shelf.get_mut(place)) {
                Some(entry) if entry.key == ask.key => entry.whole_at = whole_at,
                Some(entry) => *entry = Entry { key: ask.key.clone(), whole_at },
                None => shelf.push(Entry { key: ask.key.clone(), whole_at }),
            }
        }
        Ok(outcome)
    }
}

/// The place of whoever has used least, if no place is free.
fn place_to_give<K>(shelf: &[Entry<K>]) -> Option<usize> {
    if shelf.len() < PLACES {
        return None;
    }
    shelf.iter().enumerate().min_by_key(|(_, entry)| entry.whole_at).map(|(place, _)| place)
}

/// Not the keys: they are people's addresses and names.
impl<K> fmt::Debug for Ledger<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Notes that a key is whole again at a moment, and says what was noted before.
    fn note(ledger: &Ledger<u32>, key: u32, whole_at: u64) -> Option<u64> {
        let ask = Ask { key, counts: true };
        let noted = ledger.measure_and_replace(&ask, |before| {
            Ok::<_, Infallible>((before.map(Nanos::as_u64), Nanos::from(whole_at)))
        });
        noted.unwrap()
    }

    fn kept(ledger: &Ledger<u32>) -> usize {
        ledger.shelves.iter().map(|shelf| shelf.lock().len()).sum()
    }

    #[test]
    fn a_million_keys_take_no_more_room_than_there_is_and_do_not_drive_out_those_who_used_much() {
        let ledger = Ledger::new();
        // A tenth of the room, by keys that have used much of their allowance.
        let heavy = 0..(SHELVES * PLACES / 10) as u32;
        for key in heavy.clone() {
            note(&ledger, key, 1_000_000);
        }
        for key in 1_000_000..2_000_000 {
            assert_eq!(note(&ledger, key, u64::from(key % 1000)), None);
        }
        assert_eq!(kept(&ledger), SHELVES * PLACES);
        assert!(ledger.shelves.iter().all(|shelf| shelf.lock().capacity() <= PLACES));
        let forgotten = heavy.clone().filter(|key| note(&ledger, *key, 1_000_000).is_none()).count();
        assert_eq!(forgotten, 0, "of {}", heavy.len());
    }

    #[test]
    fn a_look_leaves_no_trace() {
        let ledger = Ledger::new();
        note(&ledger, 1, 50);
        for key in [1, 2] {
            let ask = Ask { key, counts: false };
            let looked = ledger.measure_and_replace(&ask, |before| {
                Ok::<_, Infallible>((before.map(Nanos::as_u64), Nanos::from(99)))
            });
            assert_eq!(looked, Ok((key == 1).then_some(50)));
        }
        assert_eq!(kept(&ledger), 1);
        assert_eq!(note(&ledger, 1, 50), Some(50));
    }
}
