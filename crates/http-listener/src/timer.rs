//! One timer for all timeouts of a connection.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

/// A timer that is armed for the earliest deadline that was asked for, and armed again only after it fired. A connection's
/// deadline moves to a later time with each request, so most requests do not touch the timer.
#[derive(Debug)]
pub(crate) struct LazyTimer {
    sleep: Pin<Box<Sleep>>,
    /// Whether the task is woken when the timer fires.
    is_registered: bool,
}

impl LazyTimer {
    pub(crate) fn new(first: Instant) -> Self {
        Self { sleep: Box::pin(tokio::time::sleep_until(first)), is_registered: false }
    }

    /// Is ready, with the present time, when the deadline has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<Instant> {
        loop {
            if self.sleep.is_elapsed() {
                let now = Instant::now();
                match deadline {
                    None => return Poll::Pending,
                    Some(deadline) if deadline <= now => return Poll::Ready(now),
                    Some(deadline) => self.arm(deadline),
                }
            } else if let Some(deadline) = deadline
                && deadline < self.sleep.deadline()
            {
                self.arm(deadline);
            }
            if self.is_registered {
                return Poll::Pending;
            }
            // Without budget the poll below would return before it registers the task.
            let has_budget = tokio::task::coop::has_budget_remaining();
            if self.sleep.as_mut().poll(cx).is_pending() {
                self.is_registered = has_budget;
                return Poll::Pending;
            }
        }
    }

    fn arm(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.is_registered = false;
    }
}
