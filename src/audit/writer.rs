//! Writer thread of the audit trail: it writes one event after the other. A slow or full disk blocks only this thread.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::sink::SinkWriter;
use crate::metrics::Metrics;
use crate::metrics::labels::AuditOutcome;

/// An event in the queue.
#[derive(Debug)]
pub(super) struct QueuedEvent {
    /// The event with its line feed; empty for a flush.
    pub(super) line: Vec<u8>,
    /// Reports whether the event was written.
    pub(super) written: Option<oneshot::Sender<bool>>,
}

#[derive(Debug)]
pub(super) struct Writer {
    sink: SinkWriter,
    /// Events lost since the last written one. Only the first loss and the recovery are logged.
    lost: u64,
    metrics: Arc<Metrics>,
}

impl Writer {
    pub(super) fn new(sink: SinkWriter, metrics: Arc<Metrics>) -> Self {
        Self { sink, lost: 0, metrics }
    }

    /// Writes until the audit trail is dropped.
    pub(super) fn run(mut self, mut events: mpsc::Receiver<QueuedEvent>) {
        while let Some(QueuedEvent { line, written }) = events.blocking_recv() {
            let is_written = line.is_empty() || self.write(&line);
            if let Some(written) = written {
                // The request may have timed out or been cancelled.
                let _ = written.send(is_written);
            }
        }
    }

    fn write(&mut self, line: &[u8]) -> bool {
        match self.sink.append(line) {
            Ok(()) => {
                self.metrics.audit_events_total.count(AuditOutcome::Written);
                if self.lost > 0 {
                    tracing::info!(lost = self.lost, "audit events are written again");
                    self.lost = 0;
                }
                true
            }
            Err(error) => {
                self.metrics.audit_events_total.count(AuditOutcome::Failed);
                if self.lost == 0 {
                    tracing::error!(%error, "audit events cannot be written");
                }
                self.lost += 1;
                false
            }
        }
    }
}
