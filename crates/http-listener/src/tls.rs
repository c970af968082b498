//! The TLS handshake of a connection: within its timeout, with the protocol and the certificate that it yields.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::info::{Peer, PeerIdentity, Protocol};
use crate::observer::HandshakeOutcome;
use crate::transport::Transport;

/// The TLS configuration of a listener.
pub trait TlsSource: fmt::Debug + Send + Sync + 'static {
    /// The configuration for a handshake that begins now. Its `alpn_protocols` are the protocols that are spoken.
    fn config(&self) -> Arc<ServerConfig>;

    /// Reads a client's certificate, which rustls has verified, into a type of the caller's.
    ///
    /// # Errors
    /// The certificate is of no use. The connection is closed.
    fn identify(&self, certificate: &CertificateDer<'_>) -> Result<Option<PeerIdentity>, UnusableCertificate> {
        let _ = certificate;
        Ok(None)
    }
}

/// A client's certificate was verified and yet cannot be used.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the certificate of the client cannot be used")]
pub struct UnusableCertificate;

/// The first byte of every TLS connection: a handshake record.
const HANDSHAKE_RECORD: u8 = 22;

/// For a client that speaks HTTP where TLS is spoken. A wrong URL would otherwise show as a closed connection.
const TLS_REQUIRED: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: 32\r\n\r\n\
    TLS is spoken here: use https://";

#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error("the handshake took too long")]
    TimedOut,
    #[error("the client does not speak TLS")]
    NotTls,
    #[error(transparent)]
    Failed(#[from] io::Error),
    #[error(transparent)]
    Certificate(#[from] UnusableCertificate),
}

/// A connection after its handshake.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(crate) transport: Transport,
    pub(crate) protocol: Protocol,
    pub(crate) peer: Peer,
}

/// Completes the handshake. The error says how it ended and is logged.
pub(crate) async fn accept(
    source: &dyn TlsSource,
    stream: TcpStream,
    timeout: Duration,
) -> Result<Handshake, HandshakeOutcome> {
    let attempt = tokio::time::timeout(timeout, attempt(source, stream)).await;
    attempt.unwrap_or(Err(HandshakeError::TimedOut)).map_err(|error| {
        tracing::debug!(%error, "tls handshake failed");
        match error {
            HandshakeError::TimedOut => HandshakeOutcome::TimedOut,
            HandshakeError::NotTls => HandshakeOutcome::NotTls,
            HandshakeError::Failed(_) | HandshakeError::Certificate(_) => HandshakeOutcome::Failed,
        }
    })
}

async fn attempt(source: &dyn TlsSource, mut stream: TcpStream) -> Result<Handshake, HandshakeError> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first != [HANDSHAKE_RECORD] {
        if first[0].is_ascii_uppercase() {
            // Closing a socket with unread bytes resets the connection, and the client would not see the response.
            let _ = stream.read(&mut [0; 4096]).await?;
            stream.write_all(TLS_REQUIRED).await?;
            stream.shutdown().await?;
        }
        return Err(HandshakeError::NotTls);
    }
    let stream = TlsAcceptor::from(source.config()).accept(stream).await?;
    let (_, session) = stream.get_ref();
    let protocol = if session.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
    let certificate = session.peer_certificates().and_then(|chain| chain.first());
    let identity = certificate.map(|certificate| source.identify(certificate)).transpose()?.flatten();
    let peer = Peer { certificate: certificate.map(|certificate| certificate.clone().into_owned()), identity };
    Ok(Handshake { transport: Transport::Tls(Box::new(stream)), protocol, peer })
}
