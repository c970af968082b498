//! HTTP transport of one call: TLS trust, timeouts, and error messages.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bounded_http::{HttpError, ProxyPolicy, client_builder};
use reqwest::{Certificate, Client, Response, Url};

use super::error::CommandError;
use crate::error_chain;

/// Larger than any real response. The AWS CLI has no limit.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Which server certificates are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TlsTrust {
    /// Those of the authorities that this machine trusts.
    System,
    /// Those of the authorities in this PEM file.
    Bundle(PathBuf),
    /// All: `--no-verify-ssl`.
    NoVerification,
}

/// Timeouts of one call; `None` means no timeout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) connect: Option<Duration>,
    pub(super) read: Option<Duration>,
}

/// A client for this URL. Certificates are loaded for HTTPS only: loading takes most of the start-up time.
///
/// # Errors
/// The bundle cannot be read.
pub(super) fn build_client(
    url: &Url,
    proxies: ProxyPolicy,
    trust: &TlsTrust,
    timeouts: Timeouts,
) -> Result<Client, CommandError> {
    let failed = |reason: String| CommandError::failed(format!("SSL validation failed for {url} {reason}"));
    // No timeout of the whole exchange: the AWS CLI has none.
    let builder = client_builder(proxies, None);
    let mut builder = match trust {
        _ if url.scheme() == "http" => builder.tls_certs_only([]),
        TlsTrust::System => builder,
        TlsTrust::Bundle(path) => builder.tls_certs_only(read_bundle(path).map_err(failed)?),
        // Without verification no authority is needed, so none is loaded.
        TlsTrust::NoVerification => builder.tls_certs_only([]).tls_danger_accept_invalid_certs(true),
    };
    if let Some(timeout) = timeouts.connect {
        builder = builder.connect_timeout(timeout);
    }
    if let Some(timeout) = timeouts.read {
        builder = builder.read_timeout(timeout);
    }
    builder.build().map_err(|error| failed(error_chain::display(&error)))
}

fn read_bundle(path: &Path) -> Result<Vec<Certificate>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| error_chain::display(&error))?;
    if certificates.is_empty() {
        return Err(format!("{}: the file has no certificate in PEM", path.display()));
    }
    Ok(certificates)
}

pub(super) async fn read_body(response: Response) -> Result<Vec<u8>, HttpError> {
    bounded_http::read_body(response, MAX_BODY_BYTES).await
}

/// Why there is no response, as the AWS CLI words it.
pub(super) fn error_message(error: &HttpError, url: &Url) -> String {
    let HttpError::Exchange(error) = error else { return format!("{error}: \"{url}\"") };
    let is_tls_error =
        error_chain::find::<std::io::Error>(error).is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData);
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => format!("Connect timeout on endpoint URL: \"{url}\""),
        (false, true) => format!("Read timeout on endpoint URL: \"{url}\""),
        (true, false) if is_tls_error => {
            format!("SSL validation failed for {url} {}", error_chain::display(error))
        }
        (true, false) => format!("Could not connect to the endpoint URL: \"{url}\""),
        (false, false) => {
            format!("Connection was closed before we received a valid response from endpoint URL: \"{url}\".")
        }
    }
}
