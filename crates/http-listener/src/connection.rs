//! The state of one connection that its parts share.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderMap;
use http::header::{CONNECTION, HeaderValue};
use tokio::time::Instant;

use crate::body_timeout::BodyTimeout;
use crate::info::ConnectionInfo;
use crate::observer::{ListenerObserver, RejectReason};
use crate::pool::{Place, Slot};
use crate::settings::ConnectionLimits;
use crate::tls::TlsSource;
use crate::transport::IoState;

/// How long a connection that is to end may take for its farewell: the TLS close notification, or GOAWAY.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What all connections of a listener have in common.
#[derive(Debug)]
pub(crate) struct ListenerContext {
    pub(crate) name: &'static str,
    pub(crate) limits: ConnectionLimits,
    pub(crate) tls: Option<Arc<dyn TlsSource>>,
    pub(crate) observer: Arc<dyn ListenerObserver>,
    /// Every response closes its connection.
    pub(crate) is_draining: AtomicBool,
}

impl ListenerContext {
    pub(crate) fn reject(&self, reason: RejectReason, peer_address: SocketAddr) {
        self.observer.request_rejected(reason);
        tracing::debug!(listener = self.name, %peer_address, ?reason, "request rejected");
    }
}

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) context: Arc<ListenerContext>,
    pub(crate) info: Arc<ConnectionInfo>,
    pub(crate) io: Rc<IoState>,
    /// The body that an HTTP/1 request is reading.
    pub(crate) body: RefCell<Option<Rc<BodyTimeout>>>,
    place: Place,
    requests: Cell<u64>,
    handling: Cell<usize>,
    sending: Cell<usize>,
    waiting_since: Cell<Option<Instant>>,
    retires_at: Option<Instant>,
    is_retiring: Cell<bool>,
}

impl Connection {
    pub(crate) fn new(context: Arc<ListenerContext>, info: ConnectionInfo, io: Rc<IoState>, place: Place) -> Rc<Self> {
        let age = context.limits.max_connection_age.map(|age| age.mul_f64(fastrand::f64().mul_add(-0.1, 1.0)));
        Rc::new(Self {
            retires_at: age.and_then(|age| Instant::now().checked_add(age)),
            context,
            info: Arc::new(info),
            io,
            body: RefCell::default(),
            place,
            requests: Cell::new(0),
            handling: Cell::new(0),
            sending: Cell::new(0),
            waiting_since: Cell::new(None),
            is_retiring: Cell::new(false),
        })
    }

    pub(crate) fn limits(&self) -> &ConnectionLimits {
        &self.context.limits
    }

    pub(crate) fn slot(&self) -> &Slot {
        self.place.slot()
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Whether a service is answering a request.
    pub(crate) fn is_handling(&self) -> bool {
        self.handling.get() > 0
    }

    /// Whether a service is answering a request, or its response is not complete.
    pub(crate) fn is_busy(&self) -> bool {
        self.handling.get() + self.sending.get() > 0
    }

    /// Whether no further request is to be served, whatever the reason.
    pub(crate) fn is_retiring(&self) -> bool {
        self.is_retiring.get()
    }

    /// Has the connection end after the requests in progress.
    pub(crate) fn retire(&self) {
        if !self.is_retiring.replace(true) {
            self.slot().wake();
        }
    }

    /// When the connection becomes too old, unless it is about to end anyway.
    pub(crate) fn retirement(&self) -> Option<Instant> {
        self.retires_at.filter(|_| !self.is_retiring())
    }

    /// A request begins to be handled. Returns its number, counted from 0.
    pub(crate) fn begin_request(self: &Rc<Self>) -> (u64, Handling) {
        let number = self.requests.get();
        self.requests.set(number + 1);
        let handling = self.handling.get();
        self.handling.set(handling + 1);
        self.waiting_since.set(None);
        let is_evicted = handling == 0 && self.slot().begin_request();
        if is_evicted || self.limits().max_requests_per_connection.is_some_and(|most| number + 1 >= most) {
            self.retire();
        }
        (number, Handling(self.clone()))
    }

    pub(crate) fn begin_response(self: &Rc<Self>) -> Sending {
        self.sending.set(self.sending.get() + 1);
        Sending(self.clone())
    }

    /// Since when no request is handled. The first call after a request reads the clock.
    pub(crate) fn waiting_since(&self) -> Instant {
        self.waiting_since.get().unwrap_or_else(|| {
            let now = Instant::now();
            self.waiting_since.set(Some(now));
            self.place.end_requests(now);
            now
        })
    }

    /// How long the connection may wait for its next request.
    pub(crate) fn idle_timeout(&self) -> Duration {
        let limits = self.limits();
        if self.requests() == 0 { limits.request_header_timeout } else { limits.keep_alive_timeout }
    }

    /// Whether the next response is the last one.
    pub(crate) fn is_last_response(&self) -> bool {
        self.is_retiring() || self.context.is_draining.load(Ordering::Relaxed)
    }

    /// Completes the head of an HTTP/1 response.
    pub(crate) fn close_if_last(&self, headers: &mut HeaderMap) {
        if self.is_last_response() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Counts a request while a service answers it.
#[derive(Debug)]
pub(crate) struct Handling(Rc<Connection>);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.handling.set(self.0.handling.get() - 1);
    }
}

/// Counts a response of HTTP/1 until its body was taken.
#[derive(Debug)]
pub(crate) struct Sending(Rc<Connection>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.sending.set(self.0.sending.get() - 1);
    }
}
