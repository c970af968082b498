//! The body of a request, with its timeout.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::stream::Stream;

/// Why a request body ended early.
#[derive(Debug, thiserror::Error)]
pub enum RequestBodyError {
    /// It did not arrive in time.
    #[error("the request body did not arrive in time")]
    TimedOut,
    /// The client broke the protocol, reset the request or closed the connection.
    #[error("the request body ended early")]
    Incomplete(#[source] hyper::Error),
}

/// The body of a request, as it arrives. It is not `Send`: its connection stays on one thread.
#[derive(Debug)]
pub struct RequestBody {
    incoming: Option<Incoming>,
    /// `None` for a request without a body.
    timeout: Option<Rc<BodyTimeout>>,
    /// Takes over what the service does not read of an HTTP/2 body.
    stream: Option<Rc<Stream>>,
}

impl RequestBody {
    pub(crate) fn empty() -> Self {
        Self { incoming: None, timeout: None, stream: None }
    }

    pub(crate) fn new(incoming: Incoming, timeout: Rc<BodyTimeout>, stream: Option<Rc<Stream>>) -> Self {
        Self { incoming: Some(incoming), timeout: Some(timeout), stream }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                if let Some(timeout) = &this.timeout {
                    timeout.is_waiting.set(false);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(RequestBodyError::Incomplete)))
            }
            Poll::Pending => match &this.timeout {
                Some(timeout) if timeout.wait(cx) => Poll::Pending,
                _ => Poll::Ready(Some(Err(RequestBodyError::TimedOut))),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(timeout) = &self.timeout {
            timeout.is_waiting.set(false);
        }
        if let (Some(stream), Some(incoming)) = (self.stream.take(), self.incoming.take())
            && !incoming.is_end_stream()
        {
            stream.keep_unread(incoming);
        }
    }
}

/// The time until which a body must have arrived. It counts only while the service waits for bytes; the connection's timer
/// measures it.
#[derive(Debug)]
pub(crate) struct BodyTimeout {
    deadline: Instant,
    is_waiting: Cell<bool>,
    has_expired: Cell<bool>,
    reader: RefCell<Option<Waker>>,
}

impl BodyTimeout {
    pub(crate) fn new(deadline: Instant) -> Rc<Self> {
        Rc::new(Self {
            deadline,
            is_waiting: Cell::new(false),
            has_expired: Cell::new(false),
            reader: RefCell::default(),
        })
    }

    /// The deadline, if the service waits for bytes.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (self.is_waiting.get() && !self.has_expired.get()).then_some(self.deadline)
    }

    /// Has the service's wait end with an error.
    pub(crate) fn expire(&self) {
        self.has_expired.set(true);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Notes that the service waits. `false` if the time is over.
    fn wait(&self, cx: &Context<'_>) -> bool {
        self.is_waiting.set(true);
        if self.has_expired.get() {
            return false;
        }
        let mut reader = self.reader.borrow_mut();
        match &*reader {
            Some(waker) if waker.will_wake(cx.waker()) => {}
            _ => *reader = Some(cx.waker().clone()),
        }
        true
    }
}
