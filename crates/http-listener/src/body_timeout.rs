//! The timeout of a request body, between the service that reads and the timer of the connection.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

use tokio::time::Instant;

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

    /// Notes that the service does not wait.
    pub(crate) fn end_wait(&self) {
        self.is_waiting.set(false);
    }

    /// Notes that the service waits. `false` if the time is over.
    pub(crate) fn begin_wait(&self, cx: &Context<'_>) -> bool {
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
