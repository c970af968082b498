//! Dispatch: the operation that a request names, and the location of its input.
//!
//! All services share one address. Requests for Cognito have the header `X-Amz-Target`. Requests for STS and IAM are
//! forms or URL queries with an `Action`, and differ in their `Version`.

use actix_web::http::header::CONTENT_TYPE;

use crate::operations::{self, Operation};
use crate::protocol::query::{Form, version};
use crate::protocol::{AwsService, ErrorType, OperationError};
use crate::sigv4::SignedRequest;

const TARGET_PREFIX: &str = "AWSCognitoIdentityService.";
const JSON_1_1: &str = "application/x-amz-json-1.1";
const FORM: &str = "application/x-www-form-urlencoded";

/// The service that a request is for. Invalid requests get an error of Cognito.
pub(crate) fn detect_service(request: &SignedRequest<'_>) -> AwsService {
    let is_form = request.method == "GET" || content_type(request).eq_ignore_ascii_case(FORM);
    if !is_form || request.headers.contains_key("x-amz-target") {
        return AwsService::CognitoIdentity;
    }
    let form = Form::parse(form_bytes(request)).ok();
    let is_iam = form.is_some_and(|form| form.text("Version") == Some(version(AwsService::Iam)));
    if is_iam { AwsService::Iam } else { AwsService::Sts }
}

/// The operation and its input.
pub(crate) fn resolve_operation<'r>(
    service: AwsService,
    request: &SignedRequest<'r>,
) -> Result<(&'static Operation, &'r [u8]), OperationError> {
    match service {
        AwsService::CognitoIdentity => cognito_operation(request).map(|operation| (operation, request.body)),
        AwsService::Iam | AwsService::Sts => {
            let input = form_bytes(request);
            named_operation(service, &Form::parse(input)?).map(|operation| (operation, input))
        }
    }
}

fn form_bytes<'r>(request: &SignedRequest<'r>) -> &'r [u8] {
    if request.method == "GET" { request.query.as_bytes() } else { request.body }
}

fn cognito_operation(request: &SignedRequest<'_>) -> Result<&'static Operation, OperationError> {
    if !content_type(request).eq_ignore_ascii_case(JSON_1_1) {
        return Err(unknown("The Content-Type is not application/x-amz-json-1.1."));
    }
    let target = request.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    target
        .ok_or_else(|| unknown("The header X-Amz-Target is missing."))?
        .strip_prefix(TARGET_PREFIX)
        .and_then(|name| operations::find(AwsService::CognitoIdentity, name))
        .ok_or_else(|| unknown("X-Amz-Target names no operation that this emulator knows."))
}

fn named_operation(service: AwsService, form: &Form) -> Result<&'static Operation, OperationError> {
    let action = form.text("Action").ok_or_else(|| unknown("The parameter Action is missing."))?;
    if form.text("Version") != Some(version(service)) {
        return Err(unknown("The parameter Version is neither 2011-06-15 (STS) nor 2010-05-08 (IAM)."));
    }
    operations::find(service, action)
        .ok_or_else(|| unknown("Action names no operation of that service that this emulator knows."))
}

fn content_type<'r>(request: &SignedRequest<'r>) -> &'r str {
    let value = request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn unknown(message: &str) -> OperationError {
    OperationError::new(ErrorType::UnknownOperation, message)
}
