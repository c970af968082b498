//! The command line: one file a subcommand. Exit codes are those of sysexits.h: 64 for a wrong usage, 65 for
//! input that cannot be read, 69 where something needed cannot be had, 77 where a credential is not accepted, 78
//! for a wrong configuration, 1 for everything else.

#[cfg(feature = "aws-cli")]
mod aws_cli;
mod bearer_token;
mod check_config;
mod credentials;
#[cfg(feature = "emulator")]
mod dev;
mod doctor;
#[cfg(feature = "emulator")]
mod emulator;
mod generate_key;
mod healthcheck;
mod identities;
mod inspect;
mod serve;
mod token_arg;
mod verify;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use crate::config::{self, ConfigError, ConfigSource, Environment, Loaded};
use crate::error_chain;

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
    /// Run the service, a Cognito emulator and a demo sign-in on this machine; no AWS account is needed.
    #[cfg(feature = "emulator")]
    Dev(dev::Args),
    /// Run the Cognito emulator alone.
    #[cfg(feature = "emulator")]
    Emulator(cognito_emulator::command::Args),
    /// Get a user's token straight from Cognito: the AWS CLI command of this name, option for option.
    #[cfg(feature = "aws-cli")]
    #[command(name = aws_cli_compat::COMMAND)]
    GetOpenIdToken(aws_cli::Args),
    /// Say everything that is wrong with a configuration.
    CheckConfig(ConfigFile),
    /// Check the configuration, the machine, AWS and the keys, and say what to do about what is wrong.
    Doctor(doctor::Args),
    /// Show what a token says of itself, without verifying anything.
    Inspect(inspect::Args),
    /// Prove that Cognito minted a token for a pool and that it is still good; the exit code tells.
    Verify(verify::Args),
    /// Print a user's AWS credentials from a running service, as AWS's credential_process wants them.
    Credentials(credentials::Args),
    /// Make a key for a backend: print it once, and the digest that the configuration has of it.
    NewKey,
    /// Print the default configuration, which is also the manual.
    PrintDefaultConfig,
    /// Print the OpenAPI document of the public listener, or of the admin listener.
    Openapi {
        /// The admin listener's.
        #[arg(long)]
        admin: bool,
    },
    /// Look after users and identities, by the admin listener of a running service.
    Identities(identities::Args),
    /// Ask a running service whether it is healthy; the exit code tells.
    Healthcheck(healthcheck::Args),
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// A TOML file to lay over the defaults. The environment (TOKENVEND__SECTION__KEY) is laid over both.
    #[arg(long = "config", value_name = "FILE", env = "TOKENVEND_CONFIG")]
    path: Option<PathBuf>,
}

impl ConfigFile {
    fn load(&self) -> Result<Loaded, ConfigError> {
        let documents =
            self.path.iter().map(|path| ConfigSource::read(path)).collect::<Result<Vec<_>, _>>()?;
        config::load(&documents, &Environment::from_process())
    }
}

/// Why a command failed, and what the shell is told.
#[derive(Debug)]
pub(crate) struct CliError {
    code: u8,
    words: String,
}

impl CliError {
    /// Something that is needed cannot be had. Told with all its causes.
    fn unavailable(error: impl std::error::Error + 'static) -> Self {
        Self { code: 69, words: error_chain::display(&error) }
    }

    /// What was handed in cannot be read.
    fn unreadable(words: impl Into<String>) -> Self {
        Self { code: 65, words: words.into() }
    }

    /// What is wrong has been told already, in the command's own way.
    fn told(code: u8) -> Self {
        Self { code, words: String::new() }
    }

    /// The command cannot be used like this.
    fn usage(words: impl Into<String>) -> Self {
        Self { code: 64, words: words.into() }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self { code: 78, words: error.to_string() }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self { code: 1, words: error.to_string() }
    }
}

/// Parses the process's arguments, runs the command, and tells how it went.
pub fn main() -> ExitCode {
    let arguments = std::env::args_os().collect();
    #[cfg(feature = "aws-cli")]
    let arguments = aws_cli_compat::command_first(arguments);
    let cli = match Cli::try_parse_from::<Vec<_>, _>(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come as errors too; there is nothing left to tell if even this fails.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    match run(cli.command) {
        Ok(code) => code,
        Err(CliError { code, words }) => {
            if !words.is_empty() {
                let _ = writeln!(std::io::stderr(), "tokenvend: {words}");
            }
            ExitCode::from(code)
        }
    }
}

/// Runs the command on as many threads as it needs: what serves, on all cores; what asks once, on this one.
fn run(command: Command) -> Result<ExitCode, CliError> {
    match command {
        Command::Serve(file) => block_on(Builder::new_multi_thread(), serve::run(&file)),
        #[cfg(feature = "emulator")]
        Command::Dev(args) => block_on(Builder::new_multi_thread(), dev::run(args)),
        #[cfg(feature = "emulator")]
        Command::Emulator(args) => block_on(Builder::new_multi_thread(), emulator::run(args)),
        // It has the AWS CLI's exit codes and error texts.
        #[cfg(feature = "aws-cli")]
        Command::GetOpenIdToken(args) => return Ok(aws_cli::run(args)),
        Command::CheckConfig(file) => check_config::run(&file),
        Command::Doctor(args) => block_on(Builder::new_current_thread(), doctor::run(args)),
        Command::Inspect(args) => inspect::run(args),
        Command::NewKey => generate_key::run(),
        Command::Verify(args) => block_on(Builder::new_current_thread(), verify::run(args)),
        Command::Credentials(args) => block_on(Builder::new_current_thread(), credentials::run(&args)),
        Command::PrintDefaultConfig => print(config::DEFAULT_CONFIG),
        Command::Openapi { admin: false } => print(crate::http::OPENAPI),
        Command::Openapi { admin: true } => print(crate::admin::OPENAPI),
        Command::Identities(args) => {
            block_on(Builder::new_current_thread(), identities::run(&args, &Environment::from_process()))
        }
        Command::Healthcheck(args) => block_on(Builder::new_current_thread(), healthcheck::run(&args)),
    }
    .map(|()| ExitCode::SUCCESS)
}

fn block_on(mut runtime: Builder, work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    runtime.enable_all().build()?.block_on(work)
}

/// Writes to standard output. A reader that has gone away (`| head`) is no failure.
fn print(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Waits until the process is told to end: SIGTERM from an orchestrator, SIGINT from a terminal.
async fn told_to_end() -> Result<(), CliError> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
