//! Cognito client: sends the AWS CLI's request, with the same body, signed, and with the same retries.
//!
//! The SDK's client is not used, because it writes requests, retries and reads responses in its own way. Endpoints,
//! credentials and signatures are the SDK's.

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
use crate::sigv4::{self, CredentialScope};
use clock::Clock;

const AWS_JSON: &str = "application/x-amz-json-1.1";
const TARGET: &str = "AWSCognitoIdentityService.GetOpenIdTokenForDeveloperIdentity";

/// The configured endpoint, or else AWS's own one of the region.
///
/// # Errors
/// The configured URL is invalid, or the region has no such endpoint.
pub(super) async fn resolve_endpoint(settings: &Settings) -> Result<Url, CommandError> {
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

/// Sends the input and parses the response. Without credentials the request is not signed.
///
/// # Errors
/// The last attempt got no response, or an error.
pub(super) async fn call(
    input: Map,
    url: &Url,
    settings: &Settings,
    credentials: Option<&Credentials>,
    clock: &dyn Clock,
    debug_log: DebugLog,
) -> Result<Map, CommandError> {
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = url.scheme();
        return Err(CommandError::failed(format!(
            "An HTTP Client raised an unhandled exception: Not supported URL scheme {scheme}"
        )));
    }
    let client = transport::build_client(url, ProxyPolicy::AwsCli, &settings.trust, settings.timeouts)?;
    let body = json::write(&Value::Map(input), JsonStyle::Spaced);
    let mut attempt = 1;
    loop {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(AWS_JSON));
        headers.insert("x-amz-target", HeaderValue::from_static(TARGET));
        if let Some(credentials) = credentials {
            let scope = CredentialScope { service: "cognito-identity", region: &settings.region };
            sigv4::sign(&mut headers, url, &body, scope, credentials, clock.now().into())
                .map_err(CommandError::failed)?;
        }
        let request = client.post(url.clone()).headers(headers).body(body.clone());
        let failure = match send(request).await {
            Err(error) if attempt < settings.retries.max_attempts => transport::error_message(&error, url),
            Err(error) => return Err(CommandError::Failed(transport::error_message(&error, url))),
            Ok(response) => match response.parse()? {
                Ok(output) => return Ok(output),
                Err(error) if !settings.retries.is_retryable(&error) => {
                    return Err(error.into_command_error(None));
                }
                Err(error) if attempt < settings.retries.max_attempts => error.code,
                Err(error) => return Err(error.into_command_error(Some(attempt - 1))),
            },
        };
        debug_log.log(|| format!("attempt {attempt} failed: {failure}"));
        clock.sleep(settings.retries.backoff(attempt)).await;
        attempt += 1;
    }
}

async fn send(request: reqwest::RequestBuilder) -> Result<Response, HttpError> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    Ok(Response { status, body: transport::read_body(response).await? })
}
