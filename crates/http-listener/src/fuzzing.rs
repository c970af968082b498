//! Entry point of `fuzz/` and its invariant. Compiled for fuzzing (`--cfg fuzzing`) and for tests only.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf};

use crate::framing::Framing;

/// Serves HTTP/1 messages, which arrive in pieces of as many bytes as the first one says, by hyper. Returns the bodies of the
/// requests that a listener would serve.
///
/// # Panics
/// Of a request that is not rejected, hyper sees the end elsewhere.
pub fn serve_messages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let Some((size, bytes)) = bytes.split_first() else { return Vec::new() };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return Vec::new() };
    runtime.block_on(serve(usize::from(*size).max(1), bytes))
}

async fn serve(size: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut client, server) = tokio::io::duplex(size);
    let seen = Rc::new(Seen::default());
    let served: Rc<RefCell<Vec<Vec<u8>>>> = Rc::default();
    let is_valid = Rc::new(Cell::new(true));
    let service = service_fn(|request: Request<Incoming>| {
        let (seen, served, is_valid) = (seen.clone(), served.clone(), is_valid.clone());
        async move {
            let number = served.borrow().len() as u64;
            let (is_rejected, mut body) = (seen.framing.borrow().rejects(number), Vec::new());
            let mut incoming = request.into_body();
            while let Some(frame) = poll_fn(|cx| Pin::new(&mut incoming).poll_frame(cx)).await {
                match frame.map(hyper::body::Frame::into_data) {
                    Ok(data) => body.extend(data.unwrap_or_default()),
                    Err(_) => is_valid.set(false),
                }
            }
            if is_rejected {
                is_valid.set(false);
            } else {
                served.borrow_mut().push(body);
            }
            let mut response = Response::new(String::new());
            if is_rejected {
                let close = http::HeaderValue::from_static("close");
                response.headers_mut().insert(http::header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(Watched { stream: server, seen: seen.clone() });
    let mut builder = Builder::new();
    let connection = builder.half_close(true).header_read_timeout(None).serve_connection(io, service);
    let (mut read, mut write) = tokio::io::split(&mut client);
    let sending = async {
        // Fails when hyper has closed the connection.
        let _ = write.write_all(bytes).await;
        let _ = write.shutdown().await;
    };
    let mut responses = Vec::new();
    let (result, ..) = tokio::join!(connection, sending, read.read_to_end(&mut responses));
    let served = served.take();
    if result.is_ok() && is_valid.get() && seen.has_ended.get() {
        let framing = seen.framing.borrow();
        assert!(framing.is_between_messages() || framing.is_in_head(), "{framing:?}");
        assert_eq!(framing.complete_heads(), served.len() as u64, "{framing:?}");
    }
    served
}

#[derive(Default)]
struct Seen {
    framing: RefCell<Framing>,
    has_ended: Cell<bool>,
}

/// Shows what hyper reads to the framing.
struct Watched {
    stream: DuplexStream,
    seen: Rc<Seen>,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if result.is_ready() {
            let bytes = buffer.filled().get(before..).unwrap_or_default();
            self.seen.has_ended.set(bytes.is_empty());
            self.seen.framing.borrow_mut().read(bytes);
        }
        result
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
