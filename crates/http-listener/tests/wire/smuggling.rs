//! Request smuggling: bytes that the listener and a server before it could parse differently. Most rows hide a second
//! request, which must not be served.

use futures_util::future::join_all;
use http_listener::{ConnectionLimits, RejectReason};

use crate::support::{Event, SHORT, TestListener, statuses};

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";

/// Connections end soon when no more bytes arrive.
async fn start() -> TestListener {
    let limits = ConnectionLimits {
        request_header_timeout: 3 * SHORT,
        request_body_timeout: 3 * SHORT,
        keep_alive_timeout: 3 * SHORT,
        ..Default::default()
    };
    TestListener::start(limits).await
}

/// Asserts that each row gets only this status, and that the hidden request is not served.
async fn are_rejected(test: &TestListener, rows: Vec<(String, Vec<u8>)>, status: u16) {
    assert!(rows.len() > 3, "a table");
    let responses = join_all(rows.iter().map(|(_, bytes)| test.exchange(bytes))).await;
    for ((name, _), response) in rows.iter().zip(&responses) {
        let statuses = statuses(response);
        assert!(!statuses.is_empty() && statuses.iter().all(|found| *found == status), "{name}: {response}");
        assert!(!response.contains("/hidden"), "{name}: {response}");
    }
}

fn post(framing: &str, body: &str) -> Vec<u8> {
    format!("POST /a HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn a_head_of_ambiguous_length_is_rejected_and_the_service_does_not_see_it() {
    let test = start().await;
    let chunked = format!("0\r\n\r\n{HIDDEN}");
    let length = 5 + HIDDEN.len();
    let mut rows = Vec::new();
    for framing in [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
        format!("Transfer-Encoding: chunked\r\nX: y\r\ncontent-length: {length}"),
        format!("tRANSFER-eNCODING: ChUnKeD\r\nContent-Length: {length}"),
        "Transfer-Encoding: chunked\r\nContent-Length: 0".to_owned(),
        format!("Transfer-Encoding : chunked\r\nContent-Length: {length}"),
        format!("Transfer-Encoding:\r\n chunked\r\nContent-Length: {length}"),
    ] {
        rows.push((framing.clone(), post(&framing, &chunked)));
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
        rows.push((format!("Transfer-Encoding: {odd:?}"), post(&format!("Transfer-Encoding: {odd}"), &chunked)));
    }
    for odd in [
        "5\r\nContent-Length: 6",
        "5\r\nContent-Length: 5",
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
        "0000000000000000000000000000000000000000000000000000000000000000000005",
    ] {
        let bytes = post(&format!("Content-Length: {odd}"), &format!("hello{HIDDEN}"));
        rows.push((format!("Content-Length: {odd:?}"), bytes));
    }
    for (name, framing) in [
        ("chunked", "Transfer-Encoding: chunked".to_owned()),
        ("chunked with a length", format!("Content-Length: {length}\r\nTransfer-Encoding: chunked")),
    ] {
        let text = String::from_utf8(post(&framing, &chunked)).unwrap().replacen("HTTP/1.1", "HTTP/1.0", 1);
        rows.push((format!("{name} in HTTP/1.0"), text.into_bytes()));
    }
    let two = post(&format!("Content-Length: 0\r\nContent-Length: {}", HIDDEN.len()), HIDDEN);
    rows.push((
        "two lengths behind a request".to_owned(),
        [HIDDEN.replace("hidden", "open").as_bytes(), &two].concat(),
    ));
    let (last, rows) = rows.split_last().unwrap();
    are_rejected(&test, rows.to_vec(), 400).await;
    assert_eq!(test.recorder.count(Event::Called), 0);
    // The request before the ambiguous one is served, and the connection ends after it.
    assert_eq!(statuses(&test.exchange(&last.1).await), [200, 400]);
    assert!(test.recorder.count(Event::Rejected(RejectReason::Ambiguous)) > 10);
}

#[tokio::test]
async fn an_invalid_chunk_ends_the_request_and_hides_no_other() {
    let test = start().await;
    let mut rows = Vec::new();
    for odd in
        ["-1", "+0", "0x0", "zero", "", " 0", "0 0", "0\u{b}", "10000000000000000", "0\n", "1\r\n{\r\n1\r\n}\r\n-0"]
    {
        let body = format!("{odd}\r\n{HIDDEN}\r\n0\r\n\r\n");
        rows.push((format!("a chunk of size {odd:?}"), post("Transfer-Encoding: chunked", &body)));
    }
    let body = format!("1\r\n{{}}\r\n0\r\n\r\n{HIDDEN}");
    rows.push(("a chunk longer than it says".to_owned(), post("Transfer-Encoding: chunked", &body)));
    are_rejected(&test, rows, 400).await;
}

#[tokio::test]
async fn a_request_within_a_body_is_not_served() {
    let test = start().await;
    for method in ["GET", "DELETE", "POST"] {
        for (framing, body) in [
            (format!("Content-Length: {}", HIDDEN.len()), HIDDEN.to_owned()),
            ("Transfer-Encoding: chunked".to_owned(), format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len())),
        ] {
            for path in ["/unread", "/a"] {
                let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{body}");
                assert_eq!(statuses(&test.exchange(request.as_bytes()).await).len(), 1, "{request}");
            }
        }
    }
}

#[tokio::test]
async fn a_malformed_head_is_rejected() {
    let test = start().await;
    let mut rows = Vec::new();
    for line in [
        "X-A: b\r\n folded",
        "X-A: b\r\n\tfolded",
        "X-A : b",
        "X-A\t: b",
        " X-A: b",
        "no colon",
        ": b",
        "X\0A: b",
        "X-A: b\0",
        "X-A: b\rX-B: c",
        "X-A: \u{b}b",
        "X-A: b\u{1b}[0m",
        "X-A: b\u{7f}",
        "X-\u{f6}: b",
        "Host: y",
    ] {
        let bytes = format!("GET /a HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n{HIDDEN}").into_bytes();
        rows.push((format!("{line:?}"), bytes));
    }
    for line in [
        "GET /a HTTP/1.1 HTTP/1.1",
        "GET\t/a\tHTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET /a\0 HTTP/1.1",
        "GET /a http/1.1",
        "GET /a HTTP/1.2",
        "GET /a HTTP/2.0",
        "GET /a",
        "GET a/b HTTP/1.1",
        "CONNECT x:443 HTTP/1.1",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1} TLS",
    ] {
        rows.push((format!("{line:?}"), format!("{line}\r\nHost: x\r\n\r\n").into_bytes()));
    }
    are_rejected(&test, rows, 400).await;
    assert_eq!(test.recorder.count(Event::Called), 0);
    // Prior knowledge of HTTP/2 is not spoken in clear text.
    assert_eq!(test.exchange(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await, "");
    test.recorder.until(Event::Rejected(RejectReason::Malformed), 24).await;
}
