//! The interface between a listener and the program that answers its requests.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

use crate::info::ConnectionInfo;
use crate::request_body::RequestBody;

/// Answers requests. One service is made for each worker thread and used by all connections of that thread, so neither
/// the service nor its futures need to be `Send`.
pub trait Service: 'static {
    /// The body of a response. It holds no reference to the request: while it waits for its client, nothing else is kept.
    type Body: http_body::Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + 'static;

    /// Answers a request. The future is dropped if the client resets the request or closes the connection.
    ///
    /// A response with `Connection: close` ends the connection after the requests in progress, over HTTP/2 too.
    fn call(
        &self,
        request: Request<RequestBody>,
        connection: &Arc<ConnectionInfo>,
    ) -> impl Future<Output = Response<Self::Body>>;
}
