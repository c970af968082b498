//! HTTP/2 floods and messages that only a hand can write. An honest client is served meanwhile and after.

use http_listener::{CloseReason, ConnectionLimits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, frame, get_frame, header, preface, read_frame, request,
};
use crate::support::{Event, SHORT, TestListener, get, in_time, read_to_end};
use crate::tls::{Authority, start};

/// The frames of a flood. More than any buffer on the way holds.
const FLOOD: u32 = 40_000;

const PROTOCOL_ERROR: u32 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;

async fn honest_client_is_served(test: &TestListener, authority: &Authority) {
    let mut stream = authority.connect(test, "http/1.1", false).await;
    stream.write_all(&get("/close")).await.unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("closing"));
}

/// How a flood ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The connection is closed because of it.
    Closed,
    /// It is only work for the one who sends it: the connection may be kept.
    Contained,
}

/// Sends the beginning of a connection and then the flood, while it reads what comes. Returns the last GOAWAY frame.
async fn flood(test: &TestListener, authority: &Authority, frames: impl Iterator<Item = Vec<u8>>) -> Option<Frame> {
    let (mut read, mut write) = tokio::io::split(authority.connect(test, "h2", false).await);
    let sending = async {
        let _ = write.write_all(&preface(&[])).await;
        let mut batch = Vec::new();
        for frame in frames {
            batch.extend(frame);
            if batch.len() > 16 * 1024 && write.write_all(&std::mem::take(&mut batch)).await.is_err() {
                return;
            }
        }
        let _ = write.write_all(&batch).await;
        let _ = write.shutdown().await;
    };
    let reading = async {
        let mut goaway = None;
        while let Some(frame) = read_frame(&mut read).await {
            if frame.kind == GOAWAY {
                goaway = Some(frame);
            }
        }
        goaway
    };
    in_time(async { tokio::join!(sending, reading) }).await.1
}

fn odd(n: u32) -> u32 {
    2 * n + 1
}

#[tokio::test]
async fn a_flood_is_contained_or_ends_its_connection_and_no_other() {
    let limits =
        ConnectionLimits { keep_alive_timeout: 2 * SHORT, request_header_timeout: 2 * SHORT, ..Default::default() };
    let (test, authority) = start(limits).await;
    let filler = "x".repeat(120);
    type MakeFrame = Box<dyn Fn(u32) -> Vec<u8>>;
    let floods: Vec<(&str, End, MakeFrame)> = vec![
        (
            "requests that are reset at once",
            End::Closed,
            Box::new(|n| [get_frame(odd(n), "/wait"), frame(RST_STREAM, 0, odd(n), &[0, 0, 0, 8])].concat()),
        ),
        (
            "CONTINUATION frames without an end",
            End::Closed,
            Box::new({
                let block = header("x-filler", &filler).repeat(100);
                move |n| {
                    if n == 0 { frame(HEADERS, 0, 1, &request("/a")) } else { frame(CONTINUATION, 0, 1, &block) }
                }
            }),
        ),
        (
            "empty CONTINUATION frames",
            End::Closed,
            Box::new(|n| if n == 0 { frame(HEADERS, 0, 1, &request("/a")) } else { frame(CONTINUATION, 0, 1, &[]) }),
        ),
        ("SETTINGS", End::Contained, Box::new(|_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1]))),
        ("PING", End::Contained, Box::new(|n| frame(PING, 0, 0, &u64::from(n).to_be_bytes()))),
        ("PRIORITY", End::Contained, Box::new(|n| frame(PRIORITY, 0, odd(n), &[0, 0, 0, 0, 1]))),
        (
            "empty DATA frames",
            End::Contained,
            Box::new(|n| if n == 0 { frame(HEADERS, END_HEADERS, 1, &request("/a")) } else { frame(DATA, 0, 1, &[]) }),
        ),
        (
            "window updates",
            End::Contained,
            Box::new(|n| {
                if n == 0 {
                    frame(HEADERS, END_HEADERS, 1, &request("/a"))
                } else {
                    frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 1])
                }
            }),
        ),
        (
            "streams that the listener has to reset: a window update of 0",
            End::Closed,
            Box::new(|n| [get_frame(odd(n), "/wait"), frame(WINDOW_UPDATE, 0, odd(n), &[0; 4])].concat()),
        ),
        (
            "streams that the listener has to reset: a window that overflows",
            End::Closed,
            Box::new(|n| {
                [get_frame(odd(n), "/wait"), frame(WINDOW_UPDATE, 0, odd(n), &[0x7f, 0xff, 0xff, 0xff])].concat()
            }),
        ),
        (
            "streams that the listener has to reset: data behind the end",
            End::Closed,
            Box::new(|n| [get_frame(odd(n), "/wait"), frame(DATA, 0, odd(n), b"x")].concat()),
        ),
        (
            "malformed requests",
            End::Closed,
            Box::new(|n| {
                let block = [request("/a"), header("Upper-Case", "x")].concat();
                frame(HEADERS, END_HEADERS | END_STREAM, odd(n), &block)
            }),
        ),
        (
            "header blocks that expand",
            End::Contained,
            Box::new({
                // One indexed header of 120 bytes, which is then named by one byte.
                let bomb = [&request("/a")[..], &[0x40, 1, b'x', 120], filler.as_bytes(), &[0xbe; 4000][..]].concat();
                move |n| frame(HEADERS, END_HEADERS | END_STREAM, odd(n), &bomb)
            }),
        ),
        ("more requests than a connection may have", End::Contained, Box::new(|n| get_frame(odd(n), "/wait"))),
        ("unknown frames", End::Contained, Box::new(|_| frame(200, 0, 0, b"what is this"))),
    ];
    for (name, end, make) in &floods {
        let closed = |reason| test.recorder.count(Event::Closed(reason));
        let before = closed(CloseReason::ProtocolError);
        let calls = test.recorder.count(Event::Called);
        let count = if name.contains("expand") || name.contains("CONTINUATION frames without") { 500 } else { FLOOD };
        let goaway = flood(&test, &authority, (0..count).map(make)).await;
        honest_client_is_served(&test, &authority).await;
        if *end == End::Closed {
            assert_eq!(closed(CloseReason::ProtocolError), before + 1, "{name}: {goaway:?}");
            let error = goaway.as_ref().and_then(Frame::error);
            // A client that is still sending may get a reset of the socket in its place.
            assert!([None, Some(ENHANCE_YOUR_CALM), Some(PROTOCOL_ERROR)].contains(&error), "{name}: {goaway:?}");
        }
        let calls = test.recorder.count(Event::Called) - calls;
        assert!(calls < 2000, "{name}: {calls} requests were handled");
    }
    // Nothing of them is left, and no request is handled any more.
    while test.pool.open_connections() > 0 || test.pool.waiting_bytes() > 0 {
        tokio::task::yield_now().await;
    }
}

/// The statuses, resets (negative) and errors of a connection's answers to some frames, until it is closed or answers a PING.
async fn outcome(test: &TestListener, authority: &Authority, frames: &[u8]) -> String {
    let mut stream = authority.connect(test, "h2", false).await;
    let bytes = [&preface(&[])[..], frames].concat();
    // The listener may close before it has read all.
    let _ = stream.write_all(&bytes).await;
    let mut outcome = Vec::new();
    let reading = async {
        while let Some(frame) = read_frame(&mut stream).await {
            match frame.kind {
                // The first byte of a status from the static table, or of a literal one.
                HEADERS => outcome.push(match frame.payload.first() {
                    Some(0x88) => "200".to_owned(),
                    Some(0x8c) => "400".to_owned(),
                    _ => frame.payload.get(2..5).map_or(String::new(), |text| text.escape_ascii().to_string()),
                }),
                RST_STREAM => outcome.push(format!("reset {}", frame.error().unwrap())),
                GOAWAY => {
                    outcome.push(format!("goaway {}", frame.error().unwrap()));
                    return;
                }
                _ => {}
            }
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0 {
                return;
            }
            if outcome.len() == 1 && outcome[0].starts_with("reset") {
                return;
            }
        }
        outcome.push("closed".to_owned());
    };
    in_time(reading).await;
    outcome.join(", ")
}

#[tokio::test]
async fn odd_requests_are_refused() {
    let limits = ConnectionLimits { request_body_timeout: SHORT, ..Default::default() };
    let (test, authority) = start(limits).await;
    let whole = |block: Vec<u8>| frame(HEADERS, END_HEADERS | END_STREAM, 1, &block);
    let with = |more: Vec<u8>| whole([request("/a"), more].concat());
    let method_and_scheme = [0x82, 0x87];
    let rows = [
        ("a header name in upper case", with(header("X-A", "b"))),
        ("a header name with a space", with(header("x a", "b"))),
        ("a header name with a colon", with(header("x:a", "b"))),
        ("an empty header name", with(header("", "b"))),
        ("a line break in a value", with(header("x-a", "b\r\nx-b: c"))),
        ("NUL in a value", with(header("x-a", "b\0"))),
        ("Connection", with(header("connection", "close"))),
        ("Transfer-Encoding", with(header("transfer-encoding", "chunked"))),
        ("Upgrade", with(header("upgrade", "h2c"))),
        ("Keep-Alive", with(header("keep-alive", "5"))),
        ("TE other than trailers", with(header("te", "gzip"))),
        ("an unknown pseudo-header", with(header(":x", "y"))),
        ("a pseudo-header of responses", with(header(":status", "200"))),
        (
            "a pseudo-header behind a header",
            whole([&method_and_scheme[..], &header("x", "y"), &header(":path", "/a")].concat()),
        ),
        ("two methods", with(vec![0x82])),
        ("two paths", with(header(":path", "/b"))),
        ("no method", whole([&[0x87][..], &header(":path", "/a")].concat())),
        ("no path", whole([&method_and_scheme[..], &header(":authority", "x")].concat())),
        ("no scheme", whole([&[0x82][..], &header(":path", "/a")].concat())),
        ("an empty path", whole([&method_and_scheme[..], &header(":path", "")].concat())),
        ("a path with a space", whole([&method_and_scheme[..], &header(":path", "/a b")].concat())),
        ("a method with a space", whole([&[0x87][..], &header(":method", "G T"), &header(":path", "/a")].concat())),
        (
            "a body shorter than its length",
            [
                frame(HEADERS, END_HEADERS, 1, &[request("/a"), header("content-length", "5")].concat()),
                frame(DATA, END_STREAM, 1, b"abc"),
            ]
            .concat(),
        ),
        (
            "a body longer than its length",
            [
                frame(HEADERS, END_HEADERS, 1, &[request("/a"), header("content-length", "2")].concat()),
                frame(DATA, END_STREAM, 1, b"abc"),
            ]
            .concat(),
        ),
        ("a length without a body", with(header("content-length", "5"))),
        ("two lengths", with([header("content-length", "0"), header("content-length", "1")].concat())),
        ("CONNECT", whole([header(":method", "CONNECT"), header(":authority", "x:443")].concat())),
        (
            "CONNECT with a protocol",
            whole([header(":method", "CONNECT"), header(":protocol", "websocket"), header(":path", "/a")].concat()),
        ),
        ("an even stream", frame(HEADERS, END_HEADERS | END_STREAM, 2, &request("/a"))),
        ("stream 0", frame(HEADERS, END_HEADERS | END_STREAM, 0, &request("/a"))),
        ("data on an idle stream", frame(DATA, 0, 5, b"x")),
        ("a push", frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2][..], &request("/a")].concat())),
        ("a ping of 7 bytes", frame(PING, 0, 0, &[0; 7])),
        ("a frame beyond the maximum size", frame(DATA, 0, 1, &vec![0; 20_000])),
        ("an index that is not in the table", whole(vec![0x82, 0x87, 0xff, 0x7f])),
        ("a header block that is cut", whole(vec![0x82, 0x87, 0x00, 0x20, b'x'])),
        (
            "another frame within a header block",
            [frame(HEADERS, 0, 1, &request("/a")), frame(PING, 0, 0, &[0; 8])].concat(),
        ),
    ];
    for (name, frames) in rows {
        let outcome = outcome(&test, &authority, &frames).await;
        assert!(!outcome.contains("200") && !outcome.is_empty(), "{name}: {outcome}");
    }
    // No preface at all.
    let mut stream = authority.connect(&test, "h2", false).await;
    stream.write_all(&get("/a")).await.unwrap();
    assert!(
        !in_time(async {
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes).await;
            String::from_utf8_lossy(&bytes).contains("200")
        })
        .await
    );
    honest_client_is_served(&test, &authority).await;
}

#[tokio::test]
async fn a_client_that_only_pings_or_drips_a_header_block_is_disconnected_as_idle() {
    let limits =
        ConnectionLimits { keep_alive_timeout: 2 * SHORT, request_header_timeout: 2 * SHORT, ..Default::default() };
    let (test, authority) = start(limits).await;
    for (name, has_header_block) in [("pings", false), ("a header block", true)] {
        let (mut read, mut write) = tokio::io::split(authority.connect(&test, "h2", false).await);
        write.write_all(&preface(&[])).await.unwrap();
        if has_header_block {
            write.write_all(&frame(HEADERS, 0, 1, &request("/a"))).await.unwrap();
        }
        let dripping = async {
            loop {
                let next = if has_header_block { frame(CONTINUATION, 0, 1, &[]) } else { frame(PING, 0, 0, &[0; 8]) };
                let result = write.write_all(&next[..if has_header_block { 1 } else { next.len() }]).await;
                if result.is_err() || write.flush().await.is_err() {
                    return;
                }
                tokio::time::timeout(SHORT / 10, std::future::pending::<()>()).await.unwrap_err();
            }
        };
        let reading = async { while read_frame(&mut read).await.is_some() {} };
        in_time(async {
            tokio::select! { () = dripping => {}, () = reading => {} }
        })
        .await;
        assert!(!name.is_empty());
    }
}
