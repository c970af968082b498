//! Weak references to the cache entries last served to a caller, so that the caller's next request skips the cache
//! lookup. A lookup visits a dozen places in memory, which a cache of many users rarely has at hand; a hint leads to
//! the entry itself.
//!
//! The caller's owner carries a [`LastEntryHint`], and only vending opens it. A hint keeps no entry alive, and whether
//! its entry is still the cached one is up to the entry: see `CacheEntry::matches_key`.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::cache_entry::CacheEntry;
use super::cached_credentials::CachedCredentials;
use super::cached_token::CachedToken;

/// The hints of one caller. Empty at first.
#[derive(Debug, Default, Clone)]
pub struct LastEntryHint {
    pub(super) token: EntryHint<CachedToken>,
    pub(super) credentials: EntryHint<CachedCredentials>,
}

#[derive(Debug)]
pub(super) struct EntryHint<V>(Mutex<Option<Weak<CacheEntry<V>>>>);

impl<V> EntryHint<V> {
    /// The entry, if it still exists. `None` also while another request uses the hint: a lookup is faster than a wait.
    pub(super) fn get(&self) -> Option<Arc<CacheEntry<V>>> {
        self.0.try_lock()?.as_ref()?.upgrade()
    }

    pub(super) fn set(&self, entry: &Arc<CacheEntry<V>>) {
        if let Some(mut hint) = self.0.try_lock() {
            *hint = Some(Arc::downgrade(entry));
        }
    }
}

impl<V> Default for EntryHint<V> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

/// A clone is empty: it costs one lookup.
impl<V> Clone for EntryHint<V> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_entry::entry;
    use super::*;
    use clock::Timestamp;

    #[test]
    fn a_hint_leads_to_the_entry_that_it_was_set_to_and_keeps_it_not_alive() {
        let (hint, entry) = (EntryHint::default(), entry("alice", Timestamp::from_secs(0)));
        assert!(hint.get().is_none());
        hint.set(&entry);
        assert!(hint.get().is_some_and(|found| Arc::ptr_eq(&found, &entry)));
        assert!(hint.clone().get().is_none(), "a clone is empty");
        drop(entry);
        assert!(hint.get().is_none());
    }
}
