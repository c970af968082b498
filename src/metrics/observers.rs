//! The events of the crates that count nothing themselves.

use jose::JwksObserver;

use super::Metrics;
use super::labels::FetchOutcome;

impl JwksObserver for Metrics {
    fn fetched(&self) {
        self.jwks_fetches_total.count(FetchOutcome::Fetched);
    }

    fn failed(&self) {
        self.jwks_fetches_total.count(FetchOutcome::Failed);
    }
}
