//! Credentials that were verified a moment ago: to verify one costs ten times as much as all the rest of a hit.
//!
//! The key is the credential's SHA-256 together with the way that verified it: no two share one, and nothing of
//! the credential itself is kept or compared. A credential counts until its own end, and no longer than its way
//! allows: that is how late a withdrawn key, or a user who was signed out elsewhere, shows.
//!
//! In `quick_cache`, not in moka: looking one up writes no order of use down, and a remembered credential takes a
//! quarter of the memory. Whoever is turned out has its next request verified once more, and that is all.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use quick_cache::sync::Cache;

use super::Caller;
use clock::{SharedClock, Timestamp};

/// A way of authenticating, by its place in the order, and a credential's SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CredentialKey {
    way: u16,
    digest: [u8; digest::SHA256_OUTPUT_LEN],
}

impl CredentialKey {
    pub(super) fn of(way: u16, credential: &str) -> Self {
        let mut key = Self { way, digest: [0; digest::SHA256_OUTPUT_LEN] };
        key.digest.copy_from_slice(digest::digest(&digest::SHA256, credential.as_bytes()).as_ref());
        key
    }
}

impl CredentialKey {
    /// For a credential of several parts, any of which may be short enough to be guessed.
    pub(super) fn keyed<'p>(way: u16, with: &hmac::Key, parts: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let mut context = hmac::Context::with_key(with);
        for part in parts {
            // The length first, so that no two lists of parts look alike.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut key = Self { way, digest: [0; digest::SHA256_OUTPUT_LEN] };
        key.digest.copy_from_slice(context.sign().as_ref());
        key
    }
}

#[derive(Debug, Clone)]
struct Entry {
    caller: Arc<Caller>,
    /// By the wall clock: the credential's own end, leeway and all.
    ends: Timestamp,
    /// By the monotonic clock: as long as its way allows. A wall clock that is set back does not lengthen it.
    until: Duration,
}

/// The verified credentials of all ways.
#[derive(Debug)]
pub(super) struct CredentialCache {
    entries: Cache<CredentialKey, Entry>,
    clock: SharedClock,
}

impl CredentialCache {
    /// Room for this many.
    pub(super) fn new(most: u64, clock: SharedClock) -> Self {
        Self { entries: Cache::new(usize::try_from(most).unwrap_or(usize::MAX)), clock }
    }

    /// The caller with this credential, if it still counts.
    pub(super) fn recall(&self, key: &CredentialKey) -> Option<Arc<Caller>> {
        let entry = self.entries.get(key)?;
        let counts = self.clock.now() < entry.ends && self.clock.monotonic() < entry.until;
        if !counts {
            self.entries.remove(key);
        }
        counts.then_some(entry.caller)
    }

    /// Remembers a verified credential until `ends`, and no longer than `ceiling`.
    pub(super) fn keep(&self, key: CredentialKey, caller: &Arc<Caller>, ends: Timestamp, ceiling: Duration) {
        if !ceiling.is_zero() {
            let until = self.clock.monotonic() + ceiling;
            self.entries.insert(key, Entry { caller: caller.clone(), ends, until });
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.entries.len() as u64
    }
}
