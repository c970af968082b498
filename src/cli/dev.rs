//! `tokenvend dev`: the service, the emulator and a demo identity provider on this machine, until a signal ends them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::error::CliError;
use super::shutdown::shutdown_signal;
use super::stdout::print;
use crate::config::Environment;
use crate::dev::{self, DevError};
use clock::SystemClock;

/// The addresses to listen on.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The address of all parts: loopback, or 0.0.0.0 or :: together with --allow-non-loopback.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The service's port; the admin listener, the emulator and the demo sign-in take the next three. 0: free ports.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Accept connections from other machines. The demo sign-in asks for no password, so each client can be any user.
    #[arg(long)]
    allow_non_loopback: bool,
}

pub(super) async fn run(args: Args) -> Result<(), CliError> {
    check(&args)?;
    let address = SocketAddr::new(args.listen, args.port);
    let running = dev::start(address, &Environment::from_process(), Arc::new(SystemClock::new())).await?;
    print(&running.banner())?;
    shutdown_signal().await?;
    running.stop().await;
    Ok(())
}

impl From<DevError> for CliError {
    fn from(error: DevError) -> Self {
        match error {
            DevError::Config(error) => error.into(),
            other => Self::unavailable_error(other),
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
            "--listen {ip}: the parts connect to each other over loopback, so give a loopback address, or 0.0.0.0 or \
             :: with --allow-non-loopback"
        )));
    }
    if !args.allow_non_loopback {
        return Err(CliError::usage(format!(
            "--listen {ip} accepts connections from other machines, and the demo sign-in signs in every client as any \
             user; add --allow-non-loopback to allow it"
        )));
    }
    Ok(())
}
