//! `tokenvend emulator`: the Cognito emulator alone.

use super::Failure;
use cognito_emulator::command::{self, Args, CommandError};

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    command::run(args).await.map_err(Failure::from)
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        Self { code: error.exit_code(), words: error.to_string() }
    }
}
