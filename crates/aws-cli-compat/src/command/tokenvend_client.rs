//! Client of a running tokenvend, which `--url` calls instead of Cognito, with the user's bearer token. No AWS
//! credentials are needed, and the service may answer from its cache.

use std::path::Path;

use bounded_http::{HttpError, ProxyPolicy, is_confidential};
use reqwest::{StatusCode, Url};
use zeroize::Zeroizing;

use super::environment::Environment;
use super::error::CommandError;
use super::options::Options;
use super::response::MEMBERS;
use super::settings::read_trust;
use super::transport::{self, Timeouts};
use crate::language::json;
use crate::language::value::{Map, Value};

/// Reads the bearer token from the file of `--bearer-file`, or else takes the value of `TOKENVEND_BEARER`.
pub type BearerLookup<'a> = &'a dyn Fn(Option<&Path>, Option<&str>) -> Result<Zeroizing<String>, BearerError>;

/// Why there is no bearer token, with the message for the user.
#[derive(Debug)]
pub enum BearerError {
    /// None is configured.
    Missing(String),
    /// The file cannot be read, or its content is not a token.
    Invalid(String),
}

/// Requests a token from the service at this URL.
///
/// # Errors
/// An option that conflicts with `--url`, no bearer token, no response, or a problem that the service returned.
pub(super) async fn request_token(
    url: &str,
    options: &Options,
    timeouts: Timeouts,
    environment: &Environment,
    bearer: BearerLookup<'_>,
) -> Result<Map, CommandError> {
    if let Some(option) = options.conflict_with_url() {
        return Err(CommandError::Arguments(format!(
            "argument {option}: not allowed with --url: the bearer token names the user, and the service knows its \
             pools"
        )));
    }
    let invalid = || CommandError::failed(format!("Invalid endpoint: {url}"));
    let mut url = Url::parse(url).map_err(|_| invalid())?;
    url.path_segments_mut().map_err(|()| invalid())?.pop_if_empty().extend(["v1", "token"]);
    url.query_pairs_mut().append_pair("format", "aws");

    let trust = read_trust(&options.global, environment, environment.get("AWS_CA_BUNDLE"));
    let client = transport::build_client(&url, ProxyPolicy::HttpsOnly, &trust, timeouts)?;
    if !is_confidential(&url) {
        return Err(CommandError::Arguments(
            "argument --url: neither https nor plain http on this machine: the bearer token would be sent \
             unencrypted"
                .to_owned(),
        ));
    }
    let file = options.bearer_file.as_deref().map(|path| environment.expand_path(path));
    let bearer = bearer(file.as_deref().map(Path::new), environment.get("TOKENVEND_BEARER"));
    let bearer = bearer.map_err(|error| match error {
        BearerError::Missing(message) => CommandError::Arguments(message),
        BearerError::Invalid(message) => CommandError::failed(message),
    })?;
    let mut request = client.post(url.clone()).bearer_auth(bearer.as_str());
    if let Some(pool) = &options.pool {
        let mut body = Map::default();
        body.insert("pool", Value::text(pool));
        request = request
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(json::write(&Value::Map(body), json::JsonStyle::Spaced));
    }
    let failed = |error: HttpError| CommandError::Failed(transport::error_message(&error, &url));
    let response = request.send().await.map_err(|error| failed(error.into()))?;
    let status = response.status();
    let body = Zeroizing::new(transport::read_body(response).await.map_err(failed)?);
    let body = std::str::from_utf8(&body).ok().and_then(|text| json::read(text).ok());
    let Some(Value::Map(body)) = body else { return Err(not_tokenvend(&url, status)) };
    if let Some(problem_type) = problem_type(&body) {
        return Err(format_problem(&problem_type, &body));
    }
    let mut output = Map::default();
    for member in MEMBERS {
        let value = body.get(member).filter(|_| status == StatusCode::OK);
        output.insert(member, value.ok_or_else(|| not_tokenvend(&url, status))?.clone());
    }
    Ok(output)
}

fn not_tokenvend(url: &Url, status: StatusCode) -> CommandError {
    CommandError::failed(format!("{url} returned HTTP {}; it is not a tokenvend service", status.as_u16()))
}

/// The type of a problem (RFC 9457) of tokenvend, without the common prefix.
fn problem_type(body: &Map) -> Option<String> {
    let problem_type = body.get("type")?.to_string();
    problem_type.strip_prefix("urn:tokenvend:error:").map(str::to_owned)
}

/// A problem, in the format of the AWS CLI's errors.
fn format_problem(problem_type: &str, problem: &Map) -> CommandError {
    let detail = problem.get("detail").map(ToString::to_string).unwrap_or_default();
    CommandError::failed(format!("An error occurred ({problem_type}) when calling the tokenvend service: {detail}"))
}
