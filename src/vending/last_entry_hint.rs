//! Weak references to the cache entries last served to a caller, so that the caller's next request skips the cache
//! lookup. A lookup visits a dozen places in memory, which a cache of many users rarely has at hand; a hint leads to
//! the entry itself.
//!
//! The caller's owner carries a [`LastEntryHint`], and only vending opens it. A hint keeps no entry alive, and whether
//! its entry is still the cached one is up to the entry: see `CacheEntry::matches_key`.

use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::cache_entry::CacheEntry;
use super::credentials_loader::CredentialsResponse;
use super::token_response::TokenResponse;

/// The hints of one caller. Empty at first.
#[derive(Debug, Default)]
pub struct LastEntryHint {
    pub(super) token: EntryHint<TokenResponse>,
    pub(super) credentials: EntryHint<CredentialsResponse>,
}

/// A clone is empty: it costs one lookup.
impl Clone for LastEntryHint {
    fn clone(&self) -> Self {
        Self::default()
    }
}

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

impl<V> fmt::Debug for EntryHint<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryHint").finish_non_exhaustive()
    }
}
