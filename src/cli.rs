//! Command line: one file for each subcommand.
//!
//! Exit codes are those of sysexits.h: 64 wrong usage, 65 unreadable input, 69 a required resource is unavailable, 77 a
//! credential was not accepted, 78 invalid configuration, 1 everything else.

#[cfg(feature = "aws-cli")]
mod aws_cli;
mod bearer_token;
mod check_config;
mod config_file;
mod credentials;
#[cfg(feature = "emulator")]
mod dev;
mod doctor;
mod error;
mod generate_key;
mod healthcheck;
mod identities;
mod inspect;
mod serve;
mod shutdown;
mod stdout;
mod token_arg;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use crate::config;
use config_file::ConfigFile;
use error::CliError;
use stdout::print;

/// A token-vending service for Amazon Cognito developer-authenticated identities.
#[derive(Debug, Parser)]
#[command(version, subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(ConfigFile),
    /// Run the service, a Cognito emulator and a demo identity provider on this machine; no AWS account is needed.
    #[cfg(feature = "emulator")]
    Dev(dev::Args),
    /// Run the Cognito emulator alone.
    #[cfg(feature = "emulator")]
    Emulator(cognito_emulator::command::Args),
    /// Get a user's token directly from Cognito: the AWS CLI command of this name, with the same options.
    #[cfg(feature = "aws-cli")]
    #[command(name = aws_cli_compat::COMMAND)]
    GetOpenIdToken(aws_cli::Args),
    /// Validate a configuration and list every error in it.
    CheckConfig(ConfigFile),
    /// Check the configuration, the machine, AWS and the keys, and print a remedy for each problem.
    Doctor(doctor::Args),
    /// Print a token's header and claims, without verifying anything.
    Inspect(inspect::Args),
    /// Verify that Cognito minted a token for a pool and that it is still valid; the exit code is the result.
    Verify(verify::Args),
    /// Print a user's AWS credentials from a running service, in the format of AWS's credential_process.
    Credentials(credentials::Args),
    /// Generate a key for a backend: print it once, and the digest for the configuration.
    GenerateKey,
    /// Print the default configuration, which is also the manual.
    PrintDefaultConfig,
    /// Print the OpenAPI document of the public listener, or of the admin listener.
    Openapi {
        /// Print that of the admin listener.
        #[arg(long)]
        admin: bool,
    },
    /// Manage users and identities through the admin listener of a running service.
    Identities(identities::Args),
    /// Check the health of a running service; the exit code is the result.
    Healthcheck(healthcheck::Args),
}

/// Parses the process's arguments and runs the command.
pub fn main() -> ExitCode {
    let arguments = std::env::args_os().collect();
    #[cfg(feature = "aws-cli")]
    let arguments = aws_cli_compat::command_first(arguments);
    let cli = match Cli::try_parse_from::<Vec<_>, _>(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors for clap too. A failure to print them cannot be reported.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            if !error.message.is_empty() {
                let _ = writeln!(std::io::stderr(), "tokenvend: {}", error.message);
            }
            ExitCode::from(error.code)
        }
    }
}

/// Runs the command: servers on a multi-threaded runtime, single calls on the current thread.
fn run(command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Serve(file) => block_on(Builder::new_multi_thread(), serve::run(&file)),
        #[cfg(feature = "emulator")]
        Command::Dev(args) => block_on(Builder::new_multi_thread(), dev::run(args)),
        #[cfg(feature = "emulator")]
        Command::Emulator(args) => {
            block_on(Builder::new_multi_thread(), async { Ok(cognito_emulator::command::run(args).await?) })
        }
        // This command has the AWS CLI's exit codes and error texts.
        #[cfg(feature = "aws-cli")]
        Command::GetOpenIdToken(args) => return Ok(aws_cli::run(args)),
        Command::CheckConfig(file) => check_config::run(&file),
        Command::Doctor(args) => block_on(Builder::new_current_thread(), doctor::run(args)),
        Command::Inspect(args) => inspect::run(args),
        Command::GenerateKey => generate_key::run(),
        Command::Verify(args) => block_on(Builder::new_current_thread(), verify::run(args)),
        Command::Credentials(args) => block_on(Builder::new_current_thread(), credentials::run(&args)),
        Command::PrintDefaultConfig => print(config::DEFAULT_CONFIG),
        Command::Openapi { admin: false } => print(crate::http::OPENAPI),
        Command::Openapi { admin: true } => print(crate::admin::OPENAPI),
        Command::Identities(args) => block_on(Builder::new_current_thread(), identities::run(&args)),
        Command::Healthcheck(args) => block_on(Builder::new_current_thread(), healthcheck::run(&args)),
    }
    .map(|()| ExitCode::SUCCESS)
}

fn block_on(mut runtime: Builder, work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    runtime.enable_all().build()?.block_on(work)
}
