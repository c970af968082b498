//! The AWS CLI (v1) command `aws cognito-identity get-open-id-token-for-developer-identity`, with the same options and
//! the same bytes on standard output and on the wire, in about a thirtieth of its time.
//!
//! `language` is what the AWS CLI does for every operation: arguments, parameters, JMESPath queries, output formats.
//! `command` adds what is specific to this operation, and makes the call. The README describes the compatibility, how it
//! is tested, and its limits.

#![warn(missing_docs)]

mod command;
mod error_chain;
mod language;
mod sigv4;

pub use command::{BearerError, BearerLookup, COMMAND, command_first, run};
