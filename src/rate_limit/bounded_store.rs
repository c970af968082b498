//! Who has used how much, in bounded memory, whoever comes: a fixed number of shelves with a few places each.
//!
//! A key stands for itself by a hash of 64 bits that nobody outside can compute. Two keys with the same one would share
//! an allowance, which chance brings about once in 2⁴⁸ newcomers to a full ledger and nobody can bring about; and so
//! nothing is kept of people's names and addresses.
//!
//! Where a shelf is full, a newcomer takes the place of whoever has used least. Those who are whole again, and so need
//! no place, are the first to go: there is nothing to sweep up on a schedule. Nobody is locked out, because a newcomer
//! is always let in; and a flood of keys does not let the one who asks too much be forgotten: it drives out others
//! like itself first.

use std::fmt;

use governor::nanos::Nanos;
use governor::state::StateStore;
use parking_lot::Mutex;

const SHELVES: usize = 4096;
const PLACES: usize = 16;

/// A question about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ask {
    /// What the key's hash is, under a secret of this process's.
    pub(super) key_hash: u64,
    /// Whether the answer is written down, or this was only a look.
    pub(super) counts: bool,
}

/// What a key has used, as the moment at which it will be whole again (governor's theoretical arrival time).
struct Entry {
    key_hash: u64,
    whole_at: Nanos,
}

/// One entry a key, at most [`SHELVES`] × [`PLACES`] of them.
pub(super) struct BoundedStateStore {
    shelves: Box<[Mutex<Vec<Entry>>]>,
}

impl BoundedStateStore {
    pub(super) fn new() -> Self {
        Self { shelves: (0..SHELVES).map(|_| Mutex::new(Vec::new())).collect() }
    }
}

impl StateStore for BoundedStateStore {
    type Key = Ask;

    fn measure_and_replace<T, F, E>(&self, ask: &Ask, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Ask { key_hash, counts } = *ask;
        // Of two to the twelfth, the low bits are as good as any.
        let mut shelf = self.shelves[key_hash as usize % SHELVES].lock();
        let place = shelf.iter().position(|entry| entry.key_hash == key_hash);
        let (outcome, whole_at) = decide(place.map(|place| shelf[place].whole_at))?;
        if counts {
            let place = place.or_else(|| place_to_give(&shelf));
            match place.and_then(|place| shelf.get_mut(place)) {
                Some(entry) => *entry = Entry { key_hash, whole_at },
                None => shelf.push(Entry { key_hash, whole_at }),
            }
        }
        Ok(outcome)
    }
}

/// The place of whoever has used least, if no place is free.
fn place_to_give(shelf: &[Entry]) -> Option<usize> {
    if shelf.len() < PLACES {
        return None;
    }
    shelf.iter().enumerate().min_by_key(|(_, entry)| entry.whole_at).map(|(place, _)| place)
}

impl fmt::Debug for BoundedStateStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::hash::{BuildHasher as _, RandomState};

    use super::*;

    struct Noted {
        ledger: BoundedStateStore,
        hasher: RandomState,
    }

    /// Notes that a key is whole again at a moment, and says what was noted before.
    fn note(Noted { ledger, hasher }: &Noted, key: u32, whole_at: u64) -> Option<u64> {
        let ask = Ask { key_hash: hasher.hash_one(key), counts: true };
        let noted = ledger.measure_and_replace(&ask, |before| {
            Ok::<_, Infallible>((before.map(Nanos::as_u64), Nanos::from(whole_at)))
        });
        noted.unwrap()
    }

    fn kept(Noted { ledger, .. }: &Noted) -> usize {
        ledger.shelves.iter().map(|shelf| shelf.lock().len()).sum()
    }

    #[test]
    fn a_million_keys_take_no_more_room_than_there_is_and_do_not_drive_out_those_who_used_much() {
        let noted = Noted { ledger: BoundedStateStore::new(), hasher: RandomState::new() };
        // A tenth of the room, by keys that have used much of their allowance.
        let heavy = 0..(SHELVES * PLACES / 10) as u32;
        for key in heavy.clone() {
            note(&noted, key, 1_000_000);
        }
        for key in 1_000_000..2_000_000 {
            assert_eq!(note(&noted, key, u64::from(key % 1000)), None);
        }
        assert_eq!(kept(&noted), SHELVES * PLACES);
        assert!(noted.ledger.shelves.iter().all(|shelf| shelf.lock().capacity() <= PLACES));
        let forgotten = heavy.clone().filter(|key| note(&noted, *key, 1_000_000).is_none()).count();
        assert_eq!(forgotten, 0, "of {}", heavy.len());
    }

    #[test]
    fn a_look_leaves_no_trace() {
        let noted = Noted { ledger: BoundedStateStore::new(), hasher: RandomState::new() };
        note(&noted, 1, 50);
        for key in [1, 2] {
            let ask = Ask { key_hash: noted.hasher.hash_one(key), counts: false };
            let looked = noted.ledger.measure_and_replace(&ask, |before| {
                Ok::<_, Infallible>((before.map(Nanos::as_u64), Nanos::from(99)))
            });
            assert_eq!(looked, Ok((key == 1).then_some(50)));
        }
        assert_eq!(kept(&noted), 1);
        assert_eq!(note(&noted, 1, 50), Some(50));
    }
}
