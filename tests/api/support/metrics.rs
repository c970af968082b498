//! The service's metrics, and the emulator's count of calls.

use reqwest::Client;
use serde_json::Value;

use super::app::{TestApp, until};
use super::{ADMIN_CREDENTIAL, ApiResponse, CREDENTIALS, OPERATION};

impl TestApp {
    /// The number of GetOpenIdTokenForDeveloperIdentity calls so far.
    pub async fn calls(&self) -> u64 {
        calls(&self.client, &self.emulator.url()).await
    }

    /// The number of GetCredentialsForIdentity calls so far.
    pub async fn credentials_calls(&self) -> u64 {
        calls_of(&self.client, &self.emulator.url(), CREDENTIALS).await
    }

    /// Waits until the emulator has counted this many calls, for loads that no response waits for.
    pub async fn until_calls(&self, count: u64) {
        until(|| async { self.calls().await >= count }).await;
    }

    pub async fn metrics(&self) -> String {
        // Without `admin.credential` the service ignores it.
        let scrape = self.client.get(self.admin_url("/metrics")).bearer_auth(ADMIN_CREDENTIAL);
        ApiResponse::to(scrape).await.text
    }

    /// The value of one sample, with its labels in the name.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.metrics().await;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    pub async fn until_metric(&self, name: &str, value: f64) {
        until(|| async { self.metric(name).await >= value }).await;
    }
}

pub async fn calls(client: &Client, emulator: &str) -> u64 {
    calls_of(client, emulator, OPERATION).await
}

async fn calls_of(client: &Client, emulator: &str, operation: &str) -> u64 {
    let answer = client.get(format!("{emulator}/_emulator/calls")).send().await.unwrap();
    let counted: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    counted["calls"][operation]["total"].as_u64().unwrap_or(0)
}
