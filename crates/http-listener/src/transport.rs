//! The byte stream of a connection: TCP or TLS, watched for progress.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

use crate::framing::Framing;

/// TCP, or TLS over it.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

macro_rules! with_stream {
    ($transport:expr, $stream:ident => $call:expr) => {
        match $transport {
            Transport::Plain($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Transport::Tls($stream) => {
                let $stream = Pin::new($stream.as_mut());
                $call
            }
        }
    };
}

/// What is noted of a byte stream, for the timeouts of its connection.
#[derive(Debug, Default)]
pub(crate) struct IoState {
    /// Of HTTP/1 only.
    framing: Option<RefCell<Framing>>,
    is_write_blocked: Cell<bool>,
    blocked_since: Cell<Option<Instant>>,
    is_read_closed: Cell<bool>,
}

impl IoState {
    pub(crate) fn http1() -> Rc<Self> {
        Rc::new(Self { framing: Some(RefCell::default()), ..Self::default() })
    }

    pub(crate) fn http2() -> Rc<Self> {
        Rc::default()
    }

    /// Asks something of the messages that have arrived.
    pub(crate) fn framing<T>(&self, ask: impl FnOnce(&Framing) -> T) -> Option<T> {
        self.framing.as_ref().map(|framing| ask(&framing.borrow()))
    }

    /// Since when the client has taken no bytes that are to be sent. The first call after a blocked write reads the clock.
    pub(crate) fn write_blocked_since(&self) -> Option<Instant> {
        if !self.is_write_blocked.get() {
            return None;
        }
        let since = self.blocked_since.get().unwrap_or_else(Instant::now);
        self.blocked_since.set(Some(since));
        Some(since)
    }

    /// Whether the client has closed its side.
    pub(crate) fn is_read_closed(&self) -> bool {
        self.is_read_closed.get()
    }

    fn note_write<T>(&self, result: Poll<T>) -> Poll<T> {
        self.is_write_blocked.set(result.is_pending());
        if result.is_ready() {
            self.blocked_since.set(None);
        }
        result
    }
}

/// The byte stream that hyper reads and writes.
#[derive(Debug)]
pub(crate) struct ConnectionIo {
    transport: Transport,
    state: Rc<IoState>,
}

impl ConnectionIo {
    pub(crate) fn new(transport: Transport, state: Rc<IoState>) -> Self {
        Self { transport, state }
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.transport, Transport::Tls(_))
    }

    /// Is ready when there may be bytes to read. Only of use if a read was pending before.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &self.transport {
            Transport::Plain(stream) => stream.poll_read_ready(cx),
            Transport::Tls(stream) => stream.get_ref().0.poll_read_ready(cx),
        }
    }
}

impl AsyncRead for ConnectionIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = with_stream!(&mut this.transport, stream => stream.poll_read(cx, buffer));
        if let Poll::Ready(result) = &result {
            let bytes = buffer.filled().get(before..).unwrap_or_default();
            if bytes.is_empty() && (buffer.remaining() > 0 || result.is_err()) {
                this.state.is_read_closed.set(true);
            } else if let Some(framing) = &this.state.framing {
                framing.borrow_mut().read(bytes);
            }
        }
        result
    }
}

impl AsyncWrite for ConnectionIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = with_stream!(&mut this.transport, stream => stream.poll_write(cx, bytes));
        this.state.note_write(result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = with_stream!(&mut this.transport, stream => stream.poll_write_vectored(cx, slices));
        this.state.note_write(result)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match &mut this.transport {
            // Nothing is buffered.
            Transport::Plain(_) => Poll::Ready(Ok(())),
            Transport::Tls(stream) => {
                let result = Pin::new(stream.as_mut()).poll_flush(cx);
                this.state.note_write(result)
            }
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let result = with_stream!(&mut this.transport, stream => stream.poll_shutdown(cx));
        this.state.note_write(result)
    }
}
