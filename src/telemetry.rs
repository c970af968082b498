//! Logs: structured lines on standard error. The level that is set is ours alone. The libraries below are held
//! to their warnings whatever it is: at debug and trace the HTTP stack writes headers and bodies, and with them
//! tokens. The AWS SDK does so even in warnings (the whole answer of a credential source that failed), so it
//! writes nothing; what it has to say reaches the log in our own words, through its errors.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, fmt, registry};

use crate::config::{LogFormat, LogSettings};

/// Begins to write logs, for the whole process.
///
/// # Errors
/// Somebody else has begun already.
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
