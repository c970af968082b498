//! `tokenvend emulator`: the Cognito emulator alone.

use super::CliError;
use cognito_emulator::command::{self, Args, CommandError};

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    command::run(args).await.map_err(CliError::from)
}

impl From<CommandError> for CliError {
    fn from(error: CommandError) -> Self {
        Self { code: error.exit_code(), words: error.to_string() }
    }
}
