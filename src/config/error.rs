//! Configuration errors. Each one has all that an operator needs to correct it.

use std::fmt;
use std::path::PathBuf;

/// One invalid value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    /// The dotted path of the key.
    pub path: String,
    /// The source of the value: a file and line, or an environment variable.
    pub origin: String,
    /// What was found. For a secret, only its form.
    pub found: String,
    pub allowed: String,
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, origin, found, allowed } = self;
        write!(f, "{path} ({origin}): found {found}; allowed: {allowed}")
    }
}

/// Why the configuration cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    /// All invalid values, not only the first.
    InvalidValues(Vec<InvalidValue>),
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => {
                write!(f, "cannot read the configuration file {}: {error}", path.display())
            }
            Self::InvalidValues(values) => {
                write!(f, "the configuration has {} error(s):", values.len())?;
                values.iter().try_for_each(|value| write!(f, "\n  {value}"))
            }
        }
    }
}
