//! Drives one HTTP/1 connection: hyper, the signals of other threads, and the timer.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1::{self, Builder};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::observer::{CloseReason, RejectReason};
use crate::response_body::ResponseBody;
use crate::timer::LazyTimer;
use crate::transport::ConnectionIo;

/// The idle time after which hyper's state is given back.
const DORMANT_AFTER: Duration = Duration::from_secs(1);

type HyperConnection<A> = http1::Connection<TokioIo<ConnectionIo>, A>;

/// Whether a connection has hyper's state. `A` answers requests, `H` is hyper's connection.
pub(super) enum Activity<A, H> {
    Active(Box<H>),
    Dormant {
        io: ConnectionIo,
        adapter: A,
    },
    /// Only while one is made of the other.
    Changing,
}

/// How the requests of a connection ended.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) reason: CloseReason,
    /// Whether the last response may still be on its way while the client sends.
    pub(super) has_response: bool,
}

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The service.
    Handling,
    /// The client, to read a response.
    Writing { since: Instant },
    /// The rest of a head.
    Head { since: Instant },
    /// The next request.
    Idle { since: Instant },
}

/// A head that has arrived in part.
#[derive(Debug, Clone, Copy)]
struct PartialHead {
    /// The requests before it.
    number: u64,
    since: Instant,
}

pub(super) struct Driver<A, H> {
    connection: Rc<Connection>,
    activity: Activity<A, H>,
    builder: Builder,
    timer: LazyTimer,
    head: Option<PartialHead>,
    is_shutting_down: bool,
}

impl<A, B> Driver<A, HyperConnection<A>>
where
    A: hyper::service::Service<Request<Incoming>, Response = Response<ResponseBody<B>>, Error = Infallible>,
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    pub(super) fn new(
        connection: Rc<Connection>,
        activity: Activity<A, HyperConnection<A>>,
        builder: Builder,
        timer: LazyTimer,
    ) -> Self {
        Self { connection, activity, builder, timer, head: None, is_shutting_down: false }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        self.connection.slot().register(cx.waker());
        loop {
            match &mut self.activity {
                Activity::Active(active) => {
                    if let Poll::Ready(result) = Pin::new(&mut **active).poll(cx) {
                        return Poll::Ready(self.ending(result));
                    }
                }
                Activity::Dormant { io, .. } => {
                    if io.poll_read_ready(cx).is_ready() {
                        self.activate();
                        continue;
                    }
                }
                Activity::Changing => return Poll::Ready(Ending::from(CloseReason::Finished)),
            }
            let is_evicted = self.connection.slot().is_evicted() && !self.connection.is_handling();
            if is_evicted {
                return Poll::Ready(Ending::from(CloseReason::Evicted));
            }
            if self.connection.slot().is_to_retire() {
                self.connection.retire();
            }
            if self.connection.is_retiring() && !self.is_shutting_down {
                self.is_shutting_down = true;
                match &mut self.activity {
                    Activity::Active(active) => Pin::new(&mut **active).graceful_shutdown(),
                    _ => return Poll::Ready(Ending::from(CloseReason::Retired)),
                }
                continue;
            }
            let phase = self.phase();
            let deadline = self.deadline(phase);
            match self.timer.poll(cx, deadline) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(now) => {
                    if let Some(ending) = self.expire(phase, now) {
                        return Poll::Ready(ending);
                    }
                }
            }
        }
    }

    /// The byte stream of a connection that is over.
    pub(super) fn into_io(self) -> Option<ConnectionIo> {
        match self.activity {
            Activity::Active(active) => Some(active.into_parts().io.into_inner()),
            Activity::Dormant { io, .. } => Some(io),
            Activity::Changing => None,
        }
    }

    fn activate(&mut self) {
        self.activity = match std::mem::replace(&mut self.activity, Activity::Changing) {
            Activity::Dormant { io, adapter } => {
                Activity::Active(Box::new(self.builder.serve_connection(TokioIo::new(io), adapter)))
            }
            activity => activity,
        };
    }

    fn may_become_dormant(&self) -> bool {
        let is_between_messages = self.connection.io.framing(|framing| framing.is_between_messages());
        matches!(self.activity, Activity::Active(_)) && is_between_messages == Some(true)
    }

    fn become_dormant(&mut self) {
        self.activity = match std::mem::replace(&mut self.activity, Activity::Changing) {
            Activity::Active(active) => {
                // Nothing is lost: between two messages there are at most empty lines in hyper's buffers.
                let parts = active.into_parts();
                Activity::Dormant { io: parts.io.into_inner(), adapter: parts.service }
            }
            activity => activity,
        };
    }

    fn phase(&mut self) -> Phase {
        let connection = &self.connection;
        if let Some(since) = connection.io.write_blocked_since() {
            if !connection.is_handling() {
                // From now on another connection may take this one's place.
                let _ = connection.waiting_since();
            }
            return Phase::Writing { since };
        }
        if connection.is_busy() {
            return Phase::Handling;
        }
        let idle_since = connection.waiting_since();
        if !connection.io.framing(|framing| framing.is_in_head()).unwrap_or(false) {
            return Phase::Idle { since: idle_since };
        }
        let number = connection.requests();
        let head = match self.head {
            Some(head) if head.number == number => head,
            _ => *self.head.insert(PartialHead { number, since: Instant::now() }),
        };
        Phase::Head { since: head.since }
    }

    fn deadline(&self, phase: Phase) -> Option<Instant> {
        let connection = &self.connection;
        let limits = connection.limits();
        let of_phase = match phase {
            Phase::Handling => connection.body.borrow().as_ref().and_then(|body| body.deadline()),
            Phase::Writing { since } => Some(since + limits.response_write_timeout),
            Phase::Head { since } => Some(since + limits.request_header_timeout),
            Phase::Idle { since } => {
                let timeout = connection.idle_timeout();
                Some(since + if self.may_become_dormant() { timeout.min(DORMANT_AFTER) } else { timeout })
            }
        };
        of_phase.into_iter().chain(connection.retirement()).min()
    }

    /// Does what a deadline is for. Returns the ending if it is that.
    fn expire(&mut self, phase: Phase, now: Instant) -> Option<Ending> {
        if self.connection.retirement().is_some_and(|deadline| deadline <= now) {
            self.connection.retire();
            return None;
        }
        match phase {
            Phase::Handling => {
                if let Some(body) = &*self.connection.body.borrow() {
                    body.expire();
                }
                None
            }
            Phase::Writing { .. } => Some(Ending::from(CloseReason::WriteTimeout)),
            Phase::Head { .. } => {
                self.connection.context.reject(RejectReason::HeadTimeout, self.connection.info.peer_address());
                Some(Ending { reason: CloseReason::HeadTimeout, has_response: true })
            }
            Phase::Idle { since } if since + self.connection.idle_timeout() <= now => {
                Some(Ending::from(CloseReason::IdleTimeout))
            }
            Phase::Idle { .. } => {
                self.become_dormant();
                None
            }
        }
    }

    fn ending(&self, result: hyper::Result<()>) -> Ending {
        let connection = &self.connection;
        let Err(error) = result else {
            let reason = if connection.is_last_response() { CloseReason::Retired } else { CloseReason::Finished };
            return Ending { reason, has_response: true };
        };
        if error.is_parse() {
            let reason = if error.is_parse_too_large() { RejectReason::HeadTooLarge } else { RejectReason::Malformed };
            connection.context.reject(reason, connection.info.peer_address());
            return Ending { reason: CloseReason::ProtocolError, has_response: true };
        }
        let peer_address = connection.info.peer_address();
        tracing::debug!(listener = connection.context.name, %peer_address, %error, "http/1 connection failed");
        Ending::from(CloseReason::Finished)
    }
}

impl From<CloseReason> for Ending {
    fn from(reason: CloseReason) -> Self {
        Self { reason, has_response: false }
    }
}
