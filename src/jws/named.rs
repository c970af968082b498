//! Keys that are published one by one, each under its name: an AWS load balancer's. A key is fetched when a token
//! first names it, and kept; its name never comes to mean another key.
//!
//! Anybody can make up names. So a name must be a UUID before it becomes part of a URL, there is room for few keys,
//! and few fetches are made within a while: whoever comes beyond that cannot be judged for the moment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::StatusCode;
use uuid::Uuid;

use super::algorithm::Algorithm;
use super::keys::{KeySet, KeysError};
use super::published::BoundedHttpClient;
use crate::config::JwksSettings;
use crate::metrics::Metrics;
use crate::metrics::labels::FetchOutcome;
use clock::SharedClock;

/// More than a region's load balancers have at a time.
const MOST_KEYS: usize = 64;

/// Fetches within the settings' `min_interval`. After a start there are a few honest ones at once.
const MOST_FETCHES: usize = 5;

/// What is known of a name. Times are on the monotonic clock.
#[derive(Debug, Clone)]
struct Known {
    /// `None`: there is no such key.
    key: Option<Arc<KeySet>>,
    until: Duration,
}

/// The keys at one place.
#[derive(Debug)]
pub(crate) struct RemoteKeysById {
    whose: Arc<str>,
    settings: JwksSettings,
    algorithms: &'static [Algorithm],
    fetcher: BoundedHttpClient,
    known: Mutex<HashMap<Uuid, Known>>,
    /// When the last fetches began. Held during one: they are made one after the other.
    fetches: tokio::sync::Mutex<Vec<Duration>>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl RemoteKeysById {
    pub(super) fn new(
        whose: &str,
        settings: JwksSettings,
        algorithms: &'static [Algorithm],
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, KeysError> {
        let fetcher = BoundedHttpClient::new(settings.timeout)?;
        let (known, fetches) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Arc::new(Self {
            whose: whose.into(),
            settings,
            algorithms,
            fetcher,
            known,
            fetches,
            clock,
            metrics,
        }))
    }

    /// The key of that name, as a set of it alone; an empty set if there is none. `None`: nobody can say now.
    pub(super) async fn named(self: &Arc<Self>, kid: Option<&str>) -> Option<Arc<KeySet>> {
        // 36 characters: the other forms of a UUID are no names.
        let Some(name) = kid.filter(|kid| kid.len() == 36).and_then(|kid| Uuid::try_parse(kid).ok()) else {
            return Some(Arc::default());
        };
        if let Some(known) = self.known(name) {
            return Some(known);
        }
        // A task of its own: the one who asked may hang up, and must not take it along.
        let keys = self.clone();
        let fetching = tokio::spawn(async move { keys.fetched(name).await });
        fetching.await.ok().flatten()
    }

    fn known(&self, name: Uuid) -> Option<Arc<KeySet>> {
        let known = self.known.lock().get(&name).cloned();
        let known = known.filter(|known| self.clock.monotonic() < known.until)?;
        Some(known.key.unwrap_or_default())
    }

    async fn fetched(&self, name: Uuid) -> Option<Arc<KeySet>> {
        let mut fetches = self.fetches.lock().await;
        // Perhaps somebody else has just fetched it.
        if let Some(known) = self.known(name) {
            return Some(known);
        }
        let now = self.clock.monotonic();
        fetches.retain(|began| now < *began + self.settings.min_refresh_interval);
        if fetches.len() >= MOST_FETCHES {
            return None;
        }
        fetches.push(now);
        let fetched = self.fetch(name).await;
        self.metrics.jwks_fetches_total.count(match &fetched {
            Ok(_) => FetchOutcome::Fetched,
            Err(_) => FetchOutcome::Failed,
        });
        match fetched {
            Ok(key) => {
                let life =
                    if key.is_some() { self.settings.max_age } else { self.settings.min_refresh_interval };
                self.keep(name, Known { key: key.clone(), until: self.clock.monotonic() + life });
                Some(key.unwrap_or_default())
            }
            Err(error) => {
                let (whose, url) = (&*self.whose, self.settings.url.as_str());
                tracing::warn!(whose, url, %name, error, "fetch of a signing key failed");
                None
            }
        }
    }

    /// The key of that name; `None`: there is none.
    async fn fetch(&self, name: Uuid) -> Result<Option<Arc<KeySet>>, String> {
        let mut url = self.settings.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&name.hyphenated().to_string());
        }
        match self.fetcher.get(url).await? {
            // What a bucket says of what is not in it, too.
            (StatusCode::NOT_FOUND | StatusCode::FORBIDDEN, _) => Ok(None),
            (status, body) if status.is_success() => {
                KeySet::of_pem(&body, self.algorithms).map(|key| Some(Arc::new(key)))
            }
            (status, _) => Err(format!("the answer is {status}")),
        }
    }

    fn keep(&self, name: Uuid, found: Known) {
        let mut known = self.known.lock();
        if known.len() >= MOST_KEYS && !known.contains_key(&name) {
            // Names without a key go first, then what ends soonest.
            let worst = known.iter().min_by_key(|(_, known)| (known.key.is_some(), known.until));
            if let Some(name) = worst.map(|(name, _)| *name) {
                known.remove(&name);
            }
        }
        known.insert(name, found);
    }
}
