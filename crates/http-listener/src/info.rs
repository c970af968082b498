//! What is known of a connection while it serves requests.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::pki_types::CertificateDer;

use crate::pool::Slot;

/// The caller's own view of a client certificate, made once for each connection: see [`TlsSource::identify`].
///
/// [`TlsSource::identify`]: crate::TlsSource::identify
pub type PeerIdentity = Arc<dyn Any + Send + Sync>;

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.1 or HTTP/1.0.
    Http1,
    /// HTTP/2.
    Http2,
}

/// One connection, as a service sees it.
#[derive(Debug)]
pub struct ConnectionInfo {
    peer_address: SocketAddr,
    protocol: Protocol,
    certificate: Option<CertificateDer<'static>>,
    peer_identity: Option<PeerIdentity>,
    is_authenticated: AtomicBool,
    slot: Arc<Slot>,
}

/// The result of a TLS handshake: the client's certificate, if it sent one.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    pub(crate) certificate: Option<CertificateDer<'static>>,
    pub(crate) identity: Option<PeerIdentity>,
}

impl ConnectionInfo {
    pub(crate) fn new(peer_address: SocketAddr, protocol: Protocol, peer: Peer, slot: Arc<Slot>) -> Self {
        Self {
            peer_address,
            protocol,
            certificate: peer.certificate,
            peer_identity: peer.identity,
            is_authenticated: AtomicBool::new(false),
            slot,
        }
    }

    /// The address at the other end of the connection, which may be a proxy's.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer_address
    }

    /// The protocol that the two ends agreed on.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The verified certificate of the client.
    pub fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.certificate.as_ref()
    }

    /// What [`TlsSource::identify`] returned for the certificate, if it is of this type.
    ///
    /// [`TlsSource::identify`]: crate::TlsSource::identify
    pub fn peer_identity<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.peer_identity.clone()?.downcast().ok()
    }

    /// Says that a credential of a request was verified. An HTTP/2 connection may then have more requests handled at the
    /// same time.
    pub fn mark_authenticated(&self) {
        if !self.is_authenticated.load(Ordering::Relaxed) && !self.is_authenticated.swap(true, Ordering::Relaxed) {
            self.slot.wake();
        }
    }

    /// Whether [`mark_authenticated`](Self::mark_authenticated) was called.
    pub fn is_authenticated(&self) -> bool {
        self.is_authenticated.load(Ordering::Relaxed)
    }
}
