//! HTTP client for keys: a JWKS under its own URL, or under the URL that the issuer's discovery document names
//! (OpenID Connect Discovery 1.0, section 4).

use std::time::Duration;

use bounded_http::{HttpError, ProxyPolicy, parse_keys_url, read_body};
use reqwest::{StatusCode, Url};
use serde::Deserialize;

use crate::error::FetchError;
use crate::key_set::KeySet;
use crate::settings::JwksSettings;

/// Larger than any real document.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Fetches one key set.
#[derive(Debug)]
pub(crate) struct JwksClient {
    url: Url,
    discovery_issuer: Option<String>,
    http: BoundedHttpClient,
}

/// GET with a time limit and a size limit.
#[derive(Debug)]
pub(crate) struct BoundedHttpClient(reqwest::Client);

/// The members of a discovery document that are used.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl JwksClient {
    pub(crate) fn new(settings: &JwksSettings) -> Result<Self, reqwest::Error> {
        let http = BoundedHttpClient::new(settings.timeout)?;
        Ok(Self { url: settings.url.clone(), discovery_issuer: settings.discovery_issuer.clone(), http })
    }

    pub(crate) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let keys = match &self.discovery_issuer {
            None => self.get(self.url.clone()).await?,
            Some(issuer) => self.get(self.discover(issuer).await?).await?,
        };
        Ok(KeySet::from_jwks(&keys)?)
    }

    /// The issuer's `jwks_uri`. Read for each fetch, because the issuer may move its keys.
    async fn discover(&self, issuer: &str) -> Result<Url, FetchError> {
        let document = self.get(self.url.clone()).await?;
        let document: Discovery = serde_json::from_slice(&document).map_err(FetchError::InvalidDiscovery)?;
        // Section 4.3: otherwise one issuer could present its keys as another's.
        if document.issuer != issuer {
            return Err(FetchError::IssuerMismatch);
        }
        parse_keys_url(&document.jwks_uri).map_err(FetchError::JwksUri)
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, FetchError> {
        match self.http.get(url).await? {
            (status, body) if status.is_success() => Ok(body),
            (status, _) => Err(FetchError::Status(status)),
        }
    }
}

impl BoundedHttpClient {
    pub(crate) fn new(timeout: Duration) -> Result<Self, reqwest::Error> {
        // A fetch every few minutes needs no idle connections, least of all between runtimes.
        let client = bounded_http::client_builder(ProxyPolicy::HttpsOnly, Some(timeout));
        client.pool_max_idle_per_host(0).build().map(Self)
    }

    /// The status and the body.
    pub(crate) async fn get(&self, url: Url) -> Result<(StatusCode, Vec<u8>), HttpError> {
        let request = self.0.get(url).header("accept", "application/json, */*;q=0.5");
        let response = request.send().await?;
        Ok((response.status(), read_body(response, MAX_BODY_BYTES).await?))
    }
}
