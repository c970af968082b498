//! One connection from its acceptance to its end, and the state that its parts share.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use http::HeaderMap;
use http::header::{CONNECTION, HeaderValue};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::info::{ConnectionInfo, Peer, Protocol};
use crate::observer::{CloseReason, HandshakeOutcome, ListenerObserver, RejectReason};
use crate::pool::{Place, Slot};
use crate::request_body::BodyTimeout;
use crate::service::Service;
use crate::settings::ConnectionLimits;
use crate::tls::{self, Handshake, TlsSource};
use crate::transport::{ConnectionIo, IoState, Transport};
use crate::{http1, http2};

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
    fn new(context: Arc<ListenerContext>, info: ConnectionInfo, io: Rc<IoState>, place: Place) -> Rc<Self> {
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

    /// Completes the head of an HTTP/1 response.
    pub(crate) fn close_if_retiring(&self, headers: &mut HeaderMap) {
        if self.is_retiring() || self.context.is_draining.load(Ordering::Relaxed) {
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

/// Reports the end of a connection, also of one that is cut.
#[derive(Debug)]
struct OpenConnection {
    context: Arc<ListenerContext>,
    reason: CloseReason,
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.context.observer.connection_closed(self.reason);
    }
}

/// Serves a connection until it ends.
pub(crate) async fn serve<S: Service>(stream: TcpStream, place: Place, context: Arc<ListenerContext>, service: Rc<S>) {
    context.observer.connection_opened();
    let mut open = OpenConnection { context: context.clone(), reason: CloseReason::Finished };
    open.reason = run(stream, place, context, service).await;
}

async fn run<S: Service>(
    stream: TcpStream,
    place: Place,
    context: Arc<ListenerContext>,
    service: Rc<S>,
) -> CloseReason {
    // The client has gone already.
    let Ok(peer_address) = stream.peer_addr() else { return CloseReason::Finished };
    set_options(&stream, &context.limits);
    let handshake = match &context.tls {
        None => Ok(Handshake { transport: Transport::Plain(stream), protocol: Protocol::Http1, peer: Peer::default() }),
        Some(source) => {
            let handshake = tls::accept(&**source, stream, context.limits.tls_handshake_timeout);
            let handshake = match until_signalled(place.slot(), handshake).await {
                Ok(handshake) => handshake,
                Err(reason) => return reason,
            };
            let outcome = handshake.as_ref().err().copied().unwrap_or(HandshakeOutcome::Completed);
            context.observer.tls_handshake_ended(outcome);
            handshake
        }
    };
    let Ok(Handshake { transport, protocol, peer }) = handshake else { return CloseReason::HandshakeFailed };
    let state = match protocol {
        Protocol::Http1 => IoState::http1(),
        Protocol::Http2 => IoState::http2(),
    };
    let info = ConnectionInfo::new(peer_address, protocol, peer, place.slot().clone());
    let io = ConnectionIo::new(transport, state.clone());
    let connection = Connection::new(context, info, state, place);
    match protocol {
        Protocol::Http1 => http1::serve(io, connection, service).await,
        Protocol::Http2 => http2::serve(io, connection, service).await,
    }
}

/// The result of a future. An error if the connection is to end before.
async fn until_signalled<T>(slot: &Slot, future: impl Future<Output = T>) -> Result<T, CloseReason> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        slot.register(cx.waker());
        match future.as_mut().poll(cx) {
            Poll::Pending if slot.is_evicted() => Poll::Ready(Err(CloseReason::Evicted)),
            Poll::Pending if slot.is_to_retire() => Poll::Ready(Err(CloseReason::Retired)),
            result => result.map(Ok),
        }
    })
    .await
}

fn set_options(stream: &TcpStream, limits: &ConnectionLimits) {
    let mut result = stream.set_nodelay(true);
    // Covers what the kernel has taken and the client does not acknowledge.
    #[cfg(target_os = "linux")]
    if result.is_ok() {
        result = SockRef::from(stream).set_tcp_user_timeout(Some(limits.response_write_timeout));
    }
    if let Err(error) = result {
        tracing::debug!(%error, "socket options cannot be set");
    }
}
