//! A JWKS that is fetched at the start and then at an interval.
//!
//! When a fetch fails, the previous set stays in use up to `max_age`: beyond it, a withdrawn key could still be accepted. An
//! unknown `kid` triggers a refetch, at most once per `min_refresh_interval`, because clients can send arbitrary `kid`s.

use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use clock::SharedClock;
use tokio::sync::Mutex;

use crate::error::KeysError;
use crate::jwks_client::JwksClient;
use crate::key_set::KeySet;
use crate::observer::JwksObserver;
use crate::settings::JwksSettings;

/// The first wait after a failed fetch. Doubles up to the refresh interval.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct FetchedKeys {
    keys: Arc<KeySet>,
    /// On the monotonic clock.
    fetched_at: Duration,
}

#[derive(Debug, Default)]
struct LastFetch {
    /// On the monotonic clock.
    ended_at: Duration,
    succeeded: bool,
}

/// A remote key set with its refresh task.
#[derive(Debug)]
pub(crate) struct RemoteJwks {
    /// For the log.
    name: Arc<str>,
    settings: JwksSettings,
    client: JwksClient,
    current: ArcSwapOption<FetchedKeys>,
    /// Held during a fetch: those who want another one wait, and find that it is no longer due.
    last_fetch: Mutex<LastFetch>,
    clock: SharedClock,
    observer: Arc<dyn JwksObserver>,
}

impl RemoteJwks {
    /// Fetches the keys once, and starts a refresh task that ends with the last reference.
    pub(crate) async fn start(
        name: &str,
        settings: JwksSettings,
        clock: SharedClock,
        observer: Arc<dyn JwksObserver>,
    ) -> Result<Arc<Self>, KeysError> {
        let client = JwksClient::new(&settings)?;
        let jwks = Arc::new(Self {
            name: name.into(),
            settings,
            client,
            current: ArcSwapOption::empty(),
            last_fetch: Mutex::default(),
            clock,
            observer,
        });
        jwks.fetch_now().await;
        tokio::spawn(keep_fresh(Arc::downgrade(&jwks), jwks.clock.clone(), jwks.settings.refresh_interval));
        Ok(jwks)
    }

    /// The keys, if they were fetched and are not older than `max_age`.
    pub(crate) fn current(&self) -> Option<Arc<KeySet>> {
        let current = self.current.load();
        let fetched = current.as_ref().filter(|fetched| self.age_of(fetched) <= self.settings.max_age)?;
        Some(fetched.keys.clone())
    }

    fn age_of(&self, fetched: &FetchedKeys) -> Duration {
        self.clock.monotonic().saturating_sub(fetched.fetched_at)
    }

    /// The age of the last fetched keys, even beyond `max_age`.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.current.load().as_ref().map(|fetched| self.age_of(fetched))
    }

    /// The keys after another fetch, unless the last one was within `min_refresh_interval`. `None` if that fetch failed:
    /// the issuer may have published another key since.
    ///
    /// The fetch runs in a task, so that a client that disconnects does not cancel it for others.
    pub(crate) async fn refetch(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        let jwks = self.clone();
        let fetch = tokio::spawn(async move {
            let mut last = jwks.last_fetch.lock().await;
            let is_due = jwks.clock.monotonic() >= last.ended_at + jwks.settings.min_refresh_interval;
            if is_due {
                jwks.fetch(&mut last).await;
            }
            last.succeeded
        });
        if fetch.await.unwrap_or(false) { self.current() } else { None }
    }

    async fn fetch_now(&self) -> bool {
        let mut last = self.last_fetch.lock().await;
        self.fetch(&mut last).await;
        last.succeeded
    }

    async fn fetch(&self, last: &mut LastFetch) {
        let result = self.client.fetch().await;
        *last = LastFetch { ended_at: self.clock.monotonic(), succeeded: result.is_ok() };
        match result {
            Ok(keys) => {
                let fetched = FetchedKeys { keys: Arc::new(keys), fetched_at: self.clock.monotonic() };
                self.current.store(Some(Arc::new(fetched)));
                self.observer.fetched();
            }
            Err(error) => {
                let (key_source, url) = (&*self.name, self.settings.url.as_str());
                tracing::warn!(key_source, url, %error, "jwks fetch failed, keeping the previous keys");
                self.observer.failed();
            }
        }
    }
}

async fn keep_fresh(jwks: Weak<RemoteJwks>, clock: SharedClock, refresh_interval: Duration) {
    let mut retry = RETRY_INTERVAL;
    loop {
        let Some(has_keys) = jwks.upgrade().map(|jwks| jwks.current().is_some()) else { return };
        clock.sleep(if has_keys && retry == RETRY_INTERVAL { refresh_interval } else { retry }).await;
        let Some(jwks) = jwks.upgrade() else { return };
        retry = if jwks.fetch_now().await { RETRY_INTERVAL } else { (retry * 2).min(refresh_interval) };
    }
}
