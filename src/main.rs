//! The `tokenvend` command.

use std::process::ExitCode;

use clap::Parser;
use tokenvend::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}
