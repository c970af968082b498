//! Cache entries for unit tests: a kilobyte that a user has for a day.

use std::sync::Arc;
use std::time::Duration;

use super::cache_entry::{CacheEntry, CachedValue};
use super::cache_key::{CacheKey, UserKey, Variant};
use super::freshness::Lifetime;
use crate::pools::PoolIndex;
use clock::Timestamp;
use cognito_types::{DeveloperUserId, PrincipalTags, TokenDuration};

#[derive(Debug)]
pub(super) struct Kilobyte;

impl CachedValue for Kilobyte {
    fn identity(&self) -> &str {
        "us-east-1:abc"
    }
    fn heap_bytes(&self) -> usize {
        1024
    }
}

pub(super) fn user(name: &str) -> UserKey {
    UserKey { pool: PoolIndex(0), user: DeveloperUserId::parse(name).unwrap() }
}

pub(super) fn key(name: &str) -> CacheKey {
    let variant = Variant { duration: TokenDuration::DEFAULT, not_after: None, tags: PrincipalTags::none() };
    CacheKey { user: user(name), variant }
}

/// An entry that was minted at `now`, when the monotonic clock was zero.
pub(super) fn entry(name: &str, now: Timestamp) -> Arc<CacheEntry<Kilobyte>> {
    let lifetime = Lifetime { minted_at: now, refresh_from: now, expires_at: now + Duration::from_secs(86_400) };
    Arc::new(CacheEntry::new(key(name), lifetime, Duration::ZERO, Kilobyte))
}
