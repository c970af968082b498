//! Credentials that only somebody else can judge: asked over HTTP, once for all who wait, in a task of its own; the
//! yes remembered for a while, the no for a moment.
//!
//! When the one who is asked cannot be had, those whom it vouched for go on until their remembrance ends; for
//! everybody else nobody can say, which is not a no.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use moka::sync::Cache;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::credential_cache::{CredentialCache, CredentialKey};
use super::{Caller, RejectionReason, Verdict};
use crate::claims::numeric_date;
use crate::config::RemoteCheckSettings;
use crate::error_chain;
use clock::{SharedClock, Timestamp};

/// The most noes remembered: anybody can make up credentials.
const MOST_REFUSALS: u64 = 10_000;

/// What came of asking.
#[derive(Debug, Clone)]
pub(super) enum RemoteResult {
    /// Yes; and when the credential ends, if that was said.
    Verified(Arc<Caller>, Option<Timestamp>),
    /// No.
    Refused(RejectionReason),
    /// There is no answer that could be read.
    Unanswered,
}

type Asking = Shared<BoxFuture<'static, RemoteResult>>;

/// What one way has asked.
pub(super) struct RemoteVerifier {
    settings: RemoteCheckSettings,
    /// How long a yes is remembered at most.
    ceiling: Duration,
    remembered: Arc<CredentialCache>,
    /// With the end of the remembrance, on the monotonic clock.
    refused: Cache<CredentialKey, (RejectionReason, Duration)>,
    under_way: Arc<Mutex<HashMap<CredentialKey, Asking>>>,
    room: Arc<Semaphore>,
    clock: SharedClock,
}

impl RemoteVerifier {
    pub(super) fn new(
        settings: RemoteCheckSettings,
        ceiling: Duration,
        remembered: Arc<CredentialCache>,
        clock: SharedClock,
    ) -> Self {
        let room = Arc::new(Semaphore::new(settings.most_at_once));
        let refused = Cache::builder().max_capacity(MOST_REFUSALS).build();
        Self { settings, ceiling, remembered, refused, under_way: Arc::default(), room, clock }
    }

    /// The verdict on the credential of this key; `ask` is run only if it is not known.
    pub(super) async fn judge(
        &self,
        key: CredentialKey,
        ask: impl FnOnce() -> BoxFuture<'static, RemoteResult>,
    ) -> Verdict {
        if let Some(caller) = self.remembered.recall(&key) {
            return Verdict::Verified(caller);
        }
        if let Some((refusal, until)) = self.refused.get(&key)
            && self.clock.monotonic() < until
        {
            return Verdict::Refused(refusal);
        }
        match self.asking(key, ask).await {
            RemoteResult::Verified(caller, _) => Verdict::Verified(caller),
            RemoteResult::Refused(refusal) => Verdict::Refused(refusal),
            RemoteResult::Unanswered => Verdict::CannotSay,
        }
    }

    /// The asking that is under way, or a new one.
    fn asking(&self, key: CredentialKey, ask: impl FnOnce() -> BoxFuture<'static, RemoteResult>) -> Asking {
        let mut under_way = self.under_way.lock();
        if let Some(asking) = under_way.get(&key) {
            return asking.clone();
        }
        // No queue: whoever is asked too much is not helped by more who wait.
        let Ok(place) = self.room.clone().try_acquire_owned() else {
            return async { RemoteResult::Unanswered }.boxed().shared();
        };
        let (ask, landed) = (ask(), self.landing(key));
        // A task of its own, so that one who hangs up does not take the answer along.
        let task = tokio::spawn(async move {
            let reply = ask.await;
            landed(&reply);
            drop(place);
            reply
        });
        let under_way_still = self.under_way.clone();
        let asking = async move {
            // One that came to its end has taken itself off: what stands there since is another.
            task.await.unwrap_or_else(|_| {
                under_way_still.lock().remove(&key);
                RemoteResult::Unanswered
            })
        };
        let asking = asking.boxed().shared();
        under_way.insert(key, asking.clone());
        asking
    }

    /// What is done with the reply before anybody is told.
    fn landing(&self, key: CredentialKey) -> impl FnOnce(&RemoteResult) + Send + 'static + use<> {
        let (remembered, refused, clock) =
            (self.remembered.clone(), self.refused.clone(), self.clock.clone());
        let under_way = self.under_way.clone();
        let (ceiling, moment) = (self.ceiling, self.settings.remember_refusal);
        move |reply| {
            match reply {
                RemoteResult::Verified(caller, ends) => {
                    let ends = ends.unwrap_or_else(|| clock.now() + ceiling);
                    remembered.keep(key, caller, ends, ceiling);
                }
                RemoteResult::Refused(refusal) => refused.insert(key, (*refusal, clock.monotonic() + moment)),
                RemoteResult::Unanswered => {}
            }
            under_way.lock().remove(&key);
        }
    }
}

impl fmt::Debug for RemoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A client for asking: no redirects (a login page is no answer), no proxies of the environment's, connections
/// kept, since every new credential costs a question.
pub(super) fn client(settings: &RemoteCheckSettings) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .timeout(settings.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("tokenvend/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// A date that the one who was asked names.
///
/// # Errors
/// Something else stands there.
pub(super) fn moment(claims: &Map<String, Value>, claim: &str) -> Result<Option<Timestamp>, String> {
    numeric_date::parse_lenient(claims.get(claim)).map_err(|why| format!("its {claim}: {why}"))
}

/// Whether anybody answers under this URL, and with which status when nothing is shown.
///
/// # Errors
/// Why nobody does.
pub async fn probe_endpoint(url: &reqwest::Url, ask: RemoteCheckSettings) -> Result<u16, String> {
    let told = |error: reqwest::Error| error_chain::display(&error.without_url());
    let response = client(&ask).map_err(told)?.get(url.clone()).send().await.map_err(told)?;
    match response.status().as_u16() {
        status @ 500.. => Err(format!("the answer is {status}")),
        status => Ok(status),
    }
}

/// No honest answer is larger.
const LARGEST: usize = 64 * 1024;

/// The body of an answer, if it keeps within bounds.
pub(super) async fn body(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| error_chain::display(&error.without_url()))?
    {
        if body.len() + chunk.len() > LARGEST {
            return Err(format!("the answer is larger than {LARGEST} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
