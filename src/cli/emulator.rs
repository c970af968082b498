//! `tokenvend emulator`: the Cognito emulator, without the service.

use super::error::CliError;
use cognito_emulator::command::{self, Args, CommandError};

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    command::run(args).await.map_err(CliError::from)
}

impl From<CommandError> for CliError {
    fn from(error: CommandError) -> Self {
        Self::new(error.exit_code(), error.to_string())
    }
}
