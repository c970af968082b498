//! Limits of a connection over TLS, the same as without; and over HTTP/2, with many requests on one connection.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::authority::{CertificateAuthority, Files};
use crate::process::ServiceProcess;
use crate::support::{ApiResponse, TestApp, until};

/// A raw TLS connection for this protocol.
async fn connect(ca: &CertificateAuthority, address: SocketAddr, protocol: &str) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.certificate.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// A raw HTTP/2 connection. The channel receives its result.
async fn connect_h2(
    ca: &CertificateAuthority,
    address: SocketAddr,
    builder: &h2::client::Builder,
) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let stream = connect(ca, address, "h2").await;
    let (requests, connection) = builder.handshake(stream).await.unwrap();
    let ended = tokio::spawn(connection);
    (requests.ready().await.unwrap(), ended)
}

fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("https://localhost{path}")).body(()).unwrap()
}

async fn whole(mut body: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut all = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("waited for in vain")
}

/// Asserts that the connection ended in order. A client whose own close comes too late gets a broken pipe, one that is
/// cut off gets an unexpected end.
async fn ended_in_order(ended: tokio::task::JoinHandle<Result<(), h2::Error>>) {
    if let Err(error) = in_time(ended).await.unwrap() {
        assert_eq!(error.get_io().map(std::io::Error::kind), Some(std::io::ErrorKind::BrokenPipe), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_silent_clients_time_out_over_tls_as_well() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let limits =
        "http.request_header_timeout = \"1s\"\nhttp.request_body_timeout = \"200ms\"\nhttp.keep_alive = \"1s\"\n";
    let app = TestApp::with(&format!("{limits}{}", files.configuration())).await;
    let address = app.service.public_address();

    // Clients that send nothing, stop within the handshake, and stop after it, in both versions.
    for bytes in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let _ = in_time(stream.read_to_end(&mut Vec::new())).await;
    }
    app.until_metric("tokenvend_tls_handshakes_total{outcome=\"timed_out\"}", 2.0).await;
    for protocol in ["h2", "http/1.1"] {
        let mut stream = connect(&ca, address, protocol).await;
        let _ = in_time(stream.read_to_end(&mut Vec::new())).await;
    }
    // An idle connection gets a close notification and ends.
    let (mut requests, ended) = connect_h2(&ca, address, &h2::client::Builder::new()).await;
    let (response, _) = requests.send_request(get("/livez"), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    ended_in_order(ended).await;

    // A body that does not arrive.
    let (mut requests, _ended) = connect_h2(&ca, address, &h2::client::Builder::new()).await;
    let post = http::Request::post("https://localhost/v1/token")
        .header("authorization", format!("Bearer {}", app.bearer("alice")))
        .header("content-type", "application/json");
    let (response, mut body) = requests.send_request(post.body(()).unwrap(), false).unwrap();
    body.send_data(Bytes::from_static(b"{"), false).unwrap();
    assert_eq!(in_time(response).await.unwrap().status(), 408);
    assert_eq!(app.calls().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_the_client_does_not_read_times_out() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let overlay = format!("http.response_write_timeout = \"500ms\"\n{}", files.configuration());
    let app = TestApp::with(&overlay).await;
    let address = app.service.public_address();

    // Over HTTP/2, a client with a full window that keeps sending.
    let mut builder = h2::client::Builder::new();
    let (mut requests, _ended) = connect_h2(&ca, address, builder.initial_window_size(0)).await;
    let (response, _) = requests.send_request(get("/openapi.json"), true).unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    let broken_off = in_time(whole(response.into_body())).await.unwrap_err();
    assert_eq!(broken_off.reason(), Some(Reason::CANCEL));

    // Over HTTP/1, a client that does not read.
    let mut stream = connect(&ca, address, "http/1.1").await;
    let asking = async {
        let request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
        while stream.write_all(request).await.is_ok() && stream.flush().await.is_ok() {}
    };
    in_time(asking).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_has_a_hundred_requests_at_most_and_headers_within_the_limit() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let app = TestApp::with(&files.configuration()).await;
    app.faults(json!({"latencyMillis": 300})).await;
    let (mut requests, _ended) = connect_h2(&ca, app.service.public_address(), &h2::client::Builder::new()).await;
    let mut answers: FuturesUnordered<_> = FuturesUnordered::new();
    for n in 0..300 {
        let get = http::Request::get("https://localhost/v1/token")
            .header("authorization", format!("Bearer {}", app.bearer(&format!("user-{n}"))));
        // Waits for capacity, as conforming clients do.
        requests = requests.ready().await.unwrap();
        let (response, _) = requests.send_request(get.body(()).unwrap(), true).unwrap();
        // Reads at once: unread data uses up the connection's window.
        answers.push(tokio::spawn(async { whole(response.await?.into_body()).await }));
        assert!(app.metric("tokenvend_http_requests_in_flight").await <= 101.0);
    }
    assert_eq!(requests.current_max_send_streams(), 100);
    while let Some(answer) = in_time(answers.next()).await {
        let answer: Value = serde_json::from_slice(&answer.unwrap().unwrap()).unwrap();
        assert!(answer["token"].is_string(), "{answer}");
    }
    let client = ca.trusting_client().build().unwrap();
    for size in [15_000, 20_000] {
        let request = client.get(app.https("/livez")).header("x-filler", "x".repeat(size));
        let answer = ApiResponse::to(request).await;
        match size {
            15_000 => assert_eq!(answer.status, 200),
            _ => answer.is_problem(431, "headers-too-large"),
        }
    }
    // A header far beyond the limit is not read.
    let (mut requests, _ended) = connect_h2(&ca, app.service.public_address(), &h2::client::Builder::new()).await;
    let mut huge = get("/livez");
    for n in 0..200 {
        huge.headers_mut()
            .insert(http::HeaderName::try_from(format!("x-{n}")).unwrap(), "x".repeat(1000).try_into().unwrap());
    }
    let (response, _) = requests.send_request(huge, true).unwrap();
    let refused = in_time(response).await.map(|response| response.status().as_u16());
    assert!(refused.is_err() || refused.as_ref().is_ok_and(|status| *status == 431), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reset_streams_are_dropped_and_a_flood_of_resets_ends_its_connection_and_no_other() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let app = TestApp::with(&files.configuration()).await;
    let address = app.service.public_address();
    app.faults(json!({"latencyMillis": 60_000})).await;
    let (mut requests, _ended) = connect_h2(&ca, address, &h2::client::Builder::new()).await;
    let post = http::Request::get("https://localhost/v1/token")
        .header("authorization", format!("Bearer {}", app.bearer("alice")));
    let (_, mut stream) = requests.send_request(post.body(()).unwrap(), true).unwrap();
    app.until_metric("tokenvend_http_requests_in_flight", 2.0).await;
    stream.send_reset(Reason::CANCEL);
    until(|| async { app.metric("tokenvend_http_requests_in_flight").await == 1.0 }).await;
    app.faults(json!({})).await;

    let (mut requests, ended) = connect_h2(&ca, address, &h2::client::Builder::new()).await;
    let flood = async {
        for _ in 0..100_000 {
            let Ok(mut ready) = requests.ready().await else { return };
            let Ok((_, mut stream)) = ready.send_request(get("/livez"), true) else { return };
            stream.send_reset(Reason::CANCEL);
            requests = ready;
        }
    };
    in_time(flood).await;
    let ended = in_time(ended).await.unwrap().unwrap_err();
    // A client that keeps writing may not get to read the response.
    assert!(matches!(ended.reason(), Some(Reason::ENHANCE_YOUR_CALM) | None), "{ended}");
    until(|| async { app.metric("tokenvend_http_requests_in_flight").await == 1.0 }).await;
    let client = ca.trusting_client().build().unwrap();
    assert_eq!(app.vend_over(&client, "bob").await.unwrap().source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_only_http2_can_express_are_answered_or_refused() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let cookies = "auth.app.credential_source = \"cookie:session\"\n";
    let app = TestApp::with(&format!("{cookies}{}", files.configuration())).await;
    let (mut requests, _ended) = connect_h2(&ca, app.service.public_address(), &h2::client::Builder::new()).await;
    // Split cookies, which form one header.
    let post = http::Request::post("https://localhost/v1/token")
        .header("origin", "https://web.example")
        .header("cookie", "theme=dark")
        .header("cookie", format!("session={}", app.bearer("alice")))
        .header("cookie", "last=1");
    let (response, _) = requests.send_request(post.body(()).unwrap(), true).unwrap();
    let response = in_time(response).await.unwrap();
    assert_eq!(response.status(), 200);
    let answer: Value = serde_json::from_slice(&whole(response.into_body()).await.unwrap()).unwrap();
    assert!(answer["token"].is_string(), "{answer}");
    // A CONNECT request, whose URI has no path.
    let tunnel = http::Request::connect("localhost:443").body(()).unwrap();
    let (response, _) = requests.send_request(tunnel, true).unwrap();
    assert!(in_time(response).await.unwrap().status().is_client_error());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_comes_before_the_body_is_not_followed_by_a_reset_unless_the_body_never_ends() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let app = TestApp::with(&files.configuration()).await;
    let (mut requests, _ended) = connect_h2(&ca, app.service.public_address(), &h2::client::Builder::new()).await;
    let mut refused = async || {
        let post = http::Request::post("https://localhost/v1/token").header("authorization", "Bearer nonsense");
        let (response, body) = requests.send_request(post.body(()).unwrap(), false).unwrap();
        let response = in_time(response).await.unwrap();
        assert_eq!(response.status(), 401);
        in_time(whole(response.into_body())).await.unwrap();
        body
    };
    let mut body = refused().await;
    // Before this response, a reset of the first stream would have arrived.
    let mut other = refused().await;
    body.send_data(Bytes::from_static(b"{"), false).unwrap();
    body.send_data(Bytes::from_static(b"}"), true).unwrap();
    refused().await.send_data(Bytes::new(), true).unwrap();
    assert!(poll_fn(|cx| body.poll_reset(cx)).now_or_never().is_none(), "the answer was whole, and so was the request");
    // The bodies of the others never end, or stop. The service waits for neither without a limit.
    other.send_data(vec![0; 200 * 1024].into(), false).unwrap();
    assert_eq!(in_time(poll_fn(|cx| other.poll_reset(cx))).await.unwrap(), Reason::NO_ERROR);
    let mut silent = refused().await;
    assert_eq!(in_time(poll_fn(|cx| silent.poll_reset(cx))).await.unwrap(), Reason::NO_ERROR);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_http_to_a_tls_listener_gets_400_with_a_text_and_tls_to_a_plain_listener_is_closed() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let app = TestApp::with(&files.configuration()).await;
    let answer = ApiResponse::to(app.client.get(app.url("/livez"))).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (400, "TLS is spoken here: use https://"));
    app.until_metric("tokenvend_tls_handshakes_total{outcome=\"not_tls\"}", 1.0).await;
    let mut stream = TcpStream::connect(app.service.public_address()).await.unwrap();
    stream.write_all(b"\x00\x01 neither\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = in_time(stream.read_to_end(&mut answer)).await;
    assert_eq!(answer, b"");
    let admin = ca.trusting_client().build().unwrap();
    let admin = admin.get(format!("https://{}/livez", app.service.admin_address())).send().await;
    assert!(admin.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_over_http2_answers_requests_in_progress_sends_goaway_and_closes_idle_connections() {
    let ca = CertificateAuthority::new("ca");
    let files = Files::of(&ca.server(90));
    let client = ca.trusting_client().build().unwrap();
    let overlay = format!("drain.delay = \"1s\"\n{}", files.configuration());
    let mut served = ServiceProcess::reached_by(client, "https", &overlay).await;
    let address: SocketAddr = served.url.trim_start_matches("https://").parse().unwrap();
    let (mut idle, idle_ended) = connect_h2(&ca, address, &h2::client::Builder::new()).await;
    let (response, _) = idle.send_request(get("/livez"), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);

    served.faults(json!({"latencyMillis": 2500})).await;
    let requests: Vec<_> = (0..50).map(|n| served.request(&format!("user-{n}"))).collect();
    let mut answers: FuturesUnordered<_> =
        requests.into_iter().map(|request| async { ApiResponse::to(request).await }).collect();
    let ending = async {
        until(|| async { served.calls().await >= 10 }).await;
        served.terminate();
    };
    let answered = async {
        let mut count = 0;
        while let Some(answer) = answers.next().await {
            assert_eq!(answer.source(), "miss");
            count += 1;
        }
        count
    };
    let ((), count) = tokio::join!(ending, answered);
    assert_eq!(count, 50);
    ended_in_order(idle_ended).await;
    assert!(poll_fn(|cx| idle.poll_ready(cx)).await.is_err());
    assert_eq!(served.ended().await, Some(0));
}
