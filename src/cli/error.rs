//! Failure of a command: its exit code, one of sysexits.h, and its message.

use crate::config::ConfigError;
use crate::error_chain;

/// Why a command failed.
#[derive(Debug)]
pub(super) struct CliError {
    pub(super) code: u8,
    /// Goes to standard error; if empty, nothing is printed.
    pub(super) message: String,
}

impl CliError {
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A check that did not pass, or an unexpected error: exit code 1.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(1, message)
    }

    /// Something that the command needs is not available: exit code 69.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(69, message)
    }

    /// The same, with the error and its causes as the message.
    pub(super) fn unavailable_error(error: impl std::error::Error + 'static) -> Self {
        Self::unavailable(error_chain::display(&error))
    }

    /// The input cannot be parsed: exit code 65.
    pub(super) fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(65, message)
    }

    /// The command has printed the reason already.
    pub(super) fn silent(code: u8) -> Self {
        Self::new(code, String::new())
    }

    /// Wrong usage of the command: exit code 64.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(64, message)
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::new(78, error.to_string())
    }
}

#[cfg(feature = "emulator")]
impl From<cognito_emulator::command::CommandError> for CliError {
    fn from(error: cognito_emulator::command::CommandError) -> Self {
        Self::new(error.exit_code(), error.to_string())
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error.to_string())
    }
}
