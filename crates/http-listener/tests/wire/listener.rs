//! The threads of a listener, its drain and its end.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use http_listener::{
    CloseReason, ConnectionInfo, ConnectionLimits, ConnectionPool, IgnoreEvents, Listener, ListenerSettings,
    RequestBody, Service,
};
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
    assert_eq!(test.recorder.count(Event::Closed(CloseReason::Retired)), 4, "{:?}", test.recorder);
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

/// Notes the thread that serves each connection.
struct ThreadService {
    made_on: ThreadId,
    served_by: Arc<Mutex<Vec<ThreadId>>>,
}

impl Service for ThreadService {
    type Body = Full<Bytes>;

    async fn call(&self, _: Request<RequestBody>, _: &Arc<ConnectionInfo>) -> Response<Full<Bytes>> {
        assert_eq!(self.made_on, std::thread::current().id());
        self.served_by.lock().unwrap().push(self.made_on);
        Response::new(Full::default())
    }
}

fn settings(listen: SocketAddr) -> ListenerSettings {
    ListenerSettings { name: "test", listen, workers: 3, limits: ConnectionLimits::default() }
}

#[tokio::test]
async fn each_worker_has_a_service_of_its_own_and_the_same_number_of_connections() {
    let served_by = Arc::new(Mutex::new(Vec::new()));
    let make_service = {
        let served_by = served_by.clone();
        move || {
            let served_by = served_by.clone();
            async move { Ok(ThreadService { made_on: std::thread::current().id(), served_by }) }
        }
    };
    let pool = ConnectionPool::new(100, 0);
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::start(settings(listen), pool, None, Arc::new(IgnoreEvents), make_service).await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..12 {
        let mut stream = TcpStream::connect(listener.address()).await.unwrap();
        stream.write_all(&get("/")).await.unwrap();
        assert!(read_response(&mut stream).await.starts_with("HTTP/1.1 200"));
        streams.push(stream);
    }
    let mut served_by = served_by.lock().unwrap().clone();
    served_by.sort_unstable_by_key(|id| format!("{id:?}"));
    let counts: Vec<usize> = served_by.chunk_by(|one, other| one == other).map(<[_]>::len).collect();
    assert_eq!(counts, [4, 4, 4]);
}

#[tokio::test]
async fn a_listener_does_not_start_without_its_address_or_its_service() {
    let test = TestListener::start(ConnectionLimits::default()).await;
    let start = async |listen, error: Option<io::ErrorKind>| {
        let pool = ConnectionPool::new(100, 0);
        let make_service = move || async move {
            match error {
                Some(kind) => Err(kind.into()),
                None => Ok(ThreadService { made_on: std::thread::current().id(), served_by: Arc::default() }),
            }
        };
        Listener::start(settings(listen), pool, None, Arc::new(IgnoreEvents), make_service).await
    };
    let in_use = start(test.listener.address(), None).await.unwrap_err();
    assert_eq!(in_use.kind(), io::ErrorKind::AddrInUse);
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let no_service = start(free, Some(io::ErrorKind::NotFound)).await.unwrap_err();
    assert_eq!(no_service.kind(), io::ErrorKind::NotFound);
    start(free, None).await.unwrap();
}
