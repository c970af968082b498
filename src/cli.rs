//! The command line: one file a subcommand.

mod emulator;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A token-vending service for Amazon Cognito developer-authenticated identities.
#[derive(Debug, Parser)]
#[command(name = "tokenvend", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the Cognito emulator alone.
    Emulator(emulator::Args),
}

impl Cli {
    /// Runs the command to its end.
    pub async fn run(self) -> ExitCode {
        match self.command {
            Command::Emulator(args) => emulator::run(args).await,
        }
    }
}
