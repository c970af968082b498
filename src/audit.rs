//! Audit trail: one JSON event for each vended token, each denial and each administrative action, in a file or stream
//! of its own. It is not a log: its format is stable (docs/audit.md), no event is sampled or filtered by level, and
//! an operator can require that nothing is vended without its event.
//!
//! [`event`] defines the events, `writer` writes them on a thread of its own to a `sink`. The audit trail is off by
//! default and then costs nothing.

mod error;
pub mod event;
mod settings;
mod sink;
mod writer;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

pub use error::{AuditError, AuditUnavailable};
pub use settings::{AuditSettings, OnFailure, Sink, TagDetail};

use crate::metrics::Metrics;
use crate::metrics::labels::AuditOutcome;
use clock::SharedClock;
use event::SerializedEvent;
use sink::SinkWriter;
use writer::{QueuedEvent, Writer};

/// The audit trail: one for each process.
#[derive(Debug)]
pub struct AuditTrail {
    settings: AuditSettings,
    /// `None` if the audit trail is off.
    queue: Option<mpsc::Sender<QueuedEvent>>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl AuditTrail {
    /// Opens the sink and starts the writer thread, which ends with the audit trail.
    ///
    /// # Errors
    /// The file cannot be opened or the thread cannot start: an operator who wants an audit trail must notice at once.
    pub fn start(settings: AuditSettings, clock: SharedClock, metrics: Arc<Metrics>) -> Result<Self, AuditError> {
        let mut trail = Self { queue: None, settings, clock, metrics };
        if let Some(sink) = SinkWriter::open(&trail.settings.sink)? {
            let (queue, events) = mpsc::channel(trail.settings.queue_capacity);
            let writer = Writer::new(sink, trail.metrics.clone());
            let thread = std::thread::Builder::new().name("audit".to_owned());
            thread.spawn(move || writer.run(events)).map_err(AuditError::Thread)?;
            trail.queue = Some(queue);
        }
        Ok(trail)
    }

    /// Whether events are recorded.
    pub fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// Whether cache hits are recorded.
    pub fn records_hits(&self) -> bool {
        self.settings.record_cache_hits
    }

    pub fn tag_detail(&self) -> TagDetail {
        self.settings.principal_tags
    }

    /// Records an event. With [`OnFailure::Reject`] this waits until the event is written: to the operating system, not
    /// necessarily to the disk.
    ///
    /// # Errors
    /// The event must be written and was not, or not in time.
    pub async fn record(&self, SerializedEvent(line): SerializedEvent) -> Result<(), AuditUnavailable> {
        let Some(queue) = &self.queue else { return Ok(()) };
        match self.settings.on_failure {
            OnFailure::Continue => {
                if queue.try_send(QueuedEvent { line, written: None }).is_err() {
                    self.metrics.audit_events_total.count(AuditOutcome::Dropped);
                }
                Ok(())
            }
            OnFailure::Reject => self.write(queue, line).await,
        }
    }

    /// Waits until all recorded events are written, at the end of the process.
    pub async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        if self.write(queue, Vec::new()).await.is_err() {
            tracing::error!("audit events in the queue are lost");
        }
    }

    /// Queues a line and waits until it is written, for `max_wait` altogether. An event that is queued by then may be
    /// written later.
    async fn write(&self, queue: &mpsc::Sender<QueuedEvent>, line: Vec<u8>) -> Result<(), AuditUnavailable> {
        let mut timeout = self.clock.sleep(self.settings.max_wait);
        let permit = tokio::select! {
            permit = queue.reserve() => permit.map_err(|_| AuditUnavailable)?,
            () = &mut timeout => {
                self.metrics.audit_events_total.count(AuditOutcome::Dropped);
                return Err(AuditUnavailable);
            }
        };
        let (done, written) = oneshot::channel();
        permit.send(QueuedEvent { line, written: Some(done) });
        tokio::select! {
            written = written => if written == Ok(true) { Ok(()) } else { Err(AuditUnavailable) },
            () = &mut timeout => Err(AuditUnavailable),
        }
    }
}
