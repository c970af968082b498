//! The thread that writes: one event after the other, each in one write. A slow or full disk stops this thread
//! and nobody else.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::sink::SinkWriter;
use crate::metrics::Metrics;
use crate::metrics::labels::AuditOutcome;

/// What waits to be written.
#[derive(Debug)]
pub(super) struct QueuedEvent {
    /// An event with its line's end; empty for one who only wants to know that all before is written.
    pub(super) line: Vec<u8>,
    /// Who waits to hear whether it was written.
    pub(super) written: Option<oneshot::Sender<bool>>,
}

impl QueuedEvent {
    pub(super) fn of(line: Vec<u8>) -> Self {
        Self { line, written: None }
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    destination: SinkWriter,
    /// Events lost since the last one that was written: the log is told of the first and of the end, not of each.
    lost: u64,
    metrics: Arc<Metrics>,
}

impl Writer {
    pub(super) fn new(destination: SinkWriter, metrics: Arc<Metrics>) -> Self {
        Self { destination, lost: 0, metrics }
    }

    /// Writes until there is nobody left who could record anything.
    pub(super) fn write_all(mut self, mut entries: mpsc::Receiver<QueuedEvent>) {
        while let Some(QueuedEvent { line, written }) = entries.blocking_recv() {
            let done = line.is_empty() || self.write(&line);
            if let Some(written) = written {
                // Whoever waited may have gone.
                let _ = written.send(done);
            }
        }
    }

    fn write(&mut self, line: &[u8]) -> bool {
        match self.destination.append(line) {
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
