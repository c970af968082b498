//! Which operation a request asks for, and where its input stands.
//!
//! Both services share one address, as they could on AWS only behind one endpoint URL. Cognito's calls name
//! themselves in `X-Amz-Target`; STS's are forms with an `Action`, or a URL's query.

use actix_web::http::header::CONTENT_TYPE;

use super::operations::{self, Operation};
use super::signature::SignedRequest;
use super::wire::query::{Form, VERSION};
use super::wire::{Api, ApiError, ErrorType};

const TARGET_PREFIX: &str = "AWSCognitoIdentityService.";
const JSON_1_1: &str = "application/x-amz-json-1.1";
const FORM: &str = "application/x-www-form-urlencoded";

/// The service that a request is meant for; what is no call at all is answered by Cognito.
pub(super) fn api_of(request: &SignedRequest<'_>) -> Api {
    let is_form = request.method == "GET" || content_type(request).eq_ignore_ascii_case(FORM);
    if is_form && !request.headers.contains_key("x-amz-target") { Api::Sts } else { Api::CognitoIdentity }
}

/// The operation, and its input.
pub(super) fn operation_of<'r>(
    api: Api,
    request: &SignedRequest<'r>,
) -> Result<(&'static Operation, &'r [u8]), ApiError> {
    match api {
        Api::CognitoIdentity => cognito_operation(request).map(|operation| (operation, request.body)),
        Api::Sts => {
            let input = if request.method == "GET" { request.query.as_bytes() } else { request.body };
            sts_operation(&Form::parse(input)?).map(|operation| (operation, input))
        }
    }
}

fn cognito_operation(request: &SignedRequest<'_>) -> Result<&'static Operation, ApiError> {
    if !content_type(request).eq_ignore_ascii_case(JSON_1_1) {
        return Err(unknown("The Content-Type is not application/x-amz-json-1.1."));
    }
    let target = request.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    target
        .ok_or_else(|| unknown("The header X-Amz-Target is missing."))?
        .strip_prefix(TARGET_PREFIX)
        .and_then(|name| operations::find(Api::CognitoIdentity, name))
        .ok_or_else(|| unknown("X-Amz-Target names no operation that this emulator knows."))
}

fn sts_operation(form: &Form) -> Result<&'static Operation, ApiError> {
    let action = form.text("Action").ok_or_else(|| unknown("The parameter Action is missing."))?;
    if form.text("Version") != Some(VERSION) {
        return Err(unknown("The parameter Version is not 2011-06-15."));
    }
    operations::find(Api::Sts, action)
        .ok_or_else(|| unknown("Action names no operation of STS that this emulator knows."))
}

fn content_type<'r>(request: &SignedRequest<'r>) -> &'r str {
    let value = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn unknown(message: &str) -> ApiError {
    ApiError::new(ErrorType::UnknownOperation, message)
}
