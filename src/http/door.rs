//! From a socket to requests: the limits of a connection, TLS if the listener speaks it, and HTTP/1 by actix-http
//! or HTTP/2 by [`super::h2`], whichever the two sides agree on.
//!
//! `actix_web::HttpServer` does the same, with an HTTP/2 that keeps none of our limits; what is here is what it
//! is made of.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, Protocol, Request};
use actix_server::GracefulShutdownSignal;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, map_config};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppConfig, Response, fn_factory, fn_service};
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::TcpStream;

use super::connection_limits::ConnectionLimits;
use super::h2;
use super::handshake::shake_hands;
use super::socket::Socket;
use crate::tls::Tls;
use clock::SharedClock;

/// How long a client may take to say farewell.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// What all connections of a listener have in common.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) limits: ConnectionLimits,
    pub(super) clock: SharedClock,
    pub(super) closing: GracefulShutdownSignal,
}

impl Door {
    /// What a worker does with each connection: leads its requests to the app.
    pub(super) fn lead_to<F, I, S, B>(
        self,
        app: F,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = (), InitError = ()>
    where
        F: Fn() -> I + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<actix_web::Error> + 'static,
        S::InitError: std::fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        S::Service: 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let door = Rc::new(self);
        let app = move || {
            let app = app().into_factory().map_err(|error| Response::from(error.into()));
            // Says under which name and address it is reached; no resource of ours asks.
            map_config(app, |()| AppConfig::default())
        };
        fn_factory(move || {
            let door = door.clone();
            // An app of its own for each version: actix-http does not hand its own back.
            let (http1, http2) = (door.http1(app()), app());
            async move {
                let http1 = Rc::new(http1.new_service(()).await.map_err(drop)?);
                let http2 = Rc::new(http2.new_service(()).await.map_err(drop)?);
                Ok(fn_service(move |stream: TcpStream| {
                    let (door, http1, http2) = (door.clone(), http1.clone(), http2.clone());
                    async move {
                        let Some((socket, is_http2)) = door.open(stream).await else { return Err(()) };
                        if is_http2 {
                            let closing = door.closing.notified();
                            h2::serve(socket, &*http2, &door.limits, &door.clock, closing).await;
                            return Ok(());
                        }
                        let address = socket.address();
                        http1.call((socket, Protocol::Http1, address)).await.map_err(drop)
                    }
                }))
            }
        })
    }

    /// HTTP/1 within the limits.
    fn http1<S, B>(&self, app: S) -> HttpService<Socket, S, B>
    where
        S: ServiceFactory<Request, Config = ()>,
        S::Error: Into<Response<BoxBody>> + 'static,
        S::InitError: std::fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let closing = self.closing.clone();
        HttpService::build()
            .keep_alive(self.limits.keep_alive)
            .client_request_timeout(self.limits.head_timeout)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .graceful_shutdown_signal(move || {
                let closing = closing.clone();
                async move { closing.notified().await }
            })
            .on_connect_ext(|socket: &Socket, of_connection| {
                if let Some(peer) = socket.peer() {
                    of_connection.insert(peer.clone());
                }
            })
            .finish(app)
    }

    /// Readies a connection, and whether HTTP/2 is to be spoken over it. `None` if there is none to be had.
    async fn open(&self, stream: TcpStream) -> Option<(Socket, bool)> {
        close_when_unread(&stream, self.limits.read_answer_timeout);
        match &self.tls {
            None => Some((Socket::Plain(stream), false)),
            Some(tls) => shake_hands(tls, stream, self.limits.head_timeout).await,
        }
    }
}

/// Has the system close a connection whose client does not take what it was sent. actix-http would wait for
/// ever.
fn close_when_unread(stream: &TcpStream, timeout: Duration) {
    #[cfg(target_os = "linux")]
    if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(timeout)) {
        tracing::debug!(%error, "cannot set the write timeout of a connection");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, timeout);
}
