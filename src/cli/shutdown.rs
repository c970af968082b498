//! Signals that end the process.

use tokio::signal::unix::{SignalKind, signal};

use super::error::CliError;

/// Waits for SIGTERM (an orchestrator) or SIGINT (a terminal).
pub(super) async fn shutdown_signal() -> Result<(), CliError> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
