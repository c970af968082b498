//! The public listener: accepted requests, and the headers of each response.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{ApiResponse, TestApp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invalid_body_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let post = async |content_type: Option<&str>, body: &str| {
        let mut request = app.request(Method::POST, "alice").body(body.to_owned());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        ApiResponse::to(request).await
    };
    let json = Some("application/json");
    for body in [
        "{",
        "[]",
        "[\"second\", 10, false]",
        "null",
        "{\"pool\": 7}",
        "{\"minTtl\": -1}",
        "{\"minTtl\": \"10\"}",
        "{\"refresh\": \"yes\"}",
        "{\"user\": 7}",
        "{\"identityId\": \"us-east-1:x\"}",
        "{\"pool\": \"main\", \"pool\": \"second\"}",
        "{} {}",
        "\u{feff}{}",
    ] {
        post(json, body).await.is_problem(400, "invalid-request");
    }
    post(json, "{\"user\": \"bob\"}").await.is_problem(403, "service-caller-required");
    assert!(post(json, "{\"userId\": \"bob\"}").await.text.contains("userId"));
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("json")] {
        post(content_type, "{}").await.is_problem(415, "unsupported-media-type");
    }
    post(json, &format!("{{\"pool\": \"{}\"}}", "x".repeat(5000))).await.is_problem(413, "body-too-large");
    assert_eq!(app.calls().await, 0);
    assert_eq!(post(Some("application/json; charset=utf-8"), "{}").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_methods_paths_and_queries_get_a_problem() {
    let app = TestApp::start().await;
    for method in [Method::PUT, Method::PATCH, Method::HEAD] {
        let answer = ApiResponse::to(app.request(method.clone(), "alice")).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("allow"), "GET, POST, DELETE");
    }
    let get = async |path: &str| {
        let request = app.client.get(app.url(path)).bearer_auth(app.bearer("alice"));
        ApiResponse::to(request).await
    };
    for path in ["/", "/v1", "/v1/token/", "/v1/tokens", "/metrics", "/admin/v1/x"] {
        get(path).await.is_problem(404, "not-found");
    }
    for query in ["format=AWS", "fromat=aws", "format=aws&user=bob"] {
        get(&format!("/v1/token?{query}")).await.is_problem(400, "invalid-request");
    }
    let with_body = app.request(Method::GET, "alice").body("{}");
    ApiResponse::to(with_body).await.is_problem(400, "invalid-request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_are_too_large_are_refused() {
    let app = TestApp::start().await;
    let request = app.request(Method::POST, "alice").header("x-filler", "x".repeat(20_000));
    ApiResponse::to(request).await.is_problem(431, "headers-too-large");
    assert_eq!(app.calls().await, 0);
    assert_eq!(app.vend("alice").await.source(), "miss");
}

/// Sends bytes and reads until the server closes the connection.
async fn raw(app: &TestApp, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.service.public_address()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(10), read).await.expect("the server does not hang up");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_time_out() {
    let app = TestApp::with("http.request_header_timeout = \"1s\"\nhttp.request_body_timeout = \"200ms\"").await;
    let answer = raw(&app, b"POST /v1/token HTTP/1.1\r\nHost: x\r\nAuthor").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    let head = format!(
        "POST /v1/token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: 20\r\nConnection: close\r\n\r\n{{",
        app.bearer("alice")
    );
    let answer = raw(&app, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("urn:tokenvend:error:request-timeout"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sends_requests_and_never_reads_is_disconnected() {
    let app = TestApp::with("http.response_write_timeout = \"500ms\"").await;
    let mut stream = TcpStream::connect(app.service.public_address()).await.unwrap();
    let asking = async {
        // The write ends with an error as soon as the buffers between the two are full.
        while stream.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n").await.is_ok() {}
    };
    tokio::time::timeout(Duration::from_secs(20), asking).await.expect("the connection is still held open");
    assert_eq!(app.vend("alice").await.source(), "miss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valid_request_id_of_the_client_is_kept() {
    let app = TestApp::start().await;
    let with_id = async |id: &str| {
        let request = app.client.get(app.url("/livez")).header("x-request-id", id);
        ApiResponse::to(request).await.header("x-request-id").to_owned()
    };
    assert_eq!(with_id("edge-1:ab_c.d").await, "edge-1:ab_c.d");
    for bad in ["", "a b", "a\"b", "{}", &"x".repeat(129)] {
        let made = with_id(bad).await;
        assert_eq!(made.len(), 36, "{bad:?} became {made:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_response_has_the_headers_against_storing_sniffing_and_framing() {
    let app = TestApp::start().await;
    for path in ["/v1/token", "/livez", "/nowhere"] {
        let answer = ApiResponse::to(app.client.get(app.url(path))).await;
        for (name, value) in [
            ("cache-control", "no-store"),
            ("vary", "Authorization, Origin"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_pages_of_the_listed_origins_may_call() {
    let app = TestApp::start().await;
    let call = async |origin: &str| {
        let request = app.request(Method::POST, "alice").header("origin", origin);
        ApiResponse::to(request).await
    };
    let allowed = call("https://web.example").await;
    allowed.source();
    assert_eq!(allowed.header("access-control-allow-origin"), "https://web.example");
    assert!(allowed.header("access-control-expose-headers").contains("tokenvend-cache"));
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    let preflight = async |origin: &str| {
        let request = app
            .client
            .request(Method::OPTIONS, app.url("/v1/token"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        ApiResponse::to(request).await
    };
    let allowed = preflight("https://web.example").await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), "https://web.example");
    assert!(allowed.header("access-control-allow-headers").to_lowercase().contains("authorization"));
    let refused = preflight("https://evil.example").await;
    assert_eq!((refused.status.as_u16(), refused.header("access-control-allow-origin")), (400, ""));
    // A page must be able to read the reason of the refusal.
    let bad = app.client.post(app.url("/v1/token")).header("origin", "https://web.example");
    let bad = ApiResponse::to(bad).await;
    bad.is_problem(401, "unauthorized");
    assert_eq!(bad.header("access-control-allow-origin"), "https://web.example");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_openapi_document_lists_every_operation_and_every_problem() {
    let app = TestApp::start().await;
    let document: Value = ApiResponse::to(app.client.get(app.url("/openapi.json"))).await.json();
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/livez", "/openapi.json", "/readyz", "/v1/credentials", "/v1/identity/link", "/v1/token"]);
    assert_eq!(document["paths"]["/v1/token"].as_object().unwrap().len(), 3);
    let properties = &document["components"]["schemas"]["Token"]["properties"];
    let reported = app.vend("alice").await.json();
    for name in reported.as_object().unwrap().keys() {
        assert!(properties.get(name).is_some(), "{name} is not in the document");
    }
    let text = document.to_string();
    for name in ["invalid-request", "unauthorized", "unknown-pool", "upstream-unavailable", "min-ttl-too-long"] {
        assert!(text.contains(&format!("`{name}`")), "{name} is not in the document");
    }
    assert_eq!(json!(reported["expiresIn"].is_u64()), json!(true));
}
