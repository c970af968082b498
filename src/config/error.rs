//! What is wrong with a configuration, told so that it can be mended without looking anything up.

use std::fmt;
use std::path::PathBuf;

/// One wrong value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidValue {
    /// The dotted path of the key.
    pub path: String,
    /// Where the value came from: a file and line, or a variable.
    pub origin: String,
    /// What was found. For a secret, only of what kind it is.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, origin, found, allowed } = self;
        write!(f, "{path} ({origin}): found {found}; allowed: {allowed}")
    }
}

/// Why there are no settings.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Values are wrong; all of them.
    Faults(Vec<InvalidValue>),
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => {
                write!(f, "cannot read the configuration file {}: {error}", path.display())
            }
            Self::Faults(faults) => {
                write!(f, "the configuration has {} fault(s):", faults.len())?;
                faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
            }
        }
    }
}
