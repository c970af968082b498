//! The audit trail: one JSON event for each token handed out, each refusal and each act of an administrator, on
//! a file or stream of its own. Not a log: its shape is a contract (docs/audit.md), nothing thins it out, and
//! an operator may demand that nothing be handed out that it does not tell of.
//!
//! [`event`] says what stands in it, `writer` writes it on a thread of its own, `destination` is where to. Off
//! by default, and then it costs nothing.

pub mod event;
mod sink;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::metrics::Metrics;
use crate::metrics::labels::AuditOutcome;
use clock::SharedClock;
use event::SerializedEvent;
use sink::SinkWriter;
use writer::{QueuedEvent, Writer};

/// What is recorded, where to, and what happens when that fails.
#[derive(Debug, Clone)]
pub struct AuditSettings {
    /// Where events go.
    pub sink: Sink,
    /// Whether tokens from the cache are recorded each time that they are handed out.
    pub record_cache_hits: bool,
    /// How much is told of a token's principal tags.
    pub principal_tags: TagDetail,
    /// What happens to a request whose event cannot be written.
    pub on_failure: OnFailure,
    /// The most events that wait to be written.
    pub queue_capacity: usize,
    /// The longest that a request waits for its event to be written, where it waits at all.
    pub max_wait: Duration,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// Nowhere.
    Off,
    /// Standard error, between the log's lines.
    Stderr,
    /// Standard output.
    Stdout,
    /// A file that is appended to.
    File(PathBuf),
}

/// How much is told of principal tags: their values may name people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagDetail {
    /// Nothing.
    None,
    /// Their keys.
    Keys,
    /// Keys and values.
    Values,
}

/// What happens to a request whose event cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It is answered all the same; the lost event is counted.
    Continue,
    /// Nothing is handed out, and no act is begun.
    Refuse,
}

/// An event was not written, and has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit event could not be written")]
pub struct AuditUnavailable;

/// Why the trail cannot be begun.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file cannot be opened.
    #[error(
        "cannot append to the audit file {path} (audit.path): {error}; does its directory exist, and may this \
         process write there?"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// There is no thread to write on.
    #[error("cannot start the thread that writes audit events: {0}")]
    Thread(std::io::Error),
}

/// The trail: one for the whole process.
#[derive(Debug)]
pub struct AuditTrail {
    settings: AuditSettings,
    /// `None` where nothing is recorded.
    queue: Option<mpsc::Sender<QueuedEvent>>,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl AuditTrail {
    /// Opens the destination and begins to write, on a thread that ends with the trail.
    ///
    /// # Errors
    /// The file or the thread cannot be had: who asks for an audit is told at once that there will be none.
    pub fn start(
        settings: AuditSettings,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, AuditError> {
        let queue = match SinkWriter::open(&settings.sink)? {
            None => None,
            Some(destination) => {
                let (queue, entries) = mpsc::channel(settings.queue_capacity);
                let writer = Writer::new(destination, metrics.clone());
                std::thread::Builder::new()
                    .name("audit".to_owned())
                    .spawn(move || writer.write_all(entries))
                    .map_err(AuditError::Thread)?;
                Some(queue)
            }
        };
        Ok(Self { settings, queue, clock, metrics })
    }

    /// Whether anything is recorded: whoever gathers facts for an event asks first.
    pub fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// Whether tokens from the cache are recorded each time.
    pub fn records_hits(&self) -> bool {
        self.settings.record_cache_hits
    }

    /// How much events tell of principal tags.
    pub fn tag_detail(&self) -> TagDetail {
        self.settings.principal_tags
    }

    /// Records an event. Where every event has to be written this waits until it is: with the operating system,
    /// not yet on the disk.
    ///
    /// # Errors
    /// The event has to be written and was not, or not in time.
    pub async fn record(&self, SerializedEvent(line): SerializedEvent) -> Result<(), AuditUnavailable> {
        let Some(queue) = &self.queue else { return Ok(()) };
        match self.settings.on_failure {
            OnFailure::Continue => {
                if queue.try_send(QueuedEvent::of(line)).is_err() {
                    self.metrics.audit_events_total.count(AuditOutcome::Dropped);
                }
                Ok(())
            }
            OnFailure::Refuse => self.written(queue, line).await,
        }
    }

    /// Waits until all that was recorded so far is written: for the end of the process.
    pub async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        if self.written(queue, Vec::new()).await.is_err() {
            tracing::error!("audit events that still waited to be written are lost");
        }
    }

    /// Puts a line into the queue and waits until it is written; altogether no longer than was set. What found a
    /// place in the queue by then may be written later.
    async fn written(
        &self,
        queue: &mpsc::Sender<QueuedEvent>,
        line: Vec<u8>,
    ) -> Result<(), AuditUnavailable> {
        let mut too_late = self.clock.sleep(self.settings.max_wait);
        let place = tokio::select! {
            place = queue.reserve() => place.map_err(|_| AuditUnavailable)?,
            () = &mut too_late => {
                self.metrics.audit_events_total.count(AuditOutcome::Dropped);
                return Err(AuditUnavailable);
            }
        };
        let (tell, told) = oneshot::channel();
        place.send(QueuedEvent { line, written: Some(tell) });
        tokio::select! {
            told = told => if told == Ok(true) { Ok(()) } else { Err(AuditUnavailable) },
            () = &mut too_late => Err(AuditUnavailable),
        }
    }
}
