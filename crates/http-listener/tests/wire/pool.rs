//! The connections of a process: eviction at the limit, and the memory that a connection takes.

use std::time::Duration;

use http_listener::{CloseReason, ConnectionLimits, ConnectionPool};
use tokio::io::AsyncWriteExt as _;

use crate::support::{Event, TestListener, get, in_time, read_response, read_to_end};

#[tokio::test]
async fn at_the_limit_the_longest_waiting_connection_makes_room_and_none_with_a_request_in_progress() {
    let pool = ConnectionPool::new(3, 0);
    let test = TestListener::start_in(pool.clone(), ConnectionLimits::default(), None).await;
    let mut busy = test.connect().await;
    busy.write_all(&get("/wait")).await.unwrap();
    test.recorder.until(Event::Called, 1).await;
    let mut dripping = test.connect().await;
    dripping.write_all(b"GET /a HTTP/1.1\r\nX: ").await.unwrap();
    test.recorder.until(Event::Opened, 2).await;
    // The clock of the pool counts milliseconds.
    tokio::time::timeout(Duration::from_millis(5), std::future::pending::<()>()).await.unwrap_err();
    let mut idle = test.connect().await;
    idle.write_all(&get("/a")).await.unwrap();
    read_response(&mut idle).await;
    assert_eq!(pool.open_connections(), 3);

    for (evicted, name) in [(&mut dripping, "inside a head"), (&mut idle, "idle")] {
        let mut newcomer = test.connect().await;
        newcomer.write_all(&get("/close")).await.unwrap();
        assert!(read_to_end(&mut newcomer).await.ends_with("closing"), "{name}");
        assert_eq!(read_to_end(evicted).await, "", "{name}");
        // Takes the place that the newcomer has left.
        busy_connection(&test).await;
    }
    assert_eq!(test.recorder.count(Event::Closed(CloseReason::Evicted)), 2);
    // A newcomer waits as long as all connections are busy.
    let mut newcomer = test.connect().await;
    newcomer.write_all(&get("/a")).await.unwrap();
    test.release.add_permits(1);
    assert!(read_to_end_of_first(&mut busy).await.ends_with("waited"));
    assert!(read_response(&mut newcomer).await.ends_with("GET /a "));
    assert_eq!(pool.open_connections(), 3);
}

/// A connection with a request in progress, for the rest of the test.
async fn busy_connection(test: &TestListener) {
    let calls = test.recorder.count(Event::Called);
    let mut stream = test.connect().await;
    stream.write_all(&get("/wait")).await.unwrap();
    test.recorder.until(Event::Called, calls + 1).await;
    std::mem::forget(stream);
}

async fn read_to_end_of_first(stream: &mut tokio::net::TcpStream) -> String {
    read_response(stream).await
}

#[tokio::test]
async fn clients_that_hold_connections_do_not_keep_a_newcomer_out() {
    let pool = ConnectionPool::new(50, 0);
    let test = TestListener::start_in(pool.clone(), ConnectionLimits::default(), None).await;
    let mut dripping = Vec::new();
    for _ in 0..250 {
        let mut stream = test.connect().await;
        // Fails on a connection that was evicted already.
        let _ = stream.write_all(b"GET /a HTTP/1.1\r\nX: ").await;
        dripping.push(stream);
    }
    let mut newcomer = test.connect().await;
    newcomer.write_all(&get("/a")).await.unwrap();
    assert!(read_response(&mut newcomer).await.ends_with("GET /a "));
    assert!(pool.open_connections() <= 50);
    test.recorder.until(Event::Closed(CloseReason::Evicted), 201).await;
}

#[tokio::test]
async fn a_connection_whose_client_reads_no_response_makes_room_too() {
    let pool = ConnectionPool::new(1, 0);
    let test = TestListener::start_in(pool, ConnectionLimits::default(), None).await;
    let mut silent = test.connect().await;
    silent.write_all(&get("/large")).await.unwrap();
    test.recorder.until(Event::Called, 1).await;
    let mut newcomer = test.connect().await;
    newcomer.write_all(&get("/close")).await.unwrap();
    assert!(in_time(read_to_end(&mut newcomer)).await.ends_with("closing"));
    test.recorder.until(Event::Closed(CloseReason::Evicted), 1).await;
}
