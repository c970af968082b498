//! Settings of a listener's TLS.

use std::path::PathBuf;
use std::time::Duration;

/// A listener's TLS.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// The service's certificate, followed by those of its CAs. PEM.
    pub certificate_file: PathBuf,
    /// The certificate's private key. PEM, not encrypted.
    pub key_file: PathBuf,
    /// Mutual TLS. `None`: clients' certificates are not requested.
    pub clients: Option<ClientSettings>,
    /// The oldest accepted version of the protocol.
    pub minimum_version: MinimumVersion,
    /// How often the files are checked for changes.
    pub reload_interval: Duration,
}

/// Verification of clients' certificates: mutual TLS.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The CAs that issue clients' certificates. PEM.
    pub ca_file: PathBuf,
    /// The revocation lists of these CAs. PEM.
    pub crl_file: Option<PathBuf>,
    /// Whether a client needs a certificate.
    pub demand: ClientDemand,
}

/// Whether a client needs a certificate. An invalid one is rejected in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientDemand {
    /// A connection without one is rejected.
    Required,
    /// A connection without one is accepted, and not authenticated by a certificate.
    Optional,
}

/// The oldest accepted version of TLS. Versions before 1.2 are never accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MinimumVersion {
    /// 1.2, only with AEAD suites and forward secrecy.
    Tls12,
    /// 1.3.
    Tls13,
}
