//! HTTP/2: messages, limits and timeouts, by the client of the h2 crate.

use std::future::poll_fn;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::Request;
use http_listener::{CloseReason, ConnectionLimits, ConnectionPool, RejectReason};
use tokio::task::JoinHandle;

use crate::support::{Event, PATIENCE, SHORT, TestListener, in_time, is_pending};
use crate::tls::{Authority, TestTls, start};

type Ended = JoinHandle<Result<(), h2::Error>>;

async fn connect_by(builder: &Builder, test: &TestListener, authority: &Authority) -> (SendRequest<Bytes>, Ended) {
    let stream = authority.connect(test, "h2", false).await;
    let (requests, connection) = in_time(builder.handshake(stream)).await.unwrap();
    let ended = tokio::spawn(connection);
    (in_time(requests.ready()).await.unwrap(), ended)
}

async fn connect(test: &TestListener, authority: &Authority) -> (SendRequest<Bytes>, Ended) {
    connect_by(&Builder::new(), test, authority).await
}

fn request(path: &str) -> Request<()> {
    Request::get(format!("https://localhost{path}")).body(()).unwrap()
}

fn get(requests: &mut SendRequest<Bytes>, path: &str) -> ResponseFuture {
    requests.send_request(request(path), true).unwrap().0
}

fn post(requests: &mut SendRequest<Bytes>, path: &str) -> (ResponseFuture, SendStream<Bytes>) {
    let post = Request::post(format!("https://localhost{path}")).body(()).unwrap();
    requests.send_request(post, false).unwrap()
}

async fn whole(mut body: RecvStream) -> Result<String, h2::Error> {
    let mut all = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        all.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&all).into_owned())
}

async fn text(response: ResponseFuture) -> String {
    let response = in_time(response).await.unwrap();
    assert_eq!(response.status(), 200);
    in_time(whole(response.into_body())).await.unwrap()
}

/// Asserts that the listener ended the connection by GOAWAY without an error. A client whose own close comes too late gets a
/// broken pipe.
async fn ended_in_order(ended: Ended) {
    if let Err(error) = in_time(ended).await.unwrap() {
        assert_eq!(error.get_io().map(std::io::Error::kind), Some(std::io::ErrorKind::BrokenPipe), "{error}");
    }
}

#[tokio::test]
async fn requests_are_answered_with_their_bodies_and_the_heads_of_http2() {
    let (test, authority) = start(ConnectionLimits::default()).await;
    let (mut requests, _ended) = connect(&test, &authority).await;
    let response = in_time(get(&mut requests, "/a")).await.unwrap();
    assert_eq!(response.headers()["content-length"], "7");
    assert!(response.headers().contains_key("date"));
    assert_eq!(whole(response.into_body()).await.unwrap(), "GET /a ");
    assert!(text(get(&mut requests, "/peer")).await.contains("Http2 none"));
    let (response, mut body) = post(&mut requests, "/b");
    body.send_data(Bytes::from_static(b"hel"), false).unwrap();
    body.send_data(Bytes::from_static(b"lo"), true).unwrap();
    assert_eq!(text(response).await, "POST /b hello");
    assert_eq!(text(get(&mut requests, "/streamed")).await.len(), 100_000);
    let (head, _) = requests.send_request(Request::head("https://localhost/a").body(()).unwrap(), true).unwrap();
    let head = in_time(head).await.unwrap();
    assert_eq!(head.headers()["content-length"], "8");
    assert_eq!(whole(head.into_body()).await.unwrap(), "");
    assert_eq!(in_time(get(&mut requests, "/empty")).await.unwrap().status(), 204);
    // No tunnels.
    let connect = Request::connect("localhost:443").body(()).unwrap();
    let (response, _) = requests.send_request(connect, true).unwrap();
    assert_eq!(in_time(response).await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_connection_has_few_requests_handled_until_a_credential_was_verified_and_the_others_wait() {
    let limits = ConnectionLimits { max_unauthenticated_streams: 4, ..Default::default() };
    let (test, authority) = start(limits).await;
    let (mut requests, _ended) = connect(&test, &authority).await;
    let waiting: Vec<_> = (0..20).map(|_| get(&mut requests, "/wait")).collect();
    test.recorder.until(Event::Called, 4).await;
    test.release.add_permits(1);
    test.recorder.until(Event::Called, 5).await;
    // Another connection is served in the meantime, and the place of one answer is taken by one request.
    let (mut others, _others_ended) = connect(&test, &authority).await;
    assert_eq!(text(get(&mut others, "/authenticate")).await, "authenticated");
    assert_eq!(test.recorder.count(Event::Called), 6);
    assert_eq!(requests.current_max_send_streams(), 100);
    let at_once: Vec<_> = (0..50).map(|_| get(&mut others, "/wait")).collect();
    test.recorder.until(Event::Called, 56).await;
    test.release.add_permits(69);
    for answer in in_time(join_all(waiting.into_iter().chain(at_once).map(text))).await {
        assert_eq!(answer, "waited");
    }
    assert_eq!(test.pool.waiting_bytes(), 0);
}

#[tokio::test]
async fn requests_beyond_the_memory_for_waiting_ones_are_refused_and_responses_beyond_it_get_503() {
    let authority = Authority::new();
    let limits = ConnectionLimits { max_unauthenticated_streams: 1, ..Default::default() };
    let pool = ConnectionPool::new(10, 16_000);
    let test = TestListener::start_in(pool, limits, Some(TestTls::new(authority.server()))).await;
    let mut builder = Builder::new();
    let (mut requests, _ended) = connect_by(builder.initial_window_size(0), &test, &authority).await;
    // Its body waits for the client.
    let unread = in_time(get(&mut requests, "/a")).await.unwrap();
    let mut waiting: Vec<_> = (0..20).map(|_| get(&mut requests, "/b")).collect();
    // Each request takes a little more than 2 KiB, so six of them fit.
    test.recorder.until(Event::Rejected(RejectReason::Overloaded), 14).await;
    for response in waiting.drain(6..) {
        assert_eq!(in_time(response).await.unwrap_err().reason(), Some(Reason::REFUSED_STREAM));
    }
    assert!(test.pool.waiting_bytes() > 7000);
    let (mut others, _others_ended) = connect(&test, &authority).await;
    assert_eq!(in_time(get(&mut others, "/large")).await.unwrap().status(), 503);
    // The next request is handled when the client has read the response.
    requests.clone().ready().await.unwrap();
    drop(unread);
    assert_eq!(in_time(waiting.remove(0)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_response_that_the_client_does_not_read_is_reset_and_holds_no_request() {
    let limits = ConnectionLimits { response_write_timeout: 2 * SHORT, ..Default::default() };
    let (test, authority) = start(limits).await;
    let mut builder = Builder::new();
    let (mut requests, _ended) = connect_by(builder.initial_window_size(0), &test, &authority).await;
    let response = in_time(get(&mut requests, "/large")).await.unwrap();
    assert_eq!(in_time(whole(response.into_body())).await.unwrap_err().reason(), Some(Reason::CANCEL));
    // The connection is kept.
    assert_eq!(in_time(get(&mut requests, "/empty")).await.unwrap().status(), 204);
    // A window of one byte: the rest of the response is in the buffers of the connection, which ends with it.
    let (mut requests, ended) = connect_by(builder.initial_window_size(1), &test, &authority).await;
    let response = in_time(get(&mut requests, "/a")).await.unwrap();
    assert_eq!(response.status(), 200);
    test.recorder.until(Event::Closed(CloseReason::WriteTimeout), 1).await;
    in_time(ended).await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_ends_the_wait_of_the_service() {
    let limits = ConnectionLimits { request_body_timeout: SHORT, ..Default::default() };
    let (test, authority) = start(limits).await;
    let (mut requests, _ended) = connect(&test, &authority).await;
    let (response, mut body) = post(&mut requests, "/a");
    body.send_data(Bytes::from_static(b"{"), false).unwrap();
    assert_eq!(in_time(response).await.unwrap().status(), 408);
}

#[tokio::test]
async fn a_response_before_the_end_of_the_body_is_not_followed_by_a_reset_unless_the_body_never_ends() {
    let (test, authority) = start(ConnectionLimits::default()).await;
    let (mut requests, _ended) = connect(&test, &authority).await;
    let mut refused = async || {
        let (response, body) = post(&mut requests, "/unread");
        let response = in_time(response).await.unwrap();
        assert_eq!(response.status(), 413);
        in_time(whole(response.into_body())).await.unwrap();
        body
    };
    let mut body = refused().await;
    // Before this response, a reset of the first stream would have arrived.
    let mut other = refused().await;
    body.send_data(Bytes::from_static(b"{"), false).unwrap();
    body.send_data(Bytes::from_static(b"}"), true).unwrap();
    refused().await.send_data(Bytes::new(), true).unwrap();
    assert!(poll_fn(|cx| body.poll_reset(cx)).now_or_never().is_none(), "response and request were complete");
    // The listener waits neither for a long body nor for a silent client without a limit.
    other.send_data(vec![0; 200 * 1024].into(), false).unwrap();
    assert_eq!(in_time(poll_fn(|cx| other.poll_reset(cx))).await.unwrap(), Reason::NO_ERROR);
    let mut silent = refused().await;
    assert_eq!(in_time(poll_fn(|cx| silent.poll_reset(cx))).await.unwrap(), Reason::NO_ERROR);
}

#[tokio::test]
async fn a_request_that_is_reset_or_whose_connection_ends_is_dropped() {
    let (test, authority) = start(ConnectionLimits::default()).await;
    let (mut requests, ended) = connect(&test, &authority).await;
    let (response, mut body) = post(&mut requests, "/wait");
    test.recorder.until(Event::Called, 1).await;
    body.send_reset(Reason::CANCEL);
    test.recorder.until(Event::Cancelled, 1).await;
    drop(response);
    let _response = get(&mut requests, "/wait");
    test.recorder.until(Event::Called, 2).await;
    ended.abort();
    test.recorder.until(Event::Cancelled, 2).await;
    test.recorder.until(Event::Closed(CloseReason::Finished), 1).await;
}

#[tokio::test]
async fn a_panic_of_the_service_resets_its_request_only() {
    let (test, authority) = start(ConnectionLimits::default()).await;
    let (mut requests, _ended) = connect(&test, &authority).await;
    in_time(get(&mut requests, "/panic")).await.unwrap_err();
    assert_eq!(text(get(&mut requests, "/a")).await, "GET /a ");
}

#[tokio::test]
async fn headers_beyond_the_limit_are_not_kept_and_get_431() {
    let limits = ConnectionLimits { max_head_bytes: 16 * 1024, ..Default::default() };
    let (test, authority) = start(limits).await;
    for (size, status) in [(100, 200), (20, 431)] {
        let (mut requests, _ended) = connect(&test, &authority).await;
        let mut large = request("/a");
        // Each counts 32 bytes more than its length.
        for n in 0..(2000 / size) * (if status == 200 { 5 } else { 10 }) {
            let name = http::HeaderName::try_from(format!("x-{n}")).unwrap();
            large.headers_mut().insert(name, "x".repeat(size).try_into().unwrap());
        }
        let (response, _) = requests.send_request(large, true).unwrap();
        assert_eq!(in_time(response).await.unwrap().status(), status);
    }
    // Far beyond it the connection ends, or the same.
    let (mut requests, _ended) = connect(&test, &authority).await;
    let mut huge = request("/a");
    for n in 0..200 {
        let name = http::HeaderName::try_from(format!("x-{n}")).unwrap();
        huge.headers_mut().insert(name, "x".repeat(1000).try_into().unwrap());
    }
    let (response, _) = requests.send_request(huge, true).unwrap();
    let refused = in_time(response).await.map(|response| response.status().as_u16());
    assert!(refused.is_err() || refused.as_ref().is_ok_and(|status| *status == 431), "{refused:?}");
    assert_eq!(test.recorder.count(Event::Called), 1);
}

#[tokio::test]
async fn an_idle_connection_ends_by_goaway_and_not_while_a_request_is_in_progress() {
    let limits = ConnectionLimits { keep_alive_timeout: SHORT, ..Default::default() };
    let (test, authority) = start(limits).await;
    let (mut requests, ended) = connect(&test, &authority).await;
    let response = get(&mut requests, "/wait");
    test.recorder.until(Event::Called, 1).await;
    tokio::time::timeout(3 * SHORT, ended_in_order_or_pending(&ended)).await.unwrap_err();
    test.release.add_permits(1);
    assert_eq!(text(response).await, "waited");
    ended_in_order(ended).await;
    test.recorder.until(Event::Closed(CloseReason::IdleTimeout), 1).await;
    assert!(poll_fn(|cx| requests.poll_ready(cx)).await.is_err());
}

async fn ended_in_order_or_pending(ended: &Ended) {
    while !ended.is_finished() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_retires_after_its_last_request_at_its_age_and_when_a_response_says_so() {
    let limits = ConnectionLimits { max_requests_per_connection: Some(2), ..Default::default() };
    let (test, authority) = start(limits).await;
    let (mut requests, ended) = connect(&test, &authority).await;
    let (first, second) = (get(&mut requests, "/a"), get(&mut requests, "/b"));
    assert_eq!((text(first).await, text(second).await), ("GET /a ".to_owned(), "GET /b ".to_owned()));
    ended_in_order(ended).await;
    test.recorder.until(Event::Closed(CloseReason::Retired), 1).await;

    let (test, authority) = start(ConnectionLimits::default()).await;
    let (mut requests, ended) = connect(&test, &authority).await;
    let response = in_time(get(&mut requests, "/close")).await.unwrap();
    assert!(!response.headers().contains_key("connection"));
    drop(response);
    ended_in_order(ended).await;

    let limits = ConnectionLimits { max_connection_age: Some(SHORT), ..Default::default() };
    let (test, authority) = start(limits).await;
    let (mut requests, ended) = connect(&test, &authority).await;
    let response = get(&mut requests, "/wait");
    test.recorder.until(Event::Called, 1).await;
    // GOAWAY arrives while the request is in progress.
    in_time(async {
        while !is_pending(poll_fn(|cx| requests.poll_ready(cx))).await && requests.clone().ready().await.is_ok() {
            tokio::task::yield_now().await
        }
    })
    .await;
    test.release.add_permits(1);
    assert_eq!(text(response).await, "waited");
    ended_in_order(ended).await;
    test.recorder.until(Event::Closed(CloseReason::Retired), 1).await;
}

#[tokio::test]
async fn a_listener_that_stops_sends_goaway_and_answers_the_requests_in_progress() {
    let (test, authority) = start(ConnectionLimits::default()).await;
    let (mut idle, idle_ended) = connect(&test, &authority).await;
    assert_eq!(text(get(&mut idle, "/a")).await, "GET /a ");
    let (mut busy, busy_ended) = connect(&test, &authority).await;
    let responses: Vec<_> = (0..5).map(|_| get(&mut busy, "/wait")).collect();
    test.recorder.until(Event::Called, 6).await;
    let requests = async {
        ended_in_order(idle_ended).await;
        test.release.add_permits(5);
        for response in responses {
            assert_eq!(text(response).await, "waited");
        }
        ended_in_order(busy_ended).await;
    };
    in_time(async { tokio::join!(test.listener.stop(PATIENCE), requests) }).await;
    assert_eq!(test.recorder.count(Event::Closed(CloseReason::Retired)), 2);
}

#[tokio::test]
async fn an_idle_connection_makes_room_for_another() {
    let authority = Authority::new();
    let tls = TestTls::new(authority.server());
    let test = TestListener::start_in(ConnectionPool::new(1, 1 << 20), ConnectionLimits::default(), Some(tls)).await;
    let (mut idle, idle_ended) = connect(&test, &authority).await;
    assert_eq!(text(get(&mut idle, "/a")).await, "GET /a ");
    let (mut newcomer, _ended) = connect(&test, &authority).await;
    assert_eq!(text(get(&mut newcomer, "/b")).await, "GET /b ");
    let _ = in_time(idle_ended).await;
    test.recorder.until(Event::Closed(CloseReason::Evicted), 1).await;
}
