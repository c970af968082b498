//! HTTP for one call: whom to trust, how long to wait, and why no answer came.

use std::path::{Path, PathBuf};

use bounded_http::{HttpError, ProxyPolicy, client_builder, read_body};
use reqwest::{Certificate, Client, Response, Url};

use super::error::CommandError;
use super::settings::Timeouts;
use crate::error_chain;

/// Larger than any real response. The AWS CLI has no limit.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// Whose certificates are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TlsTrust {
    /// Those that this machine trusts.
    System,
    /// Those that this file has.
    Bundle(PathBuf),
    /// Any: `--no-verify-ssl`.
    Anybody,
}

/// A client for this URL. Certificates are read for HTTPS only: they are most of what a start would take.
///
/// # Errors
/// The bundle cannot be read.
pub(super) fn client(
    url: &Url,
    proxies: ProxyPolicy,
    trust: &TlsTrust,
    timeouts: Timeouts,
) -> Result<Client, CommandError> {
    let failed = |why: String| CommandError::failed(format!("SSL validation failed for {url} {why}"));
    // No time limit for the whole exchange: the AWS CLI has none.
    let builder = client_builder(proxies, None);
    let mut builder = match trust {
        _ if url.scheme() == "http" => builder.tls_certs_only([]),
        TlsTrust::System => builder,
        TlsTrust::Bundle(path) => builder.tls_certs_only(bundle(path).map_err(failed)?),
        // With no authorities at all, since nobody is asked.
        TlsTrust::Anybody => builder.tls_certs_only([]).tls_danger_accept_invalid_certs(true),
    };
    if let Some(timeout) = timeouts.connect {
        builder = builder.connect_timeout(timeout);
    }
    if let Some(timeout) = timeouts.read {
        builder = builder.read_timeout(timeout);
    }
    builder.build().map_err(|error| failed(error_chain::told(&error)))
}

fn bundle(path: &Path) -> Result<Vec<Certificate>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| error_chain::told(&error))?;
    if certificates.is_empty() {
        return Err(format!("{}: it has no certificate in PEM", path.display()));
    }
    Ok(certificates)
}

/// The body of a response.
pub(super) async fn body(response: Response) -> Result<Vec<u8>, HttpError> {
    read_body(response, MAX_BODY_BYTES).await
}

/// Why no answer came, in the CLI's words.
pub(super) fn words(error: &HttpError, url: &Url) -> String {
    let HttpError::Exchange(error) = error else { return format!("{error}: \"{url}\"") };
    let is_of_tls = error_chain::find::<std::io::Error>(error)
        .is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData);
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => format!("Connect timeout on endpoint URL: \"{url}\""),
        (false, true) => format!("Read timeout on endpoint URL: \"{url}\""),
        (true, false) if is_of_tls => {
            format!("SSL validation failed for {url} {}", error_chain::told(error))
        }
        (true, false) => format!("Could not connect to the endpoint URL: \"{url}\""),
        (false, false) => {
            format!("Connection was closed before we received a valid response from endpoint URL: \"{url}\".")
        }
    }
}
