//! Request smuggling: bytes that the service and a server before it could parse differently. Many hide a second, valid
//! request, which would cost a call if the service parsed it as one.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::TestApp;

/// Connections end soon when no more bytes arrive.
const SOON: &str =
    "http.keep_alive = \"1s\"\nhttp.request_header_timeout = \"1s\"\nhttp.request_body_timeout = \"1s\"\n";

/// A second authenticator, for a header that a gateway sets.
const WITH_HEADER: &str = r#"
    [auth.gateway]
    issuer = "https://app.example"
    audience = ["tokenvend"]
    algorithms = ["ES256"]
    jwks_url = "DEMO_IDP/jwks.json"
    credential_source = "header:x-app-assertion"
"#;

/// Sends bytes, and reads the statuses of all responses until the server closes the connection.
async fn statuses(app: &TestApp, bytes: &[u8]) -> Vec<u16> {
    let mut stream = TcpStream::connect(app.service.public_address()).await.unwrap();
    // The server may close the connection before all is written.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(60), read).await.expect("the server does not hang up");
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("panic") && !answer.contains("actix"), "{answer}");
    answer.split("HTTP/1.1 ").skip(1).map(|rest| rest[..3].parse().unwrap()).collect()
}

/// Asserts that each request is refused, that a request hidden in it has no effect, and that the same server still
/// answers a valid one.
async fn are_refused(app: &TestApp, rows: Vec<(String, Vec<u8>, &[u16])>) {
    assert!(rows.len() > 3, "a table");
    let answers = join_all(rows.iter().map(|(_, bytes, _)| statuses(app, bytes))).await;
    for ((name, _, allowed), statuses) in rows.iter().zip(&answers) {
        // The answer to bytes that are no HTTP may be the end of the connection alone.
        let first = statuses.first().copied().unwrap_or(400);
        assert!(allowed.contains(&first), "{name}: {statuses:?}");
        assert!(statuses.iter().all(|status| *status >= 400), "{name}: {statuses:?}");
    }
    assert_eq!(app.calls().await, 0);
    assert_eq!(app.vend("alice").await.source(), "miss");
}

/// The rest of a request that is refused before or after it is read.
const REFUSED: &[u16] = &[400];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_ambiguous_length_is_refused_and_hides_no_request() {
    let app = TestApp::with(SOON).await;
    let bearer = app.bearer("alice");
    let hidden = format!(
        "POST /v1/token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n\r\n",
        app.bearer("mallory")
    );
    let request = |method: &str, framing: &str, body: &str| {
        format!(
            "{method} /v1/token HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {bearer}\r\n\
             Content-Type: application/json\r\n{framing}\r\n\r\n{body}"
        )
    };
    let mut rows = Vec::new();
    let mut row = |name: &str, text: String| rows.push((name.to_owned(), text.into_bytes(), REFUSED));
    let length = 5 + hidden.len();
    let chunked = format!("0\r\n\r\n{hidden}");
    for (name, framing) in [
        ("Content-Length, then chunked", format!("Content-Length: {length}\r\nTransfer-Encoding: chunked")),
        ("chunked, then Content-Length", format!("Transfer-Encoding: chunked\r\nContent-Length: {length}")),
        (
            "chunked in another case, and Content-Length",
            format!("tRANSFER-eNCODING: ChUnKeD\r\nContent-Length: {length}"),
        ),
        ("chunked and Content-Length: 0", "Transfer-Encoding: chunked\r\nContent-Length: 0".to_owned()),
        ("chunked behind a space", format!("Transfer-Encoding : chunked\r\nContent-Length: {length}")),
        ("chunked on a folded line", format!("Transfer-Encoding:\r\n chunked\r\nContent-Length: {length}")),
    ] {
        row(name, request("POST", &framing, &chunked));
    }
    for odd in [
        "identity",
        "xchunked",
        "chunked-x",
        "chunked, identity",
        "identity, chunked",
        "chunked, chunked",
        "gzip, chunked",
        "\"chunked\"",
        "chunked;q=1",
        "chunked,",
        ", chunked",
        "cow",
        "",
        "\u{b}chunked",
        "chunked\u{c}",
        "chunked\u{0}",
        "chun ked",
        "chunked\r\nTransfer-Encoding: cow",
        "cow\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: identity",
    ] {
        row(&format!("Transfer-Encoding: {odd:?}"), request("POST", &format!("Transfer-Encoding: {odd}"), &chunked));
    }
    for odd in [
        "5\r\nContent-Length: 6",
        "0\r\nContent-Length: 5",
        "5\r\nContent-Length: 0",
        "0\r\nContent-Length: 0",
        "5, 5",
        "5,6",
        "+5",
        "-1",
        "0x5",
        "5 5",
        "5;",
        "\"5\"",
        "1e1",
        "5.0",
        "",
        "\u{b}5",
        "five",
        "18446744073709551616",
        "18446744073709551621",
        "99999999999999999999999999",
    ] {
        row(
            &format!("Content-Length: {odd:?}"),
            request("POST", &format!("Content-Length: {odd}"), &format!("hello{hidden}")),
        );
    }
    for odd in
        ["-1", "+0", "0x0", "zero", "", " 0", "0 0", "0\u{b}", "10000000000000000", "0\n", "1\r\n{\r\n1\r\n}\r\n-0"]
    {
        let body = format!("{odd}\r\n{hidden}\r\n0\r\n\r\n");
        row(&format!("a chunk of size {odd:?}"), request("POST", "Transfer-Encoding: chunked", &body));
    }
    row(
        "a chunk longer than it says",
        request("POST", "Transfer-Encoding: chunked", &format!("1\r\n{{}}\r\n0\r\n\r\n{hidden}")),
    );
    for method in ["GET", "DELETE"] {
        let framing = format!("Content-Length: {}", hidden.len());
        row(&format!("a body behind {method}"), request(method, &framing, &hidden));
        let body = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
        row(&format!("a chunked body behind {method}"), request(method, "Transfer-Encoding: chunked", &body));
        row(
            &format!("a body of two lengths behind {method}"),
            request(method, &format!("Content-Length: 0\r\nContent-Length: {}", hidden.len()), &hidden),
        );
    }
    row(
        "chunked in HTTP/1.0",
        request("POST", "Transfer-Encoding: chunked", &chunked).replacen("HTTP/1.1", "HTTP/1.0", 1),
    );
    row(
        "chunked and Content-Length in HTTP/1.0",
        request("POST", &format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"), &chunked)
            .replacen("HTTP/1.1", "HTTP/1.0", 1),
    );
    row(
        "a second request within a body that is no JSON",
        request("POST", &format!("Content-Length: {}", hidden.len()), &hidden),
    );
    are_refused(&app, rows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ambiguous_headers_are_refused() {
    let app = TestApp::with(&format!("{SOON}{WITH_HEADER}")).await;
    let (bearer, other) = (app.bearer("alice"), app.bearer("mallory"));
    let (refused, unauthenticated): (&[u16], &[u16]) = (REFUSED, &[401]);
    let mut rows = Vec::new();
    for (name, head, allowed) in [
        (
            "the bearer twice",
            format!("Authorization: Bearer {bearer}\r\nAuthorization: Bearer {bearer}"),
            unauthenticated,
        ),
        ("two bearers", format!("Authorization: Bearer {bearer}\r\nAuthorization: Bearer {other}"), unauthenticated),
        (
            "two bearers in two cases",
            format!("AUTHORIZATION: Bearer {bearer}\r\nauthorization: Bearer {other}"),
            unauthenticated,
        ),
        (
            "two bearers apart",
            format!("Authorization: Bearer {bearer}\r\nX-A: b\r\nAuthorization: Bearer {other}"),
            unauthenticated,
        ),
        ("an empty one first", format!("Authorization:\r\nAuthorization: Bearer {bearer}"), unauthenticated),
        ("an empty one last", format!("Authorization: Bearer {bearer}\r\nAuthorization:"), unauthenticated),
        ("Basic first", format!("Authorization: Basic YTpi\r\nAuthorization: Bearer {bearer}"), unauthenticated),
        ("Basic last", format!("Authorization: Bearer {bearer}\r\nAuthorization: Basic YTpi"), unauthenticated),
        ("two bearers in a list", format!("Authorization: Bearer {bearer}, Bearer {other}"), unauthenticated),
        ("two tokens for one bearer", format!("Authorization: Bearer {bearer} {other}"), unauthenticated),
        ("the scheme twice", format!("Authorization: Bearer Bearer {bearer}"), unauthenticated),
        ("a parameter", format!("Authorization: Bearer token=\"{bearer}\""), unauthenticated),
        ("no scheme", format!("Authorization: {bearer}"), unauthenticated),
        ("a tab behind the scheme", format!("Authorization: Bearer\t{bearer}"), unauthenticated),
        ("an underline for the scheme's space", format!("Authorization: Bearer_{bearer}"), unauthenticated),
        ("another scheme", format!("Authorization: Token {bearer}"), unauthenticated),
        ("no token", "Authorization: Bearer ".to_owned(), unauthenticated),
        ("a folded line", format!("Authorization: Bearer\r\n {bearer}"), refused),
        ("a line folded by a tab", format!("Authorization: Bearer\r\n\t{bearer}"), refused),
        (
            "a folded line within the token",
            format!("Authorization: Bearer {}\r\n {}", &bearer[..20], &bearer[20..]),
            refused,
        ),
        ("a folded line of another header", format!("X-A: b\r\n Authorization: Bearer {bearer}"), refused),
        ("a space before the colon", format!("Authorization : Bearer {bearer}"), refused),
        ("a tab before the colon", format!("Authorization\t: Bearer {bearer}"), refused),
        ("a space before the name", format!(" Authorization: Bearer {bearer}"), refused),
        ("no colon", format!("Authorization Bearer {bearer}"), refused),
        ("no name", format!(": Bearer {bearer}"), refused),
        ("NUL in the name", format!("Authorization\0: Bearer {bearer}"), refused),
        ("NUL in the value", format!("Authorization: Bearer {bearer}\0"), refused),
        ("NUL for the space", format!("Authorization: Bearer\0{bearer}"), refused),
        ("a bare CR", format!("X-A: b\rAuthorization: Bearer {bearer}"), refused),
        ("a bare CR in the bearer", format!("Authorization: Bearer {bearer}\rX-A: b"), refused),
        ("VT", format!("Authorization: Bearer\u{b}{bearer}"), refused),
        ("ESC", format!("Authorization: Bearer {bearer}\u{1b}[0m"), refused),
        ("DEL", format!("Authorization: Bearer {bearer}\u{7f}"), refused),
        ("a letter beyond ASCII in the name", format!("Authorizati\u{f6}n: Bearer {bearer}"), refused),
        ("a letter beyond ASCII in the value", format!("Authorization: Bearer {bearer}\u{e9}"), unauthenticated),
        ("a space of another kind", format!("Authorization: Bearer\u{a0}{bearer}"), unauthenticated),
        ("Authorization_", format!("Authorization_: Bearer {bearer}"), unauthenticated),
        ("X-Authorization", format!("X-Authorization: Bearer {bearer}"), unauthenticated),
        ("Proxy-Authorization", format!("Proxy-Authorization: Bearer {bearer}"), unauthenticated),
        ("a cookie where none counts", format!("Cookie: authorization={bearer}; session={bearer}"), unauthenticated),
        ("a gateway's header with _ for -", format!("X_App_Assertion: {bearer}"), unauthenticated),
        ("a gateway's header with one _", format!("X-App_Assertion: {bearer}"), unauthenticated),
        ("a gateway's header with a dot", format!("X-App.Assertion: {bearer}"), unauthenticated),
        ("a gateway's header twice", format!("X-App-Assertion: {bearer}\r\nX-App-Assertion: {other}"), unauthenticated),
        (
            "a gateway's header in two cases",
            format!("x-app-assertion: {bearer}\r\nX-APP-ASSERTION: {other}"),
            unauthenticated,
        ),
        ("a gateway's header as a list", format!("X-App-Assertion: {bearer}, {other}"), unauthenticated),
        ("a gateway's header folded", format!("X-App-Assertion:\r\n {bearer}"), refused),
        ("Connection names the bearer", "Connection: Authorization, close".to_owned(), unauthenticated),
        ("another method by header", "X-HTTP-Method-Override: GET".to_owned(), unauthenticated),
        (
            "another path by header",
            format!("X-Original-URL: /livez\r\nX-Rewrite-URL: /livez\r\nReferer: https://x/?t={bearer}"),
            unauthenticated,
        ),
        (
            "a bearer in a trailer",
            format!("Trailer: Authorization\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer {bearer}"),
            unauthenticated,
        ),
        ("two hosts", format!("Host: y\r\nAuthorization: Bearer {bearer}"), refused),
    ] {
        let bytes = format!("POST /v1/token HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n").into_bytes();
        rows.push((name.to_owned(), bytes, allowed));
    }
    are_refused(&app, rows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ambiguous_request_line_is_rejected() {
    let app = TestApp::with(SOON).await;
    let bearer = app.bearer("alice");
    let mut rows = Vec::new();
    for (line, allowed) in [
        // Without a credential in the header section.
        ("POST http://x/v1/token HTTP/1.1".to_owned(), &[401][..]),
        (format!("POST http://Bearer:{bearer}@x/v1/token HTTP/1.1"), &[400, 401]),
        (format!("POST /v1/token?access_token={bearer} HTTP/1.1"), &[401]),
        (format!("POST /v1/token#{bearer} HTTP/1.1"), &[400, 401]),
        (format!("POST /v1/token;jwt={bearer} HTTP/1.1"), &[404]),
        ("POST /livez/../v1/token HTTP/1.1".to_owned(), &[401, 404]),
        ("POST /livez/%2e%2e/v1/token HTTP/1.1".to_owned(), &[401, 404]),
        ("POST //v1/token HTTP/1.1".to_owned(), &[401, 404]),
        ("POST /v1/%74oken HTTP/1.1".to_owned(), &[401, 404]),
        ("POST /v1/token%00 HTTP/1.1".to_owned(), &[400, 404]),
        ("POST /V1/TOKEN HTTP/1.1".to_owned(), &[404]),
        ("POST \\v1\\token HTTP/1.1".to_owned(), &[400, 404]),
        ("POST v1/token HTTP/1.1".to_owned(), &[400, 404]),
        ("post /v1/token HTTP/1.1".to_owned(), &[405]),
        ("CONNECT x:443 HTTP/1.1".to_owned(), &[400, 404]),
        ("TRACE /v1/token HTTP/1.1".to_owned(), &[405]),
        ("OPTIONS * HTTP/1.1".to_owned(), &[400, 404]),
        ("GET /v1/token HTTP/1.1 HTTP/1.1".to_owned(), &[400]),
        ("GET\t/v1/token\tHTTP/1.1".to_owned(), &[400]),
        ("GET /v1/to ken HTTP/1.1".to_owned(), &[400]),
        ("GET /v1/token\0 HTTP/1.1".to_owned(), &[400]),
        ("GET /v1/token http/1.1".to_owned(), &[400]),
        ("GET /v1/token HTTP/1.2".to_owned(), &[400]),
        ("GET /v1/token HTTP/2.0".to_owned(), &[400]),
        ("GET /v1/token".to_owned(), &[400]),
        ("PRI * HTTP/2.0".to_owned(), &[400]),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1} no http, but TLS".to_owned(), &[400]),
    ] {
        let bytes = format!("{line}\r\nHost: x\r\n\r\n").into_bytes();
        rows.push((line.chars().take(60).collect(), bytes, allowed));
    }
    let large = |head: String| format!("POST /v1/token HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n").into_bytes();
    let megabyte = "x".repeat(1 << 20);
    for (name, head) in [
        ("a bearer of 1 MB", format!("Authorization: Bearer {megabyte}")),
        ("a bearer of 1 MB in three parts", format!("Authorization: Bearer {bearer}{megabyte}.{megabyte}.{megabyte}")),
        ("a cookie of 1 MB", format!("Cookie: session={megabyte}")),
        ("a name of 1 MB", format!("{megabyte}: x")),
        ("a line of 1 MB that never ends", megabyte.clone()),
        ("a thousand headers", "X-A: b\r\n".repeat(1000)),
        ("a thousand bearers", format!("Authorization: Bearer {bearer}\r\n").repeat(1000)),
    ] {
        rows.push((name.to_owned(), large(head), &[400, 401, 431]));
    }
    let line = format!("GET /v1/token?{megabyte} HTTP/1.1\r\nHost: x\r\n\r\n");
    rows.push(("a request line of 1 MB".to_owned(), line.into_bytes(), &[400, 414, 431]));
    are_refused(&app, rows).await;
}
