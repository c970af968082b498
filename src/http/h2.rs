//! HTTP/2, by the `h2` crate and with the same limits as HTTP/1: actix-web's own has an older `h2`, lets one
//! connection have requests without end, waits for ever for clients that take no answer, and cuts connections
//! off when it is told to stop.
//!
//! All requests of a connection are answered in its own task, and end with it, as on HTTP/1. What the `h2` crate
//! does by itself against floods of resets, CONTINUATION, SETTINGS and PING frames stays as it is.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{ConnectionType, Request};
use actix_service::Service;
use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Response;
use actix_web::http::Method;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream, SendStream};

use super::connection_limits::ConnectionLimits;
use super::h2_messages::{request_of, response_of};
use super::socket::Socket;
use clock::SharedClock;

/// The most requests of one connection at a time. As many as browsers and proxies make good use of.
const STREAMS: usize = 100;

/// The bytes of one request's body that may be on their way to us before it is read: the body's limit is below.
const STREAM_WINDOW: u32 = 64 * 1024;

/// The same for all requests of a connection together.
const CONNECTION_WINDOW: u32 = 512 * 1024;

/// The bytes of one answer that wait to be sent.
const SEND_BUFFER: usize = 64 * 1024;

/// What is beyond the limit on headers is refused with a problem; what is beyond the limit times this is not kept in
/// memory, and gets a bare 431.
const HEADER_ROOM: usize = 2;

/// How long a connection that is told to end, and has nothing under way, may take for it.
const FAREWELL: Duration = Duration::from_secs(1);

/// What happens next on a connection.
#[expect(clippy::large_enum_variant, reason = "there is one of it at a time, and requests are what comes most")]
enum Event {
    /// A request has come.
    Asked(http::Request<RecvStream>, SendResponse<Bytes>),
    /// A request has been answered, or given up. Whether the answer said that the connection is to end.
    Answered(bool),
    /// The listener is to end.
    Told,
    /// Nothing, for as long as may be.
    Idle,
    /// The connection is over.
    Over,
}

/// Answers the requests of one connection until it ends.
pub(super) async fn serve<S, B>(
    socket: Socket,
    service: &S,
    limits: &ConnectionLimits,
    clock: &SharedClock,
    closing: impl Future<Output = ()>,
) where
    S: Service<Request>,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let peer = socket.peer().cloned();
    let address = socket.address();
    let handshake = Builder::new()
        .max_concurrent_streams(STREAMS as u32)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(HEADER_ROOM * limits.max_header_bytes).unwrap_or(u32::MAX))
        .handshake(socket);
    let Ok(Ok(mut connection)) = tokio::time::timeout(limits.head_timeout, handshake).await else { return };

    let mut under_way = FuturesUnordered::new();
    let mut closing = pin!(closing);
    let mut patience = limits.head_timeout;
    let mut is_leaving = false;
    loop {
        let (is_idle, has_room) = (under_way.is_empty(), under_way.len() < STREAMS);
        let next = async {
            tokio::select! {
                biased;
                Some(says_end) = under_way.next(), if !is_idle => Event::Answered(says_end),
                event = accept(&mut connection, has_room) => event,
                () = &mut closing, if !is_leaving => Event::Told,
            }
        };
        let event =
            if is_idle { tokio::time::timeout(patience, next).await.unwrap_or(Event::Idle) } else { next.await };
        let is_to_end = match event {
            Event::Asked(head, respond) => {
                patience = limits.keep_alive;
                let (request, rest) = request_of(head, address);
                if let Some(peer) = &peer {
                    request.extensions_mut().insert(Arc::clone(peer));
                }
                let is_head = *request.method() == Method::HEAD;
                let handling = service.call(request);
                let handling = async {
                    match handling.await {
                        Ok(response) => response.into().map_into_boxed_body(),
                        Err(error) => error.into(),
                    }
                };
                let patience = limits.read_answer_timeout;
                under_way.push(async move {
                    let says_end = answer(handling, respond, is_head, patience, clock).await;
                    if let Some(rest) = rest {
                        rest.take_in().await;
                    }
                    says_end
                });
                false
            }
            Event::Answered(says_end) => says_end,
            Event::Told => true,
            Event::Idle if is_leaving => return,
            Event::Idle => true,
            Event::Over => return,
        };
        if is_leaving || is_to_end {
            patience = FAREWELL;
        }
        if is_to_end && !is_leaving {
            is_leaving = true;
            // Whoever is at the other end learns which requests were taken, and asks elsewhere for the others.
            connection.graceful_shutdown();
        }
    }
}

/// The next request, as long as there is room for it; without room, only what is under way goes on.
async fn accept(connection: &mut Connection<Socket, Bytes>, has_room: bool) -> Event {
    if !has_room {
        // Its errors are its end too.
        let _ = poll_fn(|cx| connection.poll_closed(cx)).await;
        return Event::Over;
    }
    match connection.accept().await {
        Some(Ok((head, respond))) => Event::Asked(head, respond),
        Some(Err(error)) => {
            tracing::debug!(%error, "http/2 connection failed");
            Event::Over
        }
        None => Event::Over,
    }
}

/// Answers one request, unless its client takes it back. Whether the answer says that the connection is to end.
async fn answer(
    handling: impl Future<Output = Response<BoxBody>>,
    mut respond: SendResponse<Bytes>,
    is_head: bool,
    patience: Duration,
    clock: &SharedClock,
) -> bool {
    let taken_back = poll_fn(|cx| respond.poll_reset(cx));
    let Either::Left((response, _)) = select(pin!(handling), pin!(taken_back)).await else {
        return false;
    };
    let says_end = response.head().connection_type() == ConnectionType::Close;
    let (head, body) = response_of(response, clock.now());
    let is_whole = is_head || body.size().is_eof();
    // Fails only where the client has taken the request back, or is gone.
    if let Ok(mut stream) = respond.send_response(head, is_whole)
        && !is_whole
        && send(body, &mut stream, patience).await.is_none()
    {
        stream.send_reset(Reason::CANCEL);
    }
    says_end
}

/// Sends a body, as fast as its client takes it. `None`: it has to break off.
async fn send(body: BoxBody, stream: &mut SendStream<Bytes>, patience: Duration) -> Option<()> {
    let mut left = match body.size() {
        BodySize::Sized(length) => usize::try_from(length).ok()?,
        BodySize::None | BodySize::Stream => usize::MAX,
    };
    let mut body = pin!(body);
    while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        let mut chunk = chunk.ok()?;
        while !chunk.is_empty() {
            stream.reserve_capacity(chunk.len());
            let capacity = poll_fn(|cx| stream.poll_capacity(cx));
            let capacity = tokio::time::timeout(patience, capacity).await.ok()??.ok()?;
            let piece = chunk.split_to(capacity.min(chunk.len()));
            left = left.saturating_sub(piece.len());
            stream.send_data(piece, left == 0).ok()?;
        }
        if left == 0 {
            return Some(());
        }
    }
    stream.send_data(Bytes::new(), true).ok()
}
