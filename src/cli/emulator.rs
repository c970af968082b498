//! `tokenvend emulator`: the Cognito emulator alone, until it is told to stop.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Failure, print, told_to_end};
use crate::clock::SystemClock;
use crate::emulator::{self, AccessKey, DEFAULT_DEVELOPER_PROVIDER, DEFAULT_POOL, PoolSeed, Settings};
use crate::identity::{DeveloperProvider, IdentityPoolId};

/// [`PoolSeed::default`], as a flag has it.
const DEFAULT_FLAG: &str = "us-east-1:00000000-0000-4000-8000-000000000001=login.tokenvend.example";

/// Runs a Cognito Identity emulator: stable identities, real tokens, signatures checked, faults on demand.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8082")]
    listen: SocketAddr,

    /// A pool and its developer provider. May be repeated.
    #[arg(
        long = "pool",
        value_name = "POOL_ID=PROVIDER",
        value_parser = parse_pool,
        default_value = DEFAULT_FLAG,
    )]
    pools: Vec<PoolSeed>,

    /// Lets the pools have guests.
    #[arg(long)]
    guests: bool,

    /// An access key that may sign calls. May be repeated; absent, one pair that is printed at the start.
    #[arg(long = "access-key", value_name = "ID=SECRET", value_parser = parse_access_key)]
    access_keys: Vec<AccessKey>,

    /// Keeps identities, pools and signing keys in this file over a restart.
    #[arg(long, value_name = "FILE")]
    state_file: Option<PathBuf>,

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

fn parse_pool(text: &str) -> Result<PoolSeed, String> {
    let (id, provider) = text
        .split_once('=')
        .ok_or_else(|| format!("it has no '='; it looks like {DEFAULT_POOL}={DEFAULT_DEVELOPER_PROVIDER}"))?;
    let id = IdentityPoolId::parse(id).map_err(|fault| fault.to_string())?;
    let provider = DeveloperProvider::parse(provider).map_err(|fault| fault.to_string())?;
    Ok(PoolSeed::new(id, provider))
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

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    if !args.listen.ip().is_loopback() && !args.allow_non_loopback {
        return Err(Failure::usage(format!(
            "--listen {} can be reached from other machines, and the emulator mints tokens for anybody; use a \
             loopback address such as 127.0.0.1:8082, or add --allow-non-loopback",
            args.listen
        )));
    }
    let settings = args.into_settings();
    let announced = settings.clone();
    let running =
        emulator::start(settings, Arc::new(SystemClock::new())).await.map_err(Failure::unavailable)?;
    print(&announcement(&announced, &running.url()))?;
    told_to_end().await?;
    running.stop().await;
    Ok(())
}

impl Args {
    fn into_settings(self) -> Settings {
        let pools = self.pools.into_iter().map(|pool| PoolSeed { allow_guests: self.guests, ..pool });
        let defaults = Settings::default();
        Settings {
            listen: self.listen,
            pools: pools.collect(),
            credentials: if self.access_keys.is_empty() { defaults.credentials } else { self.access_keys },
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

/// What runs where, and a command to try it with.
fn announcement(settings: &Settings, url: &str) -> String {
    let mut text = format!("Cognito emulator on {url}\n");
    // Writing to a String cannot fail.
    for pool in &settings.pools {
        let guests = if pool.allow_guests { "guests allowed" } else { "no guests" };
        let _ = writeln!(text, "  pool       {} ({}, {guests})", pool.id, pool.developer_provider);
    }
    for key in &settings.credentials {
        let _ = writeln!(text, "  access key {}", key.id);
    }
    let state = settings
        .state_file
        .as_ref()
        .map_or_else(|| "in memory only, gone when it stops".to_owned(), |file| file.display().to_string());
    let _ = writeln!(text, "  state      {state}");
    let _ = writeln!(text, "  discovery  {url}/.well-known/openid-configuration");
    let _ = writeln!(text, "  faults     {url}/_emulator/faults (GET, PUT, DELETE)");
    let _ = writeln!(text, "  calls      {url}/_emulator/calls (GET, DELETE)");
    if let (Some(pool), Some(key)) = (settings.pools.first(), settings.credentials.first()) {
        // A secret given on the command line is known to whoever gave it; only the built-in one is shown.
        let secret = if *key == AccessKey::default() { key.secret.as_str() } else { "…" };
        let _ = write!(
            text,
            "\nTry it:\n  AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={secret} \\\n  \
             aws cognito-identity get-open-id-token-for-developer-identity \\\n    \
             --endpoint-url {url} --region {} \\\n    --identity-pool-id {} \\\n    --logins {}=alice\n",
            key.id,
            pool.id.region(),
            pool.id,
            pool.developer_provider,
        );
    }
    text
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
        assert!(parse_access_key("AKIA").unwrap_err().contains("it looks like"));
        assert!(parse_access_key("A-B=c").unwrap_err().contains("letters"));
    }
}
