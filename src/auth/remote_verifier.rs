//! Remote verification of credentials by an HTTP endpoint of the app: coalesced, in a task of its own, and cached.
//! Verified credentials are cached for `cache_ttl`, rejections for a short negative TTL.
//!
//! While the endpoint is unreachable, cached callers stay valid until their entry expires. All others get
//! "unavailable" (503), never "rejected" (401).

use std::sync::Arc;
use std::time::Duration;

use bounded_http::{ProxyPolicy, client_builder};
use moka::sync::Cache;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::caller::{Caller, Declined};
use super::caller_builder::CallerBuilder;
use super::credential_cache::{CredentialKey, ScopedCache};
use super::rejection::RejectionReason;
use super::settings::RemoteCheckSettings;
use crate::claims::numeric_date;
use crate::error_chain;
use crate::single_flight::{Lost, Role, SingleFlight, Start};
use clock::{SharedClock, Timestamp};

/// The largest number of cached rejections. Bounded, because clients can send arbitrary credentials.
const MAX_REJECTIONS: u64 = 10_000;

/// Valid responses are smaller.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The result of a verification. `NotApplicable` does not occur.
type RemoteResult = Result<Arc<Caller>, Declined>;

/// Why a check has no caller.
#[derive(Debug)]
pub(super) enum CheckError {
    Rejected(RejectionReason),
    /// There is no response, or it cannot be read.
    Failed(String),
}

impl From<RejectionReason> for CheckError {
    fn from(reason: RejectionReason) -> Self {
        Self::Rejected(reason)
    }
}

impl From<String> for CheckError {
    fn from(error: String) -> Self {
        Self::Failed(error)
    }
}

/// The remote checks of one authenticator, and their cached results.
#[derive(Debug)]
pub(super) struct RemoteVerifier {
    endpoint: Arc<Endpoint>,
    results: Arc<ResultCache>,
    in_flight: SingleFlight<CredentialKey, RemoteResult>,
    permits: Arc<Semaphore>,
}

/// The endpoint, as the log names it.
#[derive(Debug)]
struct Endpoint {
    authenticator: String,
    url: reqwest::Url,
}

#[derive(Debug)]
struct ResultCache {
    verified: ScopedCache,
    ttl: Duration,
    /// Each with the end of its negative TTL, on the monotonic clock.
    rejected: Cache<CredentialKey, (RejectionReason, Duration)>,
    negative_ttl: Duration,
    clock: SharedClock,
}

impl RemoteVerifier {
    /// Checks run on the runtime that this is called on.
    pub(super) fn new(
        callers: &CallerBuilder,
        url: &reqwest::Url,
        settings: RemoteCheckSettings,
        cache: ScopedCache,
        clock: SharedClock,
    ) -> Self {
        let results = ResultCache {
            verified: cache,
            ttl: callers.settings().cache_ttl,
            rejected: Cache::builder().max_capacity(MAX_REJECTIONS).build(),
            negative_ttl: settings.negative_cache_ttl,
            clock,
        };
        Self {
            endpoint: Arc::new(Endpoint { authenticator: callers.name().to_owned(), url: url.clone() }),
            results: Arc::new(results),
            in_flight: SingleFlight::new(),
            permits: Arc::new(Semaphore::new(settings.max_concurrent_requests)),
        }
    }

    /// The cache whose keys [`RemoteVerifier::verify`] takes.
    pub(super) fn cache(&self) -> &ScopedCache {
        &self.results.verified
    }

    /// Verifies the credential of this key. `check` runs only if there is no cached result.
    pub(super) async fn verify<F>(&self, key: CredentialKey, check: impl FnOnce() -> F) -> RemoteResult
    where
        F: Future<Output = Result<Arc<Caller>, CheckError>> + Send + 'static,
    {
        if let Some(result) = self.results.get(&key) {
            return result;
        }
        let start = || {
            // A check may have ended since the lookup.
            if let Some(result) = self.results.get(&key) {
                return Start::Ready(result);
            }
            // There is no queue: more waiting requests do not help an overloaded endpoint.
            let Ok(permit) = self.permits.clone().try_acquire_owned() else {
                return Start::Ready(Err(Declined::Unavailable));
            };
            let (endpoint, check) = (self.endpoint.clone(), check());
            Start::Load(async move {
                let result = check.await;
                drop(permit);
                result.map_err(|error| endpoint.declined(error))
            })
        };
        let results = self.results.clone();
        match self.in_flight.join(&key, start, move |result| results.insert(key, result)) {
            Role::Ready(result) => result,
            Role::Leader(waiter) | Role::Follower(waiter) => {
                waiter.wait().await.unwrap_or_else(|Lost| Err(Declined::Unavailable))
            }
        }
    }
}

impl Endpoint {
    fn declined(&self, error: CheckError) -> Declined {
        match error {
            CheckError::Rejected(reason) => Declined::Rejected(reason),
            CheckError::Failed(error) => {
                let (authenticator, url) = (&*self.authenticator, self.url.as_str());
                tracing::warn!(authenticator, url, error, "remote verification failed");
                Declined::Unavailable
            }
        }
    }
}

impl ResultCache {
    fn get(&self, key: &CredentialKey) -> Option<RemoteResult> {
        if let Some(caller) = self.verified.get(key) {
            return Some(Ok(caller));
        }
        let (reason, ttl_ends) = self.rejected.get(key)?;
        (self.clock.monotonic() < ttl_ends).then_some(Err(Declined::Rejected(reason)))
    }

    fn insert(&self, key: CredentialKey, result: &RemoteResult) {
        match result {
            Ok(caller) => {
                let expires_at = caller.expires_at.unwrap_or_else(|| self.clock.now() + self.ttl);
                self.verified.insert(key, caller, expires_at, self.ttl);
            }
            Err(Declined::Rejected(reason)) => {
                self.rejected.insert(key, (*reason, self.clock.monotonic() + self.negative_ttl));
            }
            Err(Declined::NotApplicable(_) | Declined::Unavailable) => {}
        }
    }
}

/// The HTTP client of remote checks. It follows no redirects, because a login page is not a result. It uses a proxy of
/// the environment for https only. It keeps connections alive, because each new credential costs a request.
pub(super) fn client(settings: &RemoteCheckSettings) -> Result<reqwest::Client, reqwest::Error> {
    client_builder(ProxyPolicy::HttpsOnly, Some(settings.timeout)).build()
}

/// A date among the claims of a response.
///
/// # Errors
/// The value is not a date.
pub(super) fn timestamp(claims: &Map<String, Value>, claim: &str) -> Result<Option<Timestamp>, String> {
    numeric_date::parse_lenient(claims.get(claim)).map_err(|error| format!("its {claim}: {error}"))
}

/// Sends a request without a credential to the endpoint, and returns the status of its response.
///
/// # Errors
/// There is no response, or its status is 5xx.
pub async fn probe_endpoint(url: &reqwest::Url, settings: RemoteCheckSettings) -> Result<u16, String> {
    let text = |error: reqwest::Error| error_chain::display(&error.without_url());
    let response = client(&settings).map_err(text)?.get(url.clone()).send().await.map_err(text)?;
    match response.status().as_u16() {
        status @ 500.. => Err(format!("the answer is {status}")),
        status => Ok(status),
    }
}

/// The body of a response, up to a maximum size.
pub(super) async fn read_body(response: reqwest::Response) -> Result<Vec<u8>, String> {
    bounded_http::read_body(response, MAX_BODY_BYTES).await.map_err(|error| error.to_string())
}
