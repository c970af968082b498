//! What a request comes over: a plain socket or a TLS stream, as one type, with the certificate of whoever is
//! at the other end.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::{HttpMessage as _, HttpRequest};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::tls::PeerCertificate;

/// One connection's stream.
#[derive(Debug)]
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>, Option<Arc<PeerCertificate>>),
}

impl Socket {
    /// The address at the other end.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Plain(stream) => stream.peer_addr().ok(),
            Self::Tls(stream, _) => stream.get_ref().0.peer_addr().ok(),
        }
    }

    /// The certificate that the other end has proved to hold.
    pub(super) fn peer(&self) -> Option<&Arc<PeerCertificate>> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(_, peer) => peer.as_ref(),
        }
    }
}

/// The verified certificate of the client that sent a request: of whoever is at the other end of the connection,
/// which may be a proxy. `None` without mutual TLS, and where a client may come without one and did.
pub(crate) fn peer_certificate(request: &HttpRequest) -> Option<Arc<PeerCertificate>> {
    // HTTP/1 keeps it with the connection; each request of an HTTP/2 connection bears it.
    let of_connection = request.conn_data::<Arc<PeerCertificate>>().cloned();
    of_connection.or_else(|| request.extensions().get().cloned())
}

macro_rules! either {
    ($socket:expr, $stream:ident => $call:expr) => {
        match $socket.get_mut() {
            Socket::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Socket::Tls($stream, _) => {
                let $stream = Pin::new($stream.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream, _) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}
