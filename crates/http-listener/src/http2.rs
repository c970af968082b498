//! HTTP/2 by hyper, with bounds on what a client can make a connection hold.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use h2::Reason;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::body_timeout::BodyTimeout;
use crate::connection::{CLOSE_TIMEOUT, Connection};
use crate::observer::{CloseReason, RejectReason};
use crate::request_body::RequestBody;
use crate::response_body::{Owner, ResponseBody};
use crate::service::Service;
use crate::settings::ConnectionLimits;
use crate::stream::{Stream, StreamExecutor, Streams};
use crate::timer::LazyTimer;
use crate::transport::ConnectionIo;

/// The bytes of one request body that a client may send before the service reads.
const STREAM_WINDOW: u32 = 16 * 1024;

/// The same for all requests of a connection together. The protocol's initial value: less cannot be set.
const CONNECTION_WINDOW: u32 = 65_535;

/// The bytes of one response that the h2 crate keeps.
const SEND_BUFFER: usize = 64 * 1024;

/// Requests that the client resets before they are handled, and streams that are reset because of the client's errors, until
/// the connection is closed with `ENHANCE_YOUR_CALM`.
const MAX_PENDING_RESETS: usize = 20;
const MAX_ERROR_RESETS: usize = 128;

/// What a request or response takes besides its own bytes, about: the state of its stream and its header map.
const STREAM_OVERHEAD: usize = 2048;

/// The size that is assumed for a response whose length is not known.
const UNKNOWN_LENGTH: u64 = 16 * 1024;

/// Streams are looked at this often within the shortest of their timeouts.
const TICKS: u32 = 4;

/// A request that the client may repeat, because nothing was done for it.
#[derive(Debug, thiserror::Error)]
#[error("too many bytes wait for clients")]
struct Refused(#[source] h2::Error);

/// Serves the requests of a connection until it ends.
pub(crate) async fn serve<S: Service>(io: ConnectionIo, connection: Rc<Connection>, service: Rc<S>) -> CloseReason {
    let streams = Streams::new(connection.clone());
    let adapter = {
        let streams = streams.clone();
        service_fn(move |request: Request<Incoming>| {
            let stream = streams.open(STREAM_OVERHEAD + head_bytes(&request));
            let (streams, service) = (streams.clone(), service.clone());
            // In a box, because hyper keeps the size of this future until the response was sent.
            Box::pin(async move {
                match stream {
                    Some(stream) => Ok(answer(&*service, stream, request).await),
                    None => {
                        let connection = streams.connection();
                        connection.context.reject(RejectReason::Overloaded, connection.info.peer_address());
                        Err(Refused(h2::Error::from(Reason::REFUSED_STREAM)))
                    }
                }
            })
        })
    };
    let builder = builder(connection.limits(), StreamExecutor(streams.clone()));
    let mut driven = pin!(builder.serve_connection(TokioIo::new(io), adapter));
    let mut timer = LazyTimer::new(connection.waiting_since() + connection.idle_timeout());
    let tick = connection.limits().response_write_timeout.min(connection.limits().request_body_timeout) / TICKS;
    // The end of an orderly shutdown, and why it began.
    let mut closing: Option<(Instant, CloseReason)> = None;
    let (mut next_tick, mut idle_since): (Option<Instant>, Option<Instant>) = (None, None);
    let reason = poll_fn(|cx| {
        connection.slot().register(cx.waker());
        loop {
            streams.admit();
            if let Poll::Ready(result) = driven.as_mut().poll(cx) {
                let reason = closing.map_or(CloseReason::Finished, |(_, reason)| reason);
                return Poll::Ready(ended(&connection, result, reason));
            }
            if connection.slot().is_evicted() && !connection.is_handling() {
                driven.as_mut().graceful_shutdown();
                let _ = driven.as_mut().poll(cx);
                return Poll::Ready(CloseReason::Evicted);
            }
            if connection.slot().is_to_retire() {
                connection.retire();
            }
            if connection.is_retiring() && closing.is_none() {
                closing = Some((Instant::now() + CLOSE_TIMEOUT, CloseReason::Retired));
                driven.as_mut().graceful_shutdown();
                continue;
            }
            if !connection.is_handling() {
                // From now on another connection may take this one's place.
                let _ = connection.waiting_since();
            }
            if streams.is_empty() {
                next_tick = None;
                idle_since.get_or_insert_with(Instant::now);
            } else {
                idle_since = None;
                next_tick.get_or_insert_with(|| Instant::now() + tick);
            }
            let blocked = connection.io.write_blocked_since();
            let blocked_until = blocked.map(|since| since + connection.limits().response_write_timeout);
            let idle_until = idle_since.map(|since| match closing {
                Some((end, _)) => end,
                None => since + connection.idle_timeout(),
            });
            let deadlines = [blocked_until, next_tick, idle_until, connection.retirement()];
            let Poll::Ready(now) = timer.poll(cx, deadlines.into_iter().flatten().min()) else {
                return Poll::Pending;
            };
            let has_passed = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
            if has_passed(blocked_until) {
                return Poll::Ready(CloseReason::WriteTimeout);
            }
            if has_passed(connection.retirement()) {
                connection.retire();
            }
            if has_passed(next_tick) {
                next_tick = None;
                if !streams.expire(now) {
                    return Poll::Ready(CloseReason::WriteTimeout);
                }
            }
            if has_passed(idle_until) {
                match closing {
                    Some((_, reason)) => return Poll::Ready(reason),
                    None => {
                        closing = Some((now + CLOSE_TIMEOUT, CloseReason::IdleTimeout));
                        driven.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    })
    .await;
    streams.cancel_all();
    reason
}

fn builder(limits: &ConnectionLimits, executor: StreamExecutor) -> Builder<StreamExecutor> {
    let mut builder = Builder::new(executor);
    builder
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(u32::try_from(limits.max_head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS);
    builder
}

/// The size of a request head, as HTTP/1 would write it.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    request.uri().path_and_query().map_or(0, |path| path.as_str().len()) + headers.sum::<usize>()
}

async fn answer<S: Service>(
    service: &S,
    stream: Rc<Stream>,
    request: Request<Incoming>,
) -> Response<ResponseBody<S::Body>> {
    stream.admission().await;
    let connection = stream.connection().clone();
    let (_, handling) = connection.begin_request();
    if request.method() == Method::CONNECT {
        // hyper would take a successful response for the beginning of a tunnel.
        connection.context.reject(RejectReason::Malformed, connection.info.peer_address());
        return without_body(StatusCode::BAD_REQUEST, stream);
    }
    let is_head = request.method() == Method::HEAD;
    let request = request.map(|incoming| {
        if incoming.is_end_stream() {
            return RequestBody::empty();
        }
        let timeout = BodyTimeout::new(Instant::now() + connection.limits().request_body_timeout);
        *stream.body.borrow_mut() = Some(timeout.clone());
        RequestBody::new(incoming, timeout, Some(stream.clone()))
    });
    let mut response = service.call(request, &connection.info).await;
    drop(handling);
    if closes(response.headers_mut()) || connection.is_last_response() {
        connection.retire();
    }
    let size = response.body().size_hint();
    if is_head {
        // Of HTTP/2, hyper would send the body.
        if let Some(length) = size.exact() {
            response.headers_mut().entry(CONTENT_LENGTH).or_insert_with(|| length.into());
        }
        return response.map(|_| ResponseBody::empty(Owner::Http2(stream)));
    }
    let bytes = size.exact().or(size.upper()).unwrap_or(UNKNOWN_LENGTH);
    if !stream.begin_response(STREAM_OVERHEAD.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX))) {
        connection.context.reject(RejectReason::Overloaded, connection.info.peer_address());
        return without_body(StatusCode::SERVICE_UNAVAILABLE, stream);
    }
    response.map(|body| ResponseBody::new(body, Owner::Http2(stream)))
}

/// Whether a response ends its connection. HTTP/2 says so by GOAWAY and not by a header (RFC 9113, section 8.2.2).
fn closes(headers: &mut HeaderMap) -> bool {
    headers.remove(CONNECTION).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}

fn without_body<B>(status: StatusCode, stream: Rc<Stream>) -> Response<ResponseBody<B>> {
    let mut response = Response::new(ResponseBody::empty(Owner::Http2(stream)));
    *response.status_mut() = status;
    response
}

/// The reason for the end of a connection, from hyper's result.
fn ended(connection: &Connection, result: hyper::Result<()>, reason: CloseReason) -> CloseReason {
    let Err(error) = result else { return reason };
    let peer_address = connection.info.peer_address();
    let cause = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    let code = cause.and_then(h2::Error::reason);
    tracing::debug!(listener = connection.context.name, %peer_address, %error, ?code, "http/2 connection failed");
    // Found by h2: not a closed socket, and not an error that the client reports.
    if cause.is_some_and(h2::Error::is_library) {
        connection.context.reject(RejectReason::Malformed, peer_address);
        return CloseReason::ProtocolError;
    }
    reason
}
