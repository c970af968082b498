//! The command of `cognito-emulator` and `tokenvend emulator`: runs an emulator until SIGTERM or SIGINT.

mod banner;

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::settings::{AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL, PoolSeed, Settings};
use crate::startup::{StartError, start};
use clock::SystemClock;
use cognito_types::{DeveloperProvider, IdentityPoolId, RoleArn};

/// [`PoolSeed::default`] as the value of `--pool`.
const DEFAULT_FLAG: &str = "us-east-1:00000000-0000-4000-8000-000000000001=login.tokenvend.example";

/// Runs an emulator of Amazon Cognito identity pools: stable identities, real tokens, checked signatures, fault
/// injection. It includes the operations of STS and IAM that concern them. docs/emulator.md is the manual.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address to listen on; port 0 is any free port.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8082")]
    listen: SocketAddr,

    /// A pool and its developer provider; ",guests" allows guests. Repeatable.
    #[arg(
        long = "pool",
        value_name = "POOL_ID=PROVIDER[,guests]",
        value_parser = parse_pool,
        default_value = DEFAULT_FLAG,
    )]
    pools: Vec<PoolSeed>,

    /// Allows guests in all these pools.
    #[arg(long)]
    guests: bool,

    /// The role of authenticated identities of these pools. Without both role flags, the emulator's own roles.
    #[arg(long, value_name = "ROLE_ARN", value_parser = parse_role)]
    authenticated_role: Option<RoleArn>,

    /// The role of guests of these pools.
    #[arg(long, value_name = "ROLE_ARN", value_parser = parse_role)]
    unauthenticated_role: Option<RoleArn>,

    /// The AWS account of the pools.
    #[arg(long, value_name = "12_DIGITS", value_parser = parse_account, default_value = "123456789012")]
    account_id: String,

    /// An access key that may sign requests. Repeatable; default: a key that is printed at the start.
    #[arg(long = "access-key", value_name = "ID=SECRET", value_parser = parse_access_key)]
    access_keys: Vec<AccessKey>,

    /// Persists identities, pools and signing keys in this file.
    #[arg(long, value_name = "FILE")]
    state_file: Option<PathBuf>,

    /// Writes the URL to this file when the emulator is ready, and removes it at the end.
    #[arg(long, value_name = "FILE")]
    url_file: Option<PathBuf>,

    /// The seed of identity ids and faults, which makes them repeatable.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// The number of server threads; one signs as many tokens as a core can. Default: one per core.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,

    /// Allows an address that other machines can reach. The emulator mints tokens for every client.
    #[arg(long)]
    allow_non_loopback: bool,
}

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The arguments contradict each other.
    #[error("{0}")]
    Usage(String),
    /// The emulator cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The file of `--url-file` cannot be written or removed.
    #[error("the URL file {} cannot be {action}: {error}", path.display())]
    UrlFile {
        /// The path of the file.
        path: PathBuf,
        /// The failed action, a participle.
        action: &'static str,
        /// The operating system's error.
        error: io::Error,
    },
    /// Standard output or the signal handlers failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl CommandError {
    /// The exit code, as in sysexits.h.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Start(_) => 69,
            Self::UrlFile { .. } | Self::Io(_) => 1,
        }
    }
}

#[derive(Debug, clap::Parser)]
#[command(name = "cognito-emulator", version)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

/// Parses the process's arguments and runs the command.
pub fn main() -> ExitCode {
    let cli = match <Cli as clap::Parser>::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors of clap too.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(64) } else { ExitCode::SUCCESS };
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(CommandError::from).and_then(|runtime| runtime.block_on(run(cli.args)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "cognito-emulator: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn parse_pool(text: &str) -> Result<PoolSeed, String> {
    let (id, provider) = text
        .split_once('=')
        .ok_or_else(|| format!("no '='; expected a value like {DEFAULT_POOL}={DEFAULT_DEVELOPER_PROVIDER}"))?;
    let (provider, allow_guests) = match provider.split_once(',') {
        None => (provider, false),
        Some((provider, "guests")) => (provider, true),
        Some(_) => return Err("only ',guests' may follow the provider's name".to_owned()),
    };
    let id = IdentityPoolId::parse(id).map_err(|error| error.to_string())?;
    let provider = DeveloperProvider::parse(provider).map_err(|error| error.to_string())?;
    Ok(PoolSeed { allow_guests, ..PoolSeed::new(id, provider) })
}

fn parse_role(text: &str) -> Result<RoleArn, String> {
    RoleArn::parse(text).map_err(|error| error.to_string())
}

fn parse_account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an account id has 12 digits".to_owned())
    }
}

fn parse_access_key(text: &str) -> Result<AccessKey, String> {
    let (id, secret) = text.split_once('=').ok_or("no '='; expected a value like AKIAEXAMPLE=a-secret")?;
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("the id before '=' may contain only letters, digits and '_'".to_owned());
    }
    if secret.is_empty() {
        return Err("the secret after '=' is empty".to_owned());
    }
    Ok(AccessKey { id: id.to_owned(), secret: secret.to_owned() })
}

/// Runs an emulator until SIGTERM or SIGINT.
///
/// # Errors
///
/// [`CommandError`] says whether the arguments, the start, the URL file or the process failed.
pub async fn run(args: Args) -> Result<(), CommandError> {
    if !args.listen.ip().is_loopback() && !args.allow_non_loopback {
        return Err(CommandError::Usage(format!(
            "--listen {} can be reached from other machines, and the emulator mints tokens for every client; use a \
             loopback address such as 127.0.0.1:8082, or add --allow-non-loopback",
            args.listen
        )));
    }
    let url_file = args.url_file.clone();
    if let Some(path) = &url_file {
        // A script that waits for the file must not find that of a killed run.
        remove_url_file(path)?;
    }
    let settings = args.into_settings();
    let banner_settings = settings.clone();
    let running = start(settings, Arc::new(SystemClock::new())).await?;
    if let Some(path) = &url_file {
        write_url_file(path, &running.url())?;
    }
    print(&banner::render(&banner_settings, &running.url()))?;
    shutdown_signal().await?;
    running.stop().await;
    url_file.as_deref().map_or(Ok(()), remove_url_file)
}

/// Writes the file atomically, so that no reader sees a partial one.
fn write_url_file(path: &Path, url: &str) -> Result<(), CommandError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let written = fs::write(&temporary, format!("{url}\n")).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| url_file_error("written", path, error))
}

fn remove_url_file(path: &Path) -> Result<(), CommandError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(url_file_error("removed", path, error)),
        _ => Ok(()),
    }
}

fn url_file_error(action: &'static str, path: &Path, error: io::Error) -> CommandError {
    CommandError::UrlFile { path: path.to_owned(), action, error }
}

/// Writes to standard output. A closed pipe (`| head`) is not an error.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Completes at SIGTERM (orchestrator) or SIGINT (terminal).
async fn shutdown_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

impl Args {
    fn into_settings(self) -> Settings {
        let pools = self.pools.into_iter().map(|pool| PoolSeed {
            allow_guests: self.guests || pool.allow_guests,
            authenticated_role: self.authenticated_role.clone(),
            unauthenticated_role: self.unauthenticated_role.clone(),
            ..pool
        });
        let defaults = Settings::default();
        Settings {
            listen: self.listen,
            pools: pools.collect(),
            access_keys: if self.access_keys.is_empty() { defaults.access_keys } else { self.access_keys },
            account_id: self.account_id,
            state_file: self.state_file,
            seed: self.seed,
            workers: self.workers.map_or_else(core_count, usize::from),
            ..defaults
        }
    }
}

fn core_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_pool_of_the_command_is_that_of_the_library() {
        assert_eq!(parse_pool(DEFAULT_FLAG), Ok(PoolSeed::default()));
    }

    #[test]
    fn the_error_for_an_invalid_flag_says_what_is_allowed() {
        assert!(parse_pool("nonsense").unwrap_err().contains("expected a value like"));
        assert!(parse_pool("us-east-1=p").unwrap_err().contains("REGION:GUID"));
        assert!(parse_pool("us-east-1:1=p,guest").unwrap_err().contains(",guests"));
        assert!(parse_pool("us-east-1:1=p,guests").is_ok_and(|pool| pool.allow_guests));
        assert!(parse_role("App").unwrap_err().contains("looks like"));
        assert!(parse_account("12345").is_err());
        assert!(parse_access_key("AKIA").unwrap_err().contains("expected a value like"));
        assert!(parse_access_key("A-B=c").unwrap_err().contains("letters"));
    }
}
