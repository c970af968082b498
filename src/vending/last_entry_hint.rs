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
use super::cached_credentials::CachedCredentials;
use super::cached_token::CachedToken;

/// The hints of one caller. Empty at first.
#[derive(Debug, Default)]
pub struct LastEntryHint {
    pub(super) token: EntryHint<CachedToken>,
    pub(super) credentials: EntryHint<CachedCredentials>,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::cache_key::{CacheKey, UserKey, Variant};
    use super::super::cached_token::ResponseTemplate;
    use super::super::freshness::Lifetime;
    use super::*;
    use crate::issuer::IssuedToken;
    use crate::pools::PoolIndex;
    use crate::token::OpenIdToken;
    use clock::Timestamp;
    use cognito_types::{DeveloperUserId, IdentityId, IdentityPoolId, PrincipalTags, TokenDuration};

    fn entry() -> Arc<CacheEntry<CachedToken>> {
        let now = Timestamp::from_secs(1_000_000);
        let template = ResponseTemplate::for_pool(&IdentityPoolId::parse("us-east-1:1-2").unwrap());
        let identity = IdentityId::parse("us-east-1:abc").unwrap();
        let issued = IssuedToken { identity, token: OpenIdToken::new("a.b.c".to_owned()), request_id: None };
        let variant = Variant { duration: TokenDuration::DEFAULT, not_after: None, tags: PrincipalTags::none() };
        let user = UserKey { pool: PoolIndex(0), user: DeveloperUserId::parse("alice").unwrap() };
        let lifetime = Lifetime { minted_at: now, refresh_from: now, expires_at: now };
        let response = CachedToken::render(&template, &issued, now);
        Arc::new(CacheEntry::new(CacheKey { user, variant }, lifetime, Duration::ZERO, response))
    }

    #[test]
    fn a_hint_leads_to_the_entry_that_it_was_set_to_and_keeps_it_not_alive() {
        let (hint, entry) = (LastEntryHint::default(), entry());
        assert!(hint.token.get().is_none());
        hint.token.set(&entry);
        assert!(hint.token.get().is_some_and(|found| Arc::ptr_eq(&found, &entry)));
        assert!(hint.credentials.get().is_none(), "tokens and credentials have hints of their own");
        assert!(hint.clone().token.get().is_none(), "a clone is empty");
        drop(entry);
        assert!(hint.token.get().is_none());
    }
}
