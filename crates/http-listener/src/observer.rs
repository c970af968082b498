//! What a listener reports about its connections, for metrics.

use std::fmt;

/// Receives the events of a listener's connections. Every method does nothing by default.
///
/// The methods are called by the threads that serve requests, so they must not block.
pub trait ListenerObserver: fmt::Debug + Send + Sync + 'static {
    /// A connection was accepted.
    fn connection_opened(&self) {}
    /// A connection has ended.
    fn connection_closed(&self, reason: CloseReason) {
        let _ = reason;
    }
    /// A TLS handshake has ended.
    fn tls_handshake_ended(&self, outcome: HandshakeOutcome) {
        let _ = outcome;
    }
    /// A request was rejected before the service saw it.
    fn request_rejected(&self, reason: RejectReason) {
        let _ = reason;
    }
}

/// An observer that ignores all events.
#[derive(Debug, Clone, Copy)]
pub struct IgnoreEvents;

impl ListenerObserver for IgnoreEvents {}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// One of the two ends closed it in order, or the client vanished.
    Finished,
    /// No TLS connection came about.
    HandshakeFailed,
    /// It was idle for longer than its timeout.
    IdleTimeout,
    /// A request head did not arrive in time.
    HeadTimeout,
    /// The client did not read a response in time.
    WriteTimeout,
    /// It made room for another connection.
    Evicted,
    /// It reached its maximum age or number of requests, or its listener drained.
    Retired,
    /// The client broke the protocol.
    ProtocolError,
}

/// How a TLS handshake ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandshakeOutcome {
    /// The connection is ready for requests.
    Completed,
    /// One of the two ends rejected the other, or the connection broke.
    Failed,
    /// It took too long.
    TimedOut,
    /// The first byte was not TLS.
    NotTls,
}

/// Why a request was rejected before the service saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// It is not valid HTTP: 400.
    Malformed,
    /// Its length or its host is stated more than once: 400.
    Ambiguous,
    /// Its head is longer than the limit: 431 or 414.
    HeadTooLarge,
    /// Its head did not arrive in time: 408.
    HeadTimeout,
    /// Too many bytes of requests and responses wait for clients of HTTP/2: `REFUSED_STREAM` or 503.
    Overloaded,
}
