//! How a listener is to speak TLS.

use std::path::PathBuf;
use std::time::Duration;

/// A listener's TLS.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// The certificate that is shown, and after it those that lead up to its CA. PEM.
    pub certificate_file: PathBuf,
    /// The certificate's private key. PEM, not encrypted.
    pub key_file: PathBuf,
    /// Which clients' certificates are believed; without it none is asked for.
    pub clients: Option<ClientSettings>,
    /// The oldest version of the protocol that is spoken.
    pub minimum_version: MinimumVersion,
    /// How often the files are looked at.
    pub reload_interval: Duration,
}

/// Clients with certificates of their own: mutual TLS.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The CAs that may vouch for clients. PEM.
    pub ca_file: PathBuf,
    /// What these CAs have taken back. PEM.
    pub crl_file: Option<PathBuf>,
    /// Whether a client may come without a certificate.
    pub demand: ClientDemand,
}

/// Whether a client may come without a certificate. One that is not good is refused either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientDemand {
    /// Whoever has none is not let in.
    Required,
    /// Whoever has none is let in, as nobody in particular.
    Optional,
}

/// The oldest version of TLS that is spoken. What is older than both is not spoken at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MinimumVersion {
    /// 1.2, by the AEAD suites with forward secrecy only.
    Tls12,
    /// 1.3.
    Tls13,
}
