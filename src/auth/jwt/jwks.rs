//! The app's published keys, fetched at the start and then every so often. When a fetch fails, the last good
//! set stays. A `kid` that it does not know has it fetched at once, at a bounded rate: anybody can make up a
//! `kid`, and the app's server must not suffer for it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use super::keys::{KeySet, KeysError};
use crate::clock::SharedClock;
use crate::config::JwksSettings;
use crate::metrics::Metrics;
use crate::metrics::labels::FetchOutcome;

/// No honest key set is larger.
const LARGEST: usize = 256 * 1024;

/// The first wait after a failed fetch; doubles up to the usual interval.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Fetched {
    keys: Arc<KeySet>,
    /// On the monotonic clock.
    at: Duration,
}

/// One published key set.
#[derive(Debug)]
pub(super) struct Jwks {
    way: Arc<str>,
    settings: JwksSettings,
    client: reqwest::Client,
    current: ArcSwapOption<Fetched>,
    /// When the last fetch began, on the monotonic clock. Held while one is under way.
    last_begun: Mutex<Option<Duration>>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl Jwks {
    /// Fetches the keys once, and keeps them fresh in a task that ends with the last holder.
    pub(super) async fn start(
        way: &str,
        settings: JwksSettings,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Arc<Self>, KeysError> {
        let client = reqwest::Client::builder()
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tokenvend/", env!("CARGO_PKG_VERSION")))
            // A fetch every few minutes needs no connection kept, least of all between runtimes.
            .pool_max_idle_per_host(0)
            .build()?;
        let jwks = Arc::new(Self {
            way: way.into(),
            settings,
            client,
            current: ArcSwapOption::empty(),
            last_begun: Mutex::new(None),
            clock,
            metrics,
        });
        jwks.fetch_now().await;
        tokio::spawn(keep_fresh(Arc::downgrade(&jwks), jwks.clock.clone(), jwks.settings.refresh));
        Ok(jwks)
    }

    /// The keys at hand, if there are any yet.
    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.current.load().as_ref().map(|fetched| fetched.keys.clone())
    }

    /// How old the keys at hand are.
    pub(super) fn age(&self) -> Option<Duration> {
        let current = self.current.load();
        current.as_ref().map(|fetched| self.clock.monotonic().saturating_sub(fetched.at))
    }

    /// The keys after another fetch, unless there was one a moment ago. All who ask meanwhile share it.
    pub(super) async fn refetched(&self) -> Option<Arc<KeySet>> {
        let mut last_begun = self.last_begun.lock().await;
        let now = self.clock.monotonic();
        let due = last_begun.is_none_or(|begun| now >= begun + self.settings.min_interval);
        // Without any keys nobody can be let in: then only the retries of the task are waited for.
        if due {
            *last_begun = Some(now);
            self.fetch().await;
        }
        self.current()
    }

    async fn fetch_now(&self) -> bool {
        let mut last_begun = self.last_begun.lock().await;
        *last_begun = Some(self.clock.monotonic());
        self.fetch().await
    }

    async fn fetch(&self) -> bool {
        match self.download().await {
            Ok(keys) => {
                let fetched = Fetched { keys: Arc::new(keys), at: self.clock.monotonic() };
                self.current.store(Some(Arc::new(fetched)));
                self.metrics.jwks_fetches_total.count(FetchOutcome::Fetched);
                true
            }
            Err(error) => {
                let (way, url) = (&*self.way, self.settings.url.as_str());
                tracing::warn!(way, url, error, "cannot fetch the app's signing keys, the last ones stay");
                self.metrics.jwks_fetches_total.count(FetchOutcome::Failed);
                false
            }
        }
    }

    async fn download(&self) -> Result<KeySet, String> {
        let fail = |error: reqwest::Error| full_text(&error.without_url());
        let request = self.client.get(self.settings.url.clone()).header("accept", "application/json");
        let mut response = request.send().await.map_err(fail)?;
        if !response.status().is_success() {
            return Err(format!("the answer is {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fail)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(format!("the answer is larger than {LARGEST} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        KeySet::of_jwks(&body).map_err(|error| error.to_string())
    }
}

async fn keep_fresh(jwks: std::sync::Weak<Jwks>, clock: SharedClock, refresh: Duration) {
    let mut retry = RETRY;
    loop {
        let Some(has_keys) = jwks.upgrade().map(|jwks| jwks.current().is_some()) else { return };
        clock.sleep(if has_keys && retry == RETRY { refresh } else { retry }).await;
        let Some(jwks) = jwks.upgrade() else { return };
        retry = if jwks.fetch_now().await { RETRY } else { (retry * 2).min(refresh) };
    }
}

/// The error with its causes: the outermost text alone says `error sending request`.
fn full_text(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
