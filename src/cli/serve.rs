//! `tokenvend serve`: the service, until a signal ends it.

use std::sync::Arc;

use super::config_file::ConfigFile;
use super::error::CliError;
use super::shutdown::shutdown_signal;
use crate::app;
use crate::telemetry;
use clock::SystemClock;

pub(super) async fn run(file: &ConfigFile) -> Result<(), CliError> {
    let loaded = file.load()?;
    telemetry::start(&loaded.settings.log).map_err(CliError::unavailable_error)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let app = app::start(loaded.settings, Arc::new(SystemClock::new())).await.map_err(CliError::unavailable_error)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        http.listen = %app.public_address(),
        admin.listen = %app.admin_address(),
        "serving"
    );
    shutdown_signal().await?;
    tokio::select! {
        () = app.drain() => Ok(()),
        // A second signal ends the drain at once.
        signalled = shutdown_signal() => signalled,
    }
}
