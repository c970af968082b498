//! Cache of verified credentials. Verifying one costs ten times as much as the rest of a cache hit.
//!
//! The key is the credential's SHA-256 together with the index of its authenticator. No two authenticators share an
//! entry, and the credential itself is neither stored nor compared. An entry lives until the credential ends, and at
//! most for the TTL of its authenticator. That is the delay with which a withdrawn key, or the sign-out of a user
//! elsewhere, takes effect.
//!
//! It is a `quick_cache` and not moka: a lookup records no order of use, and an entry takes a quarter of the memory.
//! After an eviction the caller's next request is verified again. There is no other effect.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use quick_cache::sync::Cache;

use super::caller::Caller;
use clock::{SharedClock, Timestamp};

/// The index of an authenticator, and the digest of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CredentialKey {
    index: u16,
    digest: [u8; digest::SHA256_OUTPUT_LEN],
}

#[derive(Debug, Clone)]
struct Entry {
    caller: Arc<Caller>,
    /// By the wall clock: the credential's own end, leeway included.
    expires_at: Timestamp,
    /// By the monotonic clock: the TTL of the authenticator. Setting the wall clock back does not lengthen it.
    ttl_ends: Duration,
}

/// The verified credentials of all authenticators.
#[derive(Debug)]
pub(super) struct CredentialCache {
    entries: Cache<CredentialKey, Entry>,
    clock: SharedClock,
}

impl CredentialCache {
    pub(super) fn new(max_entries: u64, clock: SharedClock) -> Self {
        Self { entries: Cache::new(usize::try_from(max_entries).unwrap_or(usize::MAX)), clock }
    }

    /// The part of the authenticator with this index.
    pub(super) fn scoped(self: &Arc<Self>, index: u16) -> ScopedCache {
        ScopedCache { index, cache: self.clone() }
    }

    pub(super) fn count(&self) -> u64 {
        self.entries.len() as u64
    }
}

/// One authenticator's part of the cache.
#[derive(Debug, Clone)]
pub(super) struct ScopedCache {
    index: u16,
    cache: Arc<CredentialCache>,
}

impl ScopedCache {
    /// The key of a credential. Get and insert by the same key, so that a miss computes the digest once.
    pub(super) fn key(&self, credential: &str) -> CredentialKey {
        self.key_from(digest::digest(&digest::SHA256, credential.as_bytes()).as_ref())
    }

    /// The key of a credential of several parts, which may be short enough to be guessed from a plain digest.
    pub(super) fn keyed<'p>(&self, hmac_key: &hmac::Key, parts: impl IntoIterator<Item = &'p [u8]>) -> CredentialKey {
        let mut context = hmac::Context::with_key(hmac_key);
        for part in parts {
            // The length first, so that two different lists of parts never have the same bytes.
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        self.key_from(context.sign().as_ref())
    }

    fn key_from(&self, sha256: &[u8]) -> CredentialKey {
        let mut key = CredentialKey { index: self.index, digest: [0; digest::SHA256_OUTPUT_LEN] };
        key.digest.copy_from_slice(sha256);
        key
    }

    /// The caller with this credential, unless its entry has expired.
    pub(super) fn get(&self, key: &CredentialKey) -> Option<Arc<Caller>> {
        let CredentialCache { entries, clock } = &*self.cache;
        let entry = entries.get(key)?;
        let is_valid = clock.now() < entry.expires_at && clock.monotonic() < entry.ttl_ends;
        if !is_valid {
            entries.remove(key);
        }
        is_valid.then_some(entry.caller)
    }

    /// Caches a verified credential until `expires_at`, and at most for `ttl`.
    pub(super) fn insert(&self, key: CredentialKey, caller: &Arc<Caller>, expires_at: Timestamp, ttl: Duration) {
        if !ttl.is_zero() {
            let ttl_ends = self.cache.clock.monotonic() + ttl;
            self.cache.entries.insert(key, Entry { caller: caller.clone(), expires_at, ttl_ends });
        }
    }
}
