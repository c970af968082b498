//! Responses of operations, in the protocol of the service.

use serde::Serialize;

use super::error::{Api, ApiError};
use super::query;

/// The output of an operation as JSON, or its error.
pub(crate) type OperationResult = Result<Vec<u8>, ApiError>;

/// An empty output: SDKs expect an empty object.
#[derive(Serialize)]
pub(crate) struct Empty {}

/// Serializes the output of an operation.
pub(crate) fn serialize(output: &impl Serialize) -> OperationResult {
    serde_json::to_vec(output).map_err(|_| ApiError::internal())
}

/// The response to a request.
pub(crate) struct Response {
    pub(crate) api: Api,
    /// The operation's name, or any text if the request names no known operation.
    pub(crate) operation: &'static str,
    pub(crate) result: OperationResult,
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.result.as_ref().map_or_else(|error| error.error_type.status(self.api), |_| 200)
    }

    /// The name of the error on the wire.
    pub(crate) fn error_name(&self) -> Option<&'static str> {
        self.result.as_ref().err().map(|error| error.error_type.name(self.api))
    }

    /// The body, in the protocol of the service.
    pub(crate) fn into_body(self, request_id: &str) -> Vec<u8> {
        match (self.api, self.result) {
            (Api::CognitoIdentity, Ok(output)) => output,
            (Api::CognitoIdentity, Err(error)) => {
                let name = error.error_type.name(self.api);
                serde_json::json!({"__type": name, "message": error.message}).to_string().into_bytes()
            }
            (api, Ok(output)) => query::response_document(api, self.operation, &output, request_id),
            (api, Err(error)) => query::error_document(api, &error, request_id),
        }
    }
}
