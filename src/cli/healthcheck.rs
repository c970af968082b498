//! `tokenvend healthcheck`: health check for containers, whose images have no curl.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bounded_http::{ProxyPolicy, client_builder};
use reqwest::redirect::Policy;

use super::error::CliError;
use crate::error_chain;

/// The service to check.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The health resource of the running service.
    #[arg(long, default_value = "http://127.0.0.1:8080/livez", env = "TOKENVEND_HEALTHCHECK_URL")]
    url: reqwest::Url,
    /// Connect to this address instead of the one that the URL's host resolves to. With https the URL must have a host
    /// of the certificate, which may resolve to another machine.
    #[arg(long, value_name = "IP", env = "TOKENVEND_HEALTHCHECK_CONNECT_TO")]
    connect_to: Option<IpAddr>,
    /// The CA certificates to trust with https instead of the system's, in PEM.
    #[arg(long, value_name = "FILE", env = "TOKENVEND_HEALTHCHECK_CA_FILE")]
    ca_file: Option<PathBuf>,
}

pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    let fail = |reason: String| CliError::unavailable(format!("{} is not healthy: {reason}", args.url));
    let client = client_builder(ProxyPolicy::Never, Some(Duration::from_secs(3)));
    let mut client = client.redirect(Policy::default());
    if let (Some(ip), Some(name)) = (args.connect_to, args.url.host_str()) {
        // The port is the URL's.
        client = client.resolve(name, SocketAddr::new(ip, 0));
    }
    if let Some(path) = &args.ca_file {
        let invalid = |reason: String| CliError::usage(format!("--ca-file {}: {reason}", path.display()));
        let pem = std::fs::read(path).map_err(|error| invalid(error.to_string()))?;
        let cas = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| invalid(error.to_string()))?;
        client = client.tls_certs_only(cas);
    }
    let client = client.build().map_err(|error| fail(error_chain::display(&error)))?;
    let response = client.get(args.url.clone()).send().await;
    let response = response.map_err(|error| fail(error_chain::display(&error.without_url())))?;
    let status = response.status();
    if status.is_success() { Ok(()) } else { Err(fail(format!("it returned {status}"))) }
}
