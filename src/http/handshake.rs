//! How a TLS connection begins: within a time, or not at all. What is no TLS, is not trusted or takes too long
//! is hung up on; a line at debug and a metric say why, for nobody else can be told.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::socket::Socket;
use crate::metrics::labels::HandshakeOutcome;
use crate::tls::{PeerCertificate, Tls, Unreadable};

/// The first byte of every TLS connection: a record of the handshake.
const HANDSHAKE_RECORD: u8 = 22;

/// For who speaks HTTP where TLS is spoken: a developer with the wrong URL, who would else see nothing.
const SPEAK_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: 32\r\n\r\n\
    TLS is spoken here: use https://";

/// Why a connection did not come about.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("it took too long")]
    TimedOut,
    #[error("it is no TLS")]
    NotTls,
    #[error(transparent)]
    Refused(#[from] io::Error),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl Failure {
    fn outcome(&self) -> HandshakeOutcome {
        match self {
            Self::TimedOut => HandshakeOutcome::TimedOut,
            Self::NotTls => HandshakeOutcome::NotTls,
            Self::Refused(_) | Self::Unreadable(_) => HandshakeOutcome::Failed,
        }
    }
}

/// A connection's TLS, and whether HTTP/2 is to be spoken over it. `None` if it did not come about.
pub(super) async fn shake_hands(tls: &Tls, stream: TcpStream, timeout: Duration) -> Option<(Socket, bool)> {
    let peer = stream.peer_addr().ok();
    let done = tokio::time::timeout(timeout, attempt(tls, stream)).await.unwrap_or(Err(Failure::TimedOut));
    match done {
        Ok(done) => {
            tls.count(HandshakeOutcome::Completed);
            Some(done)
        }
        Err(failure) => {
            tls.count(failure.outcome());
            tracing::debug!(listener = tls.listener(), ?peer, %failure, "tls handshake failed");
            None
        }
    }
}

async fn attempt(tls: &Tls, mut stream: TcpStream) -> Result<(Socket, bool), Failure> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first != [HANDSHAKE_RECORD] {
        if first[0].is_ascii_uppercase() {
            // Read first: closing on what lies unread would take the answer back.
            let _ = stream.read(&mut [0; 4096]).await?;
            stream.write_all(SPEAK_TLS).await?;
            stream.shutdown().await?;
        }
        return Err(Failure::NotTls);
    }
    let stream = TlsAcceptor::from(tls.current()).accept(stream).await?;
    let (_, session) = stream.get_ref();
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    let certificate = session.peer_certificates().and_then(<[CertificateDer<'_>]>::first);
    let peer = certificate.map(PeerCertificate::read).transpose()?.map(Arc::new);
    Ok((Socket::Tls(Box::new(stream), peer), is_http2))
}
