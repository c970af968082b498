//! The body of a response while it is sent, and the accounting of bytes that the client has not read.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};

use crate::connection::Sending;
use crate::stream::Stream;

/// What a response body belongs to, until it is sent.
#[derive(Debug)]
pub(crate) enum Owner {
    Http1(#[expect(dead_code, reason = "counts until it is dropped")] Sending),
    Http2(Rc<Stream>),
}

pin_project_lite::pin_project! {
    /// A service's body, or none.
    #[derive(Debug)]
    pub(crate) struct ResponseBody<B> {
        #[pin]
        body: Option<B>,
        owner: Owner,
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn new(body: B, owner: Owner) -> Self {
        Self { body: Some(body), owner }
    }

    pub(crate) fn empty(owner: Owner) -> Self {
        Self { body: None, owner }
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Chunk;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Chunk>, B::Error>>> {
        let this = self.project();
        let Some(body) = this.body.as_pin_mut() else { return Poll::Ready(None) };
        let frame = ready!(body.poll_frame(cx));
        let stream = match this.owner {
            Owner::Http1(_) => None,
            Owner::Http2(stream) => Some(&*stream),
        };
        Poll::Ready(
            frame.map(|frame| frame.map(|frame| frame.map_data(|bytes| Chunk { bytes, stream: stream.cloned() }))),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// Bytes of a response. Over HTTP/2 the h2 crate keeps them until the client's window has room, so the stream counts as
/// open until they are dropped.
#[derive(Debug)]
pub(crate) struct Chunk {
    bytes: Bytes,
    stream: Option<Rc<Stream>>,
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        if let Some(stream) = &self.stream {
            stream.note_progress();
        }
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.bytes.copy_to_bytes(count)
    }
}
