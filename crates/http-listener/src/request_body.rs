//! The body of a request, with its timeout.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::body_timeout::BodyTimeout;
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
                    timeout.end_wait();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(RequestBodyError::Incomplete)))
            }
            Poll::Pending => match &this.timeout {
                Some(timeout) if timeout.begin_wait(cx) => Poll::Pending,
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
            timeout.end_wait();
        }
        if let (Some(stream), Some(incoming)) = (self.stream.take(), self.incoming.take())
            && !incoming.is_end_stream()
        {
            stream.keep_unread(incoming);
        }
    }
}
