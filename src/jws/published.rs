//! A key set as it is published: under a URL of its own, or under the one that the issuer's discovery document names
//! (OpenID Connect Discovery 1.0, section 4).

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde::Deserialize;

use super::keys::{KeySet, KeysError};
use crate::config::{self, JwksSettings};
use crate::error_chain;

/// No honest document is larger.
const LARGEST: usize = 256 * 1024;

/// Where a key set is, and how it is fetched.
#[derive(Debug)]
pub(super) struct JwksClient {
    url: Url,
    discovered_for: Option<String>,
    fetcher: BoundedHttpClient,
}

/// Gets what is published.
#[derive(Debug)]
pub(super) struct BoundedHttpClient(reqwest::Client);

/// What counts of a discovery document.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl JwksClient {
    pub(super) fn new(settings: &JwksSettings) -> Result<Self, KeysError> {
        let fetcher = BoundedHttpClient::new(settings.timeout)?;
        Ok(Self { url: settings.url.clone(), discovered_for: settings.discovered_for.clone(), fetcher })
    }

    /// Fetches the keys as they are now.
    pub(super) async fn fetch(&self) -> Result<KeySet, String> {
        let keys = match &self.discovered_for {
            None => self.get(self.url.clone()).await?,
            Some(issuer) => self.get(self.discover(issuer).await?).await?,
        };
        KeySet::of_jwks(&keys).map_err(|error| error.to_string())
    }

    /// Asks the issuer where its keys are, each time anew: it may move them.
    async fn discover(&self, issuer: &str) -> Result<Url, String> {
        let document = self.get(self.url.clone()).await?;
        let document: Discovery = serde_json::from_slice(&document)
            .map_err(|error| format!("the discovery document cannot be read: {error}"))?;
        // Section 4.3: else one issuer could pass its keys off as another's.
        if document.issuer != issuer {
            return Err("the discovery document is another issuer's".to_owned());
        }
        config::parse_keys_url(&document.jwks_uri)
            .map_err(|why| format!("the jwks_uri of the discovery document cannot be used: {why}"))
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, String> {
        match self.fetcher.get(url).await? {
            (status, body) if status.is_success() => Ok(body),
            (status, _) => Err(format!("the answer is {status}")),
        }
    }
}

impl BoundedHttpClient {
    pub(super) fn new(timeout: Duration) -> Result<Self, KeysError> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tokenvend/", env!("CARGO_PKG_VERSION")))
            // A fetch every few minutes needs no connection kept, least of all between runtimes.
            .pool_max_idle_per_host(0)
            .build()?;
        Ok(Self(client))
    }

    /// The answer's status and its body, if that keeps within bounds.
    pub(super) async fn get(&self, url: Url) -> Result<(StatusCode, Vec<u8>), String> {
        let fail = |error: reqwest::Error| error_chain::display(&error.without_url());
        let request = self.0.get(url).header("accept", "application/json, */*;q=0.5");
        let mut response = request.send().await.map_err(fail)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(fail)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(format!("the answer is larger than {LARGEST} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((status, body))
    }
}
