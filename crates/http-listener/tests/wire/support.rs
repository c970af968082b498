//! A listener with a service for tests, and clients that write bytes by hand.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use http_listener::{
    CloseReason, ConnectionInfo, ConnectionLimits, ConnectionPool, HandshakeOutcome, Listener, ListenerObserver,
    ListenerSettings, RejectReason, RequestBody, RequestBodyError, Service, TlsSource,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

/// The time in which everything that is waited for happens, also on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A timeout that passes within a test.
pub const SHORT: Duration = Duration::from_millis(150);

/// Fails the test if something does not happen.
#[track_caller]
pub fn in_time<T>(what: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(PATIENCE, what).await {
            Ok(result) => result,
            Err(_) => panic!("waited in vain at {caller}"),
        }
    }
}

/// An event of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Opened,
    Closed(CloseReason),
    Handshake(HandshakeOutcome),
    Rejected(RejectReason),
    /// The service has begun to answer a request.
    Called,
    /// The service was not asked any more for an answer that it was about to give.
    Cancelled,
}

/// Records events, and lets a test wait for them.
#[derive(Debug)]
pub struct Recorder(watch::Sender<Vec<Event>>);

impl Recorder {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(Vec::new())))
    }

    pub fn add(&self, event: Event) {
        self.0.send_modify(|events| events.push(event));
    }

    pub fn count(&self, event: Event) -> usize {
        self.0.borrow().iter().filter(|other| **other == event).count()
    }

    /// Waits until an event has happened so many times.
    pub async fn until(&self, event: Event, times: usize) {
        let mut events = self.0.subscribe();
        let happened = events.wait_for(|events| events.iter().filter(|other| **other == event).count() >= times);
        let happened = tokio::time::timeout(PATIENCE, happened).await.is_ok();
        assert!(happened, "{event:?} did not happen {times} times: {:?}", self.0.borrow());
    }
}

impl ListenerObserver for Recorder {
    fn connection_opened(&self) {
        self.add(Event::Opened);
    }
    fn connection_closed(&self, reason: CloseReason) {
        self.add(Event::Closed(reason));
    }
    fn tls_handshake_ended(&self, outcome: HandshakeOutcome) {
        self.add(Event::Handshake(outcome));
    }
    fn request_rejected(&self, reason: RejectReason) {
        self.add(Event::Rejected(reason));
    }
}

/// Answers by the path of a request.
#[derive(Debug, Clone)]
pub struct TestService {
    pub recorder: Arc<Recorder>,
    /// One permit lets one request to `/wait` go on.
    pub release: Arc<Semaphore>,
}

/// A body of zeros.
pub struct Zeros {
    remaining: usize,
    has_known_length: bool,
}

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let size = self.remaining.min(16 * 1024);
        self.remaining -= size;
        Poll::Ready((size > 0).then(|| Ok(Frame::data(Bytes::from(vec![0; size])))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.has_known_length { SizeHint::with_exact(self.remaining as u64) } else { SizeHint::default() }
    }
}

type TestBody = http_body_util::Either<Full<Bytes>, Zeros>;

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<TestBody> {
    let mut response = Response::new(TestBody::Left(Full::new(text.into())));
    *response.status_mut() = status;
    response
}

/// Notes that an answer was not waited for.
struct OnCancel(Option<Arc<Recorder>>);

impl Drop for OnCancel {
    fn drop(&mut self) {
        if let Some(recorder) = self.0.take() {
            recorder.add(Event::Cancelled);
        }
    }
}

impl Service for TestService {
    type Body = TestBody;

    async fn call(&self, request: Request<RequestBody>, connection: &Arc<ConnectionInfo>) -> Response<TestBody> {
        self.recorder.add(Event::Called);
        let mut on_cancel = OnCancel(Some(self.recorder.clone()));
        let (parts, body) = request.into_parts();
        let response = match parts.uri.path() {
            "/wait" => {
                self.release.acquire().await.unwrap().forget();
                text(StatusCode::OK, "waited")
            }
            "/unread" => text(StatusCode::PAYLOAD_TOO_LARGE, "not read"),
            "/large" => Response::new(TestBody::Right(Zeros { remaining: 8 << 20, has_known_length: true })),
            "/streamed" => Response::new(TestBody::Right(Zeros { remaining: 100_000, has_known_length: false })),
            "/empty" => text(StatusCode::NO_CONTENT, ""),
            "/close" => {
                let mut response = text(StatusCode::OK, "closing");
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                response
            }
            "/authenticate" => {
                connection.mark_authenticated();
                text(StatusCode::OK, "authenticated")
            }
            "/panic" => panic!("as the test asked for"),
            "/peer" => {
                let identity = connection.peer_identity::<String>();
                let identity = identity.map_or_else(|| "none".to_owned(), |identity| (*identity).clone());
                text(StatusCode::OK, format!("{} {:?} {identity}", connection.peer_address(), connection.protocol()))
            }
            path => match body.collect().await {
                Ok(body) => {
                    let body = body.to_bytes();
                    let answer = format!("{} {path} {}", parts.method, body.escape_ascii());
                    text(StatusCode::OK, answer)
                }
                Err(RequestBodyError::TimedOut) => text(StatusCode::REQUEST_TIMEOUT, "too slow"),
                Err(RequestBodyError::Incomplete(_)) => text(StatusCode::BAD_REQUEST, "cut short"),
            },
        };
        on_cancel.0 = None;
        response
    }
}

/// A listener, and what a test asks it.
pub struct TestListener {
    pub listener: Listener,
    pub recorder: Arc<Recorder>,
    pub release: Arc<Semaphore>,
    pub pool: Arc<ConnectionPool>,
}

impl TestListener {
    pub async fn start(limits: ConnectionLimits) -> Self {
        Self::start_in(ConnectionPool::new(10_000, 16 << 20), limits, None).await
    }

    pub async fn start_in(
        pool: Arc<ConnectionPool>,
        limits: ConnectionLimits,
        tls: Option<Arc<dyn TlsSource>>,
    ) -> Self {
        let recorder = Recorder::new();
        let release = Arc::new(Semaphore::new(0));
        let service = TestService { recorder: recorder.clone(), release: release.clone() };
        let settings =
            ListenerSettings { name: "test", listen: SocketAddr::from(([127, 0, 0, 1], 0)), workers: 1, limits };
        let make_service = move || {
            let service = service.clone();
            async move { Ok(service) }
        };
        let listener = Listener::start(settings, pool.clone(), tls, recorder.clone(), make_service).await.unwrap();
        Self { listener, recorder, release, pool }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.listener.address()).await.unwrap()
    }

    /// Sends bytes over a new connection, and reads until the listener closes it.
    pub async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The listener may close before it has read all.
        let _ = stream.write_all(bytes).await;
        read_to_end(&mut stream).await
    }
}

/// Reads until the other end closes. A reset ends it too.
pub async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let _ = in_time(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads one response with a `Content-Length`.
pub async fn read_response(stream: &mut (impl AsyncRead + Unpin)) -> String {
    in_time(async {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    return text;
                }
            }
            let mut byte = [0];
            assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "the connection ended within {text:?}");
            bytes.extend(byte);
        }
    })
    .await
}

/// The statuses of all responses in a text.
pub fn statuses(text: &str) -> Vec<u16> {
    text.split("HTTP/1.1 ").skip(1).map(|rest| rest[..3].parse().unwrap()).collect()
}

/// The least that is a request.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()
}

/// Whether a future is still pending after it was polled once.
pub async fn is_pending<T>(future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}
