//! The command: an emulator by its arguments, until SIGTERM or SIGINT. `cognito-emulator` and `tokenvend emulator` are it.

mod banner;

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::{AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL, PoolSeed, RoleArn, Settings, StartError};
use clock::SystemClock;
use cognito_types::{DeveloperProvider, IdentityPoolId};

/// [`PoolSeed::default`], as a flag has it.
const DEFAULT_FLAG: &str = "us-east-1:00000000-0000-4000-8000-000000000001=login.tokenvend.example";

/// Runs a Cognito Identity emulator: stable identities, real tokens, signatures checked, faults on demand. It
/// answers what STS and IAM say of such tokens and roles too. docs/emulator.md tells how to use it in tests.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8082")]
    listen: SocketAddr,

    /// A pool and its developer provider; with ",guests" behind it, it has guests. May be repeated.
    #[arg(
        long = "pool",
        value_name = "POOL_ID=PROVIDER[,guests]",
        value_parser = parse_pool,
        default_value = DEFAULT_FLAG,
    )]
    pools: Vec<PoolSeed>,

    /// Lets all these pools have guests.
    #[arg(long)]
    guests: bool,

    /// The role that these pools give to users. With neither this nor the next, everybody has a role.
    #[arg(long, value_name = "ROLE_ARN", value_parser = parse_role)]
    authenticated_role: Option<RoleArn>,

    /// The role that these pools give to guests.
    #[arg(long, value_name = "ROLE_ARN", value_parser = parse_role)]
    unauthenticated_role: Option<RoleArn>,

    /// The AWS account that the pools are in.
    #[arg(long, value_name = "12_DIGITS", value_parser = parse_account, default_value = "123456789012")]
    account_id: String,

    /// An access key that may sign calls. May be repeated; absent, one pair that is printed at the start.
    #[arg(long = "access-key", value_name = "ID=SECRET", value_parser = parse_access_key)]
    access_keys: Vec<AccessKey>,

    /// Keeps identities, pools and signing keys in this file over a restart.
    #[arg(long, value_name = "FILE")]
    state_file: Option<PathBuf>,

    /// Writes the URL to this file once the emulator answers, and removes it at the end: for scripts.
    #[arg(long, value_name = "FILE")]
    url_file: Option<PathBuf>,

    /// Makes identity ids and faults repeatable.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Threads that answer; each mints as many tokens as a core can sign. Absent: one a core.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,

    /// Allows an address that other machines can reach. The emulator mints tokens for anybody.
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
    /// The file of `--url-file`.
    #[error("the URL file {} cannot be {what}: {error}", path.display())]
    UrlFile {
        /// Its path.
        path: PathBuf,
        /// What was to be done with it.
        what: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// Standard output or the signals.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl CommandError {
    /// The exit code, as sysexits.h has it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Start(_) => 69,
            Self::UrlFile { .. } | Self::Io(_) => 1,
        }
    }
}

/// The command as a program of its own.
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
            // Help and version come as errors too.
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
        .ok_or_else(|| format!("it has no '='; it looks like {DEFAULT_POOL}={DEFAULT_DEVELOPER_PROVIDER}"))?;
    let (provider, allow_guests) = match provider.split_once(',') {
        None => (provider, false),
        Some((provider, "guests")) => (provider, true),
        Some(_) => return Err("after the provider's name only ',guests' may follow".to_owned()),
    };
    let id = IdentityPoolId::parse(id).map_err(|fault| fault.to_string())?;
    let provider = DeveloperProvider::parse(provider).map_err(|fault| fault.to_string())?;
    Ok(PoolSeed { allow_guests, ..PoolSeed::new(id, provider) })
}

fn parse_role(text: &str) -> Result<RoleArn, String> {
    RoleArn::parse(text).map_err(str::to_owned)
}

fn parse_account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an account id has 12 digits".to_owned())
    }
}

fn parse_access_key(text: &str) -> Result<AccessKey, String> {
    let (id, secret) = text.split_once('=').ok_or("it has no '='; it looks like AKIAEXAMPLE=a-secret")?;
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("the id before '=' may only have letters, digits and '_'".to_owned());
    }
    if secret.is_empty() {
        return Err("the secret after '=' is empty".to_owned());
    }
    Ok(AccessKey { id: id.to_owned(), secret: secret.to_owned() })
}

pub async fn run(args: Args) -> Result<(), CommandError> {
    if !args.listen.ip().is_loopback() && !args.allow_non_loopback {
        return Err(CommandError::Usage(format!(
            "--listen {} can be reached from other machines, and the emulator mints tokens for anybody; use a \
             loopback address such as 127.0.0.1:8082, or add --allow-non-loopback",
            args.listen
        )));
    }
    let url_file = args.url_file.clone();
    if let Some(path) = &url_file {
        // Whoever waits for the file should not find the one of a run that was killed.
        remove(path)?;
    }
    let settings = args.into_settings();
    let announced = settings.clone();
    let running = crate::start(settings, Arc::new(SystemClock::new())).await?;
    if let Some(path) = &url_file {
        write(path, &running.url())?;
    }
    print(&banner::render(&announced, &running.url()))?;
    shutdown_signal().await?;
    running.stop().await;
    url_file.as_deref().map_or(Ok(()), remove)
}

/// Writes the whole of it or nothing: a reader that comes in between finds no file.
fn write(path: &Path, url: &str) -> Result<(), CommandError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let written = fs::write(&beside, format!("{url}\n")).and_then(|()| fs::rename(&beside, path));
    written.map_err(|fault| failed("written", path, fault))
}

fn remove(path: &Path) -> Result<(), CommandError> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(failed("removed", path, fault)),
        _ => Ok(()),
    }
}

fn failed(what: &'static str, path: &Path, error: io::Error) -> CommandError {
    CommandError::UrlFile { path: path.to_owned(), what, error }
}

/// Writes to standard output. A reader that has gone away (`| head`) is no failure.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Ends at SIGTERM from an orchestrator, or SIGINT from a terminal.
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
            credentials: if self.access_keys.is_empty() { defaults.credentials } else { self.access_keys },
            account_id: self.account_id,
            state_file: self.state_file,
            seed: self.seed,
            workers: self.workers.map_or_else(cores, usize::from),
            ..defaults
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_pool_of_the_command_is_the_one_of_the_library() {
        assert_eq!(parse_pool(DEFAULT_FLAG), Ok(PoolSeed::default()));
    }

    #[test]
    fn a_flag_that_makes_no_sense_is_told_what_is_allowed() {
        assert!(parse_pool("nonsense").unwrap_err().contains("it looks like"));
        assert!(parse_pool("us-east-1=p").unwrap_err().contains("REGION:GUID"));
        assert!(parse_pool("us-east-1:1=p,guest").unwrap_err().contains(",guests"));
        assert!(parse_pool("us-east-1:1=p,guests").is_ok_and(|pool| pool.allow_guests));
        assert!(parse_role("App").unwrap_err().contains("looks like"));
        assert!(parse_account("12345").is_err());
        assert!(parse_access_key("AKIA").unwrap_err().contains("it looks like"));
        assert!(parse_access_key("A-B=c").unwrap_err().contains("letters"));
    }
}
