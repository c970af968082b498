//! HTTP/1 by hyper, with timeouts that cover every head, body and response.
//!
//! hyper keeps a read buffer of 8 KiB for each connection. A connection that stays idle is therefore taken apart until
//! its next bytes arrive.

mod driver;

use std::convert::Infallible;
use std::future::poll_fn;
use std::rc::Rc;

use http::header::{CONNECTION, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::Instant;

use crate::body_timeout::BodyTimeout;
use crate::connection::{CLOSE_TIMEOUT, Connection};
use crate::observer::{CloseReason, RejectReason};
use crate::request_body::RequestBody;
use crate::response_body::{Owner, ResponseBody};
use crate::service::Service;
use crate::settings::ConnectionLimits;
use crate::timer::LazyTimer;
use crate::transport::ConnectionIo;
use driver::{Activity, Driver, Ending};

/// The smallest buffer that hyper accepts.
const MIN_BUFFER: usize = 8 * 1024;

/// What is read of a message after its response, at most. A socket that is closed with unread bytes is reset, and the client
/// may not see the response.
const MAX_LINGER_BYTES: usize = 256 * 1024;

const HEAD_TIMEOUT_RESPONSE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves the requests of a connection until it ends.
pub(crate) async fn serve<S: Service>(io: ConnectionIo, connection: Rc<Connection>, service: Rc<S>) -> CloseReason {
    let target = Rc::new(Target { connection: connection.clone(), service });
    let adapter = service_fn(move |request| answer(target.clone(), request));
    let timer = LazyTimer::new(connection.waiting_since() + connection.idle_timeout());
    let builder = builder(connection.limits());
    let activity = if io.is_tls() {
        // TLS may have decrypted bytes that the socket will not announce again.
        Activity::Active(Box::new(builder.serve_connection(TokioIo::new(io), adapter)))
    } else {
        Activity::Dormant { io, adapter }
    };
    let mut driver = Driver::new(connection.clone(), activity, builder, timer);
    let ending = poll_fn(|cx| driver.poll(cx)).await;
    // There is no time for a farewell, or the client does not read it.
    let is_cut = matches!(ending.reason, CloseReason::Evicted | CloseReason::WriteTimeout);
    if let (Some(mut io), false) = (driver.into_io(), is_cut) {
        // In a box, because an idle connection does not need its buffer.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, Box::pin(close(&mut io, &connection, &ending))).await;
    }
    ending.reason
}

fn builder(limits: &ConnectionLimits) -> Builder {
    let mut builder = Builder::new();
    builder
        .half_close(true)
        // One buffer and one write for a response.
        .writev(false)
        // `LazyTimer` measures it, without an allocation for each head.
        .header_read_timeout(None)
        .max_header_size(limits.max_head_bytes)
        .max_buf_size(limits.max_head_bytes.max(MIN_BUFFER));
    builder
}

/// What the requests of a connection are answered by.
struct Target<S> {
    connection: Rc<Connection>,
    service: Rc<S>,
}

async fn answer<S: Service>(
    target: Rc<Target<S>>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody<S::Body>>, Infallible> {
    let connection = &target.connection;
    let (number, handling) = connection.begin_request();
    if connection.io.framing(|framing| framing.rejects(number)).unwrap_or(true) {
        connection.context.reject(RejectReason::Ambiguous, connection.info.peer_address());
        return Ok(bad_request(connection));
    }
    if request.method() == Method::CONNECT {
        // hyper would take a successful response for the beginning of a tunnel.
        connection.context.reject(RejectReason::Malformed, connection.info.peer_address());
        return Ok(bad_request(connection));
    }
    let request = request.map(|incoming| request_body(connection, incoming));
    let mut response = target.service.call(request, &connection.info).await;
    connection.body.take();
    drop(handling);
    connection.close_if_last(response.headers_mut());
    let owner = Owner::Http1(connection.begin_response());
    Ok(response.map(|body| ResponseBody::new(body, owner)))
}

fn request_body(connection: &Connection, incoming: Incoming) -> RequestBody {
    if incoming.is_end_stream() {
        return RequestBody::empty();
    }
    let timeout = BodyTimeout::new(Instant::now() + connection.limits().request_body_timeout);
    *connection.body.borrow_mut() = Some(timeout.clone());
    RequestBody::new(incoming, timeout, None)
}

fn bad_request<B>(connection: &Rc<Connection>) -> Response<ResponseBody<B>> {
    let mut response = Response::new(ResponseBody::empty(Owner::Http1(connection.begin_response())));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Ends a connection whose requests are over.
async fn close(io: &mut ConnectionIo, connection: &Connection, ending: &Ending) -> std::io::Result<()> {
    if ending.reason == CloseReason::HeadTimeout {
        io.write_all(HEAD_TIMEOUT_RESPONSE).await?;
    }
    io.shutdown().await?;
    let is_message_open = connection.io.framing(|framing| !framing.is_between_messages()).unwrap_or(false);
    let mut remaining = MAX_LINGER_BYTES;
    let mut bytes = [0; 2048];
    while ending.has_response && is_message_open && !connection.io.is_read_closed() && remaining > 0 {
        let count = io.read(&mut bytes).await?;
        if count == 0 {
            break;
        }
        remaining = remaining.saturating_sub(count);
    }
    Ok(())
}
