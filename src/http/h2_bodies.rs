//! Bodies of requests over HTTP/2: as they arrive, and what is left of one that nobody read to its end.
//!
//! A server that has answered may reset the stream without an error, and clients must not make one of it (RFC 9113,
//! section 8.1). Some do all the same, and throw the answer away: curl 7.88, Debian 12's, is one. So a body that is
//! nearly there is taken in, and nothing is left to be reset.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;
use h2::RecvStream;
use tokio::sync::oneshot;

/// How much of a body is taken in that nobody wants: as much as may be on its way.
const MOST: usize = 64 * 1024;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// A body as it arrives; what has been read makes room for more.
pub(super) struct Arriving {
    body: Option<RecvStream>,
    rest: Option<oneshot::Sender<RecvStream>>,
}

/// What its reader leaves of it.
pub(super) struct Rest(oneshot::Receiver<RecvStream>);

impl Arriving {
    pub(super) fn new(body: RecvStream) -> (Self, Rest) {
        let (rest, left) = oneshot::channel();
        (Self { body: Some(body), rest: Some(rest) }, Rest(left))
    }
}

impl Stream for Arriving {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let Some(chunk) = ready!(body.poll_data(cx)) else { return Poll::Ready(None) };
        let chunk = chunk.and_then(|chunk| taken(body, chunk));
        Poll::Ready(Some(chunk.map_err(|error| PayloadError::Io(std::io::Error::other(error)))))
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if let (Some(body), Some(rest)) = (self.body.take(), self.rest.take())
            && !body.is_end_stream()
        {
            // Nobody takes it where the client has taken the request back.
            let _ = rest.send(body);
        }
    }
}

impl Rest {
    /// Takes in what is left, within bounds. Beyond them the stream is reset.
    pub(super) async fn take_in(self) {
        let taking = async {
            let Ok(mut body) = self.0.await else { return };
            let mut room = MOST;
            while let Some(Ok(chunk)) = body.data().await {
                let Some(less) = room.checked_sub(chunk.len()) else { return };
                room = less;
                if taken(&mut body, chunk).is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(PATIENCE, taking).await;
    }
}

/// Makes room for more where this was.
fn taken(body: &mut RecvStream, chunk: Bytes) -> Result<Bytes, h2::Error> {
    body.flow_control().release_capacity(chunk.len()).map(|()| chunk)
}
