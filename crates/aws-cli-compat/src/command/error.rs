//! Errors that end the command, printed as the AWS CLI prints them: same texts, blank lines and exit codes.

use std::fmt::Write as _;

/// Why the command fails.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CommandError {
    /// The arguments cannot be parsed. Printed after the usage; exit code 2.
    Arguments(String),
    /// An unknown argument. Printed after the usage; exit code 255.
    Unknown(String),
    /// An error that the AWS CLI prints without a blank line before it; exit code 255.
    Bare(String),
    /// All other errors: printed after a blank line; exit code 255.
    Failed(String),
}

impl CommandError {
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// A parameter that cannot be parsed.
    pub(super) fn parameter(name: &str, message: &str) -> Self {
        Self::Failed(format!("Error parsing parameter '{name}': {message}"))
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Arguments(_) => 2,
            _ => 255,
        }
    }

    /// The text for standard error.
    pub(super) fn render(&self, usage: &str) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Arguments(message) => writeln!(text, "{usage}\ntokenvend: error: {message}"),
            Self::Unknown(message) => writeln!(text, "{usage}\n{message}"),
            Self::Bare(message) => writeln!(text, "{message}"),
            Self::Failed(message) => writeln!(text, "\n{message}"),
        };
        text
    }
}
