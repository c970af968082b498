//! Errors of the audit trail.

use std::path::PathBuf;

/// An event was not written, although it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit event could not be written")]
pub struct AuditUnavailable;

/// The audit trail cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file cannot be opened.
    #[error(
        "cannot append to the audit file {path} (audit.path): {error}; does its directory exist, and may this \
         process write there?"
    )]
    File { path: PathBuf, error: std::io::Error },
    /// The writer thread cannot start.
    #[error("cannot start the thread that writes audit events: {0}")]
    Thread(std::io::Error),
}
