//! Settings of the audit trail.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of the audit trail.
#[derive(Debug, Clone)]
pub struct AuditSettings {
    pub sink: Sink,
    /// Whether cache hits are recorded.
    pub record_cache_hits: bool,
    pub principal_tags: TagDetail,
    pub on_failure: OnFailure,
    /// Capacity of the queue, in events.
    pub queue_capacity: usize,
    /// Maximum time that a request waits for its event to be written, with [`OnFailure::Reject`].
    pub max_wait: Duration,
}

/// Where events are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    Off,
    /// Standard error, between the lines of the log.
    Stderr,
    Stdout,
    /// An append-only file.
    File(PathBuf),
}

/// Detail of principal tags in events. Their values may contain personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagDetail {
    None,
    Keys,
    Values,
}

/// How a request ends whose event cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It continues; the lost event is counted.
    Continue,
    /// Nothing is vended, and no action starts.
    Reject,
}
