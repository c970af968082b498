//! Published keys, fetched at the start and then every so often. When a fetch fails, the last good
//! set stays, up to an age from which on nobody could say what has been withdrawn meanwhile. A `kid` that it does not know has it fetched at once, at a bounded rate: anybody can make up a
//! `kid`, and whoever publishes them must not suffer for it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use super::keys::{KeySet, KeysError};
use super::published::JwksClient;
use crate::config::JwksSettings;
use crate::metrics::Metrics;
use crate::metrics::labels::FetchOutcome;
use clock::SharedClock;

/// The first wait after a failed fetch; doubles up to the usual interval.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Fetched {
    keys: Arc<KeySet>,
    /// On the monotonic clock.
    at: Duration,
}

/// How the last fetch went.
#[derive(Debug, Default)]
struct LastFetch {
    /// On the monotonic clock.
    ended: Duration,
    succeeded: bool,
}

/// One published key set.
#[derive(Debug)]
pub(crate) struct RemoteJwks {
    whose: Arc<str>,
    settings: JwksSettings,
    published: JwksClient,
    current: ArcSwapOption<Fetched>,
    /// Held while a fetch is under way: whoever wants another one waits, and finds that it is no longer due.
    last: Mutex<LastFetch>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl RemoteJwks {
    /// Fetches the keys once, and keeps them fresh in a task that ends with the last holder.
    pub(crate) async fn start(
        whose: &str,
        settings: JwksSettings,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, KeysError> {
        let published = JwksClient::new(&settings)?;
        let jwks = Arc::new(Self {
            whose: whose.into(),
            settings,
            published,
            current: ArcSwapOption::empty(),
            last: Mutex::default(),
            clock,
            metrics,
        });
        jwks.fetch_now().await;
        tokio::spawn(keep_fresh(Arc::downgrade(&jwks), jwks.clock.clone(), jwks.settings.refresh_interval));
        Ok(jwks)
    }

    /// The keys at hand, if there are any yet, and they are not too old to count.
    pub(crate) fn current(&self) -> Option<Arc<KeySet>> {
        let current = self.current.load();
        let fetched = current.as_ref().filter(|fetched| self.age_of(fetched) <= self.settings.max_age)?;
        Some(fetched.keys.clone())
    }

    fn age_of(&self, fetched: &Fetched) -> Duration {
        self.clock.monotonic().saturating_sub(fetched.at)
    }

    /// How old the keys at hand are.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.current.load().as_ref().map(|fetched| self.age_of(fetched))
    }

    /// The keys, after another fetch unless there was one a moment ago. `None`: there are none, or they
    /// could not be had, so that nobody can say whether another key has been published since.
    ///
    /// The fetch runs in a task of its own: the one who asked may hang up, and must not take it along.
    pub(crate) async fn refetched(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        let jwks = self.clone();
        let fetching = tokio::spawn(async move {
            let mut last = jwks.last.lock().await;
            let is_due = jwks.clock.monotonic() >= last.ended + jwks.settings.min_refresh_interval;
            if is_due {
                jwks.fetch(&mut last).await;
            }
            last.succeeded
        });
        if fetching.await.unwrap_or(false) { self.current() } else { None }
    }

    async fn fetch_now(&self) -> bool {
        let mut last = self.last.lock().await;
        self.fetch(&mut last).await;
        last.succeeded
    }

    async fn fetch(&self, last: &mut LastFetch) {
        let downloaded = self.published.fetch().await;
        *last = LastFetch { ended: self.clock.monotonic(), succeeded: downloaded.is_ok() };
        match downloaded {
            Ok(keys) => {
                let fetched = Fetched { keys: Arc::new(keys), at: self.clock.monotonic() };
                self.current.store(Some(Arc::new(fetched)));
                self.metrics.jwks_fetches_total.count(FetchOutcome::Fetched);
            }
            Err(error) => {
                let (whose, url) = (&*self.whose, self.settings.url.as_str());
                tracing::warn!(whose, url, error, "fetch of signing keys failed, keeping the previous keys");
                self.metrics.jwks_fetches_total.count(FetchOutcome::Failed);
            }
        }
    }
}

async fn keep_fresh(jwks: std::sync::Weak<RemoteJwks>, clock: SharedClock, refresh: Duration) {
    let mut retry = RETRY;
    loop {
        let Some(has_keys) = jwks.upgrade().map(|jwks| jwks.current().is_some()) else { return };
        clock.sleep(if has_keys && retry == RETRY { refresh } else { retry }).await;
        let Some(jwks) = jwks.upgrade() else { return };
        retry = if jwks.fetch_now().await { RETRY } else { (retry * 2).min(refresh) };
    }
}
