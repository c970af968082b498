//! Keys that are published one by one, each under its `kid`: those of AWS load balancers. A key is fetched when a token
//! first names it, and cached; a `kid` never refers to another key later.
//!
//! Clients can send arbitrary `kid`s. Therefore a `kid` must be a UUID before it becomes part of a URL, few keys are cached,
//! and few fetches are made per interval. A token beyond these limits cannot be verified for the moment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clock::SharedClock;
use parking_lot::Mutex;
use reqwest::StatusCode;
use uuid::Uuid;

use crate::algorithm::Algorithm;
use crate::error::{FetchError, KeysError};
use crate::jwks_client::BoundedHttpClient;
use crate::key_set::KeySet;
use crate::observer::JwksObserver;
use crate::settings::JwksSettings;

/// More than the load balancers of a region have at a time.
const MAX_KEYS: usize = 64;

/// Fetches per `min_refresh_interval`. A few legitimate ones come at once after a start.
const MAX_FETCHES: usize = 5;

#[derive(Debug, Clone)]
struct CachedKey {
    /// `None`: the key does not exist.
    key: Option<Arc<KeySet>>,
    /// On the monotonic clock.
    expires_at: Duration,
}

/// The keys under one URL.
#[derive(Debug)]
pub(crate) struct RemoteKeysById {
    /// For the log.
    name: Arc<str>,
    settings: JwksSettings,
    algorithms: &'static [Algorithm],
    http: BoundedHttpClient,
    cached: Mutex<HashMap<Uuid, CachedKey>>,
    /// When the last fetches began. Held during a fetch: there is one at a time.
    fetches: tokio::sync::Mutex<Vec<Duration>>,
    clock: SharedClock,
    observer: Arc<dyn JwksObserver>,
}

impl RemoteKeysById {
    pub(crate) fn new(
        name: &str,
        settings: JwksSettings,
        algorithms: &'static [Algorithm],
        clock: SharedClock,
        observer: Arc<dyn JwksObserver>,
    ) -> Result<Arc<Self>, KeysError> {
        let http = BoundedHttpClient::new(settings.timeout)?;
        let (cached, fetches) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Arc::new(Self { name: name.into(), settings, algorithms, http, cached, fetches, clock, observer }))
    }

    /// The key with this `kid` as a set of one key, or an empty set if it does not exist. `None`: cannot be fetched now.
    pub(crate) async fn find(self: &Arc<Self>, kid: Option<&str>) -> Option<Arc<KeySet>> {
        // 36 characters: the other forms of a UUID are not used as `kid`.
        let Some(id) = kid.filter(|kid| kid.len() == 36).and_then(|kid| Uuid::try_parse(kid).ok()) else {
            return Some(Arc::default());
        };
        if let Some(key) = self.cached(id) {
            return Some(key);
        }
        // In a task, so that a client that disconnects does not cancel it for others.
        let keys = self.clone();
        let fetch = tokio::spawn(async move { keys.find_or_fetch(id).await });
        fetch.await.ok().flatten()
    }

    fn cached(&self, id: Uuid) -> Option<Arc<KeySet>> {
        let cached = self.cached.lock().get(&id).cloned();
        let cached = cached.filter(|cached| self.clock.monotonic() < cached.expires_at)?;
        Some(cached.key.unwrap_or_default())
    }

    async fn find_or_fetch(&self, id: Uuid) -> Option<Arc<KeySet>> {
        let mut fetches = self.fetches.lock().await;
        // Another request may have fetched it meanwhile.
        if let Some(key) = self.cached(id) {
            return Some(key);
        }
        let now = self.clock.monotonic();
        fetches.retain(|began| now < *began + self.settings.min_refresh_interval);
        if fetches.len() >= MAX_FETCHES {
            return None;
        }
        fetches.push(now);
        match self.fetch(id).await {
            Ok(key) => {
                self.observer.fetched();
                let ttl = if key.is_some() { self.settings.max_age } else { self.settings.min_refresh_interval };
                let expires_at = self.clock.monotonic() + ttl;
                self.insert(id, CachedKey { key: key.clone(), expires_at });
                Some(key.unwrap_or_default())
            }
            Err(error) => {
                self.observer.failed();
                let (key_source, url) = (&*self.name, self.settings.url.as_str());
                tracing::warn!(key_source, url, kid = %id, %error, "signing key fetch failed");
                None
            }
        }
    }

    /// `None`: the key does not exist.
    async fn fetch(&self, id: Uuid) -> Result<Option<Arc<KeySet>>, FetchError> {
        let mut url = self.settings.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&id.hyphenated().to_string());
        }
        match self.http.get(url).await? {
            // An S3 bucket also answers 403 for a missing object.
            (StatusCode::NOT_FOUND | StatusCode::FORBIDDEN, _) => Ok(None),
            (status, body) if status.is_success() => Ok(Some(Arc::new(KeySet::from_pem(&body, self.algorithms)?))),
            (status, _) => Err(FetchError::Status(status)),
        }
    }

    fn insert(&self, id: Uuid, key: CachedKey) {
        let mut cached = self.cached.lock();
        if cached.len() >= MAX_KEYS && !cached.contains_key(&id) {
            // Evicts missing keys first, then what expires first.
            let worst = cached.iter().min_by_key(|(_, cached)| (cached.key.is_some(), cached.expires_at));
            if let Some(id) = worst.map(|(id, _)| *id) {
                cached.remove(&id);
            }
        }
        cached.insert(id, key);
    }
}
