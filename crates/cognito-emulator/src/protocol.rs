//! The wire protocols: JSON 1.1 for Cognito, the query protocol for STS and IAM.
//!
//! An operation's output is JSON in either case; the query protocol converts it to XML at the end. In JSON 1.1 an
//! error is HTTP 400 (500 for `InternalErrorException`) with `{"__type", "message"}`, and its name is repeated in the
//! header `x-amzn-ErrorType`: SDKs read either, so both are always sent.

mod error;
pub(crate) mod query;
mod response;
mod service;

pub(crate) use error::{ErrorType, OperationError};
pub(crate) use response::{Empty, OperationResult, Response, serialize};
pub(crate) use service::AwsService;
