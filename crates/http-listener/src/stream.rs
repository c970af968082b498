//! The requests of an HTTP/2 connection: how many are handled at the same time, and how long a response may wait.
//!
//! hyper runs each request in a task of its own, and a response that waits for the client's window in the same task. Here the
//! requests of a connection are counted, their waiting responses are timed, and both end with the connection.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::body_timeout::BodyTimeout;
use crate::connection::Connection;
use crate::pool::WaitingBytes;

/// What is read of a request body after the response, at most, and for how long.
///
/// A server may reset the request after the response, without an error (RFC 9113, section 8.1). Some clients then discard
/// the response; curl 7.88, of Debian 12, is one. So a body that has nearly arrived is read to its end.
const MAX_UNREAD_BODY_BYTES: usize = 64 * 1024;
const UNREAD_BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// The requests of a connection that are not over.
#[derive(Debug)]
pub(crate) struct Streams {
    connection: Rc<Connection>,
    open: RefCell<Vec<Weak<Stream>>>,
    admitted: Cell<usize>,
    queue: RefCell<VecDeque<Weak<Stream>>>,
    /// The request that hyper is about to give a task.
    next: RefCell<Option<Rc<Stream>>>,
}

/// One request and its response, until the client was sent all of it.
#[derive(Debug)]
pub(crate) struct Stream {
    streams: Rc<Streams>,
    pub(crate) body: RefCell<Option<Rc<BodyTimeout>>>,
    unread_body: RefCell<Option<Incoming>>,
    /// The bytes of a request that is not admitted, or of a response that is not read.
    waiting: RefCell<Option<WaitingBytes>>,
    task: RefCell<Option<Waker>>,
    is_admitted: Cell<bool>,
    is_responding: Cell<bool>,
    has_progress: Cell<bool>,
    waiting_since: Cell<Instant>,
    is_cancelled: Cell<bool>,
    has_task: Cell<bool>,
}

impl Streams {
    pub(crate) fn new(connection: Rc<Connection>) -> Rc<Self> {
        Rc::new(Self {
            connection,
            open: RefCell::default(),
            admitted: Cell::new(0),
            queue: RefCell::default(),
            next: RefCell::default(),
        })
    }

    pub(crate) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// Whether no request is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.borrow().is_empty()
    }

    /// A request has arrived, whose head takes this many bytes. `None` if it is not even to wait.
    pub(crate) fn open(self: &Rc<Self>, head_bytes: usize) -> Option<Rc<Stream>> {
        let is_admitted = self.has_room();
        let waiting = if is_admitted { None } else { Some(self.connection.place().pool().reserve(head_bytes)?) };
        let stream = Rc::new(Stream {
            streams: self.clone(),
            body: RefCell::default(),
            unread_body: RefCell::default(),
            waiting: RefCell::new(waiting),
            task: RefCell::default(),
            is_admitted: Cell::new(is_admitted),
            is_responding: Cell::new(false),
            has_progress: Cell::new(false),
            waiting_since: Cell::new(Instant::now()),
            is_cancelled: Cell::new(false),
            has_task: Cell::new(true),
        });
        self.open.borrow_mut().push(Rc::downgrade(&stream));
        if is_admitted {
            self.admitted.set(self.admitted.get() + 1);
        } else {
            self.queue.borrow_mut().push_back(Rc::downgrade(&stream));
        }
        *self.next.borrow_mut() = Some(stream.clone());
        Some(stream)
    }

    /// The request that hyper gives a task.
    pub(crate) fn take_next(&self) -> Option<Rc<Stream>> {
        self.next.take()
    }

    fn has_room(&self) -> bool {
        self.connection.info.is_authenticated()
            || self.admitted.get() < self.connection.limits().max_unauthenticated_streams.max(1)
    }

    /// Admits requests that wait, as far as there is room.
    pub(crate) fn admit(&self) {
        while self.has_room() {
            let Some(stream) = self.queue.borrow_mut().pop_front() else { return };
            if let Some(stream) = stream.upgrade() {
                self.admitted.set(self.admitted.get() + 1);
                stream.is_admitted.set(true);
                stream.waiting.take();
                stream.wake();
            }
        }
    }

    /// Looks at the timeouts of all requests. Returns `false` if one of them cannot be ended without the connection.
    pub(crate) fn expire(&self, now: Instant) -> bool {
        let write_timeout = self.connection.limits().response_write_timeout;
        let open: Vec<_> = self.open.borrow().iter().filter_map(Weak::upgrade).collect();
        for stream in open {
            let body = stream.body.borrow().clone();
            if let Some(body) = body.filter(|body| body.deadline().is_some_and(|deadline| deadline <= now)) {
                body.expire();
            }
            if stream.has_progress.take() {
                stream.waiting_since.set(now);
            } else if stream.is_responding.get() && now >= stream.waiting_since.get() + write_timeout {
                if !stream.has_task.get() {
                    return false;
                }
                stream.cancel();
            }
        }
        true
    }

    /// Ends all requests, because their connection has ended.
    pub(crate) fn cancel_all(&self) {
        let open: Vec<_> = self.open.borrow().iter().filter_map(Weak::upgrade).collect();
        open.iter().for_each(|stream| stream.cancel());
    }
}

impl Stream {
    pub(crate) fn connection(&self) -> &Rc<Connection> {
        &self.streams.connection
    }

    /// Waits until the request may be handled.
    pub(crate) async fn admission(&self) {
        poll_fn(|_| if self.is_admitted.get() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// A response of about this size begins. `false` if too many bytes wait for clients already.
    pub(crate) fn begin_response(&self, bytes: usize) -> bool {
        self.is_responding.set(true);
        self.has_progress.set(true);
        self.body.take();
        let waiting = self.connection().place().pool().reserve(bytes);
        let is_reserved = waiting.is_some();
        *self.waiting.borrow_mut() = waiting;
        is_reserved
    }

    /// The client has taken some bytes of the response.
    pub(crate) fn note_progress(&self) {
        self.has_progress.set(true);
    }

    /// Takes over a request body that the service did not read.
    pub(crate) fn keep_unread(&self, body: Incoming) {
        *self.unread_body.borrow_mut() = Some(body);
    }

    fn cancel(&self) {
        self.is_cancelled.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(task) = &*self.task.borrow() {
            task.wake_by_ref();
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.streams.open.borrow_mut().retain(|stream| stream.strong_count() > 0);
        if self.is_admitted.get() {
            self.streams.admitted.set(self.streams.admitted.get() - 1);
            self.streams.admit();
        }
        // The connection may be idle now.
        self.connection().slot().wake();
    }
}

/// Runs hyper's streams on the thread of their connection.
#[derive(Debug, Clone)]
pub(crate) struct StreamExecutor(pub(crate) Rc<Streams>);

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for StreamExecutor {
    fn execute(&self, future: F) {
        match self.0.take_next() {
            Some(stream) => drop(tokio::task::spawn_local(StreamTask { future, stream })),
            // A request that is refused.
            None => drop(tokio::task::spawn_local(future)),
        }
    }
}

pin_project_lite::pin_project! {
    /// Runs one of hyper's streams until it is done or cancelled. A stream that is dropped early is reset with `CANCEL`.
    struct StreamTask<F> {
        #[pin]
        future: F,
        stream: Rc<Stream>,
    }

    impl<F> PinnedDrop for StreamTask<F> {
        fn drop(this: Pin<&mut Self>) {
            this.stream.has_task.set(false);
        }
    }
}

impl<F: Future<Output = ()>> Future for StreamTask<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.stream.is_cancelled.get() {
            return Poll::Ready(());
        }
        if this.stream.task.borrow().is_none() {
            *this.stream.task.borrow_mut() = Some(cx.waker().clone());
        }
        ready!(this.future.poll(cx));
        if let Some(body) = this.stream.unread_body.take() {
            tokio::task::spawn_local(tokio::time::timeout(UNREAD_BODY_TIMEOUT, read_rest(body)));
        }
        Poll::Ready(())
    }
}

/// Reads a body up to its end or the limit.
async fn read_rest(mut body: Incoming) {
    let mut remaining = MAX_UNREAD_BODY_BYTES;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let length = frame.data_ref().map_or(0, bytes::Bytes::len);
        match remaining.checked_sub(length) {
            Some(rest) => remaining = rest,
            None => return,
        }
    }
}
