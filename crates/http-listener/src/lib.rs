//! An HTTP/1 and HTTP/2 listener on hyper, with limits on connections, time and memory.
//!
//! [`Listener::start`] binds an address and serves it by a [`Service`] for each worker thread. A [`ConnectionPool`] bounds
//! the connections of all listeners that share it, and [`Capacity`] computes that bound. The crate knows nothing of what is
//! served.

#![warn(missing_docs)]

mod acceptor;
mod body_timeout;
mod capacity;
mod connection;
mod framing;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod http1;
mod http2;
mod info;
mod listener;
mod observer;
mod pool;
mod request_body;
mod response_body;
mod serve;
mod service;
mod settings;
mod stream;
mod timer;
mod tls;
mod transport;

pub use capacity::{Capacity, CapacitySettings};
pub use info::{ConnectionInfo, PeerIdentity, Protocol};
pub use listener::Listener;
pub use observer::{CloseReason, HandshakeOutcome, IgnoreEvents, ListenerObserver, RejectReason};
pub use pool::ConnectionPool;
pub use request_body::{RequestBody, RequestBodyError};
pub use service::Service;
pub use settings::{ConnectionLimits, ListenerSettings};
pub use tls::{TlsSource, UnusableCertificate};
