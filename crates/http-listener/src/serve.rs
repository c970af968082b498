//! One connection from its acceptance to its end: socket options, handshake, protocol.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use socket2::SockRef;
use tokio::net::TcpStream;

use crate::connection::{Connection, ListenerContext};
use crate::info::{ConnectionInfo, Peer, Protocol};
use crate::observer::{CloseReason, HandshakeOutcome};
use crate::pool::{Place, Slot};
use crate::service::Service;
use crate::settings::ConnectionLimits;
use crate::tls::{self, Handshake};
use crate::transport::{ConnectionIo, IoState, Transport};
use crate::{http1, http2};

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
            // In a box, as the protocols below, so that an idle connection does not keep the size of the largest.
            let handshake = match until_signalled(place.slot(), Box::pin(handshake)).await {
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
        Protocol::Http2 => Box::pin(http2::serve(io, connection, service)).await,
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
#[cfg(test)]
mod tests {
    use http::{Request, Response};

    use super::*;
    use crate::RequestBody;

    struct Empty;

    impl Service for Empty {
        type Body = String;

        async fn call(&self, _: Request<RequestBody>, _: &Arc<ConnectionInfo>) -> Response<String> {
            Response::default()
        }
    }

    /// Every open connection takes that much, idle ones included.
    #[test]
    fn the_task_of_a_connection_is_small() {
        fn size<F>(_: impl FnOnce(TcpStream, Place, Arc<ListenerContext>, Rc<Empty>) -> F) -> usize {
            size_of::<F>()
        }
        assert!(size(serve::<Empty>) <= 1280, "{}", size(serve::<Empty>));
    }
}
