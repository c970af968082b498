//! `tokenvend serve`: the service, until it is told to end.

use std::sync::Arc;

use super::{CliError, ConfigFile, told_to_end};
use crate::app;
use crate::telemetry;
use clock::SystemClock;

pub(super) async fn run(file: &ConfigFile) -> Result<(), CliError> {
    let loaded = file.load()?;
    telemetry::start(&loaded.settings.log).map_err(CliError::unavailable)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let app =
        app::start(loaded.settings, Arc::new(SystemClock::new())).await.map_err(CliError::unavailable)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        http.listen = %app.public_address(),
        admin.listen = %app.admin_address(),
        "serving"
    );
    told_to_end().await?;
    tokio::select! {
        () = app.drain() => Ok(()),
        // Told again: whoever says it twice does not want to wait.
        told = told_to_end() => told,
    }
}
