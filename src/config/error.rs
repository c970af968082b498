//! Configuration errors. Each one has all that an operator needs to correct it.

use std::path::PathBuf;

/// One invalid value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} ({origin}): found {found}; allowed: {allowed}")]
pub struct InvalidValue {
    /// The dotted path of the key.
    pub path: String,
    /// The source of the value: a file and line, or an environment variable.
    pub origin: String,
    /// What was found. For a secret, only its form.
    pub found: String,
    pub allowed: String,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {path}: {error}")]
    Unreadable { path: PathBuf, error: std::io::Error },
    /// All invalid values, not only the first.
    #[error("the configuration has {} error(s):{}", .0.len(), .0.iter().map(|value| format!("\n  {value}")).collect::<String>())]
    InvalidValues(Vec<InvalidValue>),
}
