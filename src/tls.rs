//! TLS at the listeners: the certificate and key that we show, and the CAs whose clients we believe. All of it
//! comes from files, is proved as a whole before it is used, and is read again when the files change.
//!
//! What connections are given is one `rustls` configuration at a time, swapped whole: a client whose CA was
//! struck from the list cannot resume a session that began under the old list.

mod name;
mod peer;
mod proof;
mod settings;
mod watch;

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use crate::metrics::Metrics;
use crate::metrics::labels::{HandshakeOutcome, Label as _, ListenerName};
use clock::{SharedClock, Timestamp};
pub use peer::{PeerCertificate, Unreadable};

use proof::{Contents, Proved};
pub use proof::{TlsFault, TlsFaults};
pub use settings::{ClientDemand, ClientSettings, MinimumVersion, TlsSettings};

/// What a listener's connections are given, as it is now.
#[derive(Debug)]
pub(crate) struct Tls {
    current: ArcSwap<ServerConfig>,
    listener: ListenerName,
    metrics: Arc<Metrics>,
}

/// A configuration, and what is told of it.
#[derive(Debug)]
struct InUse {
    config: Arc<ServerConfig>,
    ends: Timestamp,
    fingerprint: String,
}

impl InUse {
    fn of(proved: Proved, clock: &SharedClock) -> Result<Self, TlsFaults> {
        let (ends, fingerprint) = (proved.validity.ends, proved.fingerprint.clone());
        let config = proved.config(clock).map_err(|error| {
            let allowed = "a version that this build has ciphers for";
            TlsFaults(vec![TlsFault { key: "minimum_version", found: error.to_string(), allowed }])
        })?;
        Ok(Self { config: Arc::new(config), ends, fingerprint })
    }
}

/// Whether the files hold.
///
/// # Errors
/// All that is wrong with them.
pub(crate) fn check(settings: &TlsSettings) -> Result<(), TlsFaults> {
    proof::prove(settings, &Contents::read(settings)).map(drop)
}

/// Why clients refuse the certificate at that time, if it holds otherwise.
pub(crate) fn fault_at(settings: &TlsSettings, now: Timestamp) -> Option<String> {
    proof::prove(settings, &Contents::read(settings)).ok()?.validity.fault_at(now)
}

/// Whether every user of the machine may read a file. One that cannot be had has its fault elsewhere.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

impl Tls {
    /// Proves the files and goes on watching them, on the runtime that this is called on, until the listener is
    /// gone.
    ///
    /// # Errors
    /// The files do not hold, or no longer.
    pub(crate) fn start(
        settings: &TlsSettings,
        listener: ListenerName,
        clock: &SharedClock,
        metrics: &Arc<Metrics>,
    ) -> Result<Arc<Self>, TlsFaults> {
        let contents = Contents::read(settings);
        let proved = proof::prove(settings, &contents)?;
        if let Some(why) = proved.validity.fault_at(clock.now()) {
            let file = settings.certificate_file.display();
            tracing::warn!(listener = listener.text(), %file, "certificate {why}: clients will reject it");
        }
        let in_use = InUse::of(proved, clock)?;
        let current = ArcSwap::new(in_use.config.clone());
        let tls = Arc::new(Self { current, listener, metrics: metrics.clone() });
        tls.replace(in_use);
        let watch = watch::Watch::new(settings.clone(), &contents, clock.clone());
        tokio::spawn(watch.run(Arc::downgrade(&tls)));
        Ok(tls)
    }

    /// The configuration for a connection that begins now. It keeps it to its end.
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

    fn replace(&self, by: InUse) {
        let end = by.ends.as_secs() as f64;
        self.metrics.tls_certificate_expiry_timestamp_seconds.set(self.listener, end);
        self.current.store(by.config);
    }
}
