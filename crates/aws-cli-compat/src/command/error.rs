//! Why the command ends without an answer, and how the AWS CLI tells it: its words, its blank lines, its exit
//! codes.

use std::fmt::Write as _;

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CommandError {
    /// The arguments cannot be read. Told after the usage; exit code 2.
    Arguments(String),
    /// An argument that nobody knows. Told after the usage; exit code 255.
    Unknown(String),
    /// Something that the CLI tells in a line of its own; exit code 255.
    Bare(String),
    /// Everything else: told after a blank line; exit code 255.
    Failed(String),
}

impl CommandError {
    pub(super) fn failed(words: impl Into<String>) -> Self {
        Self::Failed(words.into())
    }

    /// A parameter that cannot be read.
    pub(super) fn parameter(name: &str, words: &str) -> Self {
        Self::Failed(format!("Error parsing parameter '{name}': {words}"))
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Arguments(_) => 2,
            _ => 255,
        }
    }

    /// What goes to standard error.
    pub(super) fn told(&self, usage: &str) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Arguments(words) => writeln!(text, "{usage}\ntokenvend: error: {words}"),
            Self::Unknown(words) => writeln!(text, "{usage}\n{words}"),
            Self::Bare(words) => writeln!(text, "{words}"),
            Self::Failed(words) => writeln!(text, "\n{words}"),
        };
        text
    }
}
