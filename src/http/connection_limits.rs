//! The limits of one connection.

use std::time::Duration;

/// Measured by the machine's own timers: sockets know no other time.
#[derive(Debug, Clone)]
pub(super) struct ConnectionLimits {
    /// For the TLS handshake, and then for the first request to arrive.
    pub(super) head_timeout: Duration,
    /// The idle time that closes the connection.
    pub(super) keep_alive: Duration,
    /// The time in which a client may read nothing of a response.
    pub(super) read_answer_timeout: Duration,
    /// All headers of a request together. The middleware checks it again and answers with a problem.
    pub(super) max_header_bytes: usize,
}
