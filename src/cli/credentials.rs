//! `tokenvend credentials`: AWS credentials from a running tokenvend, in the format of AWS's `credential_process`, for
//! a profile in `~/.aws/config`.

use std::path::PathBuf;
use std::time::Duration;

use bounded_http::{HttpError, ProxyPolicy, client_builder, is_confidential, read_body};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::bearer_token::{self, BearerError};
use super::error::CliError;
use super::stdout::print;
use crate::config::Environment;

/// Larger than any real response.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The service to call, and the bearer token.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service: its origin, without a path. https, or plain http on this machine.
    #[arg(long, default_value = "http://127.0.0.1:8080", env = "TOKENVEND_URL")]
    url: Url,
    /// A file with your app's token. Without it, the token is in the environment variable TOKENVEND_BEARER.
    #[arg(long, value_name = "FILE")]
    bearer_file: Option<PathBuf>,
    /// A configured pool instead of the default one.
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
}

/// AWS credentials: read as the service returns them (container credentials), written as AWS's SDKs read them from a
/// credential process.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials {
    #[serde(skip_deserializing)]
    version: u8,
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    #[serde(rename(deserialize = "Token"))]
    session_token: Zeroizing<String>,
    expiration: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    detail: String,
    request_id: String,
}

pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    let url = credentials_url(args)?;
    let environment = Environment::from_process();
    let bearer = bearer_token::find(args.bearer_file.as_deref(), environment.get(bearer_token::VARIABLE))?;
    let credentials = request_credentials(&url, &bearer).await.map_err(CliError::unavailable)?;
    let json = serde_json::to_string(&Credentials { version: 1, ..credentials }).map(Zeroizing::new);
    print(&format!("{}\n", *json.map_err(|error| CliError::failed(error.to_string()))?))
}

/// The URL of the resource. Requests and responses have secrets in them, so plain http is allowed on this machine only.
fn credentials_url(args: &Args) -> Result<Url, CliError> {
    let mut url = args.url.clone();
    if !is_confidential(&url) {
        return Err(CliError::usage("--url is neither https nor plain http on this machine"));
    }
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["v1", "credentials"]);
    }
    if let Some(pool) = &args.pool {
        url.query_pairs_mut().append_pair("pool", pool);
    }
    Ok(url)
}

impl From<BearerError> for CliError {
    fn from(error: BearerError) -> Self {
        match error {
            BearerError::Missing | BearerError::Malformed => Self::usage(error.to_string()),
            BearerError::Unreadable(..) => Self::unavailable(error.to_string()),
        }
    }
}

async fn request_credentials(url: &Url, bearer: &str) -> Result<Credentials, String> {
    let failed = |error: HttpError| format!("request to {url} failed: {error}");
    // No redirects: the bearer token is for this service only.
    let client = client_builder(ProxyPolicy::HttpsOnly, Some(Duration::from_secs(15)))
        .connect_timeout(Duration::from_secs(5))
        .build()
        .map_err(|error| failed(error.into()))?;
    let response = client.get(url.clone()).bearer_auth(bearer).send().await.map_err(|error| failed(error.into()))?;
    let status = response.status();
    let body = Zeroizing::new(read_body(response, MAX_BODY_BYTES).await.map_err(failed)?);
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|_| format!("{url} did not return credentials; is it a tokenvend?"));
    }
    Err(match serde_json::from_slice::<Problem>(&body) {
        Ok(Problem { detail, request_id }) => {
            format!("{url} returned {status}: {detail} (request {request_id})")
        }
        Err(_) => format!("{url} returned {status}"),
    })
}
