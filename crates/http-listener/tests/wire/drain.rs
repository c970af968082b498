//! The end of a listener.

use std::time::Duration;

use http_listener::{CloseReason, ConnectionLimits};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::{Event, PATIENCE, SHORT, TestListener, get, in_time, is_pending, read_response, read_to_end};

#[tokio::test]
async fn a_listener_that_drains_answers_and_closes_each_connection_after_its_response() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let mut idle = test.connect().await;
    idle.write_all(&get("/a")).await.unwrap();
    read_response(&mut idle).await;
    test.listener.drain();
    idle.write_all(&get("/b")).await.unwrap();
    for response in [read_to_end(&mut idle).await, test.exchange(&get("/b")).await] {
        assert!(response.contains("connection: close") && response.ends_with("GET /b "), "{response}");
    }
}

#[tokio::test]
async fn a_listener_that_stops_ends_idle_connections_and_waits_for_requests_in_progress() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let (mut silent, mut idle, mut dormant) = (test.connect().await, test.connect().await, test.connect().await);
    let mut busy = test.connect().await;
    for stream in [&mut idle, &mut dormant] {
        stream.write_all(&get("/a")).await.unwrap();
        read_response(stream).await;
    }
    busy.write_all(&get("/wait")).await.unwrap();
    test.recorder.until(Event::Called, 3).await;
    test.recorder.until(Event::Opened, 4).await;
    let stopping = test.listener.stop(PATIENCE);
    let requests = async {
        for stream in [&mut silent, &mut idle, &mut dormant] {
            assert_eq!(read_to_end(stream).await, "");
        }
        assert!(TcpStream::connect(test.listener.address()).await.is_err(), "the socket is closed");
        test.release.add_permits(1);
        read_to_end(&mut busy).await
    };
    let ((), response) = in_time(async { tokio::join!(stopping, requests) }).await;
    assert!(response.contains("connection: close") && response.ends_with("waited"), "{response}");
    assert_eq!(test.recorder.count(Event::Closed(CloseReason::Retired)), 4);
    assert_eq!(test.pool.open_connections(), 0);
    in_time(test.listener.ended()).await;
}

#[tokio::test]
async fn what_is_left_after_the_timeout_is_cut() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let mut busy = test.connect().await;
    busy.write_all(&get("/wait")).await.unwrap();
    test.recorder.until(Event::Called, 1).await;
    assert!(is_pending(test.listener.ended()).await);
    in_time(test.listener.stop(SHORT)).await;
    assert_eq!(read_to_end(&mut busy).await, "");
    assert_eq!(test.recorder.count(Event::Cancelled), 1);
    assert_eq!(test.pool.open_connections(), 0);
    // A second call has nothing to do.
    in_time(test.listener.stop(Duration::ZERO)).await;
}

#[tokio::test]
async fn a_listener_that_is_dropped_ends_its_connections() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let mut busy = test.connect().await;
    busy.write_all(&get("/wait")).await.unwrap();
    test.recorder.until(Event::Called, 1).await;
    drop(test.listener);
    assert_eq!(read_to_end(&mut busy).await, "");
    test.recorder.until(Event::Cancelled, 1).await;
}
