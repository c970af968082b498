//! The call itself: the request that the AWS CLI sends, byte for byte in its body, signed, and sent again as
//! often as the CLI would. Not by the SDK's client, which writes, retries and reads answers in its own way; but
//! endpoints, credentials and signatures are the SDK's.

use aws_credential_types::Credentials;
use aws_sdk_cognitoidentity::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use bounded_http::{HttpError, ProxyPolicy};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::debug_log::DebugLog;
use super::error::CommandError;
use super::response::Response;
use super::settings::Settings;
use super::transport;
use crate::language::json::{self, JsonStyle};
use crate::language::value::{Map, Value};
use crate::sigv4::{self, Scope};
use clock::Clock;

const CONTENT: &str = "application/x-amz-json-1.1";
const TARGET: &str = "AWSCognitoIdentityService.GetOpenIdTokenForDeveloperIdentity";

/// Where to call.
///
/// # Errors
/// The URL that was given is none, or the region has no such endpoint.
pub(super) async fn endpoint(settings: &Settings) -> Result<Url, CommandError> {
    let url = match &settings.endpoint {
        Some(url) => url.clone(),
        None => {
            let parameters = Params::builder()
                .region(settings.region.clone())
                .use_fips(settings.use_fips)
                .use_dual_stack(settings.use_dual_stack)
                .build();
            let parameters = parameters.map_err(|error| CommandError::failed(error.to_string()))?;
            let endpoint = DefaultResolver::new();
            let endpoint = endpoint.resolve_endpoint(&parameters).await;
            endpoint.map_err(|error| CommandError::failed(error.to_string()))?.url().to_owned()
        }
    };
    Url::parse(&url).map_err(|_| CommandError::failed(format!("Invalid endpoint: {url}")))
}

/// Sends the input, and reads the answer. Without credentials the request is not signed.
///
/// # Errors
/// No answer came, or the last one was an error.
pub(super) async fn call(
    input: Map,
    url: &Url,
    settings: &Settings,
    credentials: Option<&Credentials>,
    clock: &dyn Clock,
    notes: DebugLog,
) -> Result<Map, CommandError> {
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = url.scheme();
        return Err(CommandError::failed(format!(
            "An HTTP Client raised an unhandled exception: Not supported URL scheme {scheme}"
        )));
    }
    let client = transport::client(url, ProxyPolicy::AwsCli, &settings.trust, settings.timeouts)?;
    let body = json::write(&Value::Map(input), JsonStyle::Spaced);
    let mut attempt = 1;
    loop {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT));
        headers.insert("x-amz-target", HeaderValue::from_static(TARGET));
        if let Some(credentials) = credentials {
            let scope = Scope { service: "cognito-identity", region: &settings.region };
            sigv4::sign(&mut headers, url, &body, scope, credentials, clock.now().into())
                .map_err(CommandError::failed)?;
        }
        let sent = client.post(url.clone()).headers(headers).body(body.clone()).send().await;
        let fault = match received(sent).await {
            Err(error) if attempt < settings.retries.attempts => transport::words(&error, url),
            Err(error) => return Err(CommandError::Failed(transport::words(&error, url))),
            Ok(answer) => match answer.read()? {
                Ok(answer) => return Ok(answer),
                Err(refusal) if !settings.retries.is_worth_another(&refusal) => {
                    return Err(refusal.into_fault(None));
                }
                Err(refusal) if attempt < settings.retries.attempts => refusal.code,
                Err(refusal) => return Err(refusal.into_fault(Some(attempt - 1))),
            },
        };
        notes.note(|| format!("attempt {attempt} failed: {fault}"));
        clock.sleep(settings.retries.pause(attempt)).await;
        attempt += 1;
    }
}

async fn received(sent: Result<reqwest::Response, reqwest::Error>) -> Result<Response, HttpError> {
    let response = sent?;
    let status = response.status().as_u16();
    Ok(Response { status, body: transport::body(response).await? })
}
