//! Log output: structured lines on standard error. The configured level applies to the service. Libraries log warnings
//! at most, at any level: at debug and trace the HTTP stack writes headers and bodies, and with them tokens. The AWS
//! SDK is off, because it does so even in warnings (the whole response of a failed credential source). Its errors are
//! logged by the service, in the service's own words.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, fmt, registry};

use crate::config::{LogFormat, LogSettings};

/// Starts the log output of the process.
///
/// # Errors
/// It was started before.
pub fn start(settings: &LogSettings) -> Result<(), TryInitError> {
    let libraries = LevelFilter::WARN.min(settings.level.into());
    let filter = Targets::new()
        .with_default(libraries)
        .with_target("aws_", LevelFilter::OFF)
        .with_target(env!("CARGO_CRATE_NAME"), settings.level);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
        LogFormat::Pretty => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
    };
    registry().with(lines.with_filter(filter)).try_init()
}
