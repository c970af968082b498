//! Responses of operations, in the protocol of the service.

use serde::Serialize;

use super::error::OperationError;
use super::query;
use super::service::AwsService;

/// The output of an operation as JSON, or its error.
pub(crate) type OperationResult = Result<Vec<u8>, OperationError>;

/// An empty output: SDKs expect an empty object.
#[derive(Serialize)]
pub(crate) struct Empty {}

/// Serializes the output of an operation.
pub(crate) fn serialize(output: &impl Serialize) -> OperationResult {
    serde_json::to_vec(output).map_err(|_| OperationError::internal())
}

/// The response to a request.
pub(crate) struct Response {
    pub(crate) service: AwsService,
    /// The operation's name, or any text if the request names no known operation.
    pub(crate) operation: &'static str,
    pub(crate) result: OperationResult,
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.result.as_ref().map_or_else(|error| error.error_type.status(self.service), |_| 200)
    }

    /// The name of the error on the wire.
    pub(crate) fn error_name(&self) -> Option<&'static str> {
        self.result.as_ref().err().map(|error| error.error_type.name(self.service))
    }

    /// The body, in the protocol of the service.
    pub(crate) fn into_body(self, request_id: &str) -> Vec<u8> {
        match (self.service, self.result) {
            (AwsService::CognitoIdentity, Ok(output)) => output,
            (AwsService::CognitoIdentity, Err(error)) => {
                let name = error.error_type.name(self.service);
                serde_json::json!({"__type": name, "message": error.message}).to_string().into_bytes()
            }
            (service, Ok(output)) => query::response_document(service, self.operation, &output, request_id),
            (service, Err(error)) => query::error_document(service, &error, request_id),
        }
    }
}
