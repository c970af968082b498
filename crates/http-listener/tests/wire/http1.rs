//! HTTP/1: messages, limits and timeouts.

use std::time::Duration;

use http_listener::{CloseReason, ConnectionLimits, RejectReason};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Event, SHORT, TestListener, get, in_time, read_response, read_to_end, statuses};

#[tokio::test]
async fn requests_of_one_connection_are_answered_in_order_pipelined_or_not_and_in_pieces() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let mut stream = test.connect().await;
    let pipelined = [
        get("/a"),
        b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".to_vec(),
        b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=\"x\"\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n"
            .to_vec(),
        b"\r\nGET http://y/d HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
    ]
    .concat();
    for size in [pipelined.len(), 7, 1] {
        for piece in pipelined.chunks(size) {
            stream.write_all(piece).await.unwrap();
        }
        for expected in ["GET /a ", "POST /b hello", "POST /c abcde", "GET /d "] {
            let response = read_response(&mut stream).await;
            assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with(expected), "{response}");
            assert!(response.contains("\r\ndate: ") && !response.contains("connection"), "{response}");
        }
    }
    // The body of a response to HEAD is not sent.
    stream.write_all(b"HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let response = read_to_end(&mut stream).await;
    assert!(response.contains("content-length: 8\r\n") && response.ends_with("\r\n\r\n"), "{response}");
    test.recorder.until(Event::Closed(CloseReason::Finished), 1).await;
}

#[tokio::test]
async fn an_upgrade_is_ignored_and_the_connection_is_kept() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let mut stream = test.connect().await;
    for headers in
        ["Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA", "Connection: Upgrade"]
    {
        let request = format!("GET /a HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let response = read_response(&mut stream).await;
        assert!(response.starts_with("HTTP/1.1 200") && !response.contains("connection"), "{response}");
    }
    stream.write_all(&get("/b")).await.unwrap();
    assert!(read_response(&mut stream).await.ends_with("GET /b "));
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed_unless_the_client_asks_to_keep_the_connection() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let response = test.exchange(b"GET /a HTTP/1.0\r\n\r\n").await;
    assert!(response.starts_with("HTTP/1.0 200 OK") && response.ends_with("GET /a "), "{response}");
    let mut stream = test.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await.unwrap();
        assert!(read_response(&mut stream).await.contains("connection: keep-alive"));
    }
}

#[tokio::test]
async fn a_body_that_was_announced_is_asked_for_when_the_service_reads_it() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let mut stream = test.connect().await;
    let head = "HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(format!("POST /a {head}").as_bytes()).await.unwrap();
    assert_eq!(read_response(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hi").await.unwrap();
    assert!(read_response(&mut stream).await.ends_with("POST /a hi"));
    // One that is not read is not asked for.
    stream.write_all(format!("POST /unread {head}").as_bytes()).await.unwrap();
    let response = read_to_end(&mut stream).await;
    assert_eq!(statuses(&response), [413], "{response}");
}

#[tokio::test]
async fn a_client_that_closes_its_side_after_the_request_gets_the_response() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let mut stream = test.connect().await;
    stream.write_all(&get("/wait")).await.unwrap();
    stream.shutdown().await.unwrap();
    test.recorder.until(Event::Called, 1).await;
    test.release.add_permits(1);
    assert!(read_to_end(&mut stream).await.ends_with("waited"));
    test.recorder.until(Event::Closed(CloseReason::Finished), 1).await;
}

#[tokio::test]
async fn a_panic_of_the_service_ends_one_connection_only() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    assert_eq!(test.exchange(&get("/panic")).await, "");
    assert_eq!(statuses(&test.exchange(b"GET /a HTTP/1.0\r\n\r\n").await.replace("1.0 ", "1.1 ")), [200]);
    test.recorder.until(Event::Closed(CloseReason::Finished), 2).await;
    assert_eq!(test.pool.open_connections(), 0);
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_answered_with_431_while_the_client_sends() {
    let test = TestListener::start(ConnectionLimits { max_head_bytes: 16 * 1024, ..Default::default() }).await;
    let filler = |size: usize| "x".repeat(size);
    let just_fits = format!("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {}\r\n\r\n", filler(16_000));
    assert_eq!(statuses(&test.exchange(just_fits.as_bytes()).await), [200]);
    for (name, bytes) in [
        ("one header", format!("GET /a HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", filler(16 * 1024))),
        ("an endless line", format!("GET /a HTTP/1.1\r\n{}", filler(1 << 20))),
        ("an endless request line", format!("GET /{}", filler(1 << 20))),
        ("many headers", format!("GET /a HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(1000))),
        ("a megabyte", format!("GET /a HTTP/1.1\r\nX: {}\r\n\r\n", filler(1 << 20))),
    ] {
        let response = test.exchange(bytes.as_bytes()).await;
        assert_eq!(statuses(&response), [431], "{name}: {response}");
    }
    test.recorder.until(Event::Rejected(RejectReason::HeadTooLarge), 5).await;
    test.recorder.until(Event::Closed(CloseReason::ProtocolError), 5).await;
    assert_eq!(test.recorder.count(Event::Called), 1);
}

#[tokio::test]
async fn every_head_has_a_timeout_from_its_first_byte_whatever_arrives_in_between() {
    let limits = ConnectionLimits { request_header_timeout: SHORT, ..Default::default() };
    let test = TestListener::start(limits).await;
    for before in [0, 1, 3] {
        let (mut read, mut write) = test.connect().await.into_split();
        for _ in 0..before {
            write.write_all(&get("/a")).await.unwrap();
            read_response(&mut read).await;
        }
        write.write_all(b"GET /b HTTP/1.1\r\nX: ").await.unwrap();
        let dripping = async {
            // Ends when the listener has closed the connection.
            while write.write_all(b"x").await.is_ok() {
                tokio::task::yield_now().await;
                tokio::time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await.unwrap_err();
            }
        };
        let (response, ()) = tokio::join!(read_to_end(&mut read), in_time(dripping));
        assert_eq!(statuses(&response), [408], "after {before}: {response}");
        assert!(response.contains("connection: close"));
    }
    test.recorder.until(Event::Closed(CloseReason::HeadTimeout), 3).await;
    assert_eq!(test.recorder.count(Event::Rejected(RejectReason::HeadTimeout)), 3);
    // A connection without any byte ends without a response.
    assert_eq!(test.exchange(b"").await, "");
    test.recorder.until(Event::Closed(CloseReason::IdleTimeout), 1).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_timeout_and_not_before() {
    let limits = ConnectionLimits { keep_alive_timeout: 10 * SHORT, ..Default::default() };
    let test = TestListener::start(limits).await;
    let mut stream = test.connect().await;
    for _ in 0..2 {
        stream.write_all(&get("/a")).await.unwrap();
        read_response(&mut stream).await;
        // Long enough for the connection to give back its buffers.
        let wait = in_time(tokio::time::timeout(8 * SHORT, stream.read_u8())).await;
        assert!(wait.is_err(), "closed too early: {wait:?}");
    }
    stream.write_all(&get("/a")).await.unwrap();
    read_response(&mut stream).await;
    assert_eq!(read_to_end(&mut stream).await, "");
    test.recorder.until(Event::Closed(CloseReason::IdleTimeout), 1).await;
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_ends_the_wait_of_the_service() {
    let limits = ConnectionLimits { request_body_timeout: SHORT, ..Default::default() };
    let test = TestListener::start(limits).await;
    for framing in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let request = format!("POST /a HTTP/1.1\r\nHost: x\r\n{framing}");
        let response = test.exchange(request.as_bytes()).await;
        assert_eq!(statuses(&response), [408], "{response}");
        assert!(response.ends_with("too slow"));
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_is_disconnected() {
    let limits = ConnectionLimits { response_write_timeout: SHORT, ..Default::default() };
    let test = TestListener::start(limits).await;
    let mut stream = test.connect().await;
    stream.write_all(&get("/large")).await.unwrap();
    test.recorder.until(Event::Closed(CloseReason::WriteTimeout), 1).await;
    // One that sends requests and reads nothing is, too.
    let mut stream = test.connect().await;
    let sending = async { while stream.write_all(&get("/streamed")).await.is_ok() {} };
    in_time(sending).await;
    test.recorder.until(Event::Closed(CloseReason::WriteTimeout), 2).await;
}

#[tokio::test]
async fn a_connection_ends_with_its_last_request_and_at_its_maximum_age() {
    let limits = ConnectionLimits { max_requests_per_connection: Some(3), ..Default::default() };
    let test = TestListener::start(limits).await;
    let response = test.exchange(&get("/a").repeat(5)).await;
    assert_eq!(statuses(&response), [200, 200, 200]);
    assert_eq!(response.matches("connection: close").count(), 1);
    test.recorder.until(Event::Closed(CloseReason::Retired), 1).await;

    let limits = ConnectionLimits { max_connection_age: Some(SHORT), ..Default::default() };
    let test = TestListener::start(limits).await;
    let mut idle = test.connect().await;
    idle.write_all(&get("/a")).await.unwrap();
    read_response(&mut idle).await;
    // A request in progress is answered, after that age too.
    let mut busy = test.connect().await;
    busy.write_all(&get("/wait")).await.unwrap();
    assert_eq!(read_to_end(&mut idle).await, "");
    test.recorder.until(Event::Closed(CloseReason::Retired), 1).await;
    tokio::time::timeout(SHORT, busy.read_u8()).await.unwrap_err();
    test.release.add_permits(1);
    let response = read_to_end(&mut busy).await;
    assert!(response.contains("connection: close") && response.ends_with("waited"), "{response}");
}

#[tokio::test]
async fn an_unread_body_ends_the_connection_after_the_response_however_long_the_client_sends() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let (mut read, mut write) = test.connect().await.into_split();
    write.write_all(b"POST /unread HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
    let sending = async { while write.write_all(b"5\r\nhello\r\n").await.is_ok() {} };
    let (response, ()) = tokio::join!(read_to_end(&mut read), in_time(sending));
    assert_eq!(statuses(&response), [413], "{response}");
    // A short one that has arrived is skipped, and the next request is answered.
    let request = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    let response = test.exchange(&[&request[..], &get("/close")].concat()).await;
    assert_eq!(statuses(&response), [413, 200], "{response}");
}
