//! TLS: protocols, certificates, and clients that do not speak it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http_listener::{
    CloseReason, ConnectionLimits, ConnectionPool, HandshakeOutcome, PeerIdentity, TlsSource, UnusableCertificate,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::support::{Event, SHORT, TestListener, get, in_time, read_response, read_to_end, statuses};

/// A certificate authority, and the certificates that it has signed.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    fn sign(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        Arc::new(roots)
    }

    pub fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(self.roots(), provider.clone());
        let clients = clients.allow_unauthenticated().build().unwrap();
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let (chain, key) = self.sign();
        let mut config = builder.with_client_cert_verifier(clients).with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// A connection by this protocol, with a client certificate if asked for.
    pub async fn connect(&self, test: &TestListener, protocol: &str, has_certificate: bool) -> TlsStream<TcpStream> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(self.roots());
        let mut config = if has_certificate {
            let (chain, key) = self.sign();
            builder.with_client_auth_cert(chain, key).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, test.connect().await);
        in_time(stream).await.unwrap()
    }
}

#[derive(Debug)]
pub struct TestTls {
    pub current: ArcSwap<ServerConfig>,
    pub rejects_certificates: bool,
}

impl TestTls {
    pub fn new(config: Arc<ServerConfig>) -> Arc<Self> {
        Arc::new(Self { current: ArcSwap::new(config), rejects_certificates: false })
    }
}

impl TlsSource for TestTls {
    fn config(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    fn identify(&self, certificate: &CertificateDer<'_>) -> Result<Option<PeerIdentity>, UnusableCertificate> {
        if self.rejects_certificates {
            return Err(UnusableCertificate);
        }
        Ok(Some(Arc::new(format!("a certificate of {} bytes", certificate.len()))))
    }
}

/// A listener with TLS, and the authority of its certificate.
pub async fn start(limits: ConnectionLimits) -> (TestListener, Authority) {
    let authority = Authority::new();
    let tls = TestTls::new(authority.server());
    (TestListener::start_in(ConnectionPool::new(10_000, 16 << 20), limits, Some(tls)).await, authority)
}

#[tokio::test]
async fn requests_are_answered_over_tls_and_the_service_sees_the_client_certificate() {
    let (test, authority) = start(ConnectionLimits::default()).await;
    for has_certificate in [false, true] {
        let mut stream = authority.connect(&test, "http/1.1", has_certificate).await;
        for _ in 0..2 {
            stream.write_all(&get("/peer")).await.unwrap();
            let response = read_response(&mut stream).await;
            let expected = if has_certificate { "Http1 a certificate of " } else { "Http1 none" };
            assert!(response.contains("127.0.0.1:") && response.contains(expected), "{response}");
        }
    }
    // A protocol that neither of the two ends knows is answered as HTTP/1 unless the client insists.
    test.recorder.until(Event::Handshake(HandshakeOutcome::Completed), 2).await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_ends_its_connection() {
    let authority = Authority::new();
    let tls = TestTls { current: ArcSwap::new(authority.server()), rejects_certificates: true };
    let test =
        TestListener::start_in(ConnectionPool::new(10, 0), ConnectionLimits::default(), Some(Arc::new(tls))).await;
    let mut stream = authority.connect(&test, "http/1.1", true).await;
    let _ = stream.write_all(&get("/a")).await;
    assert_eq!(read_to_end(&mut stream).await, "");
    test.recorder.until(Event::Handshake(HandshakeOutcome::Failed), 1).await;
    test.recorder.until(Event::Closed(CloseReason::HandshakeFailed), 1).await;
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_and_old_ones_go_on() {
    let (first, second) = (Authority::new(), Authority::new());
    let tls = TestTls::new(first.server());
    let limits = ConnectionLimits::default();
    let test = TestListener::start_in(ConnectionPool::new(10, 0), limits, Some(tls.clone())).await;
    let mut old = first.connect(&test, "http/1.1", false).await;
    tls.current.store(second.server());
    let mut new = second.connect(&test, "http/1.1", false).await;
    for stream in [&mut old, &mut new] {
        stream.write_all(&get("/a")).await.unwrap();
        assert!(read_response(stream).await.ends_with("GET /a "));
    }
}

#[tokio::test]
async fn plain_http_to_a_tls_listener_gets_400_with_a_text_and_other_bytes_are_hung_up_on() {
    let (test, _) = start(ConnectionLimits::default()).await;
    let response = test.exchange(&get("/a")).await;
    assert_eq!(statuses(&response), [400]);
    assert!(response.ends_with("TLS is spoken here: use https://"), "{response}");
    assert_eq!(test.exchange(b"\x00\x01 neither").await, "");
    test.recorder.until(Event::Handshake(HandshakeOutcome::NotTls), 2).await;
    // TLS that is broken.
    test.exchange(b"\x16\x03\x01\x00\x05hello").await;
    test.recorder.until(Event::Handshake(HandshakeOutcome::Failed), 1).await;
    assert_eq!(test.recorder.count(Event::Called), 0);
}

#[tokio::test]
async fn clients_that_are_silent_before_within_or_after_the_handshake_are_disconnected() {
    let limits =
        ConnectionLimits { tls_handshake_timeout: SHORT, request_header_timeout: 2 * SHORT, ..Default::default() };
    let (test, authority) = start(limits).await;
    for bytes in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        assert_eq!(test.exchange(bytes).await, "");
    }
    test.recorder.until(Event::Handshake(HandshakeOutcome::TimedOut), 2).await;
    for protocol in ["http/1.1", "h2"] {
        let mut stream = authority.connect(&test, protocol, false).await;
        read_to_end(&mut stream).await;
    }
    test.recorder.until(Event::Closed(CloseReason::IdleTimeout), 2).await;
}

#[tokio::test]
async fn the_timeouts_of_requests_hold_over_tls() {
    let limits = ConnectionLimits {
        request_header_timeout: SHORT,
        response_write_timeout: SHORT,
        keep_alive_timeout: SHORT,
        ..Default::default()
    };
    let (test, authority) = start(limits).await;
    let mut stream = authority.connect(&test, "http/1.1", false).await;
    stream.write_all(b"GET /a HTT").await.unwrap();
    assert_eq!(statuses(&read_to_end(&mut stream).await), [408]);
    let mut stream = authority.connect(&test, "http/1.1", false).await;
    stream.write_all(&get("/large")).await.unwrap();
    test.recorder.until(Event::Closed(CloseReason::WriteTimeout), 1).await;
    let mut stream = authority.connect(&test, "http/1.1", false).await;
    stream.write_all(&get("/a")).await.unwrap();
    read_response(&mut stream).await;
    assert_eq!(read_to_end(&mut stream).await, "");
    test.recorder.until(Event::Closed(CloseReason::IdleTimeout), 1).await;
}

#[tokio::test]
async fn a_connection_makes_room_within_its_handshake() {
    let authority = Authority::new();
    let tls = TestTls::new(authority.server());
    let test = TestListener::start_in(ConnectionPool::new(1, 0), ConnectionLimits::default(), Some(tls)).await;
    let mut silent = test.connect().await;
    test.recorder.until(Event::Opened, 1).await;
    let mut newcomer = authority.connect(&test, "http/1.1", false).await;
    newcomer.write_all(&get("/a")).await.unwrap();
    assert!(read_response(&mut newcomer).await.ends_with("GET /a "));
    assert_eq!(read_to_end(&mut silent).await, "");
}
