//! The settings of a listener.

use std::net::SocketAddr;
use std::time::Duration;

/// How a listener is reached, and its limits.
#[derive(Debug, Clone)]
pub struct ListenerSettings {
    /// In log messages and thread names.
    pub name: &'static str,
    /// The address to bind. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that serve connections. 0 is one for each core.
    pub workers: usize,
    /// The limits of each connection.
    pub limits: ConnectionLimits,
}

/// The limits of one connection. Times are measured by the timers of the runtime.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// The time for the TLS handshake.
    pub tls_handshake_timeout: Duration,
    /// The time for a request head, from its first byte; and for the first byte of a connection's first request.
    pub request_header_timeout: Duration,
    /// The time for a request body, from the end of its head.
    pub request_body_timeout: Duration,
    /// The time in which a client must take some bytes of a response.
    pub response_write_timeout: Duration,
    /// The idle time after which a connection is closed.
    pub keep_alive_timeout: Duration,
    /// The age at which a connection is closed after the request in progress. Each connection draws a value from the last
    /// tenth below it, so that connections that began together do not end together.
    pub max_connection_age: Option<Duration>,
    /// The requests that a connection may send. The response to the last one closes it.
    pub max_requests_per_connection: Option<u64>,
    /// The size of a request line with all headers. Of HTTP/2, the size of the header list (RFC 9113, section 6.5.2).
    /// At least 8192, the smallest buffer of hyper.
    pub max_head_bytes: usize,
    /// The requests of an HTTP/2 connection that the client may have open at the same time.
    pub max_concurrent_streams: u32,
    /// Of these, the requests that are handled at the same time while no credential of the connection was verified. The
    /// others wait. At least 1.
    pub max_unauthenticated_streams: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            tls_handshake_timeout: Duration::from_secs(5),
            request_header_timeout: Duration::from_secs(5),
            request_body_timeout: Duration::from_secs(5),
            response_write_timeout: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(75),
            max_connection_age: None,
            max_requests_per_connection: None,
            max_head_bytes: 32 * 1024,
            max_concurrent_streams: 100,
            max_unauthenticated_streams: 10,
        }
    }
}
