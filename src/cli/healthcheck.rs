//! `tokenvend healthcheck`: for containers, whose images have no curl.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::CliError;
use crate::error_chain;

/// Whom to ask.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The health resource of the running service.
    #[arg(long, default_value = "http://127.0.0.1:8080/livez", env = "TOKENVEND_HEALTHCHECK_URL")]
    url: reqwest::Url,
    /// Where the URL's name is to be found. With https it has to be a name that the certificate bears, which
    /// may lead elsewhere.
    #[arg(long, value_name = "IP", env = "TOKENVEND_HEALTHCHECK_CONNECT_TO")]
    connect_to: Option<IpAddr>,
    /// The CAs to believe, with https, instead of the system's: PEM.
    #[arg(long, value_name = "FILE", env = "TOKENVEND_HEALTHCHECK_CA_FILE")]
    ca_file: Option<PathBuf>,
}

pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    let fail = |words: String| CliError { code: 69, words: format!("{} is not healthy: {words}", args.url) };
    let mut client = reqwest::Client::builder().timeout(Duration::from_secs(3)).no_proxy();
    if let (Some(ip), Some(name)) = (args.connect_to, args.url.host_str()) {
        // The port is the URL's.
        client = client.resolve(name, SocketAddr::new(ip, 0));
    }
    if let Some(path) = &args.ca_file {
        let unusable = |why: String| CliError::usage(format!("--ca-file {}: {why}", path.display()));
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let cas = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.to_string()))?;
        client = client.tls_certs_only(cas);
    }
    let client = client.build().map_err(|error| fail(error_chain::display(&error)))?;
    let answer = client.get(args.url.clone()).send().await;
    let answer = answer.map_err(|error| fail(error_chain::display(&error.without_url())))?;
    if answer.status().is_success() { Ok(()) } else { Err(fail(format!("it answers {}", answer.status()))) }
}
