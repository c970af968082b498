//! `tokenvend credentials`: the AWS credentials that a running tokenvend hands out, in the format of AWS's
//! `credential_process`, so that a profile of `~/.aws/config` can have them.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use super::bearer_token::{self, BearerError};
use super::{CliError, print};
use crate::config::Environment;
use crate::error_chain;

/// Whom to ask, as whom.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The service: its origin, without the path. https, or plain http on this machine.
    #[arg(long, default_value = "http://127.0.0.1:8080", env = "TOKENVEND_URL")]
    url: Url,
    /// A file that holds your app's token. Without it, TOKENVEND_BEARER in the environment holds the token.
    #[arg(long, value_name = "FILE")]
    bearer_file: Option<PathBuf>,
    /// A configured pool, instead of the default one.
    #[arg(long, value_name = "NAME")]
    pool: Option<String>,
}

/// Container credentials, as the service answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    #[serde(deserialize_with = "wiped")]
    secret_access_key: Zeroizing<String>,
    #[serde(deserialize_with = "wiped")]
    token: Zeroizing<String>,
    expiration: String,
}

/// What AWS's SDKs read from a process.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Told<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    detail: String,
    request_id: String,
}

pub(super) async fn run(args: &Args) -> Result<(), CliError> {
    let url = resource(args)?;
    let environment = Environment::from_process();
    let bearer = bearer_token::find(args.bearer_file.as_deref(), environment.get(bearer_token::VARIABLE))?;
    let given = ask(&url, &bearer).await.map_err(|words| CliError { code: 69, words })?;
    let told = Told {
        version: 1,
        access_key_id: &given.access_key_id,
        secret_access_key: &given.secret_access_key,
        session_token: &given.token,
        expiration: &given.expiration,
    };
    let json = serde_json::to_string(&told).map(Zeroizing::new);
    print(&format!("{}\n", *json.map_err(|error| CliError { code: 1, words: error.to_string() })?))
}

fn wiped<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(from).map(Zeroizing::new)
}

/// The bearer and the credentials travel in clear, so only encrypted, or within this machine.
fn resource(args: &Args) -> Result<Url, CliError> {
    let mut url = args.url.clone();
    if !bearer_token::is_private(&url) {
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
            BearerError::Missing | BearerError::Odd => Self::usage(error.to_string()),
            BearerError::Unreadable(..) => Self { code: 69, words: error.to_string() },
        }
    }
}

async fn ask(url: &Url, bearer: &str) -> Result<Given, String> {
    let failed = |error: reqwest::Error| {
        format!("{url} cannot be asked: {}", error_chain::display(&error.without_url()))
    };
    let client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(15))
        // Whoever answers elsewhere is not whom the bearer was meant for.
        .redirect(reqwest::redirect::Policy::none());
    let client = client.build().map_err(failed)?;
    let answer = client.get(url.clone()).bearer_auth(bearer).send().await.map_err(failed)?;
    let status = answer.status();
    let body = Zeroizing::new(answer.bytes().await.map_err(failed)?.to_vec());
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|_| format!("{url} answers with something else than credentials; is it a tokenvend?"));
    }
    Err(match serde_json::from_slice::<Problem>(&body) {
        Ok(Problem { detail, request_id }) => {
            format!("{url} answers {status}: {detail} (request {request_id})")
        }
        Err(_) => format!("{url} answers {status}"),
    })
}
