//! `tokenvend dev`: everything on this machine, until it is told to end.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::{CliError, print, told_to_end};
use crate::config::Environment;
use crate::dev::{self, DevAddresses, DevError};
use crate::telemetry;
use clock::SystemClock;

/// Where to run it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address of all parts: loopback, or all addresses together with --allow-non-loopback.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The service's port; the admin listener, the emulator and the sign-in take the next three. 0: any.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Let other machines in. Whoever reaches it can be anybody: the demo sign-in asks for no password.
    #[arg(long)]
    allow_non_loopback: bool,
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    check(&args)?;
    let addresses = DevAddresses { ip: args.listen, port: args.port };
    let clock = Arc::new(SystemClock::new());
    let environment = Environment::from_process();
    let surroundings = dev::surroundings(addresses, &environment, clock.clone()).await?;
    telemetry::start(&surroundings.settings.log).map_err(CliError::unavailable)?;
    let running = surroundings.start(clock).await?;
    print(&running.introduction())?;
    told_to_end().await?;
    running.stop().await;
    Ok(())
}

impl From<DevError> for CliError {
    fn from(error: DevError) -> Self {
        match error {
            DevError::Config(error) => error.into(),
            other => Self::unavailable(other),
        }
    }
}

fn check(args: &Args) -> Result<(), CliError> {
    let ip = args.listen;
    if ip.is_loopback() {
        return Ok(());
    }
    if !ip.is_unspecified() {
        return Err(CliError::usage(format!(
            "--listen {ip}: the parts reach each other over loopback, so listen there, or on 0.0.0.0 or :: \
             with --allow-non-loopback"
        )));
    }
    if !args.allow_non_loopback {
        return Err(CliError::usage(format!(
            "--listen {ip} lets other machines in, and the demo sign-in signs in anybody as anybody; \
             add --allow-non-loopback if that is what you want"
        )));
    }
    Ok(())
}
