//! TLS of one listener: its current configuration, and the metrics of its handshakes and reloads.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use super::load::LoadedTls;
use crate::metrics::Metrics;
use crate::metrics::labels::{HandshakeOutcome, Label as _, ListenerName, ReloadOutcome};

#[derive(Debug)]
pub(crate) struct Tls {
    current: ArcSwap<ServerConfig>,
    listener: ListenerName,
    metrics: Arc<Metrics>,
}

impl Tls {
    pub(super) fn new(loaded: &LoadedTls, listener: ListenerName, metrics: Arc<Metrics>) -> Self {
        let tls = Self { current: ArcSwap::new(loaded.config.clone()), listener, metrics };
        tls.replace(loaded);
        tls
    }

    /// The configuration for a new connection, which keeps it until it is closed.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// The listener's name in the configuration.
    pub(crate) fn listener(&self) -> &'static str {
        self.listener.text()
    }

    /// Counts the end of a handshake.
    pub(crate) fn count(&self, outcome: HandshakeOutcome) {
        self.metrics.tls_handshakes_total.count(outcome);
    }

    pub(super) fn replace(&self, loaded: &LoadedTls) {
        let end = loaded.validity.end.as_secs() as f64;
        self.metrics.tls_certificate_expiry_timestamp_seconds.set(self.listener, end);
        self.current.store(loaded.config.clone());
    }

    pub(super) fn count_reload(&self, outcome: ReloadOutcome) {
        self.metrics.tls_reloads_total.count(outcome);
    }
}
